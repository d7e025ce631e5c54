//! The least that the work can cost: bytes to the disk without a format, and bytes from memory without a file.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::engine::{Engine, Part, Reader, Result};
use crate::source::Source;

/// The blobs with nothing between them: written in large pieces, and read into memory before they are scanned.
pub(crate) struct BareBytes;

const PIECE: usize = 1 << 20;

impl Engine for BareBytes {
    type Reader = Memory;

    fn write(&self, path: &Path, source: &Source) -> Result<()> {
        let blobs_a_pass = PIECE / source.blob_length;
        let pass: Vec<u8> = source.blobs().take(blobs_a_pass).flatten().copied().collect();
        let mut file = File::create_new(path)?;
        let mut left = source.bytes();
        while left > 0 {
            let length = pass.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            file.write_all(&pass[..length])?;
            left -= length as u64;
        }
        file.sync_data()?;
        Ok(())
    }

    fn open(&self, path: &Path) -> Result<Memory> {
        Ok(Memory(fs::read(path)?))
    }
}

/// What a file held. It knows of no blobs: it lends large pieces.
pub(crate) struct Memory(Vec<u8>);

impl Reader for Memory {
    fn first(&self, mut visit: impl FnMut(&[u8])) -> Result<()> {
        visit(&self.0);
        Ok(())
    }

    fn scan(&self, part: Part, visit: impl FnMut(&[u8])) -> Result<()> {
        let pieces = part.range(self.0.len().div_ceil(PIECE));
        let bytes = &self.0[pieces.start * PIECE..self.0.len().min(pieces.end * PIECE)];
        bytes.chunks(PIECE).for_each(visit);
        Ok(())
    }
}
