//! Progress bars, where there is somebody to see them.

use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How many blobs come between two moves of a bar: to move it takes as long as some of them.
const BLOBS_A_MOVE: u64 = 4_096;

/// Moves a bar as blobs come: what is returned is called with the bytes of all blobs before each.
pub(crate) fn by_blobs(bar: &ProgressBar) -> impl FnMut(u64) {
    let mut blobs = 0_u64;
    move |bytes| {
        if blobs.is_multiple_of(BLOBS_A_MOVE) {
            bar.set_position(bytes);
        }
        blobs += 1;
    }
}

/// A bar over `length` bytes on the standard error, or nothing if that is no terminal.
pub(crate) fn bar(path: &Path, length: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let template =
        "{msg}  [{bar:30}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} to go";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned());
    bar
}
