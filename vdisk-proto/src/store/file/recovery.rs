//! What a store finds when it opens, and makes durable before anything is served.

use std::borrow::ToOwned as _;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::vec::Vec;

use region_store::journal::{Mode, Recovered, Tail, recover};
use region_store::medium::{Identity, Medium};
use sector_cache::Drive;

use super::Notice;
use super::defect::{Defect, planted};
use super::error::FileStoreError;
use super::images::{Images, NO_FILE, Place, UNTOLD_NS, drives};
use super::log;
use super::record::{Journalled, Opening};
use super::replay::Replay;
use crate::codec::Channel;
use crate::store::{Ledger, Record};

/// The segments that count.
#[derive(Debug, Default)]
struct Segments {
    /// All that are there, ascending.
    present: Vec<u64>,
    /// Those that have to be applied.
    live: Vec<u64>,
    /// What the last of those opens with, and all that is in it.
    newest: Option<(Opening, Recovered)>,
}

/// What was recovered, and is in the images.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) ledgers: BTreeMap<Channel, Ledger>,
    /// How the next segment is to open.
    pub(super) opening: Opening,
    /// Segments that are of no use.
    pub(super) useless: Vec<u64>,
    pub(super) notices: Vec<Notice>,
}

/// Reads the journal, and applies it to the images, all of which is on the disk when this returns. The journal itself
/// stays as it is, so that it can be done again.
pub(super) fn run<M: Medium>(
    medium: &M,
    folder: &Path,
    images: &mut Images<M>,
    mode: Mode,
    wall_ns: u64,
) -> Result<Found, FileStoreError> {
    let segments = Segments::find(medium, folder, mode)?;
    let mut replay = Replay::default();
    let mut notices = Vec::new();
    for number in &segments.live {
        let path = log::path(folder, *number);
        let older;
        let recovered = match &segments.newest {
            Some((opening, newest)) if opening.segment == *number => newest,
            _ => {
                older = recover(medium, &path, mode)?;
                &older
            }
        };
        each_record(&path, recovered, |record| replay.take(images, *number, record))?;
        if let tail @ Tail::Corrupt { .. } = recovered.tail() {
            notices.push(Notice::Forced { path, tail });
        }
    }
    if replay.has_writes() {
        if images.is_read_only() {
            return Err(FileStoreError::ReadOnlyJournal { path: folder.join("journal") });
        }
        // As ever: no image before the journal.
        if let Some((_, newest)) = &segments.newest
            && !planted(Defect::RecoverBeforeJournal)
        {
            newest.settle(medium)?;
        }
    }
    let (mut ledgers, files, named) = replay.into_parts();
    let touched: BTreeSet<(Channel, Drive)> = files.keys().copied().collect();
    for ((channel, drive), file) in files {
        let place = (Some(channel), drive);
        let is_untold = named.get(&place).is_some_and(|identity| identity.modified_ns == UNTOLD_NS);
        let edited = file.apply(images, channel, drive)?;
        let untold = is_untold.then(|| Notice::Changed { path: images.path(place) });
        if let Some(notice) = edited.or(untold) {
            change(&mut ledgers, channel, drive, wall_ns);
            notices.push(notice);
        }
    }
    images.learn(&ledgers.keys().copied().collect())?;
    if segments.newest.is_some() {
        let other = Changed { images, named: &named, touched: &touched }.compare(&mut ledgers, wall_ns)?;
        notices.extend(other.into_iter().map(|place| Notice::Changed { path: images.path(place) }));
    }
    if !images.is_read_only() && !planted(Defect::RecoverWithoutRewriting) {
        // What is read after a kill need not be on the disk, names included.
        medium.sync_all(folder).map_err(FileStoreError::io(folder, "sync what was recovered in"))?;
    }
    let last = segments.newest.map_or(0, |(opening, _)| opening.segment);
    let number = last.saturating_add(1);
    let lowest = images.pinned().unwrap_or(number);
    let useless = segments.present.into_iter().filter(|segment| !(lowest..=last).contains(segment)).collect();
    let opening = Opening { segment: number, lowest };
    Ok(Found { ledgers, opening, useless, notices })
}

/// What was named of the images by the server that ran before, and what they are now.
struct Changed<'a, M: Medium> {
    images: &'a mut Images<M>,
    named: &'a BTreeMap<Place, Identity>,
    /// Images that the journal writes to, of which it tells by their sectors whether others wrote to them.
    touched: &'a BTreeSet<(Channel, Drive)>,
}

impl<M: Medium> Changed<'_, M> {
    /// Looks for images that are not those that were named: which they are.
    fn compare(
        &mut self,
        ledgers: &mut BTreeMap<Channel, Ledger>,
        wall_ns: u64,
    ) -> Result<Vec<Place>, FileStoreError> {
        let mut others = Vec::new();
        let channels: Vec<Channel> = ledgers.keys().copied().collect();
        for drive in drives() {
            let is_other_template = self.found((None, drive)) != self.named((None, drive));
            others.extend(is_other_template.then_some((None, drive)));
            for channel in &channels {
                let place = (Some(*channel), drive);
                if self.touched.contains(&(*channel, drive)) {
                    continue;
                }
                let is_other = self.is_other(*channel, drive)?;
                others.extend(is_other.then_some(place));
                if is_other || is_other_template && self.named(place) == NO_FILE {
                    change(ledgers, *channel, drive, wall_ns);
                }
            }
        }
        Ok(others)
    }

    fn is_other(&mut self, channel: Channel, drive: Drive) -> Result<bool, FileStoreError> {
        let place = (Some(channel), drive);
        let (found, named) = (self.found(place), self.named(place));
        // Which is that of the template if the channel was told of that.
        let had_none = named == NO_FILE || named == self.found((None, drive));
        if found == named || found == NO_FILE && had_none {
            return Ok(false);
        }
        // A server may have ended between the making of an image and the first write to it.
        Ok(!had_none || !self.images.is_like_template(channel, drive)?)
    }

    fn named(&self, place: Place) -> Identity {
        self.named.get(&place).copied().unwrap_or(NO_FILE)
    }

    fn found(&self, place: Place) -> Identity {
        self.images.known(place).unwrap_or(NO_FILE)
    }
}

/// An image was changed by somebody else while no server ran.
fn change(ledgers: &mut BTreeMap<Channel, Ledger>, channel: Channel, drive: Drive, wall_ns: u64) {
    if let Some(ledger) = ledgers.get_mut(&channel) {
        let generation = ledger.next_generation(wall_ns);
        ledger.apply(&Record::Changed { drive, generation });
    }
}

impl Segments {
    fn find<M: Medium>(medium: &M, folder: &Path, mode: Mode) -> Result<Self, FileStoreError> {
        let journal = folder.join("journal");
        let paths: Vec<PathBuf> = match medium.list(&journal) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(FileStoreError::io(&journal, "list"))?,
        };
        let mut present: Vec<u64> = paths.iter().filter_map(|path| log::number(path)).collect();
        present.sort_unstable();
        let mut newest = None;
        for number in present.iter().rev() {
            let path = log::path(folder, *number);
            let recovered = recover(medium, &path, mode)?;
            // One without was about to be used, and nothing in it counts.
            newest = opening_of(&path, &recovered)?.map(|opening| (opening, recovered));
            if newest.is_some() {
                break;
            }
        }
        let Some((opening, _)) = &newest else { return Ok(Self { present, ..Self::default() }) };
        let live: Vec<u64> = (opening.lowest..=opening.segment).filter(|n| present.contains(n)).collect();
        // The lowest ones go first when they are needed no more.
        let mut from_first = live.first().copied().unwrap_or(opening.segment)..=opening.segment;
        let missing = from_first.find(|number| !live.contains(number));
        match missing {
            Some(number) if mode == Mode::Strict => {
                Err(FileStoreError::SegmentMissing { path: log::path(folder, number) })
            }
            _ => Ok(Self { present, live, newest }),
        }
    }
}

fn opening_of(path: &Path, recovered: &Recovered) -> Result<Option<Opening>, FileStoreError> {
    let mut opening = None;
    each_record(path, recovered, |record| {
        if let Journalled::Opening(found) = record {
            opening = Some(found);
        }
        Ok(())
    })?;
    Ok(opening)
}

fn each_record(
    path: &Path,
    recovered: &Recovered,
    mut take: impl FnMut(Journalled) -> Result<(), FileStoreError>,
) -> Result<(), FileStoreError> {
    for group in recovered.groups() {
        for blob in group.blobs() {
            let record = Journalled::decode(blob).map_err(|source| {
                let offset = group.offset();
                FileStoreError::Record { path: path.to_owned(), offset, source }
            })?;
            take(record)?;
        }
    }
    Ok(())
}
