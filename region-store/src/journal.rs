//! Journals: files that groups of blobs are appended to, each of them whole or absent after a power cut.
//!
//! A journal is a region file of version 2 whose blocks lie on borders of 4,096 bytes. All of it is written with zeros,
//! and synced, before the first group: a write changes bytes that are there, and its sync changes no metadata. A group
//! is one block and one write, a sync is one `fdatasync`. No block is longer than [`MAX_GROUP_LENGTH`]: that bounds what
//! recovery has to read where it looks for one.
//!
//! One group is in flight: the next is appended after the sync of the last. So whatever a power cut tears is the last
//! group, and a whole block behind a damaged one is corruption, which [`recover`] tells from it.

mod defect;
mod recover;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::{BlockBuilder, HEADER_LENGTH, Header, Kind, RegionId};
use crate::medium::{Disk, Medium, MediumFile, folder_of};
use defect::Defect;
pub use recover::{Group, Mode, Recovered, Tail, recover};

/// Blocks of a journal begin at multiples of it: the unit that disks and page caches write.
pub const ALIGNMENT: u32 = 4_096;
/// Bytes of the longest block, its padding included.
pub const MAX_GROUP_LENGTH: u32 = 1 << 20;
/// Bytes of the longest journal.
pub const MAX_CAPACITY_BYTES: u64 = 1 << 30;

/// To write when a journal is created, and to compare with what is behind its end.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// What a journal is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    /// The length of the file: a multiple of [`ALIGNMENT`], two of them at least, [`MAX_CAPACITY_BYTES`] at most.
    pub capacity_bytes: u64,
    /// What the header page says, but for the alignment, which is that of journals. Make the
    /// [id](RegionId::random) a random one.
    pub header: Header,
}

impl Default for JournalOptions {
    /// 64 MiB, with a header of defaults.
    fn default() -> Self {
        Self { capacity_bytes: 64 << 20, header: Header::default() }
    }
}

/// Where a group went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// How many blobs were appended before it.
    pub first_ordinal: u64,
    /// Where its block begins in the file.
    pub offset: u64,
}

/// A journal that this process has created, to append to.
///
/// There is no way to append to a file that is there: what is read from it after a crash need not be on the disk, and
/// syncing it again does not help. What is recovered from it [goes on in a new file](Recovered::continue_in).
///
/// ```
/// use region_store::format::{Header, RegionId};
/// use region_store::journal::{self, Journal, JournalOptions, Mode, Tail};
/// use region_store::medium::Disk;
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let path = folder.join("1.region");
/// let header = Header { region_id: RegionId::random()?, ..Header::default() };
/// let options = JournalOptions { header, ..JournalOptions::default() };
/// let mut journal = Journal::create(&Disk, &path, &options)?;
/// journal.append([&b"withdraw 5"[..], b"deposit 5"])?;
/// journal.sync()?; // from here on both survive a power cut
/// drop(journal);
///
/// let recovered = journal::recover(&Disk, &path, Mode::Strict)?;
/// assert_eq!(recovered.tail(), Tail::Clean);
/// let blobs: Vec<&[u8]> = recovered.groups().flat_map(|group| group.blobs()).collect();
/// assert_eq!(blobs, [&b"withdraw 5"[..], b"deposit 5"]);
///
/// let header = Header { region_id: RegionId::random()?, ..header };
/// let options = JournalOptions { header, ..options };
/// let mut journal = recovered.continue_in(&Disk, &folder.join("2.region"), &options)?;
/// std::fs::remove_file(&path)?;
/// journal.append([&b"withdraw 7"[..]])?;
/// journal.sync()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal<M: Medium = Disk> {
    path: PathBuf,
    file: M::File,
    region_id: RegionId,
    capacity_bytes: u64,
    /// Where the next block goes. All behind it is zeros, unless the state is `Failed`.
    end: u64,
    next_ordinal: u64,
    state: State,
    /// Empty between calls.
    block: BlockBuilder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All groups survive a power cut.
    Synced,
    /// All but the last.
    InFlight,
    /// Nobody knows.
    Failed,
}

impl<M: Medium> Journal<M> {
    /// Creates a journal, on the disk under its name when this returns. The file must not exist.
    ///
    /// # Errors
    /// [`Error::Capacity`], [`Error::Exists`], and [`Error::Io`] with no file left behind, as far as it can be removed.
    pub fn create(medium: &M, path: &Path, options: &JournalOptions) -> Result<Self> {
        let capacity_bytes = options.capacity_bytes;
        let least = HEADER_LENGTH as u64 + u64::from(ALIGNMENT);
        if !capacity_bytes.is_multiple_of(u64::from(ALIGNMENT))
            || !(least..=MAX_CAPACITY_BYTES).contains(&capacity_bytes)
        {
            return Err(Error::Capacity { bytes: capacity_bytes, least, most: MAX_CAPACITY_BYTES });
        }
        let file = medium.create(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => Error::Exists { path: path.to_owned() },
            _ => Error::io(path, "create")(source),
        })?;
        let prepared = prepare(&file, path, options).and_then(|()| {
            if defect::planted(Defect::NoFolderSync) {
                return Ok(());
            }
            let folder = folder_of(path);
            medium.sync_folder(folder).map_err(Error::io(folder, "sync the folder"))
        });
        if let Err(error) = prepared {
            // It is the first error that tells what is wrong.
            let _ = medium.remove(path);
            return Err(error);
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            region_id: options.header.region_id,
            capacity_bytes,
            end: HEADER_LENGTH as u64,
            next_ordinal: 0,
            state: State::Synced,
            block: BlockBuilder::new(Kind::JournalGroup, ALIGNMENT as usize),
        })
    }

    /// Appends blobs, all of them or none, and says where. They survive a power cut after the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// With nothing changed: [`Error::InFlight`] if the last group is not synced, [`Error::EmptyGroup`],
    /// [`Error::GroupTooLong`], and [`Error::JournalFull`] if there is no [`room`](Self::room). With the end of the
    /// journal: [`Error::Io`], and [`Error::JournalFailed`] ever after.
    pub fn append<'b>(&mut self, blobs: impl IntoIterator<Item = &'b [u8]>) -> Result<Position> {
        match self.state {
            State::Synced => {}
            State::InFlight => return Err(Error::InFlight { path: self.path.clone() }),
            State::Failed => return Err(self.failed()),
        }
        let appended = self.gather(blobs).and_then(|blob_count| self.write(blob_count));
        self.block.clear();
        appended
    }

    /// Makes the last group survive a power cut.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::JournalFailed`] ever after: what is on the disk of the last group is unknown then,
    /// and trying again would not tell.
    pub fn sync(&mut self) -> Result<()> {
        match self.state {
            State::Synced => return Ok(()),
            State::InFlight => {}
            State::Failed => return Err(self.failed()),
        }
        if !defect::planted(Defect::AcknowledgeBeforeSync)
            && let Err(source) = self.file.sync_data()
        {
            self.state = State::Failed;
            return Err(Error::io(&self.path, "sync")(source));
        }
        self.state = State::Synced;
        Ok(())
    }

    /// How many bytes the next block may have, its head of 40 bytes, the padding of its blobs to 8 and a length of 4
    /// for each of them included.
    #[must_use]
    pub fn room(&self) -> u64 {
        (self.capacity_bytes - self.end).min(u64::from(MAX_GROUP_LENGTH))
    }

    /// How many blobs were appended.
    #[must_use]
    pub fn blobs(&self) -> u64 {
        self.next_ordinal
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which region it is.
    #[must_use]
    pub fn id(&self) -> RegionId {
        self.region_id
    }

    /// Puts a group into the block, and says how many blobs it has.
    fn gather<'b>(&mut self, blobs: impl IntoIterator<Item = &'b [u8]>) -> Result<u64> {
        let mut blob_count = 0;
        for blob in blobs {
            if self.block.push(blob).is_err() || self.block.length() > MAX_GROUP_LENGTH as usize {
                return Err(Error::GroupTooLong { limit: MAX_GROUP_LENGTH });
            }
            blob_count += 1;
        }
        if blob_count == 0 { Err(Error::EmptyGroup) } else { Ok(blob_count) }
    }

    /// Writes the block.
    fn write(&mut self, blob_count: u64) -> Result<Position> {
        let position = Position { first_ordinal: self.next_ordinal, offset: self.end };
        let (id, place) = (defect::id(self.region_id), defect::place(self.end));
        let room = self.capacity_bytes - self.end;
        let block = self.block.finish(id, place, self.next_ordinal, ALIGNMENT);
        let length = block.len() as u64;
        if length > room {
            return Err(Error::JournalFull { path: self.path.clone(), needed: length, room });
        }
        if let Err(source) = self.file.write_all_at(block, self.end) {
            self.state = State::Failed;
            return Err(Error::io(&self.path, "write")(source));
        }
        self.state = State::InFlight;
        self.end += length;
        self.next_ordinal += blob_count;
        Ok(position)
    }

    fn failed(&self) -> Error {
        Error::JournalFailed { path: self.path.clone() }
    }
}

/// Writes the header, and zeros as far as the journal may ever reach.
fn prepare<F: MediumFile>(file: &F, path: &Path, options: &JournalOptions) -> Result<()> {
    file.allocate(options.capacity_bytes).map_err(Error::io(path, "allocate"))?;
    let header = Header { alignment: ALIGNMENT, ..options.header };
    file.write_all_at(&header.encode(), 0).map_err(Error::io(path, "write"))?;
    let mut offset = HEADER_LENGTH as u64;
    while offset < options.capacity_bytes {
        let left = usize::try_from(options.capacity_bytes - offset).unwrap_or(usize::MAX);
        let piece = ZEROS.get(..left).unwrap_or(&ZEROS);
        file.write_all_at(piece, offset).map_err(Error::io(path, "write"))?;
        offset += piece.len() as u64;
    }
    file.sync_data().map_err(Error::io(path, "sync"))
}
