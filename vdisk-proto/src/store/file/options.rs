//! What may be chosen of a store of files, and what it has to say.

use std::path::PathBuf;

use region_store::journal::{Mode, Tail};
use region_store::medium::{Disk, Medium as _};

/// What a default takes at most. An open file costs some hundred bytes here, and about a kilobyte in the kernel.
const MOST_OPEN_FILES: usize = 4_096;

/// What may be chosen of a [`FileStore`](super::FileStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStoreOptions {
    /// The length of a segment of the journal, beside its checkpoint. The next one is always allocated too.
    pub segment_bytes: u64,
    /// What the journal may take in all, beside its next segment; two segments in any case. Beyond, writes are BUSY.
    pub journal_bytes: u64,
    /// Whether a thread makes the journal's next segment, so that no group waits for it. Without, a store does the same
    /// things in the same order each time.
    pub allocates_aside: bool,
    /// What is left free on the file system by those who make images: a new one that would leave less is refused with
    /// DISK_FULL. It is for the journal, whose segments are made in any case, so that images that are there take writes
    /// for longer.
    pub reserve_bytes: u64,
    /// How many images of channels are open at a time. A read of one that is not costs ten times as much. Templates are
    /// open beside them, sixteen at most, and their bytes are held, 5.4 MB at most.
    pub open_files: usize,
    /// Whether the folder may be on another machine.
    pub allow_remote: bool,
    /// What to do about a damaged journal: [`Mode::Force`] loses what is behind the damage.
    pub mode: Mode,
}

impl Default for FileStoreOptions {
    /// Segments of 64 MiB, 1 GiB in all, made by a thread, a reserve of 64 MiB, and as many open files as
    /// half of what the process may have, 4,096 at most.
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            journal_bytes: 1 << 30,
            allocates_aside: true,
            reserve_bytes: 64 << 20,
            open_files: open_files(Disk.most_open_files()),
            allow_remote: false,
            mode: Mode::Strict,
        }
    }
}

/// How many files images may take of so many: connections need some, too.
fn open_files(most: Option<u64>) -> usize {
    most.map_or(MOST_OPEN_FILES, |most| usize::try_from(most / 2).unwrap_or(usize::MAX))
        .clamp(1, MOST_OPEN_FILES)
}

/// What people should know of a store's folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Notice {
    /// An image was changed while no server ran.
    #[error(
        "{} was changed while no server ran, and keeps its changes; as it would be without them, it is in {}",
        path.display(), copy.display()
    )]
    ImageChanged {
        /// The image.
        path: PathBuf,
        /// The copy.
        copy: PathBuf,
    },
    /// An image or a template was changed, put there or taken away, to which the journal has nothing to apply.
    #[error("{} was changed while no server ran", path.display())]
    Changed {
        /// The image.
        path: PathBuf,
    },
    /// A file has the name of an image, and the length of none.
    #[error(
        "{} has {length} bytes and is no drive: those have 337,568 (8-inch), 76,720 (minidisk) or 256,256 bytes (IBM 3740)",
        path.display()
    )]
    NoDrive {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
    /// The journal ends where it should not, which was asked to be accepted.
    #[error("{}: what was behind the damage is lost: {tail:?}", path.display())]
    Forced {
        /// The segment.
        path: PathBuf,
        /// Its end.
        tail: Tail,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_take_half_of_the_files_and_not_too_many() {
        let cases =
            [(Some(0), 1), (Some(256), 128), (Some(1_024), 512), (Some(1 << 20), 4_096), (None, 4_096)];
        for (most, expected) in cases {
            assert_eq!(open_files(most), expected);
        }
    }
}
