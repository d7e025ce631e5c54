//! A medium that counts its open files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::medium::{CrashFile, CrashMedium, Medium, MediumFile};

/// A crash medium that says how many files may be open, and counts them.
#[derive(Clone, Debug)]
pub(super) struct Counting {
    medium: CrashMedium,
    limit: u64,
    count: Arc<Count>,
}

#[derive(Debug, Default)]
struct Count {
    open: AtomicU64,
    most: AtomicU64,
}

/// A file that is counted until it is dropped.
#[derive(Debug)]
pub(super) struct CountedFile {
    file: CrashFile,
    count: Arc<Count>,
}

impl Counting {
    pub(super) fn new(medium: CrashMedium, limit: u64) -> Self {
        Self { medium, limit, count: Arc::default() }
    }

    pub(super) fn open_files(&self) -> u64 {
        self.count.open.load(Ordering::Relaxed)
    }

    /// The most that were open at the same time.
    pub(super) fn most_opened(&self) -> u64 {
        self.count.most.load(Ordering::Relaxed)
    }

    fn counted(&self, file: CrashFile) -> CountedFile {
        let open = self.count.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.count.most.fetch_max(open, Ordering::Relaxed);
        CountedFile { file, count: Arc::clone(&self.count) }
    }
}

impl Drop for CountedFile {
    fn drop(&mut self) {
        self.count.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Medium for Counting {
    type File = CountedFile;

    fn create(&self, path: &Path) -> io::Result<CountedFile> {
        self.medium.create(path).map(|file| self.counted(file))
    }

    fn open(&self, path: &Path) -> io::Result<CountedFile> {
        self.medium.open(path).map(|file| self.counted(file))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<CountedFile> {
        self.medium.open_to_write(path).map(|file| self.counted(file))
    }

    fn most_open_files(&self) -> Option<u64> {
        Some(self.limit)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.medium.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.medium.remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.medium.list(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.medium.sync_folder(folder)
    }
}

impl MediumFile for CountedFile {
    fn allocate(&self, length: u64) -> io::Result<()> {
        self.file.allocate(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn start_write_back(&self, offset: u64, length: u64) -> io::Result<()> {
        self.file.start_write_back(offset, length)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}
