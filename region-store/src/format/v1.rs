//! Version 1: what Burst writes.
//!
//! | Offset | Size | Field   | Rule |
//! |-------:|-----:|---------|------|
//! |      0 |    1 | magic   | 85 |
//! |      1 |    1 | version | 1 |
//! |      2 |  ... | blobs   | to the end of the file: each its length, an `i32` that does not count itself and is not negative, then as many bytes |
//!
//! Blobs are not aligned. There is no count, no checksum and no end mark: a torn tail shows only as a length that runs
//! past the end, and a tail of zeros is a number of empty blobs. Whoever needs to know that a file is whole has to keep
//! its length and its checksum elsewhere.

use super::{Damage, MAGIC, Problem, Version, fields, version_of};

/// How a file of version 1 starts.
pub const HEADER: [u8; 2] = [MAGIC, 1];
/// Bytes of the length before each blob.
pub const PREFIX_LENGTH: usize = 4;
/// The most bytes of a blob.
pub const MAX_BLOB_LENGTH: usize = i32::MAX as usize;

/// The blobs of a file of version 1, in order. After an error there are no more.
#[derive(Clone, Debug)]
pub struct Blobs<'a> {
    /// What is not decoded yet.
    rest: &'a [u8],
    /// The length of the file.
    end: usize,
}

impl<'a> Blobs<'a> {
    /// The blobs of a whole file.
    ///
    /// # Errors
    /// [`Damage`] if it does not start like one of version 1.
    pub fn new(file: &'a [u8]) -> Result<Self, Damage> {
        if version_of(file)? != Version::One {
            return Err(Damage::new("version", 1, Problem::Value { found: 2, expected: "version 1" }));
        }
        Ok(Self { rest: file.get(HEADER.len()..).unwrap_or_default(), end: file.len() })
    }

    /// The blobs from an offset on, at which a length is known to be.
    #[must_use]
    pub fn from_offset(file: &'a [u8], offset: usize) -> Self {
        Self { rest: file.get(offset..).unwrap_or_default(), end: file.len() }
    }

    /// Where the next blob's length is in the file.
    #[must_use]
    #[inline]
    pub fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    #[inline]
    fn split(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (prefix, rest) = self.rest.split_first_chunk::<PREFIX_LENGTH>()?;
        // A negative length is more than any slice has.
        rest.split_at_checked(usize::try_from(i32::from_le_bytes(*prefix)).ok()?)
    }

    /// Why there is no blob at an offset from which on `left` bytes of the file are, of which `rest` are the first.
    #[cold]
    pub(crate) fn damage_at(rest: &[u8], offset: u64, left: u64) -> Damage {
        let prefix = match fields::chunk(rest, offset, "blob length") {
            Ok(prefix) => i32::from_le_bytes(*prefix),
            Err(truncated) => return truncated,
        };
        let Ok(needed) = u64::try_from(prefix) else {
            let found = u64::from(prefix.cast_unsigned());
            let problem = Problem::Value { found, expected: "the length of a blob, at most 2,147,483,647" };
            return Damage::new("blob length", offset, problem);
        };
        let left = left.saturating_sub(PREFIX_LENGTH as u64);
        Damage::new("blob", offset + PREFIX_LENGTH as u64, Problem::Truncated { needed, left })
    }
}

impl<'a> Iterator for Blobs<'a> {
    type Item = Result<&'a [u8], Damage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((blob, rest)) = self.split() else {
            let damage = Self::damage_at(self.rest, self.offset() as u64, self.rest.len() as u64);
            self.rest = &[];
            return Some(Err(damage));
        };
        self.rest = rest;
        Some(Ok(blob))
    }
}

impl core::iter::FusedIterator for Blobs<'_> {}

/// The length to write before a blob; `None` if the blob is too long.
#[must_use]
pub fn blob_prefix(length: usize) -> Option<[u8; PREFIX_LENGTH]> {
    i32::try_from(length).ok().map(i32::to_le_bytes)
}

/// How long the first blob of some bytes is, with its length before it. `None` if they do not say, or cannot be right.
pub(crate) fn blob_end(bytes: &[u8]) -> Option<u64> {
    let prefix = i32::from_le_bytes(*bytes.first_chunk()?);
    Some(u64::try_from(prefix).ok()? + PREFIX_LENGTH as u64)
}
