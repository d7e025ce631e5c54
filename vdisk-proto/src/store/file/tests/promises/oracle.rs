//! What is true of the disks, as far as it can be known from outside.

use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use region_store::medium::CrashMedium;
use sector_cache::Drive;

use super::super::super::FileStore;
use super::super::machine::{Checked, IMAGE};
use crate::codec::Channel;
use crate::store::{Entry, Ledger, Record, Store as _};

pub(super) type Place = (Channel, Drive);
/// By sector, the stamp that its bytes repeat.
pub(super) type Stamps = Vec<u32>;

pub(super) const SECTOR_LENGTH: usize = 137;
/// The stamp of a sector that is a mixture.
const TORN: u32 = u32::MAX;
/// That of the sectors of a drive that is not there, since its file is of no known length.
const GONE: u32 = TORN - 1;

/// A record in a group that is not acknowledged yet.
#[derive(Clone, Debug)]
pub(super) struct Flying {
    pub(super) entry: Entry,
    /// Of a write, whether it goes to the file that has the image's name.
    pub(super) is_for_newest: bool,
    /// Of a change, the number of the last one that it covers.
    pub(super) covers: Option<u32>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    pub(super) ledgers: BTreeMap<Channel, Ledger>,
    pub(super) disks: BTreeMap<Place, Disk>,
    /// What the template ever was.
    pub(super) templates: Vec<Stamps>,
}

#[derive(Clone, Debug)]
pub(super) struct Disk {
    /// What reads show. While there is a change, what they showed last.
    shown: Stamps,
    change: Option<Change>,
    /// Whether recovery may take it for changed: there was a change that nobody was told of, since the channel had no
    /// ledger, or another template than the one that it was just copied from, or a change that was noticed twice.
    is_suspect: bool,
}

/// Somebody changed a disk, and the ledger does not say so yet.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// How often.
    pub(super) number: u32,
    /// Each sector is that of one of these, or of a write since.
    files: Vec<Stamps>,
    writes: Vec<(usize, u32)>,
    /// Those of them that are sure to stay.
    sure: BTreeMap<usize, u32>,
    /// Whether people synced what they did.
    is_synced: bool,
    /// Whether they wrote into the file that was there. A store that did not see that before it crashed need not see it
    /// any more.
    is_edit: bool,
    /// The generation that the ledger had, and what was shown first while it had that.
    told: Option<(u64, Stamps)>,
    /// Whether a service was told of it, which lets no session go on.
    is_announced: bool,
    /// Whether the ledger says it now, so that the disk is as it is shown.
    is_over: bool,
}

pub(super) fn bytes_of(stamps: &[u32]) -> Vec<u8> {
    stamps.iter().flat_map(|stamp| sector_of(*stamp)).collect()
}

pub(super) fn sector_of(stamp: u32) -> [u8; SECTOR_LENGTH] {
    let stamp = stamp.to_le_bytes();
    core::array::from_fn(|at| stamp[at % stamp.len()])
}

pub(super) fn stamp_of(sector: &[u8]) -> u32 {
    let stamp = u32::from_le_bytes([sector[0], sector[1], sector[2], sector[3]]);
    if sector == sector_of(stamp) { stamp } else { TORN }
}

/// What reads show of a disk.
fn shown(store: &FileStore<CrashMedium>, (channel, drive): Place) -> Checked<Stamps> {
    if store.image(channel, drive).is_none() {
        return Ok(vec![GONE; IMAGE.geometry.sectors() as usize]);
    }
    let mut bytes = vec![0; IMAGE.geometry.bytes() as usize];
    store.read(channel, drive, 0, &mut bytes).map_err(|status| format!("{channel} {drive:?}: {status}"))?;
    Ok(bytes.chunks(SECTOR_LENGTH).map(stamp_of).collect())
}

impl Truth {
    pub(super) fn add_disk(&mut self, place: Place, shown: Stamps) {
        self.disks.insert(place, Disk { shown, change: None, is_suspect: false });
    }

    /// Somebody else makes the disk another one.
    pub(super) fn change(&mut self, place: Place, file: Stamps, is_synced: bool) {
        self.change_by(place, file, is_synced, false);
    }

    /// The template of a disk that has its own image becomes another one; or a change was noticed that was told of.
    pub(super) fn suspect(&mut self, place: Place) {
        self.disks.get_mut(&place).unwrap().is_suspect = true;
    }

    /// Somebody takes a channel's own image away, so that it reads the template, whichever that is.
    pub(super) fn remove(&mut self, place: Place, is_synced: bool) {
        for file in self.templates.clone() {
            self.change(place, file, is_synced);
        }
    }

    /// Somebody else writes into the file of a disk. A power cut before its sync may tear that.
    pub(super) fn edit(&mut self, place: Place, file: Stamps) {
        self.change_by(place, file, false, true);
    }

    fn change_by(&mut self, place: Place, file: Stamps, is_synced: bool, is_edit: bool) {
        let told = self.generation(place);
        let has_ledger = self.ledgers.contains_key(&place.0);
        let disk = self.disks.get_mut(&place).unwrap();
        disk.is_suspect |= !has_ledger;
        let shown = disk.shown.clone();
        let change = disk.change.get_or_insert_with(|| Change {
            number: 0,
            files: vec![shown.clone()],
            writes: vec![],
            sure: BTreeMap::new(),
            is_synced: true,
            is_edit: false,
            told: told.map(|generation| (generation, shown)),
            is_announced: false,
            is_over: false,
        });
        change.number += 1;
        change.files.push(file);
        change.sure.clear();
        change.is_synced &= is_synced;
        change.is_edit |= is_edit;
        change.is_over = false;
    }

    /// The number of the last change that the ledger does not say yet.
    pub(super) fn changes(&self, place: Place) -> Option<u32> {
        self.disks.get(&place)?.change.as_ref().map(|change| change.number)
    }

    /// A service was told.
    pub(super) fn announce(&mut self, place: Place) {
        if let Some(change) = &mut self.disks.get_mut(&place).unwrap().change {
            change.is_announced = true;
        }
    }

    /// The disk is as it is shown.
    pub(super) fn change_is_over(&mut self, place: Place) {
        if let Some(change) = &mut self.disks.get_mut(&place).unwrap().change {
            change.is_over = true;
        }
    }

    /// What a device may have been told of.
    fn generation(&self, (channel, drive): Place) -> Option<u64> {
        let ledger = self.ledgers.get(&channel)?;
        (ledger.session != 0).then(|| ledger.images[usize::from(drive.number())])
    }

    /// A group is durable.
    pub(super) fn apply(&mut self, flight: &[Flying]) {
        for Flying { entry, is_for_newest, covers } in flight {
            self.ledgers.entry(entry.channel).or_default().apply(&entry.record);
            match &entry.record {
                Record::Write(write) => {
                    let disk = self.disks.get_mut(&(entry.channel, write.drive)).unwrap();
                    let sectors = write.run.sectors().map(|sector| sector as usize);
                    for (sector, bytes) in sectors.zip(write.bytes.chunks(SECTOR_LENGTH)) {
                        disk.write(sector, stamp_of(bytes), *is_for_newest);
                    }
                }
                Record::Changed { drive, .. } => {
                    let change =
                        self.disks.get_mut(&(entry.channel, *drive)).and_then(|disk| disk.change.as_mut());
                    if let Some(change) = change {
                        change.is_over |= *covers == Some(change.number);
                        change.is_announced = false;
                    }
                }
                Record::Session(_) => {}
            }
        }
    }

    /// That a store which runs shows what is true.
    pub(super) fn check(&mut self, store: &FileStore<CrashMedium>) -> Checked {
        let ledgers: BTreeMap<Channel, Ledger> = store.ledgers().into_iter().collect();
        if ledgers != self.ledgers {
            let short = |ledgers: &BTreeMap<Channel, Ledger>| ledgers.values().map(short).collect::<Vec<_>>();
            return Err(format!("ledgers: {:?}, not {:?}", short(&ledgers), short(&self.ledgers)));
        }
        for place in self.disks.keys().copied().collect::<Vec<_>>() {
            let generation = self.generation(place);
            let disk = self.disks.get_mut(&place).unwrap();
            disk.check(shown(store, place)?, generation, false).map_err(at(place))?;
        }
        Ok(())
    }

    /// That a store which recovered shows what is true, and what is from then on.
    pub(super) fn recovered(&self, store: &FileStore<CrashMedium>) -> Checked<Self> {
        let mut next = self.clone();
        next.ledgers = store.ledgers().into_iter().collect();
        let nothing = Ledger::NEW;
        for (channel, ledger) in &next.ledgers {
            let mut expected = self.ledgers.get(channel).unwrap_or(&nothing).clone();
            let changed = |drive: usize| {
                let drive = Drive::new(drive as u8).unwrap();
                self.disks
                    .get(&(*channel, drive))
                    .is_some_and(|disk| disk.change.is_some() || disk.is_suspect)
            };
            for drive in (0..expected.images.len()).filter(|drive| changed(*drive)) {
                if ledger.images[drive] > expected.highest {
                    expected.images[drive] = ledger.images[drive];
                    expected.ended = true;
                }
            }
            expected.highest = expected.highest.max(expected.images.iter().copied().max().unwrap_or(0));
            if *ledger != expected {
                return Err(format!("{channel}: {}, not {}", short(ledger), short(&expected)));
            }
        }
        if next.ledgers.len() != self.ledgers.len() {
            return Err(format!("{} channels, not {}", next.ledgers.len(), self.ledgers.len()));
        }
        for place in self.disks.keys() {
            let generation = next.generation(*place);
            let disk = next.disks.get_mut(place).unwrap();
            disk.check(shown(store, *place)?, generation, true).map_err(at(*place))?;
        }
        Ok(next)
    }
}

impl Disk {
    fn write(&mut self, sector: usize, stamp: u32, is_for_newest: bool) {
        let Some(change) = &mut self.change else {
            self.shown[sector] = stamp;
            return;
        };
        change.writes.push((sector, stamp));
        if is_for_newest {
            change.sure.insert(sector, stamp);
        } else {
            change.sure.remove(&sector);
        }
    }

    fn check(&mut self, shown: Stamps, generation: Option<u64>, is_recovered: bool) -> Checked {
        self.is_suspect &= !is_recovered;
        let Some(change) = &mut self.change else {
            return match (0..shown.len()).find(|sector| shown[*sector] != self.shown[*sector]) {
                Some(sector) => Err(differs(sector, shown[sector], self.shown[sector])),
                None => Ok(()),
            };
        };
        let may_be_anything = is_recovered && !change.is_synced && !change.is_over;
        for (sector, stamp) in shown.iter().copied().enumerate() {
            if let Some(sure) = change.sure.get(&sector).filter(|sure| **sure != stamp) {
                return Err(differs(sector, stamp, *sure));
            }
            let is_known = change.files.iter().any(|file| file[sector] == stamp)
                || change.writes.contains(&(sector, stamp));
            if !is_known && !may_be_anything {
                return Err(format!("sector {sector}: {stamp} is nobody's"));
            }
        }
        match &change.told {
            Some((told, first)) if generation == Some(*told) => {
                let is_ours = |sector: usize| {
                    shown[sector] == first[sector] || change.writes.contains(&(sector, shown[sector]))
                };
                if let Some(sector) = (0..shown.len()).find(|sector| !is_ours(*sector))
                    && (is_recovered && !change.is_edit || change.is_over)
                {
                    return Err(format!(
                        "sector {sector} was {}, and is {} in the same generation",
                        first[sector], shown[sector]
                    ));
                }
            }
            _ if change.is_announced => change.told = None,
            _ => change.told = generation.map(|generation| (generation, shown.clone())),
        }
        if is_recovered || change.is_over {
            self.change = None;
        }
        self.shown = shown;
        Ok(())
    }
}

fn differs(sector: usize, shown: u32, expected: u32) -> String {
    format!("sector {sector}: {shown}, not {expected}")
}

fn at((channel, drive): Place) -> impl Fn(String) -> String {
    move |error| format!("{channel}, drive {}: {error}", drive.number())
}

/// What a ledger says, for people.
fn short(ledger: &Ledger) -> String {
    let Ledger { session, mark, ended, floor, highest, images, .. } = ledger;
    format!(
        "session {session}, ended {ended}, mark {mark}, floor {floor}, highest {highest}, images {:?}",
        &images[1..3]
    )
}
