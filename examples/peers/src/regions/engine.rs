//! A store of blobs as the benchmark drives it.

use std::error::Error;
use std::path::Path;

use crate::source::Source;

/// Peers report in errors of their own; the benchmark ends with any.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What can write blobs into a file, and open it.
pub(crate) trait Engine {
    /// Reads one file; threads share it.
    type Reader: Reader;

    /// Writes all blobs to a new file. They are durable when it returns.
    fn write(&self, path: &Path, source: &Source) -> Result<()>;

    /// Opens what `write` has written.
    fn open(&self, path: &Path) -> Result<Self::Reader>;
}

/// What can read a file of blobs.
pub(crate) trait Reader: Sync {
    /// Lends the first blob.
    fn first(&self, visit: impl FnMut(&[u8])) -> Result<()>;

    /// Lends every blob of a part.
    fn scan(&self, part: Part, visit: impl FnMut(&[u8])) -> Result<()>;

    /// Lends the blobs with these ordinals.
    fn look_up(&self, _ordinals: &[u64], _visit: impl FnMut(&[u8])) -> Result<()> {
        Err("no random access on offer".into())
    }
}

/// One of so many threads' share of a file.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) index: usize,
    pub(crate) of: usize,
}

impl Part {
    /// Its share of so many equal things.
    pub(crate) fn range(self, things: usize) -> std::ops::Range<usize> {
        things * self.index / self.of..things * (self.index + 1) / self.of
    }
}
