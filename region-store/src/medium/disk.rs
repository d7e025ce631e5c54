//! The real files.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::{Medium, MediumFile};
use crate::os::start_write_back;

/// The files of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk;

/// A file of the machine.
#[derive(Debug)]
pub struct DiskFile(File);

impl Medium for Disk {
    type File = DiskFile;

    fn create(&self, path: &Path) -> io::Result<DiskFile> {
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path).map(DiskFile)
    }

    fn open(&self, path: &Path) -> io::Result<DiskFile> {
        File::open(path).map(DiskFile)
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
        File::open(folder)?.sync_all()
    }
}

impl MediumFile for DiskFile {
    fn allocate(&self, length: u64) -> io::Result<()> {
        match fallocate(&self.0, FallocateFlags::KEEP_SIZE, 0, length) {
            // A file system that cannot: it shows at the write that the disk is full.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            // Refused by the call, though there is nothing to do.
            Err(Errno::INVAL) if length == 0 => Ok(()),
            other => Ok(other?),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn start_write_back(&self, offset: u64, length: u64) -> io::Result<()> {
        start_write_back(&self.0, offset, length)
    }

    fn trim(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
