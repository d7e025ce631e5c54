//! Where files live.
//!
//! Whatever writes a file goes through a [`Medium`], so that a test can put one in memory, let its calls fail and cut
//! its power: `CrashMedium`, with the feature `crash-medium`. What is real is [`Disk`].
//!
//! What a power cut may do to a medium, and so what its users reckon with:
//! - What was written to a file since its last [`sync_data`](MediumFile::sync_data) is there, or not, or in part, in
//!   pieces of 512 bytes, in any order. A file that grew may have its new length without the bytes.
//! - A file that was created, renamed or removed since the last [`sync_folder`](Medium::sync_folder) of its folder has
//!   its old name or its new one, or is gone, or there again. Syncing the file does not help.
//! - After a sync that failed nobody knows what is there of what it was asked to sync, and a later sync that succeeds
//!   does not say otherwise: Linux marks the pages clean. The bytes have to be written again, to another file.

#[cfg(any(test, feature = "crash-medium"))]
mod crash;
mod disk;
#[cfg(all(test, unix))]
mod tests;

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use crate::os;

#[cfg(test)]
pub(crate) use crash::Random;
#[cfg(any(test, feature = "crash-medium"))]
pub use crash::{Call, Crash, CrashFile, CrashMedium, Fault, Trouble};
pub use disk::{Disk, DiskFile};

/// Whether a call of a medium found no free file to do anything by: a sync that fails so has lost nothing.
#[must_use]
pub fn is_out_of_files(error: &io::Error) -> bool {
    os::is_out_of_files(error)
}

/// A place for files. Clones share it.
pub trait Medium: Clone + Debug + Send + Sync + 'static {
    /// An open file.
    type File: MediumFile;

    /// Creates a file that does not exist, for its owner alone to read and write, and opens it for both.
    ///
    /// # Errors
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists), and the medium's own.
    fn create(&self, path: &Path) -> io::Result<Self::File>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound), and the medium's own.
    fn open(&self, path: &Path) -> io::Result<Self::File>;

    /// Opens a file that is there for reading and writing.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound), [`PermissionDenied`](io::ErrorKind::PermissionDenied), and the medium's
    /// own.
    fn open_to_write(&self, path: &Path) -> io::Result<Self::File> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Creates a folder in one that is there, unless it is there already.
    ///
    /// # Errors
    /// The medium's own.
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Removes a folder with nothing in it.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound), [`DirectoryNotEmpty`](io::ErrorKind::DirectoryNotEmpty), and the medium's
    /// own.
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What tells a file or folder from another one that takes its name, and from itself after a change.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound), and the medium's own.
    fn identity(&self, path: &Path) -> io::Result<Identity> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Makes everything survive a power cut that is on the file system of a folder, bytes and names.
    ///
    /// # Errors
    /// The medium's own. What survives is then unknown.
    fn sync_all(&self, folder: &Path) -> io::Result<()> {
        let _ = folder;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether a folder is on another machine, where locks and syncs may not be what they are on a disk.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound), and the medium's own.
    fn is_remote(&self, folder: &Path) -> io::Result<bool> {
        let _ = folder;
        Ok(false)
    }

    /// How many bytes may still be written on the file system of a folder; `None` if that is not known.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound), and the medium's own.
    fn free_bytes(&self, folder: &Path) -> io::Result<Option<u64>> {
        let _ = folder;
        Ok(None)
    }

    /// How many files this process may have open; `None` if there is no bound, or none that is known.
    fn most_open_files(&self) -> Option<u64> {
        None
    }

    /// Gives a file another name in its folder, in place of the file that has it, if there is one.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound), and the medium's own.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Who has it open keeps it.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound), and the medium's own.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The paths of what is in a folder, in ascending order.
    ///
    /// # Errors
    /// The medium's own.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// Makes the names in a folder survive a power cut.
    ///
    /// # Errors
    /// The medium's own. Which names survive is then unknown.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A file of a [`Medium`]. Positions are explicit, so that threads can share it.
pub trait MediumFile: Debug + Send + Sync + 'static {
    /// Reserves space for the first `length` bytes, as far as the medium can, so that a full disk shows here. The
    /// file's length stays what it is.
    ///
    /// # Errors
    /// [`StorageFull`](io::ErrorKind::StorageFull), and the medium's own.
    fn allocate(&self, length: u64) -> io::Result<()>;

    /// Writes the start of `bytes`, all of it usually, and says how much.
    ///
    /// # Errors
    /// The medium's own. What the file holds there is then unknown.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Hints that a part of the file will be synced.
    ///
    /// # Errors
    /// The medium's own, with the meaning of a failed sync.
    fn start_write_back(&self, offset: u64, length: u64) -> io::Result<()>;

    /// Gives back what was reserved beyond the file's length, which the caller names.
    ///
    /// # Errors
    /// The medium's own.
    fn trim(&self, length: u64) -> io::Result<()> {
        let _ = length;
        Ok(())
    }

    /// Locks the file for its opener alone, until this is dropped: false if another one holds it.
    ///
    /// # Errors
    /// The medium's own.
    fn try_lock(&self) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The same as [`Medium::identity`].
    ///
    /// # Errors
    /// The medium's own.
    fn identity(&self) -> io::Result<Identity> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Makes what was written survive a power cut, the length of the file included.
    ///
    /// # Errors
    /// The medium's own. What survives is then unknown, whatever a later sync says.
    fn sync_data(&self) -> io::Result<()>;

    /// Reads into the start of `bytes`, and says how much: 0 at the end of the file.
    ///
    /// # Errors
    /// The medium's own.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The length of the file in bytes.
    ///
    /// # Errors
    /// The medium's own.
    fn length(&self) -> io::Result<u64>;

    /// The file as the operating system knows it, if it does: only such a file can be mapped, and locked by its readers.
    fn system_file(&self) -> Option<&std::fs::File> {
        None
    }

    /// Writes all of `bytes`, where a write is short by another for the rest.
    ///
    /// # Errors
    /// As [`write_at`](Self::write_at), and [`WriteZero`](io::ErrorKind::WriteZero) if the medium takes no more.
    fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            bytes = bytes.get(written..).unwrap_or_default();
            offset = offset.checked_add(written as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        }
        Ok(())
    }

    /// Reads all of `bytes`.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at), and [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the file ends before.
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let read = self.read_full_at(bytes, offset)?;
        if read == bytes.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Reads until `bytes` is full or the file ends, and says how much.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    fn read_full_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let from = offset.checked_add(filled as u64).ok_or(io::ErrorKind::FileTooLarge)?;
            match self.read_at(rest, from) {
                Ok(0) => break,
                Ok(read) => filled = filled.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// What tells files from each other, and a file from itself after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The device that it is on.
    pub device: u64,
    /// Its number there. A file that was removed may leave it to another.
    pub inode: u64,
    /// Its length in bytes.
    pub length: u64,
    /// When its bytes were last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Whether nobody may write to it, by its permissions.
    pub is_read_only: bool,
}

impl Identity {
    /// Whether it is the same file, changed or not.
    #[must_use]
    pub const fn is_same_file(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }
}

/// The folder that a path is in: what to sync after its file is created, renamed or removed.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => path,
    }
}
