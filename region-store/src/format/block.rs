//! The block of version 2: the unit of checksum and of atomicity, whole or absent.
//!
//! Blocks start at multiples of the header's alignment, the first one behind the header page, each of the others at the
//! first multiple behind the one before. What is between them is zeros, not looked at. A tag of zero ends the blocks of
//! a file that was written with zeros in advance.
//!
//! | Offset | Size | Field         | Rule |
//! |-------:|-----:|---------------|------|
//! |      0 |    4 | tag           | `BLK2` |
//! |      4 |    4 | block checksum | CRC-32C of the region id, of the block's offset in the file (`u64`), then of bytes 8 to the block's length: a stale or misplaced block never passes |
//! |      8 |    4 | block length  | without the padding behind it: 40 + data length + 4 x blob count, at most 2^31 - 1 |
//! |     12 |    4 | blob count    | |
//! |     16 |    8 | first ordinal | how many blobs are in the blocks before |
//! |     24 |    4 | data length   | a multiple of 8 |
//! |     28 |    2 | kind          | 0 blobs, 1 index, 16 a journal group; any other is refused below 0x8000, and from there skipped |
//! |     30 |    2 | block flags   | none is known: any is refused |
//! |     32 |    8 |               | 0, not looked at |
//! |     40 |  ... | data          | the blobs, each (an empty one too) preceded by zeros up to a multiple of 8, the last followed by zeros up to 8 |
//! |    ... |  ... | blob ends     | a `u32` a blob: where in the data it ends |
//!
//! Blob *i* is `data[align8(end[i-1]) .. end[i]]`, with `end[-1]` = 0, and the data ends at `align8` of the last end.

use super::fields::{put, u16_at, u32_at, u64_at};
use super::{Crc32c, Damage, Problem, RegionId, fields};

/// How a block starts.
pub const TAG: [u8; 4] = *b"BLK2";
/// Bytes of a block before its data.
pub const BLOCK_HEAD_LENGTH: usize = 40;
/// The most bytes of a block.
pub const MAX_BLOCK_LENGTH: usize = i32::MAX as usize;

/// How much a checksum takes at once; twice that is in the fastest cache.
const PIECE: usize = 2_048;

const CHECKSUM_AT: usize = 4;
/// From here on the block's own bytes are in its checksum.
const CHECKED_FROM: usize = 8;
const LENGTH_AT: usize = 8;
const BLOB_COUNT_AT: usize = 12;
const FIRST_ORDINAL_AT: usize = 16;
const DATA_LENGTH_AT: usize = 24;
const KIND_AT: usize = 28;
const FLAGS_AT: usize = 30;

const _: () =
    assert!(CHECKSUM_AT == TAG.len() && CHECKED_FROM == CHECKSUM_AT + 4 && LENGTH_AT == CHECKED_FROM);
const _: () = assert!(BLOB_COUNT_AT == LENGTH_AT + 4 && FIRST_ORDINAL_AT == BLOB_COUNT_AT + 4);
const _: () = assert!(DATA_LENGTH_AT == FIRST_ORDINAL_AT + 8 && KIND_AT == DATA_LENGTH_AT + 4);
const _: () = assert!(FLAGS_AT == KIND_AT + 2 && BLOCK_HEAD_LENGTH == FLAGS_AT + 2 + 8);

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Blobs of a region.
    Blobs,
    /// The index of the blocks before it; see [`index`](super::index).
    Index,
    /// Blobs that were appended to a journal together.
    JournalGroup,
    /// Something that readers which do not know it pass by. Its number is 0x8000 or more: that bit is set in what is
    /// written, whatever is said here.
    Skippable(u16),
}

impl Kind {
    const fn decode(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Blobs),
            1 => Some(Self::Index),
            16 => Some(Self::JournalGroup),
            0x8000.. => Some(Self::Skippable(number)),
            _ => None,
        }
    }

    pub(super) const fn encode(self) -> u16 {
        match self {
            Self::Blobs => 0,
            Self::Index => 1,
            Self::JournalGroup => 16,
            Self::Skippable(number) => number | 0x8000,
        }
    }

    /// Whether what is in it are the region's blobs.
    #[must_use]
    pub const fn has_blobs(self) -> bool {
        matches!(self, Self::Blobs | Self::JournalGroup)
    }
}

/// The first 40 bytes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHead {
    /// As stored.
    pub checksum: u32,
    /// Bytes of the block, without the padding behind it.
    pub length: u32,
    /// Blobs in it.
    pub blob_count: u32,
    /// Blobs in the blocks before it.
    pub first_ordinal: u64,
    /// Bytes of its data.
    pub data_length: u32,
    /// What it is.
    pub kind: Kind,
}

impl BlockHead {
    /// Decodes the head of the block that starts at `offset` of the file; `None` if a tag of zero says that there is no
    /// more. The lengths in it agree with each other, and with nothing else yet.
    ///
    /// # Errors
    /// [`Damage`] that names the first field that breaks a rule of the table above.
    #[inline]
    pub fn decode(bytes: &[u8], offset: u64) -> Result<Option<Self>, Damage> {
        if bytes.starts_with(&[0; TAG.len()]) {
            return Ok(None);
        }
        let head: &[u8; BLOCK_HEAD_LENGTH] = fields::chunk(bytes, offset, "block head")?;
        let decoded = Self {
            checksum: u32_at(head, CHECKSUM_AT),
            length: u32_at(head, LENGTH_AT),
            blob_count: u32_at(head, BLOB_COUNT_AT),
            first_ordinal: u64_at(head, FIRST_ORDINAL_AT),
            data_length: u32_at(head, DATA_LENGTH_AT),
            kind: Kind::decode(u16_at(head, KIND_AT)).unwrap_or(Kind::Skippable(0)),
        };
        if head.starts_with(&TAG) && decoded.is_consistent() && u16_at(head, FLAGS_AT) == 0 {
            return Ok(Some(decoded));
        }
        Err(decoded.damage(head).beyond(offset))
    }

    /// Bytes from this block to the next.
    ///
    /// # Panics
    /// If the alignment is 0, which no [`Header`](super::Header) that was decoded has.
    #[must_use]
    pub const fn padded_length(&self, alignment: u32) -> u64 {
        (self.length as u64).next_multiple_of(alignment as u64)
    }

    fn is_consistent(&self) -> bool {
        let expected =
            BLOCK_HEAD_LENGTH as u64 + u64::from(self.data_length) + 4 * u64::from(self.blob_count);
        u64::from(self.length) == expected
            && expected <= MAX_BLOCK_LENGTH as u64
            && self.data_length.is_multiple_of(8)
            && self.kind != Kind::Skippable(0)
    }

    /// Which rule the head breaks, from its start on.
    #[cold]
    fn damage(&self, head: &[u8; BLOCK_HEAD_LENGTH]) -> Damage {
        let value = |field, at: usize, found: u32, expected| {
            Damage::new(field, at as u64, Problem::Value { found: found.into(), expected })
        };
        let unsupported = |field, at: usize, found: u16| {
            Damage::new(field, at as u64, Problem::Unsupported { found: found.into() })
        };
        if !head.starts_with(&TAG) {
            return value("tag", 0, u32_at(head, 0), "the tag of a block, 843795522 for BLK2");
        }
        if self.kind == Kind::Skippable(0) {
            return unsupported("kind", KIND_AT, u16_at(head, KIND_AT));
        }
        if u16_at(head, FLAGS_AT) != 0 {
            return unsupported("block flags", FLAGS_AT, u16_at(head, FLAGS_AT));
        }
        if !self.data_length.is_multiple_of(8) {
            return value("data length", DATA_LENGTH_AT, self.data_length, "a multiple of 8");
        }
        let expected = "40 + the data length + 4 x the blob count, at most 2147483647";
        value("block length", LENGTH_AT, self.length, expected)
    }
}

/// A block, all of whose bytes are there.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    head: BlockHead,
    /// The whole block, without its padding.
    bytes: &'a [u8],
    data: &'a [u8],
    ends: &'a [[u8; 4]],
    offset: u64,
}

impl<'a> Block<'a> {
    /// Decodes the block that starts at `offset` of the file, in constant time; `None` if a tag of zero says that there
    /// is no more. Nothing is said of its bytes yet: [`verify`](Self::verify) does that.
    ///
    /// # Errors
    /// As [`BlockHead::decode`], and where the bytes end before the block.
    #[inline]
    pub fn decode(bytes: &'a [u8], offset: u64) -> Result<Option<Self>, Damage> {
        let Some(head) = BlockHead::decode(bytes, offset)? else { return Ok(None) };
        let truncated = Damage::new(
            "block",
            offset,
            Problem::Truncated { needed: head.length.into(), left: bytes.len() as u64 },
        );
        let block = bytes.get(..head.length as usize).ok_or(truncated)?;
        let parts =
            block.get(BLOCK_HEAD_LENGTH..).and_then(|rest| rest.split_at_checked(head.data_length as usize));
        let (data, ends) = parts.ok_or(truncated)?;
        Ok(Some(Self { head, bytes: block, data, ends: ends.as_chunks().0, offset }))
    }

    /// What its head says.
    #[must_use]
    #[inline]
    pub const fn head(&self) -> &BlockHead {
        &self.head
    }

    /// Where it starts in the file.
    #[must_use]
    #[inline]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Its data: blobs with their padding, or the entries of an index.
    #[must_use]
    #[inline]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// How many blobs it has.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Checks that the bytes are those that were written for this place of this region.
    ///
    /// # Errors
    /// [`Damage`] with both checksums.
    pub fn verify(&self, region_id: RegionId) -> Result<(), Damage> {
        self.verify_in_pieces(region_id, |_| ())
    }

    /// Does the same piece by piece, and before each shows the one behind it, which can be fetched from memory meanwhile.
    pub(crate) fn verify_in_pieces(
        &self,
        region_id: RegionId,
        fetch: impl FnMut(&[u8]),
    ) -> Result<(), Damage> {
        let (stored, computed) = (self.head.checksum, checksum(self.bytes, region_id, self.offset, fetch));
        if stored == computed {
            return Ok(());
        }
        let problem = Problem::Checksum { stored, computed };
        Err(Damage::new("block checksum", CHECKSUM_AT as u64, problem).beyond(self.offset))
    }

    /// A blob by its number in the block; `None` beyond the last.
    ///
    /// # Errors
    /// [`Damage`] if its ends make no sense, which in a verified block they do.
    #[inline]
    pub fn blob(&self, number: usize) -> Result<Option<&'a [u8]>, Damage> {
        let Some(end) = self.ends.get(number) else { return Ok(None) };
        let before = number.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = before.map_or(0, |end| start_after(u32::from_le_bytes(*end) as usize));
        match self.data.get(start..u32::from_le_bytes(*end) as usize) {
            Some(blob) => Ok(Some(blob)),
            None => Err(self.bad_end(number)),
        }
    }

    /// The blobs, in order. After an error there are no more.
    #[must_use]
    #[inline]
    pub fn blobs(&self) -> Blobs<'a> {
        Blobs { block: *self, ends: self.ends.iter(), start: 0 }
    }

    /// Checks what [`verify`](Self::verify) does not: that a block which says what its writer wrote says what it may.
    ///
    /// # Errors
    /// [`Damage`] that names the end of the first blob that cannot be, or the end of the data.
    pub fn check_ends(&self) -> Result<(), Damage> {
        let mut blobs = self.blobs();
        blobs.by_ref().try_for_each(|blob| blob.map(|_| ()))?;
        if blobs.start == self.data.len() {
            return Ok(());
        }
        let found = u64::from(self.head.data_length);
        let expected = "the end of the last blob, rounded up to a multiple of 8";
        Err(Damage::new("data length", DATA_LENGTH_AT as u64, Problem::Value { found, expected })
            .beyond(self.offset))
    }

    #[cold]
    fn bad_end(&self, number: usize) -> Damage {
        let found = self.ends.get(number).map_or(0, |end| u64::from(u32::from_le_bytes(*end)));
        let expected = "between the start of its blob and the end of the data";
        let at = BLOCK_HEAD_LENGTH as u64 + u64::from(self.head.data_length) + 4 * number as u64;
        Damage::new("blob end", at, Problem::Value { found, expected }).beyond(self.offset)
    }
}

/// The blobs of a block, in order.
#[derive(Clone, Debug)]
pub struct Blobs<'a> {
    block: Block<'a>,
    ends: core::slice::Iter<'a, [u8; 4]>,
    /// Where the next blob starts in the data.
    start: usize,
}

impl<'a> Iterator for Blobs<'a> {
    type Item = Result<&'a [u8], Damage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let end = u32::from_le_bytes(*self.ends.next()?) as usize;
        let Some(blob) = self.block.data.get(self.start..end) else {
            let number = self.block.len() - self.ends.len() - 1;
            self.ends = [].iter();
            return Some(Err(self.block.bad_end(number)));
        };
        self.start = start_after(end);
        Some(Ok(blob))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.ends.len()))
    }
}

impl core::iter::FusedIterator for Blobs<'_> {}

/// Where the blob behind an end starts. An end that is more than any slice is long leads nowhere.
#[inline]
fn start_after(end: usize) -> usize {
    end.checked_next_multiple_of(8).unwrap_or(usize::MAX)
}

fn checksum(block: &[u8], region_id: RegionId, offset: u64, mut fetch: impl FnMut(&[u8])) -> u32 {
    let mut sum = Crc32c::new().update(&region_id.0).update(&offset.to_le_bytes());
    let mut pieces = block.get(CHECKED_FROM..).unwrap_or_default().chunks(PIECE).peekable();
    while let Some(piece) = pieces.next() {
        if let Some(next) = pieces.peek() {
            fetch(next);
        }
        sum = sum.update(piece);
    }
    sum.value()
}

/// What is put in makes a block too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a block has at most 2,147,483,647 bytes")]
pub struct TooLarge;

/// Makes blocks, in memory that it keeps from one to the next.
#[derive(Debug)]
pub struct BlockBuilder {
    kind: Kind,
    /// The head and the data so far, which ends with the last blob.
    block: Vec<u8>,
    ends: Vec<u8>,
}

impl BlockBuilder {
    /// Makes an empty one, with memory for blocks of so many bytes.
    #[must_use]
    pub fn new(kind: Kind, expected_bytes: usize) -> Self {
        let mut block = Vec::with_capacity(expected_bytes.max(BLOCK_HEAD_LENGTH));
        block.resize(BLOCK_HEAD_LENGTH, 0);
        Self { kind, block, ends: Vec::new() }
    }

    /// Adds a blob.
    ///
    /// # Errors
    /// [`TooLarge`], and the block is what it was.
    pub fn push(&mut self, blob: &[u8]) -> Result<(), TooLarge> {
        let start = self.block.len().next_multiple_of(8);
        let end = start.checked_add(blob.len()).ok_or(TooLarge)?;
        if end
            .checked_next_multiple_of(8)
            .and_then(|end| end.checked_add(self.ends.len() + 4))
            .ok_or(TooLarge)?
            > MAX_BLOCK_LENGTH
        {
            return Err(TooLarge);
        }
        let data_end = u32::try_from(end - BLOCK_HEAD_LENGTH).map_err(|_| TooLarge)?;
        self.block.resize(start, 0);
        self.block.extend_from_slice(blob);
        self.ends.extend_from_slice(&data_end.to_le_bytes());
        Ok(())
    }

    /// Whether there is no blob in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many blobs are in it.
    #[must_use]
    pub const fn blob_count(&self) -> usize {
        self.ends.len() / 4
    }

    /// How long the block is so far, without the padding behind it.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.block.len().next_multiple_of(8) + self.ends.len()
    }

    /// Completes the block for its place, with its padding. Then it is to be [cleared](Self::clear).
    ///
    /// # Panics
    /// If the alignment is 0.
    pub fn finish(&mut self, region_id: RegionId, offset: u64, first_ordinal: u64, alignment: u32) -> &[u8] {
        self.block.resize(self.block.len().next_multiple_of(8), 0);
        let data_length = self.block.len() - BLOCK_HEAD_LENGTH;
        self.block.extend_from_slice(&self.ends);
        let length = self.block.len();
        let head = &mut self.block;
        put(head, 0, &TAG);
        put(head, LENGTH_AT, &as_u32(length).to_le_bytes());
        put(head, BLOB_COUNT_AT, &as_u32(self.ends.len() / 4).to_le_bytes());
        put(head, FIRST_ORDINAL_AT, &first_ordinal.to_le_bytes());
        put(head, DATA_LENGTH_AT, &as_u32(data_length).to_le_bytes());
        put(head, KIND_AT, &self.kind.encode().to_le_bytes());
        let checksum = checksum(&self.block, region_id, offset, |_| ());
        put(&mut self.block, CHECKSUM_AT, &checksum.to_le_bytes());
        self.block.resize(length.next_multiple_of(alignment as usize), 0);
        &self.block
    }

    /// Makes it empty, for the next block.
    pub fn clear(&mut self) {
        self.block.clear();
        self.block.resize(BLOCK_HEAD_LENGTH, 0);
        self.ends.clear();
    }

    /// Hands its memory out, with the block that [`finish`](Self::finish) made, and takes other in exchange.
    pub fn exchange(&mut self, memory: Vec<u8>) -> Vec<u8> {
        let block = core::mem::replace(&mut self.block, memory);
        self.clear();
        block
    }

    /// Makes the data something else than blobs.
    pub(super) fn push_raw(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
    }
}

/// A length that [`BlockBuilder::push`] has bounded.
fn as_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
