//! Region files of version 1, written plainly and read by the shortest loop there is: the floor of a scan.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use memmap2::Mmap;

use crate::engine::{Engine, Part, Reader, Result};
use crate::map::{map, prefetch};
use crate::source::Source;

const HEADER: [u8; 2] = [85, 1];
const BUFFER: usize = 1 << 20;
/// Ahead by as many blobs as paid best, of 8 to 64.
const PREFETCH_AHEAD: usize = 32;

/// Without checks beyond the bounds, and with or without hints of what comes next.
pub(crate) struct VersionOne {
    pub(crate) with_prefetch: bool,
}

impl Engine for VersionOne {
    type Reader = VersionOneReader;

    fn write(&self, path: &Path, source: &Source) -> Result<()> {
        let mut file = BufWriter::with_capacity(BUFFER, File::create_new(path)?);
        file.write_all(&HEADER)?;
        for blob in source.blobs() {
            file.write_all(&i32::try_from(blob.len())?.to_le_bytes())?;
            file.write_all(blob)?;
        }
        file.into_inner()?.sync_data()?;
        Ok(())
    }

    fn open(&self, path: &Path) -> Result<VersionOneReader> {
        let map = map(path)?;
        if !map.starts_with(&HEADER) {
            return Err("not a region of version 1".into());
        }
        Ok(VersionOneReader { map, with_prefetch: self.with_prefetch, middle: OnceLock::new() })
    }
}

/// A mapped file.
pub(crate) struct VersionOneReader {
    map: Mmap,
    with_prefetch: bool,
    /// Where the blob in the middle starts; looked for once, as the format does not say.
    middle: OnceLock<usize>,
}

impl VersionOneReader {
    fn range(&self, part: Part) -> Range<usize> {
        let middle = || {
            *self.middle.get_or_init(|| {
                let mut at = HEADER.len();
                while at < self.map.len() / 2 {
                    at += 4 + length_at(&self.map, at);
                }
                at
            })
        };
        match part {
            Part { index: 0, of: 1 } => HEADER.len()..self.map.len(),
            Part { index: 0, of: _ } => HEADER.len()..middle(),
            _ => middle()..self.map.len(),
        }
    }
}

impl Reader for VersionOneReader {
    fn first(&self, mut visit: impl FnMut(&[u8])) -> Result<()> {
        let start = HEADER.len() + 4;
        visit(&self.map[start..start + length_at(&self.map, HEADER.len())]);
        Ok(())
    }

    fn scan(&self, part: Part, visit: impl FnMut(&[u8])) -> Result<()> {
        let range = self.range(part);
        if self.with_prefetch {
            scan::<true>(&self.map, range, visit);
        } else {
            scan::<false>(&self.map, range, visit);
        }
        Ok(())
    }
}

#[inline(always)]
fn scan<const WITH_PREFETCH: bool>(bytes: &[u8], range: Range<usize>, mut visit: impl FnMut(&[u8])) {
    let mut at = range.start;
    while at < range.end {
        let start = at + 4;
        let end = start + length_at(bytes, at);
        if WITH_PREFETCH {
            // Where it would be if all were as long as this one.
            prefetch(bytes, at + PREFETCH_AHEAD * (end - at));
        }
        visit(&bytes[start..end]);
        at = end;
    }
}

#[inline(always)]
fn length_at(bytes: &[u8], at: usize) -> usize {
    let length = bytes[at..].first_chunk().expect("a whole length");
    u32::from_le_bytes(*length) as usize
}
