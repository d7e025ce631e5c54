//! The bytes of a region, buffer by buffer, and nothing of where they go.

use super::{MOST_BLOCK_BYTES, MOST_EXPECTED_BYTES, Options, Sealed};
use crate::format::{
    BlockBuilder, Crc32c, IndexEntry, Kind, RegionId, SEAL_LENGTH, Seal, TooLarge, Version, index, v1,
};
use crate::parcel::Parcel;
use std::path::PathBuf;

/// What makes the buffers of a region. Each goes behind the one before it.
#[derive(Debug)]
pub(crate) struct Encoder {
    options: Options,
    content: Content,
    /// Where the next buffer goes.
    offset: u64,
    blobs: u64,
    blob_bytes: u64,
}

/// What is on the way to a buffer.
#[derive(Debug)]
enum Content {
    One { buffer: Vec<u8>, checksum: Crc32c },
    Two { builder: BlockBuilder, entries: Vec<IndexEntry>, checksum: Crc32c },
}

/// What a region holds so far: in buffers, but for the blobs and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) length: u64,
    pub(crate) blobs: u64,
    pub(crate) blob_bytes: u64,
    pub(crate) blocks: u64,
}

impl Encoder {
    pub(crate) fn new(options: &Options) -> Self {
        Self { content: Content::new(options), options: options.clone(), offset: 0, blobs: 0, blob_bytes: 0 }
    }

    /// The first buffer. In version 1 it comes with the first blobs.
    pub(crate) fn header(&mut self) -> Option<Vec<u8>> {
        let header = (self.options.version == Version::Two).then(|| self.options.header.encode().to_vec());
        self.offset += header.as_ref().map_or(0, |header| header.len() as u64);
        header
    }

    /// Whether a blob of that length begins the next buffer.
    pub(crate) fn is_full(&self, length: usize) -> bool {
        self.content.is_full(length, self.options.block_bytes)
    }

    /// Adds a blob.
    pub(crate) fn push(&mut self, blob: &[u8]) -> Result<(), TooLarge> {
        self.content.push(blob)?;
        self.blobs += 1;
        self.blob_bytes += blob.len() as u64;
        Ok(())
    }

    /// Adds the blobs of a parcel, all or none, where no others are on the way.
    pub(crate) fn push_parcel(&mut self, parcel: &Parcel) -> Result<(), TooLarge> {
        let pushed = parcel.blobs().try_for_each(|blob| self.content.push(blob));
        pushed.inspect_err(|_| self.content.clear())?;
        self.blobs += parcel.blob_count() as u64;
        self.blob_bytes += parcel.blob_bytes();
        Ok(())
    }

    /// What was gathered, and where it goes; `None` if that is nothing. Its memory is exchanged for a spare buffer's.
    pub(crate) fn take(&mut self, spare: Vec<u8>) -> Option<(Vec<u8>, u64)> {
        let header = &self.options.header;
        let offset = self.offset;
        let buffer = match &mut self.content {
            Content::One { buffer, checksum } => {
                *checksum = checksum.update(buffer);
                std::mem::replace(buffer, spare)
            }
            Content::Two { builder, .. } if builder.is_empty() => return None,
            Content::Two { builder, entries, checksum } => {
                let first_ordinal = self.blobs - builder.blob_count() as u64;
                let block = builder.finish(header.region_id, offset, first_ordinal, header.alignment);
                *checksum = checksum.update(block.get(4..8).unwrap_or_default());
                entries.push(IndexEntry { offset, first_ordinal });
                builder.exchange(spare)
            }
        };
        self.offset += buffer.len() as u64;
        Some((buffer, offset))
    }

    /// The index, which goes behind the last block, and its place; `None` in version 1. Then comes the [seal](Self::seal).
    pub(crate) fn index(&mut self) -> Result<Option<(Vec<u8>, u64)>, TooLarge> {
        let header = &self.options.header;
        let Content::Two { entries, .. } = &self.content else { return Ok(None) };
        let offset = self.offset;
        let index = index::encode(entries, header.region_id, offset, self.blobs, header.alignment)?;
        self.offset += index.len() as u64;
        Ok(Some((index, offset)))
    }

    /// The seal, for behind an index that is at `index_offset`, and its place.
    pub(crate) fn seal(&mut self, index_offset: u64) -> (Vec<u8>, u64) {
        let offset = self.offset;
        self.offset += SEAL_LENGTH as u64;
        let seal = Seal {
            index_offset,
            blobs: self.blobs,
            blob_bytes: self.blob_bytes,
            blocks: self.extent().blocks,
            file_length: self.offset,
            blocks_checksum: self.checksum(),
        };
        (seal.encode(self.options.header.region_id, offset).to_vec(), offset)
    }

    pub(crate) const fn extent(&self) -> Extent {
        let blocks = match &self.content {
            Content::One { .. } => 0,
            Content::Two { entries, .. } => entries.len() as u64,
        };
        Extent { length: self.offset, blobs: self.blobs, blob_bytes: self.blob_bytes, blocks }
    }

    /// What the region is, once it is complete.
    pub(crate) fn sealed(&self, path: PathBuf) -> Sealed {
        let region_id = match self.options.version {
            Version::One => RegionId::default(),
            Version::Two => self.options.header.region_id,
        };
        let Extent { length, blobs, blob_bytes, blocks } = self.extent();
        Sealed { path, region_id, file_length: length, blobs, blob_bytes, blocks, checksum: self.checksum() }
    }

    fn checksum(&self) -> u32 {
        match &self.content {
            Content::One { checksum, .. } | Content::Two { checksum, .. } => checksum.value(),
        }
    }
}

impl Content {
    fn new(options: &Options) -> Self {
        match options.version {
            Version::One => Self::One { buffer: v1::HEADER.to_vec(), checksum: Crc32c::new() },
            Version::Two => Self::Two {
                builder: BlockBuilder::new(
                    Kind::Blobs,
                    options.block_bytes.min(MOST_EXPECTED_BYTES) + (4 << 10),
                ),
                entries: Vec::new(),
                checksum: Crc32c::new(),
            },
        }
    }

    fn is_full(&self, length: usize, block_bytes: usize) -> bool {
        let gathered = match self {
            Self::One { buffer, .. } => buffer.len(),
            Self::Two { builder, .. } if builder.is_empty() => 0,
            Self::Two { builder, .. } => builder.length(),
        };
        gathered != 0 && gathered.saturating_add(length) > block_bytes.min(MOST_BLOCK_BYTES)
    }

    fn push(&mut self, blob: &[u8]) -> Result<(), TooLarge> {
        match self {
            Self::One { buffer, .. } => {
                buffer.extend_from_slice(&v1::blob_prefix(blob.len()).ok_or(TooLarge)?);
                buffer.extend_from_slice(blob);
                Ok(())
            }
            Self::Two { builder, .. } => builder.push(blob),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::One { buffer, .. } => buffer.clear(),
            Self::Two { builder, .. } => builder.clear(),
        }
    }
}
