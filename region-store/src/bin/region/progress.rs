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

/// A bar over the bytes of a file, or nothing if the standard error is no terminal.
pub(crate) fn bar_of_file(path: &Path, length: u64) -> ProgressBar {
    bar(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy(), length)
}

/// The same of something that has a name.
pub(crate) fn bar(name: &str, length: u64) -> ProgressBar {
    let template =
        "{msg}  [{bar:30}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} to go";
    drawn(name, Some(length), template)
}

/// The same of what has a length that nobody knows.
pub(crate) fn counter(name: &str) -> ProgressBar {
    drawn(name, None, "{msg}  {binary_bytes}, {binary_bytes_per_sec}")
}

fn drawn(name: &str, length: Option<u64>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(name.to_owned());
    bar
}
