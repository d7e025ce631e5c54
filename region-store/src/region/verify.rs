//! Checking all of a region.

#[cfg(doc)]
use super::Verify;
use super::{Layout, Region, Two};
use crate::error::{Error, Result};
use crate::format::{
    BLOCK_HEAD_LENGTH, Block, BlockHead, Checker, Crc32c, SEAL_LENGTH, Summary, Version, v1,
};

/// How much of version 1 is read at once.
const PIECE: usize = 1 << 20;

impl Region {
    /// Checks every rule and every checksum of the file, by reading it anew and not through the map: a disk that fails
    /// is an error then, and not the end of the process. What was checked so is not checked again by [`Verify::Once`].
    /// `progress` is told how many bytes of how many are done.
    ///
    /// # Errors
    /// [`Error::Damaged`] that names the first field that is wrong; [`Error::Io`]; [`Error::TooLarge`] for a block that
    /// does not fit into memory.
    pub fn verify(&self, progress: impl FnMut(u64, u64)) -> Result<Summary> {
        match &self.layout {
            Layout::One(_) => self.verify_v1(progress),
            Layout::Two(two) => self.verify_v2(two, progress),
        }
    }

    fn verify_v2(&self, two: &Two, mut progress: impl FnMut(u64, u64)) -> Result<Summary> {
        let length = self.file_length();
        let seal_offset = length.saturating_sub(SEAL_LENGTH as u64);
        let damaged = Error::damaged;
        let mut checker = Checker::new(&two.header);
        let mut buffer = Vec::new();
        loop {
            let offset = checker.offset();
            self.read(&mut buffer, offset, BLOCK_HEAD_LENGTH as u64)?;
            let head = BlockHead::decode(&buffer, offset).map_err(damaged(&self.path))?;
            let Some(head) = head else { return Err(damaged(&self.path)(checker.no_index())) };
            self.read(&mut buffer, offset, head.length.into())?;
            let block = Block::decode(&buffer, offset).map_err(damaged(&self.path))?;
            let Some(block) = block else { return Err(damaged(&self.path)(checker.no_index())) };
            if !checker.accept(&block).map_err(damaged(&self.path))? {
                progress(length, length);
                let finished = checker.finish(&block, &two.seal, seal_offset).map_err(damaged(&self.path));
                return finished.inspect(|_| two.set_all_verified());
            }
            progress(checker.offset(), length);
        }
    }

    /// The CRC-32C of the file, which is read anew.
    pub(crate) fn file_checksum(&self) -> Result<u32> {
        let (mut checksum, mut offset) = (Crc32c::new(), 0);
        let mut buffer = Vec::new();
        while offset < self.file_length() {
            self.read(&mut buffer, offset, PIECE as u64)?;
            checksum = checksum.update(&buffer);
            offset += buffer.len() as u64;
        }
        Ok(checksum.value())
    }

    /// Follows the lengths from one to the next, over as few bytes as they take; the blobs are not looked at.
    fn verify_v1(&self, mut progress: impl FnMut(u64, u64)) -> Result<Summary> {
        let length = self.file_length();
        let mut summary = Summary { version: Version::One, blobs: 0, blob_bytes: 0, blocks: 0 };
        let mut offset = v1::HEADER.len() as u64;
        let mut buffer = Vec::new();
        while offset < length {
            self.read(&mut buffer, offset, PIECE as u64)?;
            let mut taken = 0;
            let mut blobs = v1::Blobs::from_offset(&buffer, 0);
            while let Some(Ok(blob)) = blobs.next() {
                summary.blobs += 1;
                summary.blob_bytes += blob.len() as u64;
                taken = blobs.offset();
            }
            if taken == 0 {
                taken = self.skip_long_blob(&buffer, offset, &mut summary)?;
            }
            offset += taken as u64;
            progress(offset, length);
        }
        Ok(summary)
    }

    /// Passes by a blob that is not all in the buffer, though its length is.
    fn skip_long_blob(&self, buffer: &[u8], offset: u64, summary: &mut Summary) -> Result<usize> {
        let left = self.file_length() - offset;
        let taken = v1::blob_end(buffer).filter(|&taken| taken <= left);
        let Some(taken) = taken.and_then(|taken| usize::try_from(taken).ok()) else {
            // What is wrong with it, the decoder says; of a file as long as the blob pretends it needs no byte more.
            let damage = v1::Blobs::damage_at(buffer, offset, left);
            return Err(Error::damaged(&self.path)(damage));
        };
        summary.blobs += 1;
        summary.blob_bytes += (taken - v1::PREFIX_LENGTH) as u64;
        Ok(taken)
    }

    /// Reads so many bytes from an offset on, or as many as there are.
    pub(crate) fn read(&self, buffer: &mut Vec<u8>, offset: u64, length: u64) -> Result<()> {
        let length = length.min(self.file_length().saturating_sub(offset));
        let too_large = || Error::TooLarge { path: self.path.clone(), length };
        let length = usize::try_from(length).map_err(|_| too_large())?;
        buffer.clear();
        buffer.try_reserve(length).map_err(|_| too_large())?;
        buffer.resize(length, 0);
        self.file.read_exact_at(buffer, offset).map_err(Error::io(&self.path, "read"))
    }
}
