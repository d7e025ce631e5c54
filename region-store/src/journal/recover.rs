//! What is left of a journal.

use std::path::{Path, PathBuf};

use super::{ALIGNMENT, Journal, JournalOptions, MAX_CAPACITY_BYTES, MAX_GROUP_LENGTH, ZEROS, defect};
use crate::error::{Error, Result};
use crate::format::{
    BLOCK_HEAD_LENGTH, Block, BlockHead, Damage, HEADER_LENGTH, Header, Kind, Problem, RegionId, header,
};
use crate::medium::{Medium, MediumFile};

/// What to do about corruption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Refuse.
    #[default]
    Strict,
    /// Take the groups before it.
    Force,
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// After its last group there is nothing.
    Clean,
    /// There are bytes of a group that was not synced, from `offset` on; at 0, of a journal not yet created.
    Torn {
        /// Where they begin.
        offset: u64,
    },
    /// There is damage that no power cut does, and [`Mode::Force`] has given up what is behind it.
    Corrupt {
        /// Where it is.
        offset: u64,
    },
}

/// The groups of a journal, in memory.
#[derive(Debug)]
pub struct Recovered {
    path: PathBuf,
    header: Option<Header>,
    /// Whole blocks: all has been checked in them that can be.
    blocks: Vec<Stored>,
    tail: Tail,
}

struct Stored {
    offset: u64,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Stored {
    /// A megabyte of them would help nobody.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} bytes at {}", self.bytes.len(), self.offset)
    }
}

/// Blobs that were appended together.
#[derive(Debug)]
pub struct Group<'a> {
    pub(super) block: Block<'a>,
}

/// Reads the groups of a journal up to the last whole one, and checks that what follows is no more than a power cut can
/// do. The file is not changed, and may be read again with the same outcome.
///
/// # Errors
/// [`Error::Io`]; [`Error::JournalCorrupt`] if a block is damaged though a later one is whole, and [`Error::Damaged`] if
/// the header is, or a block that passes its checksum is not one of a journal, all of which [`Mode::Force`] accepts. A
/// newer version and another kind of file are [`Error::Damaged`] in both modes.
pub fn recover<M: Medium>(medium: &M, path: &Path, mode: Mode) -> Result<Recovered> {
    let file = medium.open(path).map_err(Error::io(path, "open"))?;
    let length = file.length().map_err(Error::io(path, "read the length of"))?;
    let source = Source { file, path, length };
    if length > MAX_CAPACITY_BYTES {
        let problem = Problem::Value { found: length, expected: "at most 1073741824 for a journal" };
        return Err(source.error(Damage::new("file length", 0, problem)));
    }
    let page = source.read(0, HEADER_LENGTH)?;
    match Header::decode(&page) {
        Ok(header) if header.alignment != ALIGNMENT => {
            let problem =
                Problem::Value { found: header.alignment.into(), expected: "4096, as in a journal" };
            Err(source.error(Damage::new("alignment", 20, problem)))
        }
        Ok(header) => source.recover(header.region_id, Some(header), mode),
        Err(damage @ Damage { problem: Problem::Unsupported { .. }, .. }) => Err(source.error(damage)),
        Err(damage) => {
            if may_be_unfinished(&page) && source.is_zero_from(HEADER_LENGTH as u64)? {
                return Ok(source.recovered(None, Vec::new(), Tail::Torn { offset: 0 }));
            }
            // Blocks tell by their checksums whether the identity is right.
            match page.get(24..40).and_then(|id| id.try_into().ok()) {
                Some(id) if mode == Mode::Force => source.recover(RegionId(id), None, mode),
                _ => Err(source.error(damage)),
            }
        }
    }
}

/// Whether a power cut during its creation may have left such a header: with its first sector or without.
fn may_be_unfinished(page: &[u8]) -> bool {
    let start = page.get(..header::SIGNATURE.len()).unwrap_or(page);
    header::SIGNATURE.starts_with(start) || start.iter().all(|byte| *byte == 0)
}

impl Recovered {
    /// The groups, in the order in which they were appended.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        // It was decoded before it was stored.
        let blocks =
            self.blocks.iter().filter_map(|stored| Block::decode(&stored.bytes, stored.offset).ok()?);
        blocks.filter(|block| block.head().kind == Kind::JournalGroup).map(|block| Group { block })
    }

    /// How the journal ends.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail
    }

    /// The header, unless its creation was not finished, or it is damaged.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Where it was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that the last group is on the disk, before somebody acts on it. It may have been read from the page
    /// cache of a process that died before its sync; and after a sync that failed, another one tells nothing. So the same
    /// bytes are written again where they are, and synced: a power cut meanwhile leaves the group, or none.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn settle<M: Medium>(&self, medium: &M) -> Result<()> {
        let Some(last) = self.blocks.last() else { return Ok(()) };
        let file = medium.open_to_write(&self.path).map_err(Error::io(&self.path, "open"))?;
        file.write_all_at(&last.bytes, last.offset).map_err(Error::io(&self.path, "write"))?;
        file.sync_data().map_err(Error::io(&self.path, "sync"))
    }

    /// Creates a new journal with the blobs of this one, on the disk when this returns. Small groups are put together.
    ///
    /// The old file may then be removed; until that is on the disk, both may be there after a power cut, and if this
    /// fails or is cut, the new one may be there with fewer blobs.
    ///
    /// # Errors
    /// As [`Journal::create`], [`Journal::append`] and [`Journal::sync`].
    pub fn continue_in<M: Medium>(
        &self,
        medium: &M,
        path: &Path,
        options: &JournalOptions,
    ) -> Result<Journal<M>> {
        let mut journal = Journal::create(medium, path, options)?;
        let mut together: Vec<&[u8]> = Vec::new();
        // More than their block will have: each group counts its own head.
        let mut length = 0_u32;
        for group in self.groups() {
            let group_length = group.block.head().length;
            if !together.is_empty() && length.saturating_add(group_length) > MAX_GROUP_LENGTH {
                journal.append(together.drain(..))?;
                journal.sync()?;
                length = 0;
            }
            length = length.saturating_add(group_length);
            together.extend(group.blobs());
        }
        if !together.is_empty() {
            journal.append(together)?;
            journal.sync()?;
        }
        Ok(journal)
    }
}

impl<'a> Group<'a> {
    /// Its blobs.
    pub fn blobs(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        // Each was looked at in recovery.
        self.block.blobs().filter_map(core::result::Result::ok)
    }

    /// How many blobs are before it.
    #[must_use]
    pub fn first_ordinal(&self) -> u64 {
        self.block.head().first_ordinal
    }

    /// Where its block begins in the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.block.offset()
    }
}

/// The file that is read.
struct Source<'a, F> {
    file: F,
    path: &'a Path,
    length: u64,
}

/// What is at a place where a block may begin.
enum Found {
    /// A block that passes its checksum.
    Whole(Vec<u8>),
    /// A zero tag, or the end of the file.
    Nothing,
    Damaged(Damage),
}

impl<F: MediumFile> Source<'_, F> {
    fn recover(self, id: RegionId, header: Option<Header>, mode: Mode) -> Result<Recovered> {
        let mut blocks = Vec::new();
        let mut offset = HEADER_LENGTH as u64;
        let mut next_ordinal = 0;
        let damage = loop {
            let bytes = match self.block(offset, id)? {
                Found::Whole(bytes) => bytes,
                Found::Nothing => break None,
                Found::Damaged(damage) => break Some(damage),
            };
            match next_ordinal_after(&bytes, offset, next_ordinal) {
                Ok(ordinal) => next_ordinal = ordinal,
                Err(damage) => break Some(damage),
            }
            let start = offset;
            offset += (bytes.len() as u64).next_multiple_of(u64::from(ALIGNMENT));
            blocks.push(Stored { offset: start, bytes });
        };
        let corruption = match damage {
            None => self.later_block(offset, id)?.map(|later| self.corrupt(offset, later)),
            Some(damage) => match self.later_block(offset, id)? {
                // It passes its checksum, but is not what a journal may hold.
                Some(later) if later == offset => Some(self.error(damage)),
                Some(later) => Some(self.corrupt(offset, later)),
                None if matches!(damage.problem, Problem::Unsupported { .. }) => Some(self.error(damage)),
                None => None,
            },
        };
        let tail = match corruption {
            Some(error) if mode == Mode::Strict => return Err(error),
            Some(_) => Tail::Corrupt { offset },
            None if header.is_none() => Tail::Corrupt { offset: 0 },
            None if self.is_zero_from(offset)? => Tail::Clean,
            None => Tail::Torn { offset },
        };
        Ok(self.recovered(header, blocks, tail))
    }

    fn block(&self, offset: u64, id: RegionId) -> Result<Found> {
        let head = self.read(offset, BLOCK_HEAD_LENGTH)?;
        if head.is_empty() {
            return Ok(Found::Nothing);
        }
        let length = match BlockHead::decode(&head, offset) {
            Ok(Some(head)) => head.length,
            Ok(None) => return Ok(Found::Nothing),
            Err(damage) => return Ok(Found::Damaged(damage)),
        };
        if length > MAX_GROUP_LENGTH {
            // No power cut makes such a head of zeros: somebody wrote it.
            let problem = Problem::Unsupported { found: length.into() };
            return Ok(Found::Damaged(Damage::new("block length", offset + 8, problem)));
        }
        let bytes = self.read(offset, length as usize)?;
        let block = match Block::decode(&bytes, defect::place(offset)) {
            Ok(Some(block)) => block,
            Ok(None) => return Ok(Found::Nothing),
            Err(damage) => return Ok(Found::Damaged(damage)),
        };
        if let Err(damage) = block.verify(defect::id(id)) {
            return Ok(Found::Damaged(damage));
        }
        Ok(Found::Whole(bytes))
    }

    /// The first whole block at `offset` or behind it.
    fn later_block(&self, offset: u64, id: RegionId) -> Result<Option<u64>> {
        for offset in (offset..self.length).step_by(ALIGNMENT as usize) {
            if let Found::Whole(_) = self.block(offset, id)? {
                return Ok(Some(offset));
            }
        }
        Ok(None)
    }

    fn is_zero_from(&self, mut offset: u64) -> Result<bool> {
        loop {
            let bytes = self.read(offset, ZEROS.len())?;
            if bytes.is_empty() {
                return Ok(true);
            }
            if !ZEROS.starts_with(&bytes) {
                return Ok(false);
            }
            offset += bytes.len() as u64;
        }
    }

    /// So many bytes, or those up to the end of the file.
    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(left)];
        let read = self.file.read_full_at(&mut bytes, offset).map_err(Error::io(self.path, "read"))?;
        bytes.truncate(read);
        Ok(bytes)
    }

    fn recovered(&self, header: Option<Header>, blocks: Vec<Stored>, tail: Tail) -> Recovered {
        Recovered { path: self.path.to_owned(), header, blocks, tail }
    }

    fn corrupt(&self, offset: u64, later: u64) -> Error {
        Error::JournalCorrupt { path: self.path.to_owned(), offset, later }
    }

    fn error(&self, damage: Damage) -> Error {
        Error::damaged(self.path)(damage)
    }
}

/// Looks at a block that passes its checksum as one that follows `ordinal` blobs, and says how many it is followed by.
fn next_ordinal_after(bytes: &[u8], offset: u64, ordinal: u64) -> core::result::Result<u64, Damage> {
    let damage =
        |field, at, found, expected| Err(Damage::new(field, offset + at, Problem::Value { found, expected }));
    let Some(block) = Block::decode(bytes, offset)? else { return damage("tag", 0, 0, "that of a block") };
    let head = block.head();
    if head.first_ordinal != ordinal {
        return damage("first ordinal", 16, head.first_ordinal, "the blobs before it");
    }
    match head.kind {
        Kind::JournalGroup => block.check_ends()?,
        Kind::Skippable(_) => return Ok(ordinal),
        Kind::Blobs => return damage("kind", 28, 0, "16, a journal group"),
        Kind::Index => return damage("kind", 28, 1, "16, a journal group"),
    }
    Ok(ordinal.saturating_add(head.blob_count.into()))
}
