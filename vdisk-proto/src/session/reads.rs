//! The READs that are not done.
//!
//! One asks for a run of sectors: the one that was missed, and the rest of its track. Which of them are still missing,
//! which were written since and must not be taken, and for which somebody waits, is in three rows of bits in the
//! caller's memory.

use sector_cache::{Sector, SectorKey};

use super::retry::Retry;
use crate::codec::Run;

/// How many READs there may be at a time.
pub(super) const READS: usize = 4;
/// Rows of bits of a READ.
const ROWS: usize = 3;

/// What a row of bits says of each sector of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// It did not come yet.
    Missing = 0,
    /// A write of it was unacknowledged at some time since the READ was first sent: what comes may be older.
    Barred = 1,
    /// Somebody waits for it.
    Wanted = 2,
}

/// The READs, and their bits.
#[derive(Debug)]
pub(super) struct Reads<'m> {
    slots: [Option<Read>; READS],
    /// `READS` times `ROWS` rows of `row_length` bytes.
    bits: &'m mut [u8],
    row_length: usize,
}

/// A READ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    /// The sector that was missed.
    pub(super) key: SectorKey,
    /// All that is asked for, that sector first; `None` as long as nobody knows the drive's shape.
    pub(super) run: Option<Run>,
    /// The request's; 0 if it is to be given one.
    pub(super) sequence: u32,
    pub(super) retry: Retry,
    /// Since when somebody waits for the sectors wanted, the first of them.
    pub(super) since_ms: u64,
    /// Version 1, where each sector is asked for alone: how many of the run have been.
    pub(super) cursor: u16,
}

impl Read {
    /// The place of a sector in what is asked for.
    pub(super) fn index_of(&self, key: SectorKey) -> Option<u16> {
        if self.key.drive() != key.drive() {
            return None;
        }
        match self.run {
            Some(run) => run.index_of(key.sector().number()),
            None => (self.key == key).then_some(0),
        }
    }

    /// How many sectors are asked for.
    pub(super) fn count(&self) -> u16 {
        self.run.map_or(1, |run| run.count())
    }

    /// The sector at a place.
    pub(super) fn sector(&self, index: u16) -> Option<SectorKey> {
        match self.run {
            Some(run) => {
                let sector = Sector::new(run.sector_at(index)).ok()?;
                Some(SectorKey::new(self.key.drive(), sector))
            }
            None => Some(self.key),
        }
    }
}

/// Bytes of the rows of all READs of so many sectors at most.
pub(super) const fn bytes(sectors: u16) -> usize {
    READS * ROWS * row_length(sectors)
}

const fn row_length(sectors: u16) -> usize {
    (sectors as usize).div_ceil(8)
}

impl<'m> Reads<'m> {
    /// No READs, in memory of as many [`bytes`] as READs of so many sectors take.
    pub(super) const fn new(bits: &'m mut [u8], sectors: u16) -> Self {
        Self { slots: [None; READS], bits, row_length: row_length(sectors) }
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Read> {
        self.slots.get(slot)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Read> {
        self.slots.get_mut(slot)?.as_mut()
    }

    /// The slots in use.
    pub(super) fn in_use(&self) -> impl Iterator<Item = (usize, &Read)> {
        self.slots.iter().enumerate().filter_map(|(slot, read)| Some((slot, read.as_ref()?)))
    }

    /// Where a READ that asks for this sector is, and will take it: the slot and the place.
    pub(super) fn expecting(&self, key: SectorKey) -> Option<(usize, u16)> {
        self.in_use().find_map(|(slot, read)| {
            let index = read.index_of(key)?;
            self.takes(slot, index).then_some((slot, index))
        })
    }

    /// Whether a sector of a READ is missing, and will be taken.
    pub(super) fn takes(&self, slot: usize, index: u16) -> bool {
        self.bit(slot, Row::Missing, index) && !self.bit(slot, Row::Barred, index)
    }

    /// The READ of that sequence, in flight.
    pub(super) fn with_sequence(&self, sequence: u32) -> Option<usize> {
        let (slot, _) = self.in_use().find(|(_, read)| sequence != 0 && read.sequence == sequence)?;
        Some(slot)
    }

    /// Puts a READ for its first sector into a slot: a free one, or else that of the one sent longest ago of those that
    /// nobody waits for. `None` if there is no such slot.
    pub(super) fn insert(&mut self, read: Read) -> Option<usize> {
        let free = self.slots.iter().position(Option::is_none);
        let idle = || {
            let idle = self.in_use().filter(|(slot, _)| !self.is_wanted(*slot));
            idle.min_by_key(|(_, read)| read.since_ms).map(|(slot, _)| slot)
        };
        let slot = free.or_else(idle)?;
        *self.slots.get_mut(slot)? = Some(read);
        self.clear(slot, Row::Wanted);
        self.set(slot, Row::Wanted, 0, true);
        self.ask_for_all(slot);
        Some(slot)
    }

    pub(super) fn remove(&mut self, slot: usize) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = None;
        }
    }

    /// Takes all of a READ's run as missing, and none as written since.
    pub(super) fn ask_for_all(&mut self, slot: usize) {
        self.clear(slot, Row::Missing);
        self.clear(slot, Row::Barred);
        let count = self.get(slot).map_or(0, Read::count);
        for index in 0..count {
            self.set(slot, Row::Missing, index, true);
        }
    }

    /// A sector is written: no READ in flight takes it any more. Whether somebody waited for it.
    pub(super) fn bar(&mut self, key: SectorKey) -> bool {
        let mut was_wanted = false;
        for slot in 0..READS {
            was_wanted |= self.bar_in(slot, key);
        }
        was_wanted
    }

    /// The same in one slot.
    pub(super) fn bar_in(&mut self, slot: usize, key: SectorKey) -> bool {
        let Some(index) = self.get(slot).and_then(|read| read.index_of(key)) else { return false };
        let was_wanted = self.bit(slot, Row::Wanted, index);
        self.set(slot, Row::Wanted, index, false);
        self.set(slot, Row::Barred, index, true);
        was_wanted
    }

    /// Takes a sector that came, if a READ in this slot still misses it and may take it; whether somebody waited for
    /// it, wherever.
    pub(super) fn take(&mut self, slot: usize, key: SectorKey, ignores_bars: bool) -> Option<bool> {
        let index = self.get(slot)?.index_of(key)?;
        if !self.bit(slot, Row::Missing, index) {
            return None;
        }
        self.set(slot, Row::Missing, index, false);
        if self.bit(slot, Row::Barred, index) && !ignores_bars {
            return None;
        }
        let mut was_wanted = false;
        for slot in 0..READS {
            let Some(index) = self.get(slot).and_then(|read| read.index_of(key)) else { continue };
            was_wanted |= self.bit(slot, Row::Wanted, index);
            self.set(slot, Row::Wanted, index, false);
        }
        Some(was_wanted)
    }

    /// Whether somebody waits for a sector of a READ.
    pub(super) fn is_wanted(&self, slot: usize) -> bool {
        self.any(slot, Row::Wanted)
    }

    /// Whether nothing more is to come for a READ.
    pub(super) fn is_done(&self, slot: usize) -> bool {
        !self.any(slot, Row::Missing)
    }

    fn any(&self, slot: usize, row: Row) -> bool {
        self.row(slot, row).is_some_and(|bits| bits.iter().any(|byte| *byte != 0))
    }

    fn row(&self, slot: usize, row: Row) -> Option<&[u8]> {
        self.bits.get(self.row_at(slot, row)..)?.get(..self.row_length)
    }

    fn clear(&mut self, slot: usize, row: Row) {
        let at = self.row_at(slot, row);
        if let Some(bits) = self.bits.get_mut(at..).and_then(|rest| rest.get_mut(..self.row_length)) {
            bits.fill(0);
        }
    }

    pub(super) fn bit(&self, slot: usize, row: Row, index: u16) -> bool {
        let byte = self.row(slot, row).and_then(|bits| bits.get(usize::from(index / 8)));
        byte.is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }

    pub(super) fn set(&mut self, slot: usize, row: Row, index: u16, on: bool) {
        let at = self.row_at(slot, row).wrapping_add(usize::from(index / 8));
        let Some(byte) = self.bits.get_mut(at) else { return };
        let bit = 1 << (index % 8);
        *byte = if on { *byte | bit } else { *byte & !bit };
    }

    const fn row_at(&self, slot: usize, row: Row) -> usize {
        // Within `bits`, whose length was computed so.
        slot.wrapping_mul(ROWS).wrapping_add(row as usize).wrapping_mul(self.row_length)
    }
}

#[cfg(test)]
mod tests;
