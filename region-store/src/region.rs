//! Reading a region.

mod bytes;
mod prefetch;
mod scan;
#[cfg(test)]
mod tests;
mod verify;
mod written;

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::format::{
    BLOCK_HEAD_LENGTH, Block, Damage, HEADER_LENGTH, Header, Index, IndexEntry, Kind, Problem, SEAL_LENGTH,
    Seal, Version, v1, version_of,
};
use crate::medium::{Disk, Medium, MediumFile};
use crate::os;

use bytes::Bytes;
pub use scan::Blobs;

/// How often the checksum of a block is computed before its blobs are lent. Version 1 has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Whenever a scan or a lookup comes to it.
    Always,
    /// The first time after the region was opened.
    #[default]
    Once,
    /// Never: what is damaged may be lent, or found out by its lengths.
    Never,
}

/// How a region's bytes come into memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// By a memory map. Pages come when they are touched. A process is killed by SIGBUS if somebody truncates the file
    /// meanwhile, or if the disk fails.
    #[default]
    Map,
    /// All of them are read when the region is opened. Nothing that happens to the file later is seen.
    Read,
}

/// How to open a region. See [`Region::options`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    verify: Verify,
    access: Access,
}

impl OpenOptions {
    /// When to compute checksums.
    #[must_use]
    pub const fn verify(mut self, verify: Verify) -> Self {
        self.verify = verify;
        self
    }

    /// How to bring the bytes into memory.
    #[must_use]
    pub const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    pub(crate) const fn verifies(self) -> Verify {
        self.verify
    }

    /// Opens a region.
    ///
    /// # Errors
    /// As [`Region::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<Region> {
        Region::open_on(&Disk, path, self)
    }
}

/// A region that is open to be read, by any number of threads.
///
/// It lends its blobs without a copy. Both versions have one interface; what differs is told where it does.
///
/// # What is guaranteed
///
/// A file of version 2 is opened only if it is sealed and as long as its seal says: the length, the number of blobs and
/// the header are checked then, the index when it is first used, and a block as [`Verify`] says. Of version 1 only the
/// first two bytes can be checked.
///
/// Open regions are locked (`flock`, shared), so that a process that asks for the lock knows of readers. Nothing forces
/// anybody to ask: a file that others may write is to be opened with [`Access::Read`]. Removing a file or renaming
/// another in its place does not disturb a region that is open.
///
/// # Parts
///
/// A region is divided into *parts*, so that threads can share a scan: in version 2 they are its blocks, in version 1
/// runs of 4,096 blobs. To find the parts of version 1, a pass over all its lengths is made, once.
#[derive(Debug)]
pub struct Region {
    path: PathBuf,
    file: Arc<dyn MediumFile>,
    bytes: Bytes,
    verify: Verify,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    One(OnceLock<Marks>),
    Two(Box<Two>),
}

/// What is known of the blobs of version 1 after a pass over all of them.
#[derive(Debug)]
struct Marks {
    /// Where every [`RUN`]th blob's length is, from the first on.
    offsets: Vec<usize>,
    blobs: u64,
    blob_bytes: u64,
}

/// How many blobs are a part of version 1.
const RUN: u64 = 4_096;

/// What is known of version 2 once it is open.
#[derive(Debug)]
struct Two {
    header: Header,
    seal: Seal,
    index_is_checked: AtomicBool,
    /// A bit a block.
    verified: OnceLock<Box<[AtomicU64]>>,
}

impl Region {
    /// Opens a region: mapped, with checksums computed once.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Locked`] if a process has locked the file to change it, [`Error::TooLarge`] where it does
    /// not fit, and [`Error::Damaged`] if it is no region, one that is newer than this crate, or not sealed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(path)
    }

    /// Options to open a region with.
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::default()
    }

    /// The same on a medium. Where files cannot be mapped, they are read.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on<M: Medium>(medium: &M, path: impl AsRef<Path>, options: OpenOptions) -> Result<Self> {
        let path = path.as_ref();
        let file = medium.open(path).map_err(Error::io(path, "open"))?;
        let length = match file.system_file() {
            Some(file) => {
                lock(file, path)?;
                let metadata = file.metadata().map_err(Error::io(path, "look at"))?;
                if metadata.is_dir() {
                    return Err(Error::io(path, "open")(io::ErrorKind::IsADirectory.into()));
                }
                metadata.len()
            }
            None => file.length().map_err(Error::io(path, "look at"))?,
        };
        let bytes = Bytes::load(&file, path, length, options.access)?;
        let layout = Layout::of(&bytes, &file, path)?;
        Ok(Self { path: path.to_owned(), file: Arc::new(file), bytes, verify: options.verify, layout })
    }

    /// Its format.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self.layout {
            Layout::One(_) => Version::One,
            Layout::Two(_) => Version::Two,
        }
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    #[must_use]
    pub fn file_length(&self) -> u64 {
        self.bytes.get().len() as u64
    }

    /// What the header page says; version 1 has none.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        match &self.layout {
            Layout::One(_) => None,
            Layout::Two(two) => Some(&two.header),
        }
    }

    /// What the seal says; version 1 has none.
    #[must_use]
    pub fn seal(&self) -> Option<&Seal> {
        match &self.layout {
            Layout::One(_) => None,
            Layout::Two(two) => Some(&two.seal),
        }
    }

    /// How many blobs it has. In version 1 a pass over all lengths finds out, once.
    ///
    /// # Errors
    /// [`Error::Damaged`], in version 1 only.
    pub fn len(&self) -> Result<u64> {
        match &self.layout {
            Layout::One(marks) => Ok(self.marks(marks)?.blobs),
            Layout::Two(two) => Ok(two.seal.blobs),
        }
    }

    /// Whether it has none.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// How many bytes its blobs have. In version 1 a pass over all lengths finds out, once.
    ///
    /// # Errors
    /// [`Error::Damaged`], in version 1 only.
    pub fn blob_bytes(&self) -> Result<u64> {
        match &self.layout {
            Layout::One(marks) => Ok(self.marks(marks)?.blob_bytes),
            Layout::Two(two) => Ok(two.seal.blob_bytes),
        }
    }

    /// How many [parts](Self#parts) it has.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn parts(&self) -> Result<usize> {
        match &self.layout {
            Layout::One(marks) => Ok(self.marks(marks)?.offsets.len()),
            Layout::Two(two) => Ok(self.index(two)?.len()),
        }
    }

    /// Lends a blob by its number in the region; `None` beyond the last. In version 1 that takes a pass over all
    /// lengths, once, and over up to 4,096 of them each time.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn get(&self, ordinal: u64) -> Result<Option<&[u8]>> {
        let found = match &self.layout {
            Layout::One(marks) => self.get_v1(self.marks(marks)?, ordinal),
            Layout::Two(two) => {
                let index = self.index(two)?;
                let found = index.find(ordinal).and_then(|number| Some((number, index.get(number)?)));
                let Some((number, entry)) = found else { return Ok(None) };
                prefetch::blob(self.bytes.get(), entry, two.entry_behind(&index, number), ordinal);
                let (block, _) = self.block(two, entry, number)?;
                let within = usize::try_from(ordinal.saturating_sub(block.head().first_ordinal));
                if block.head().kind.has_blobs() {
                    block.blob(within.unwrap_or(usize::MAX))
                } else {
                    Ok(None)
                }
            }
        };
        found.map_err(Error::damaged(&self.path))
    }

    fn get_v1(&self, marks: &Marks, ordinal: u64) -> core::result::Result<Option<&[u8]>, Damage> {
        let run = usize::try_from(ordinal / RUN).unwrap_or(usize::MAX);
        let Some(&offset) = marks.offsets.get(run) else { return Ok(None) };
        let within = usize::try_from(ordinal % RUN).unwrap_or(usize::MAX);
        v1::Blobs::from_offset(self.bytes.get(), offset).nth(within).transpose()
    }

    fn marks<'a>(&self, marks: &'a OnceLock<Marks>) -> Result<&'a Marks> {
        if let Some(marks) = marks.get() {
            return Ok(marks);
        }
        let made = Marks::make(self.bytes.get()).map_err(Error::damaged(&self.path))?;
        // Another thread may have been first, with the same.
        Ok(marks.get_or_init(|| made))
    }

    /// The index, which is checked the first time.
    fn index(&self, two: &Two) -> Result<Index<'_>> {
        two.index(self.bytes.get()).map_err(Error::damaged(&self.path))
    }

    /// The block that an entry of the index is about, verified as the options say, and whether it was so just now.
    fn block(&self, two: &Two, entry: IndexEntry, number: usize) -> Result<(Block<'_>, bool)> {
        let block = Two::block(self.bytes.get(), entry).map_err(Error::damaged(&self.path))?;
        let verifies = match self.verify {
            Verify::Always => true,
            Verify::Once => !two.is_verified(number),
            Verify::Never => false,
        };
        if verifies {
            let verified = block.verify_in_pieces(two.header.region_id, prefetch::all);
            verified.map_err(Error::damaged(&self.path))?;
            two.set_verified(number);
        }
        Ok((block, verifies))
    }
}

impl Layout {
    fn of(bytes: &Bytes, file: &dyn MediumFile, path: &Path) -> Result<Self> {
        if version_of(bytes.get()).map_err(Error::damaged(path))? == Version::One {
            return Ok(Self::One(OnceLock::new()));
        }
        let mut buffer = [0; SEAL_LENGTH];
        let seal = bytes.seal(file, &mut buffer).map_err(Error::io(path, "read"))?;
        let two = Two::decode(bytes.get(), seal).map_err(Error::damaged(path))?;
        Ok(Self::Two(Box::new(two)))
    }
}

impl Marks {
    fn make(file: &[u8]) -> core::result::Result<Self, Damage> {
        let mut marks = Self { offsets: Vec::new(), blobs: 0, blob_bytes: 0 };
        let mut blobs = v1::Blobs::new(file)?;
        loop {
            let offset = blobs.offset();
            let Some(blob) = blobs.next() else { return Ok(marks) };
            let blob = blob?;
            prefetch::behind(blob, v1::PREFIX_LENGTH);
            marks.blob_bytes += blob.len() as u64;
            if marks.blobs.is_multiple_of(RUN) {
                marks.offsets.push(offset);
            }
            marks.blobs += 1;
        }
    }
}

impl Two {
    fn decode(file: &[u8], seal: &[u8]) -> core::result::Result<Self, Damage> {
        let header = Header::decode(file)?;
        let offset = Seal::offset_in(file) as u64;
        let seal = Seal::decode(seal, header.region_id, offset)?;
        let value = |field, at, found, expected| {
            Err(Damage::new(field, offset + at, Problem::Value { found, expected }))
        };
        if seal.index_offset >= offset {
            return value("index offset", 8, seal.index_offset, "before the seal");
        }
        // Memory is allocated by that number, before all that it counts is seen.
        let most_blocks = seal.index_offset.saturating_sub(HEADER_LENGTH as u64) / BLOCK_HEAD_LENGTH as u64;
        if seal.blocks > most_blocks {
            return value("blocks", 32, seal.blocks, "as many as fit before the index");
        }
        Ok(Self { header, seal, index_is_checked: AtomicBool::new(false), verified: OnceLock::new() })
    }

    fn index<'a>(&self, file: &'a [u8]) -> core::result::Result<Index<'a>, Damage> {
        let offset = self.seal.index_offset;
        let value = |field, at, found, expected| Damage::new(field, at, Problem::Value { found, expected });
        let block =
            block_at(file, offset)?.ok_or_else(|| value("tag", offset, 0, "the tag of the index block"))?;
        let index = Index::decode(&block)?;
        if !self.index_is_checked.load(Ordering::Acquire) {
            block.verify(self.header.region_id)?;
            if index.len() as u64 != self.seal.blocks {
                return Err(value(
                    "data length",
                    offset + 24,
                    index.len() as u64 * 16,
                    "16 x the seal's number of blocks",
                ));
            }
            self.index_is_checked.store(true, Ordering::Release);
        }
        Ok(index)
    }

    /// The entry that comes next, or what it would say if the index were a block of its own kind.
    fn entry_behind(&self, index: &Index<'_>, number: usize) -> IndexEntry {
        let end = IndexEntry { offset: self.seal.index_offset, first_ordinal: self.seal.blobs };
        number.checked_add(1).and_then(|next| index.get(next)).unwrap_or(end)
    }

    fn block(file: &[u8], entry: IndexEntry) -> core::result::Result<Block<'_>, Damage> {
        let value = |field, at, found, expected| Damage::new(field, at, Problem::Value { found, expected });
        let offset = entry.offset;
        let block = block_at(file, offset)?.ok_or_else(|| value("tag", offset, 0, "the tag of a block"))?;
        let found = block.head().first_ordinal;
        if found == entry.first_ordinal && block.head().kind != Kind::Index {
            Ok(block)
        } else {
            Err(value(
                "first ordinal",
                offset + 16,
                found,
                "the number of blobs before it, in a block of blobs",
            ))
        }
    }

    fn is_verified(&self, number: usize) -> bool {
        let word = self.bits().get(number / 64);
        word.is_some_and(|word| word.load(Ordering::Relaxed) >> (number % 64) & 1 == 1)
    }

    fn set_verified(&self, number: usize) {
        if let Some(word) = self.bits().get(number / 64) {
            word.fetch_or(1 << (number % 64), Ordering::Relaxed);
        }
    }

    fn set_all_verified(&self) {
        self.bits().iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
    }

    fn bits(&self) -> &[AtomicU64] {
        self.verified.get_or_init(|| (0..self.seal.blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }
}

/// The block at an offset, as far as its head says; `None` if a tag of zero is there.
fn block_at(file: &[u8], offset: u64) -> core::result::Result<Option<Block<'_>>, Damage> {
    let rest = usize::try_from(offset).ok().and_then(|offset| file.get(offset..));
    Block::decode(rest.unwrap_or_default(), offset)
}

/// Takes a shared lock, where the file system has any.
fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock_shared() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) if os::has_no_locks(&error) => Ok(()),
        Err(TryLockError::Error(error)) => Err(Error::io(path, "lock")(error)),
    }
}
