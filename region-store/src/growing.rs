//! A file that grows by buffers, and the space reserved for it ahead.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::medium::MediumFile;

/// What is tried when space is reserved, as errors tell it.
const RESERVE: &str = "reserve space for";
/// Space is reserved in steps of it, ahead of what is written.
const RESERVED_STEP: u64 = 16 << 20;

/// A file that grows.
#[derive(Debug)]
pub(crate) struct Growing<F> {
    file: Arc<F>,
    path: PathBuf,
    /// Whether the system is to bring buffers to the disk while others are written.
    writes_back: bool,
    /// Space is reserved up to here.
    reserved: u64,
}

impl<F: MediumFile> Growing<F> {
    /// Reserves space for so many bytes.
    pub(crate) fn start(file: Arc<F>, path: &Path, expected_bytes: u64) -> Result<Self> {
        let mut growing = Self { file, path: path.to_owned(), writes_back: true, reserved: 0 };
        if expected_bytes > 0 {
            growing.reserve(expected_bytes).map_err(Error::io(path, RESERVE))?;
        }
        Ok(growing)
    }

    /// Has nothing brought to the disk before it is synced.
    pub(crate) const fn later(mut self) -> Self {
        self.writes_back = false;
        self
    }

    /// Writes a buffer, and has the system bring it to the disk meanwhile.
    pub(crate) fn write(&mut self, buffer: &[u8], offset: u64) -> Result<()> {
        let end = offset.saturating_add(buffer.len() as u64);
        if end > self.reserved {
            let ahead = self.reserve(end.saturating_add(RESERVED_STEP));
            // What is needed may fit where the step does not.
            let reserved = match ahead {
                Err(error) if error.kind() == ErrorKind::StorageFull => self.reserve(end),
                other => other,
            };
            reserved.map_err(Error::io(&self.path, RESERVE))?;
        }
        self.file.write_all_at(buffer, offset).map_err(Error::io(&self.path, "write"))?;
        if !self.writes_back {
            return Ok(());
        }
        self.file.start_write_back(offset, buffer.len() as u64).map_err(Error::io(&self.path, "write back"))
    }

    pub(crate) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(Error::io(&self.path, "sync"))
    }

    /// Gives back what was reserved beyond the file's length.
    pub(crate) fn trim(&self, length: u64) -> Result<()> {
        self.file.trim(length).map_err(Error::io(&self.path, "trim"))
    }

    fn reserve(&mut self, length: u64) -> io::Result<()> {
        self.file.allocate(length)?;
        self.reserved = length;
        Ok(())
    }
}
