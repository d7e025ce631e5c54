//! What a store of files cannot go on with.

use std::borrow::ToOwned as _;
use std::io;
use std::path::{Path, PathBuf};

use region_store::Error as JournalError;
use region_store::medium::is_out_of_files;

use super::record::RecordError;

/// Why a [`FileStore`](super::FileStore) does not open, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileStoreError {
    /// The operating system refused.
    #[error("{}: cannot {operation}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// Another server serves the folder.
    #[error("{} is locked: another server serves this folder, and has to end first", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// The folder is on another machine.
    #[error(
        "{} is on a network file system, whose syncs and locks may not be what they are on a disk: choose a folder on a \
        disk, or allow it", path.display()
    )]
    Remote {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be written to, and its journal holds what is not in the images.
    #[error("{}: the folder is read-only, and its journal has writes to apply: make it writable once", path.display())]
    ReadOnlyJournal {
        /// The journal's folder.
        path: PathBuf,
    },
    /// A template is of no known shape.
    #[error(
        "{}: an image of {length} bytes: there are disks of 337,568 (8-inch), 76,720 (minidisk) and 256,256 bytes (IBM \
        3740)", path.display()
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
    /// Damage that no power cut does.
    #[error(
        "{}: the block at offset {offset} is damaged, but the one at offset {later} is whole, which no power cut leaves: \
        restore the file, or lose what is behind the damage by `recover --force`", path.display()
    )]
    Corrupt {
        /// The segment.
        path: PathBuf,
        /// Where the damage is.
        offset: u64,
        /// Where the whole block is.
        later: u64,
    },
    /// A segment of the journal is gone.
    #[error(
        "{} is missing, though segments before and behind it are there: restore the file, or lose what was in it by \
        `recover --force`", path.display()
    )]
    SegmentMissing {
        /// The segment.
        path: PathBuf,
    },
    /// A whole block holds what is no record.
    #[error("{}: in the block at offset {offset}: {source}", path.display())]
    Record {
        /// The segment.
        path: PathBuf,
        /// Where the block begins.
        offset: u64,
        /// What is wrong.
        source: RecordError,
    },
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(JournalError),
    /// The store's lock, journal or images failed before.
    #[error("a write or sync failed before, and the store serves nothing any more: end the process")]
    Failed,
}

impl FileStoreError {
    /// Whether the disk is full.
    pub(super) fn is_full(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether nothing was tried, since no file is free.
    pub(super) fn is_out_of_files(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_out_of_files(source))
    }

    /// For `map_err`: what was tried with which file.
    pub(super) fn io(path: &Path, operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), operation, source }
    }
}

impl From<JournalError> for FileStoreError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::JournalCorrupt { path, offset, later } => Self::Corrupt { path, offset, later },
            JournalError::Io { path, operation, source } => Self::Io { path, operation, source },
            other => Self::Journal(other),
        }
    }
}
