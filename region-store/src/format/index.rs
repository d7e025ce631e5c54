//! The index of version 2: where the blocks are. It is the data of a block of kind 1, which has no blobs and whose first
//! ordinal is the number of blobs in the region.
//!
//! | Offset in an entry | Size | Field         | Rule |
//! |-------------------:|-----:|---------------|------|
//! |                  0 |    8 | block offset  | of the block in the file; ascending |
//! |                  8 |    8 | first ordinal | of the block; ascending, but that blocks without blobs repeat it |
//!
//! There is an entry for every block before the index, and none for the index itself.

use super::fields::u64_at;
use super::{Block, BlockBuilder, Damage, Kind, Problem, TooLarge};

/// Bytes of an entry.
pub const ENTRY_LENGTH: usize = 16;
/// The most blocks that an index can list.
pub const MAX_ENTRIES: usize = (super::MAX_BLOCK_LENGTH - super::BLOCK_HEAD_LENGTH) / ENTRY_LENGTH;

/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Where it starts in the file.
    pub offset: u64,
    /// How many blobs are in the blocks before it.
    pub first_ordinal: u64,
}

impl IndexEntry {
    fn decode(bytes: &[u8; ENTRY_LENGTH]) -> Self {
        Self { offset: u64_at(bytes, 0), first_ordinal: u64_at(bytes, 8) }
    }
}

/// The entries of an index block.
#[derive(Clone, Copy, Debug)]
pub struct Index<'a> {
    entries: &'a [[u8; ENTRY_LENGTH]],
}

impl<'a> Index<'a> {
    /// Takes a block for an index.
    ///
    /// # Errors
    /// [`Damage`] if it is none.
    pub fn decode(block: &Block<'a>) -> Result<Self, Damage> {
        let value = |field, at: u64, found: u64, expected| {
            Err(Damage::new(field, at, Problem::Value { found, expected }).beyond(block.offset()))
        };
        if block.head().kind != Kind::Index {
            return value("kind", 28, block.head().kind.encode().into(), "that of an index, 1");
        }
        if !block.is_empty() {
            return value("blob count", 12, block.head().blob_count.into(), "0, as in every index");
        }
        match block.data().as_chunks() {
            (entries, []) => Ok(Self { entries }),
            _ => value("data length", 24, block.data().len() as u64, "a multiple of 16, as in every index"),
        }
    }

    /// How many blocks it lists.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it lists none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// An entry by the number of its block.
    #[must_use]
    pub fn get(&self, block: usize) -> Option<IndexEntry> {
        self.entries.get(block).map(IndexEntry::decode)
    }

    /// The entries, in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = IndexEntry> + use<'a> {
        self.entries.iter().map(IndexEntry::decode)
    }

    /// The number of the block that has a blob, if any has.
    #[must_use]
    pub fn find(&self, ordinal: u64) -> Option<usize> {
        self.entries
            .partition_point(|entry| IndexEntry::decode(entry).first_ordinal <= ordinal)
            .checked_sub(1)
    }
}

/// Completes an index block for its place.
///
/// # Errors
/// [`TooLarge`] for more than [`MAX_ENTRIES`].
pub fn encode(
    entries: &[IndexEntry],
    region_id: super::RegionId,
    offset: u64,
    blobs: u64,
    alignment: u32,
) -> Result<Vec<u8>, TooLarge> {
    if entries.len() > MAX_ENTRIES {
        return Err(TooLarge);
    }
    let mut builder = BlockBuilder::new(Kind::Index, entries.len() * ENTRY_LENGTH);
    for entry in entries {
        builder.push_raw(&entry.offset.to_le_bytes());
        builder.push_raw(&entry.first_ordinal.to_le_bytes());
    }
    builder.finish(region_id, offset, blobs, alignment);
    Ok(builder.exchange(Vec::new()))
}
