//! Whether what is on disk is whole.

use std::collections::BTreeSet;

use super::*;
use crate::format::SnapId;
use crate::region::{OpenOptions, Verify};
use crate::slice::{Content, Slice, SliceFile};

pub(super) type Checked<T> = std::result::Result<T, String>;

/// The slices in the folders. A manifest tells that all of a slice is there.
pub(super) fn whole_slices(medium: &CrashMedium) -> Checked<BTreeSet<SnapId>> {
    let mut whole = BTreeSet::new();
    for path in files(medium) {
        let Some(SliceFile { snap_id, content: Content::Manifest, is_part: false }) =
            SliceFile::of_path(Path::new(&path))
        else {
            continue;
        };
        let options = OpenOptions::default().verify(Verify::Always);
        let scanned = Slice::open_on(medium, &spindles(), snap_id, options)
            .and_then(|slice| slice.map(|slice| slice.scan(|_| ())).transpose());
        scanned.map_err(|error| format!("{path} is there, but {error}"))?;
        whole.insert(snap_id);
    }
    Ok(whole)
}

/// The slices in the folders, in which nothing else is.
pub(super) fn only_whole_slices(medium: &CrashMedium) -> Checked<BTreeSet<SnapId>> {
    let whole = whole_slices(medium)?;
    for path in files(medium) {
        let file = SliceFile::of_path(Path::new(&path));
        if !file.is_some_and(|file| !file.is_part && whole.contains(&file.snap_id)) {
            return Err(format!("{path} is there, and is of no slice"));
        }
    }
    Ok(whole)
}
