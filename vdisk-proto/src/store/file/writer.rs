//! The path of a group: journal, sync, images.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Mutex;
use std::vec;
use std::vec::Vec;

use region_store::format::crc32c;
use region_store::medium::{Identity, Medium};
use sector_cache::Drive;

use super::defect::{Defect, planted};
use super::error::FileStoreError;
use super::images::Images;
use super::log::{self, Block, Limits, Log};
use super::record::{Journalled, JournalledWrite};
use super::{FileStoreOptions, Notice, lock, recovery};
use crate::codec::{Channel, Status};
use crate::store::{Entry, Group, Ledger, Record, Write};

/// Who writes the journal, and knows what is durable of the channels.
#[derive(Debug)]
pub(super) struct Writer<M: Medium> {
    /// `None` of a folder that cannot be written to.
    log: Option<Log<M>>,
    ledgers: BTreeMap<Channel, Ledger>,
    /// The group that is written and not synced.
    in_flight: Vec<InFlight>,
}

#[derive(Debug)]
struct InFlight {
    entry: Entry,
    /// Of a write that brings bytes, the file that it goes to.
    meant_for: Option<Identity>,
}

impl<M: Medium> Writer<M> {
    /// Recovers what is there, and goes on in a new segment.
    pub(super) fn recover(
        medium: &M,
        folder: &Path,
        images: &mut Images<M>,
        options: &FileStoreOptions,
        wall_ns: u64,
    ) -> Result<(Self, Vec<Notice>), FileStoreError> {
        let found = recovery::run(medium, folder, images, options.mode, wall_ns)?;
        let recovery::Found { ledgers, opening, useless, notices } = found;
        if images.is_read_only() {
            return Ok((Self { log: None, ledgers, in_flight: Vec::new() }, notices));
        }
        // Those that were allocated and not used: one may have the new segment's name.
        let (unused, old): (Vec<u64>, Vec<u64>) =
            useless.into_iter().partition(|number| *number >= opening.segment);
        for number in unused {
            log::remove(medium, folder, number)?;
        }
        let limits = Limits {
            segment_bytes: options.segment_bytes,
            journal_bytes: options.journal_bytes,
            allocates_aside: options.allocates_aside,
        };
        let log = Log::start(medium, folder, limits, opening, &ledgers, &images.names())?;
        for number in old {
            log::remove(medium, folder, number)?;
        }
        Ok((Self { log: Some(log), ledgers, in_flight: Vec::new() }, notices))
    }

    pub(super) fn ledgers(&self) -> Vec<(Channel, Ledger)> {
        self.ledgers.iter().map(|(channel, ledger)| (*channel, ledger.clone())).collect()
    }

    /// The last session of a channel.
    pub(super) fn session(&self, channel: Channel) -> u32 {
        self.ledgers.get(&channel).map_or(0, |ledger| ledger.session)
    }

    /// Channels of which something is durable.
    pub(super) fn channels(&self) -> impl Iterator<Item = Channel> {
        self.ledgers.keys().copied()
    }

    /// Appends a group to the journal, without what cannot be kept.
    pub(super) fn write(
        &mut self,
        images: &Mutex<Images<M>>,
        group: &mut Group,
    ) -> Result<(), FileStoreError> {
        self.in_flight.clear();
        let Some(log) = &mut self.log else {
            self.in_flight = without_journal(group);
            return Ok(());
        };
        if planted(Defect::AcknowledgeBeforeSync) {
            log.sync()?;
        }
        let (mut block, mut in_flight) = fill(log, images, group);
        if !block.is_empty() && log.is_full_for(&block) {
            let (names, pinned) = {
                let images = lock(images);
                (images.names(), images.pinned())
            };
            if let Err(status) = log.rotate(&self.ledgers, &names, pinned)? {
                (0..group.entries.len()).for_each(|index| group.refuse(index, status));
                return Ok(());
            }
            // Once more: what is not named in the block is named in the old segment, and in the new one as it is now.
            (block, in_flight) = fill(log, images, group);
        }
        if !block.is_empty() {
            log.append(block)?;
        }
        self.in_flight = in_flight;
        lock(images).told_for_good(changes(&self.in_flight));
        Ok(())
    }

    /// Makes the last group durable, then brings it into the images.
    pub(super) fn sync(&mut self, images: &Mutex<Images<M>>) -> Result<(), FileStoreError> {
        let in_flight = core::mem::take(&mut self.in_flight);
        if planted(Defect::ImagesBeforeJournal) {
            self.apply(images, &in_flight);
        }
        if !planted(Defect::AcknowledgeBeforeSync)
            && let Some(log) = &mut self.log
        {
            log.sync()?;
        }
        self.apply(images, &in_flight);
        for InFlight { entry, .. } in &in_flight {
            self.ledgers.entry(entry.channel).or_default().apply(&entry.record);
        }
        Ok(())
    }

    /// Leaves nothing to apply, unless an overlay cannot be.
    pub(super) fn close(mut self, images: &mut Images<M>) -> Result<(), FileStoreError> {
        let Some(mut log) = self.log.take() else { return Ok(()) };
        // A group that was never acknowledged may come or go, but not so that an image is another one.
        log.sync()?;
        images.told(changes(&self.in_flight).map(|place| (place, self.session(place.0))));
        if images.pinned().is_some() {
            return Ok(());
        }
        log.finish(&self.ledgers, &images.names())
    }

    fn apply(&self, images: &Mutex<Images<M>>, in_flight: &[InFlight]) {
        let Some(log) = &self.log else { return };
        let mut images = lock(images);
        for InFlight { entry, meant_for } in in_flight {
            if let (Record::Write(write), Some(meant_for)) = (&entry.record, meant_for) {
                images.apply(entry.channel, write, meant_for, log.number());
            }
        }
    }
}

/// Images of which a group says that they are others than they were.
fn changes(in_flight: &[InFlight]) -> impl Iterator<Item = (Channel, Drive)> {
    in_flight.iter().filter_map(|InFlight { entry, .. }| match entry.record {
        Record::Changed { drive, .. } => Some((entry.channel, drive)),
        _ => None,
    })
}

/// Makes a block of a group, and refuses what cannot be in it.
fn fill<M: Medium>(log: &Log<M>, images: &Mutex<Images<M>>, group: &mut Group) -> (Block, Vec<InFlight>) {
    let (mut block, mut in_flight) = (log.block(), Vec::new());
    let mut touched = HashSet::new();
    for index in 0..group.entries.len() {
        if group.refusal(index).is_some() {
            continue;
        }
        let Some(entry) = group.entries.get(index).cloned() else { continue };
        // Anew for each, so that reads do not wait for all new images of the group.
        let mut images = lock(images);
        let prepared = match is_of_the_past(&mut images, &touched, &entry) {
            Ok(true) => {
                group.drop_write(index);
                continue;
            }
            Ok(false) => prepare(&mut images, &mut touched, &entry),
            Err(status) => Err(status),
        };
        let pushed = prepared.and_then(|prepared| {
            let meant_for = prepared.file.filter(|_| prepared.brings_bytes);
            push(log, &mut block, &images, &entry, prepared).map(|()| meant_for)
        });
        match pushed {
            Ok(meant_for) => in_flight.push(InFlight { entry, meant_for }),
            Err(status) => group.refuse(index, status),
        }
    }
    (block, in_flight)
}

/// Whether a write is of a session that ends, since its image is another one: it was meant for what was there before, and
/// would be lost with that. One of version 1 knows no sessions, and goes into what is there.
fn is_of_the_past<M: Medium>(
    images: &mut Images<M>,
    touched: &HashSet<(Channel, Drive)>,
    entry: &Entry,
) -> Result<bool, Status> {
    let (channel, Record::Write(write)) = (entry.channel, &entry.record) else { return Ok(false) };
    // Once a group: what comes while the group is written comes behind it.
    if !touched.contains(&(channel, write.drive)) {
        images.look_again(channel, write.drive)?;
    }
    Ok(entry.session().is_some_and(|session| images.is_of_the_past(channel, write.drive, session)))
}

/// A record for the journal.
struct Prepared {
    blob: Vec<u8>,
    /// Of a write, the file that it goes to.
    file: Option<Identity>,
    /// Whether the file has not its bytes already.
    brings_bytes: bool,
}

fn prepare<M: Medium>(
    images: &mut Images<M>,
    touched: &mut HashSet<(Channel, Drive)>,
    entry: &Entry,
) -> Result<Prepared, Status> {
    let channel = entry.channel;
    let (journalled, file, brings_bytes) = match &entry.record {
        Record::Session(session) => (Journalled::Session(channel, *session), None, false),
        Record::Changed { drive, generation } => {
            // What the group writes to it is not in the image yet.
            let is_settled = !touched.contains(&(channel, *drive)) && images.settle(channel, *drive);
            let (drive, generation) = (*drive, *generation);
            (Journalled::Changed { channel, drive, generation, is_settled }, None, false)
        }
        Record::Write(write) => {
            let file = images.prepare(channel, write.drive, write.run.geometry())?;
            let held = held(images, channel, write)?;
            // What comes before it in the group is not in the image yet.
            let is_first = touched.insert((channel, write.drive));
            let is_identical = is_first && held == write.bytes;
            let write = journalled(write, &held, is_identical);
            (Journalled::Write(channel, write), Some(file), !is_identical)
        }
    };
    let mut blob = Vec::new();
    journalled.encode(&mut blob);
    Ok(Prepared { blob, file, brings_bytes })
}

/// Puts a record into the block, and before a write, which file its image is, if the segment does not say so yet; behind a
/// change, which it is now.
fn push<M: Medium>(
    log: &Log<M>,
    block: &mut Block,
    images: &Images<M>,
    entry: &Entry,
    prepared: Prepared,
) -> Result<(), Status> {
    let channel = entry.channel;
    let mut name = Vec::new();
    match (&entry.record, prepared.file) {
        (Record::Write(write), Some(identity)) => {
            let drive = write.drive;
            let is_told = block.tells(channel, drive);
            let identity = if is_told { identity } else { images.as_named(channel, drive, identity) };
            if log.is_named(block, channel, drive, &identity) {
                return block.push(vec![prepared.blob]).map_err(|_| Status::Busy);
            }
            Journalled::Image { channel: Some(channel), drive, identity }.encode(&mut name);
            block.push(vec![name, prepared.blob]).map_err(|_| Status::Busy)?;
            block.name(channel, drive, &identity);
        }
        (Record::Changed { drive, .. }, _) => {
            let (drive, identity) = (*drive, images.identity(channel, *drive));
            Journalled::Image { channel: Some(channel), drive, identity }.encode(&mut name);
            block.push(vec![prepared.blob, name]).map_err(|_| Status::Busy)?;
            block.name(channel, drive, &identity);
            block.tell(channel, drive);
        }
        _ => block.push(vec![prepared.blob]).map_err(|_| Status::Busy)?,
    }
    Ok(())
}

/// What an image has where a write goes.
fn held<M: Medium>(images: &mut Images<M>, channel: Channel, write: &Write) -> Result<Vec<u8>, Status> {
    let mut held = vec![0; write.bytes.len()];
    let mut rest = &mut held[..];
    for (offset, piece) in write.pieces() {
        let (place, after) = rest.split_at_mut_checked(piece.len()).ok_or(Status::IoError)?;
        images.read(channel, write.drive, offset, place)?;
        rest = after;
    }
    Ok(held)
}

fn journalled(write: &Write, held: &[u8], is_identical: bool) -> JournalledWrite {
    let mut write = write.clone();
    let mut replaced = Vec::new();
    if is_identical {
        write.bytes.clear();
    } else {
        let length = usize::from(write.run.geometry().sector_length());
        replaced.extend(held.chunks(length.max(1)).map(crc32c));
    }
    JournalledWrite { write, replaced }
}

/// In a folder that cannot be written to, sessions last as long as the process, and there are no writes.
fn without_journal(group: &mut Group) -> Vec<InFlight> {
    for index in 0..group.entries.len() {
        if group.entries.get(index).is_some_and(|entry| matches!(entry.record, Record::Write(_))) {
            group.refuse(index, Status::ReadOnly);
        }
    }
    group.entries().map(|(_, entry)| InFlight { entry: entry.clone(), meant_for: None }).collect()
}
