//! The real files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::{Identity, Medium, MediumFile};
use crate::os;

/// The files of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk;

/// A file of the machine.
#[derive(Debug)]
pub struct DiskFile(File);

impl Medium for Disk {
    type File = DiskFile;

    fn create(&self, path: &Path) -> io::Result<DiskFile> {
        os::create(path).map(DiskFile)
    }

    fn open(&self, path: &Path) -> io::Result<DiskFile> {
        File::open(path).map(DiskFile)
    }

    fn open_to_write(&self, path: &Path) -> io::Result<DiskFile> {
        OpenOptions::new().read(true).write(true).open(path).map(DiskFile)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        }
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        os::identity_at(path)
    }

    fn sync_all(&self, folder: &Path) -> io::Result<()> {
        os::sync_file_system(folder)
    }

    fn is_remote(&self, folder: &Path) -> io::Result<bool> {
        os::is_remote(folder)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<Option<u64>> {
        os::free_bytes(folder)
    }

    fn most_open_files(&self) -> Option<u64> {
        os::most_open_files()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        paths.sort_unstable();
        Ok(paths)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        os::sync_folder(folder)
    }
}

impl MediumFile for DiskFile {
    fn allocate(&self, length: u64) -> io::Result<()> {
        os::allocate(&self.0, length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        os::write_at(&self.0, bytes, offset)
    }

    fn start_write_back(&self, offset: u64, length: u64) -> io::Result<()> {
        os::start_write_back(&self.0, offset, length)
    }

    fn trim(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn identity(&self) -> io::Result<Identity> {
        os::identity(&self.0)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        os::read_at(&self.0, bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn system_file(&self) -> Option<&File> {
        Some(&self.0)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_a_file_cannot_do_is_told() {
        let file = DiskFile(os::tests::unusable());
        for told in [file.allocate(1), file.start_write_back(0, 1), file.trim(0), file.sync_data()] {
            told.unwrap_err();
        }
    }

    #[test]
    fn a_folder_that_is_not_there_cannot_be_synced() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        for told in [Disk.sync_all(&missing), Disk.sync_folder(&missing)] {
            assert_eq!(told.unwrap_err().kind(), io::ErrorKind::NotFound);
        }
        Disk.sync_all(folder.path()).unwrap();
        Disk.sync_folder(folder.path()).unwrap();
    }

    #[test]
    fn a_file_is_not_taken_for_the_folder_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        Disk.create(&path).unwrap();
        assert_eq!(Disk.create_folder(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        Disk.create_folder(folder.path()).unwrap();
    }

    #[test]
    fn a_file_is_read_only_if_nobody_may_write_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        Disk.create(&path).unwrap();
        for (mode, expected) in [(0o444, true), (0o000, true), (0o644, false), (0o200, false), (0o002, false)]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Disk.identity(&path).unwrap().is_read_only, expected, "{mode:o}");
        }
    }

    #[test]
    fn what_was_reserved_behind_the_end_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = Disk.create(&folder.path().join("a")).unwrap();
        file.write_all_at(b"three", 0).unwrap();
        file.trim(3).unwrap();
        assert_eq!(file.length().unwrap(), 3);
    }
}
