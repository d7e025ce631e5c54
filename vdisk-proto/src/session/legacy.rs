//! Version 1: drive B, a message a sector, and no acknowledgement.
//!
//! A write stays in the window until its sector was read back equal, and until then no other write of that sector is
//! sent: between the topics of reads and of writes there is no order, so that an answer says nothing of what is on the
//! way.

use sector_cache::{Drive, Sector, SectorKey};

use super::counters::count;
use super::greeting::Probe;
use super::retry::Retry;
use super::window::Progress;
use super::{Failure, Host, Mode, Session, Transmit};
use crate::codec::{Topic, legacy};

/// How many sectors of a track are asked for at a time.
const AT_A_TIME: u16 = 8;
/// How often other bytes may come back for a write before it is given up.
const DIFFERENCES: u8 = 8;

impl Session<'_> {
    pub(super) fn poll_version_1(
        &mut self,
        now_ms: u64,
        payload: &mut [u8],
        host: &mut impl Host,
    ) -> Option<Transmit> {
        self.poll_written(now_ms, payload, host).or_else(|| self.poll_sector(now_ms, payload, host))
    }

    /// A write, or the read that follows it.
    fn poll_written(&mut self, now_ms: u64, payload: &mut [u8], host: &mut impl Host) -> Option<Transmit> {
        if self.writes.is_due(now_ms) {
            for index in 0..self.window.len() {
                self.window.set_progress(index, Progress::ToSend);
            }
        }
        let index = self.unsent()?;
        let entry = self.window.get(index)?;
        let offset = offset(entry.key)?;
        if entry.progress == Progress::Sent {
            self.window.set_progress(index, Progress::AskedBack);
            return self.transmit_read_of(offset, payload);
        }
        let write = legacy::Write { offset, sector: entry.bytes.try_into().ok()? };
        payload.get_mut(..legacy::DATA_LENGTH)?.copy_from_slice(&write.encode());
        self.window.set_progress(index, Progress::Sent);
        if self.writes.is_due(now_ms) {
            self.writes.sent(now_ms, host.random());
        }
        count(&mut self.counters.sent);
        Some(Transmit { topic: Topic::LegacyWrite, length: legacy::DATA_LENGTH })
    }

    /// The first write of which something is to be sent: the oldest of its sector.
    fn unsent(&self) -> Option<usize> {
        let mut entries = self.window.iter().enumerate();
        let (index, _) = entries.find(|(index, entry)| {
            let is_oldest = self.window.oldest(entry.key) == Some(*index);
            is_oldest && entry.progress != Progress::AskedBack
        })?;
        Some(index)
    }

    /// A read of the next sector that a READ asks for.
    fn poll_sector(&mut self, now_ms: u64, payload: &mut [u8], host: &mut impl Host) -> Option<Transmit> {
        while let Some(slot) = self.due_read(now_ms) {
            let read = self.reads.get_mut(slot)?;
            read.cursor = 0;
            read.retry.sent(now_ms, host.random());
        }
        let (slot, index) = self.askable()?;
        let read = self.reads.get_mut(slot)?;
        read.cursor = index.saturating_add(1);
        let key = read.sector(index)?;
        self.transmit_read_of(offset(key)?, payload)
    }

    /// The next sector to ask for, of a READ that may: the slot and the place.
    fn askable(&self) -> Option<(usize, u16)> {
        self.reads.in_use().find_map(|(slot, read)| {
            let asked = (0..read.cursor).filter(|index| self.reads.takes(slot, *index));
            if asked.count() >= usize::from(AT_A_TIME) {
                return None;
            }
            let index = (read.cursor..read.count()).find(|index| self.reads.takes(slot, *index))?;
            Some((slot, index))
        })
    }

    /// When [`poll_version_1`](Self::poll_version_1) has something to do.
    pub(super) fn version_1_sends_ms(&self) -> Option<u64> {
        if self.unsent().is_some() || self.askable().is_some() {
            return Some(0);
        }
        let again = (self.window.len() > 0).then(|| self.writes.due_ms());
        let reads = self.reads.in_use().map(|(_, read)| read.retry.due_ms()).min();
        [again, reads].into_iter().flatten().min()
    }

    /// Data of version 1 arrived.
    pub(super) fn data_received(&mut self, payload: &[u8], now_ms: u64, host: &mut impl Host) {
        let Ok(data) = legacy::Write::decode(payload) else {
            count(&mut self.counters.malformed);
            return;
        };
        if self.mode == Mode::Unknown && self.greeting.probe == Probe::InFlight && data.offset == 0 {
            self.fall_back(now_ms, host);
            return;
        }
        let Some(key) = key(data.offset).filter(|_| self.mode == Mode::One) else {
            count(&mut self.counters.unmatched);
            return;
        };
        self.heard_ms = now_ms;
        self.read_back(key, data.sector, now_ms, host);
        if let Some((slot, _)) =
            self.reads.expecting(key).filter(|(slot, index)| self.has_asked(*slot, *index))
        {
            self.take(slot, key, data.sector, host);
            self.finish_reads();
        }
    }

    fn has_asked(&self, slot: usize, index: u16) -> bool {
        self.reads.get(slot).is_some_and(|read| index < read.cursor)
    }

    /// If these are the bytes of the oldest write of their sector, it is done.
    fn read_back(&mut self, key: SectorKey, bytes: &[u8], now_ms: u64, host: &mut impl Host) {
        let Some(index) = self.window.oldest(key) else { return };
        let Some(entry) = self.window.get(index).filter(|entry| entry.progress == Progress::AskedBack) else {
            return;
        };
        if entry.bytes == bytes {
            self.settle(index);
            self.writes = Retry::at(now_ms);
            self.writes.sent(now_ms, host.random());
        } else if self.window.differs(index) >= DIFFERENCES {
            self.fail_write(index, Failure::NotKept, host);
        }
    }
}

/// Where in drive B's image a sector is.
fn offset(key: SectorKey) -> Option<u32> {
    let length = u32::try_from(legacy::SECTOR_LENGTH).ok()?;
    if key.drive() == Drive::B { key.sector().number().checked_mul(length) } else { None }
}

/// The sector at an offset of drive B's image.
fn key(offset: u32) -> Option<SectorKey> {
    let length = u32::try_from(legacy::SECTOR_LENGTH).ok()?;
    if offset.checked_rem(length)? != 0 {
        return None;
    }
    Some(SectorKey::new(Drive::B, Sector::new(offset.checked_div(length)?).ok()?))
}
