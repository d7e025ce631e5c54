//! The journal: numbered segments, of which the last is written to.

mod next;

use std::borrow::ToOwned as _;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::format;
use std::path::{Path, PathBuf};
use std::vec::Vec;

use region_store::format::{Header, RegionId};
use region_store::journal::{ALIGNMENT, Journal, JournalOptions, MAX_GROUP_LENGTH};
use region_store::medium::{Identity, Medium};

use super::defect::{Defect, planted};
use super::error::FileStoreError;
use super::images::UNTOLD_NS;
use super::record::{Journalled, Opening};
use crate::codec::{Channel, Status};
use crate::store::Ledger;
use next::Next;
use sector_cache::Drive;

/// How much longer than its records a block is: its head, and what it is rounded up by.
const BLOCK_COST: u64 = 40 + ALIGNMENT as u64;
/// How much longer a record is in a block than alone, at most: it is padded, and has a length.
pub(super) const BLOB_COST: u64 = 12;
/// The most bytes of blobs, counted with their cost, that go into one block.
const GROUP_BYTES: u64 = MAX_GROUP_LENGTH as u64 - BLOCK_COST;
const _: () = assert!(crate::service::GROUP_BYTES as u64 <= GROUP_BYTES, "a group fits into a block");
/// The extension of a segment's name.
const EXTENSION: &str = "region";

/// What becomes durable together: records, encoded.
#[derive(Debug)]
pub(super) struct Block {
    blobs: Vec<Vec<u8>>,
    /// With what they cost in a block; at most `limit`.
    bytes: u64,
    limit: u64,
    /// What it says last of images.
    names: HashMap<(Channel, Drive), Name>,
    /// Images of which it says that they are others than they were.
    told: HashSet<(Channel, Drive)>,
}

/// Of an image, the device and inode of its file, and whether it is not durable that it is another one.
type Name = (u64, u64, bool);

/// The segments from `lowest` to `number`, to the last of which groups are appended.
#[derive(Debug)]
pub(super) struct Log<M: Medium> {
    medium: M,
    /// The data folder.
    folder: PathBuf,
    limits: Limits,
    /// Created by this process, and opened by a checkpoint that is synced.
    current: Journal<M>,
    number: u64,
    /// The segment after `number`.
    next: Next<M>,
    /// The lowest segment that may still be there.
    lowest: u64,
    /// What was said last of images, in what was appended to `current` behind its checkpoint.
    named: HashMap<(Channel, Drive), Name>,
}

/// How large a journal is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A segment without its checkpoint.
    pub(super) segment_bytes: u64,
    /// All segments.
    pub(super) journal_bytes: u64,
    /// Whether a thread makes the next segment.
    pub(super) allocates_aside: bool,
}

impl Block {
    fn new(limit: u64) -> Self {
        Self { blobs: Vec::new(), bytes: 0, limit, names: HashMap::new(), told: HashSet::new() }
    }

    /// Adds a record, or gives it back if the block is full.
    pub(super) fn push(&mut self, blobs: Vec<Vec<u8>>) -> Result<(), Vec<Vec<u8>>> {
        let more: u64 = blobs.iter().map(|blob| (blob.len() as u64).saturating_add(BLOB_COST)).sum();
        if self.bytes.saturating_add(more) > self.limit {
            return Err(blobs);
        }
        self.bytes = self.bytes.saturating_add(more);
        self.blobs.extend(blobs);
        Ok(())
    }

    /// Notes that it says which file an image is.
    pub(super) fn name(&mut self, channel: Channel, drive: Drive, identity: &Identity) {
        self.names.insert((channel, drive), name(identity));
    }

    /// Notes that it says that an image is another one.
    pub(super) fn tell(&mut self, channel: Channel, drive: Drive) {
        self.told.insert((channel, drive));
    }

    /// Whether it says so.
    pub(super) fn tells(&self, channel: Channel, drive: Drive) -> bool {
        self.told.contains(&(channel, drive))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    fn length(&self) -> u64 {
        self.bytes.saturating_add(BLOCK_COST)
    }

    fn append_to<M: Medium>(&self, journal: &mut Journal<M>) -> Result<(), FileStoreError> {
        journal.append(self.blobs.iter().map(Vec::as_slice))?;
        Ok(())
    }
}

impl<M: Medium> Log<M> {
    /// Starts a journal in a new segment, above all that are there. Those below `lowest` are then needed no more.
    pub(super) fn start(
        medium: &M,
        folder: &Path,
        limits: Limits,
        opening: Opening,
        ledgers: &BTreeMap<Channel, Ledger>,
        images: &[Journalled],
    ) -> Result<Self, FileStoreError> {
        let checkpoint = checkpoint(ledgers, images, opening);
        let needed = length_of(&checkpoint);
        let created = has_room(medium, folder, limits, needed)
            .then(|| create(medium, folder, opening.segment, limits, needed));
        let (current, _) = match created {
            Some(Err(error)) if !error.is_full() => return Err(error),
            Some(Ok(created)) => created,
            // Reads go on, and writes once there is room for another.
            _ => create(medium, folder, opening.segment, Limits { segment_bytes: 0, ..limits }, needed)?,
        };
        let (medium, folder) = (medium.clone(), folder.to_owned());
        let (number, lowest) = (opening.segment, opening.lowest);
        let mut log = Self {
            medium,
            folder,
            limits,
            current,
            number,
            next: Next::MISSING,
            lowest,
            named: HashMap::new(),
        };
        write_checkpoint(&mut log.current, &checkpoint)?;
        log.allocate(expected(limits, needed));
        Ok(log)
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Whether a file is what the segment, with a block that is to be appended to it, says last of an image. What it said
    /// before does not count: another file may have got that one's number.
    pub(super) fn is_named(
        &self,
        block: &Block,
        channel: Channel,
        drive: Drive,
        identity: &Identity,
    ) -> bool {
        let place = (channel, drive);
        block.names.get(&place).or_else(|| self.named.get(&place)) == Some(&name(identity))
    }

    /// An empty block for this journal.
    pub(super) fn block(&self) -> Block {
        Block::new(GROUP_BYTES.min(self.limits.segment_bytes.saturating_sub(BLOCK_COST)))
    }

    /// Whether a block needs another segment.
    pub(super) fn is_full_for(&self, block: &Block) -> bool {
        self.current.room() < block.length()
    }

    pub(super) fn append(&mut self, block: Block) -> Result<(), FileStoreError> {
        block.append_to(&mut self.current)?;
        self.named.extend(block.names);
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<(), FileStoreError> {
        Ok(self.current.sync()?)
    }

    /// Goes on in the next segment, once everything is applied that is in this one: the new one is durable, then the
    /// images are, then the old ones go. A `pinned` segment stays, with those behind it.
    ///
    /// The status is for writes that there is no room for; all is as it was.
    pub(super) fn rotate(
        &mut self,
        ledgers: &BTreeMap<Channel, Ledger>,
        images: &[Journalled],
        pinned: Option<u64>,
    ) -> Result<Result<(), Status>, FileStoreError> {
        let next_number = self.number.saturating_add(1);
        // A checkpoint says that what is below `lowest` is of no use, which is not so before the images are synced.
        let opening = Opening { segment: next_number, lowest: self.lowest };
        let checkpoint = checkpoint(ledgers, images, opening);
        let needed = length_of(&checkpoint);
        // Segments that an overlay needed may have become free.
        if self.lowest < pinned.unwrap_or(self.number).min(self.number) {
            self.drop_old(pinned.unwrap_or(self.number))?;
        }
        let mut journal = match self.take_next(needed) {
            Ok(journal) => journal,
            Err(status) => return Ok(Err(status)),
        };
        write_checkpoint(&mut journal, &checkpoint)?;
        (self.current, self.number) = (journal, next_number);
        self.named.clear();
        if planted(Defect::RotateBeforeImages) {
            self.drop_below(next_number)?;
        }
        self.drop_old(pinned.unwrap_or(next_number))?;
        self.allocate(expected(self.limits, needed));
        Ok(Ok(()))
    }

    /// Ends well: what is left is a small segment, with nothing to apply.
    pub(super) fn finish(
        mut self,
        ledgers: &BTreeMap<Channel, Ledger>,
        images: &[Journalled],
    ) -> Result<(), FileStoreError> {
        self.sync_images()?;
        let number = self.number.saturating_add(1);
        // Allocated, or what an attempt left that failed.
        self.next = Next::MISSING;
        remove(&self.medium, &self.folder, number)?;
        let opening = Opening { segment: number, lowest: number };
        let checkpoint = checkpoint(ledgers, images, opening);
        let small = Limits { segment_bytes: 0, ..self.limits };
        let (mut journal, _) = create(&self.medium, &self.folder, number, small, length_of(&checkpoint))?;
        write_checkpoint(&mut journal, &checkpoint)?;
        self.number = number;
        self.drop_below(number)
    }

    /// Makes images durable, and removes the segments below one. Where no file is free to do that by, they stay until the
    /// next segment: strangers who hold connections can bring that about, and nothing is lost.
    fn drop_old(&mut self, number: u64) -> Result<(), FileStoreError> {
        match self.sync_images().and_then(|()| self.drop_below(number)) {
            Err(error) if error.is_out_of_files() => Ok(()),
            dropped => dropped,
        }
    }

    /// Makes everything durable that was written to images.
    fn sync_images(&self) -> Result<(), FileStoreError> {
        self.medium.sync_all(&self.folder).map_err(FileStoreError::io(&self.folder, "sync the images in"))
    }

    /// Removes segments, the lowest first and each on the disk before the next: what is left has no gap.
    fn drop_below(&mut self, number: u64) -> Result<(), FileStoreError> {
        while self.lowest < number.min(self.number) {
            remove(&self.medium, &self.folder, self.lowest)?;
            self.lowest = self.lowest.saturating_add(1);
        }
        Ok(())
    }

    /// The next segment, with room for a checkpoint of so many bytes.
    fn take_next(&mut self, checkpoint_bytes: u64) -> Result<Journal<M>, Status> {
        let number = self.number.saturating_add(1);
        let segments = number.saturating_sub(self.lowest).saturating_add(1);
        if segments > 2 && segments.saturating_mul(self.limits.segment_bytes) > self.limits.journal_bytes {
            return Err(Status::Busy);
        }
        let is_long_enough = |length: u64| length >= capacity(self.limits, checkpoint_bytes);
        if let Some((journal, _)) = self.next.take().filter(|(_, length)| is_long_enough(*length)) {
            return Ok(journal);
        }
        // It is too short, or an attempt that failed may have left it there.
        let refusal = |error: FileStoreError| {
            if error.is_out_of_files() { Status::Busy } else { Status::DiskFull }
        };
        remove(&self.medium, &self.folder, number).map_err(refusal)?;
        self.allocate(checkpoint_bytes);
        self.next.take().map(|(journal, _)| journal).ok_or(Status::DiskFull)
    }

    /// Has the next segment made.
    fn allocate(&mut self, checkpoint_bytes: u64) {
        let number = self.number.saturating_add(1);
        self.next = Next::make(&self.medium, &self.folder, number, self.limits, checkpoint_bytes);
    }
}

const fn name(identity: &Identity) -> Name {
    (identity.device, identity.inode, identity.modified_ns == UNTOLD_NS)
}

/// The file of a segment.
pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join("journal").join(format!("{number:020}.{EXTENSION}"))
}

/// The number of a segment, if a file is one.
pub(super) fn number(path: &Path) -> Option<u64> {
    let is_segment = path.extension().is_some_and(|extension| extension == EXTENSION);
    let digits = path.file_stem()?.to_str()?;
    let number = if digits.len() == 20 { digits.parse().ok()? } else { return None };
    is_segment.then_some(number)
}

/// Removes a segment, on the disk when this returns.
pub(super) fn remove<M: Medium>(medium: &M, folder: &Path, number: u64) -> Result<(), FileStoreError> {
    let path = path(folder, number);
    match medium.remove(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(FileStoreError::io(&path, "remove")(error));
        }
        _ => {}
    }
    let folder = folder.join("journal");
    medium.sync_folder(&folder).map_err(FileStoreError::io(&folder, "sync"))
}

fn create<M: Medium>(
    medium: &M,
    folder: &Path,
    number: u64,
    limits: Limits,
    checkpoint_bytes: u64,
) -> Result<(Journal<M>, u64), FileStoreError> {
    let path = path(folder, number);
    let id = RegionId::random().map_err(FileStoreError::io(&path, "make an id for"))?;
    let header = Header { region_id: id, ..Header::default() };
    let capacity_bytes = capacity(limits, checkpoint_bytes);
    let journal = Journal::create(medium, &path, &JournalOptions { capacity_bytes, header })?;
    Ok((journal, capacity_bytes))
}

/// Whether there may be room for a segment. One that is not tried need not be given up half-way, again and again.
fn has_room<M: Medium>(medium: &M, folder: &Path, limits: Limits, checkpoint_bytes: u64) -> bool {
    let free = medium.free_bytes(folder).ok().flatten();
    free.is_none_or(|free| free >= capacity(limits, checkpoint_bytes))
}

/// How long a checkpoint may be that is written later: ledgers and images come until then.
const fn expected(limits: Limits, checkpoint_bytes: u64) -> u64 {
    checkpoint_bytes.saturating_mul(2).saturating_add(limits.segment_bytes / 16)
}

/// The length of a segment: its header, its checkpoint, and what else is to go there.
fn capacity(limits: Limits, checkpoint_bytes: u64) -> u64 {
    let alignment = u64::from(ALIGNMENT);
    let bytes = limits.segment_bytes.saturating_add(checkpoint_bytes).saturating_add(alignment);
    bytes.checked_next_multiple_of(alignment).unwrap_or(bytes)
}

/// What a segment opens with, in blocks.
fn checkpoint(ledgers: &BTreeMap<Channel, Ledger>, images: &[Journalled], opening: Opening) -> Vec<Block> {
    let ledgers = ledgers.iter().map(|(channel, ledger)| Journalled::Ledger(*channel, ledger.clone().into()));
    let records = ledgers.chain(images.iter().cloned()).chain([Journalled::Opening(opening)]);
    let mut blocks = Vec::new();
    let mut block = Block::new(GROUP_BYTES);
    for record in records {
        let mut blob = Vec::new();
        record.encode(&mut blob);
        if let Err(blobs) = block.push([blob].into()) {
            blocks.push(core::mem::replace(&mut block, Block::new(GROUP_BYTES)));
            // An empty block takes any record of a checkpoint.
            let _ = block.push(blobs);
        }
    }
    blocks.push(block);
    blocks
}

fn length_of(blocks: &[Block]) -> u64 {
    blocks.iter().map(Block::length).sum()
}

fn write_checkpoint<M: Medium>(journal: &mut Journal<M>, blocks: &[Block]) -> Result<(), FileStoreError> {
    for block in blocks {
        block.append_to(journal)?;
        journal.sync()?;
    }
    Ok(())
}
