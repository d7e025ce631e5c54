//! What arrives.

use sector_cache::{Drive, Sector, SectorKey};

use super::counters::count;
use super::reads::READS;
use super::retry::Retry;
use super::{Defect, Failure, Host, Mode, Session};
use crate::codec::frame::{Frame, Operation};
use crate::codec::{Run, Status, Topic};

impl Session<'_> {
    /// A message arrived on a topic of the channel. Any bytes may come.
    pub fn received(
        &mut self,
        topic: Topic,
        payload: &[u8],
        is_retained: bool,
        now_ms: u64,
        host: &mut impl Host,
    ) {
        match topic {
            _ if is_retained => count(&mut self.counters.foreign),
            Topic::Response => match Frame::decode(&self.config.channel, payload) {
                Ok(frame) if frame.is_answer => self.answered(&frame, now_ms, host),
                Ok(frame) if frame.operation == Operation::Invalidate => {
                    self.invalidated(&frame, now_ms, host);
                }
                _ => count(&mut self.counters.malformed),
            },
            Topic::LegacyData => self.data_received(payload, now_ms, host),
            Topic::LegacyRead | Topic::LegacyWrite | Topic::Request => count(&mut self.counters.foreign),
        }
    }

    fn answered(&mut self, frame: &Frame<'_>, now_ms: u64, host: &mut impl Host) {
        if self.mode == Mode::TakenOver {
            count(&mut self.counters.unmatched);
            return;
        }
        if frame.operation == Operation::Hello {
            if self.is_greeting(frame) {
                self.hello_answered(frame, now_ms, host);
            } else {
                count(&mut self.counters.unmatched);
            }
            return;
        }
        if !self.is_in_flight(frame) {
            count(&mut self.counters.unmatched);
            self.answered_unasked(frame, now_ms, host);
            return;
        }
        self.heard_ms = now_ms;
        if frame.status == Status::StaleSession {
            self.stale(frame.acknowledged, now_ms, host);
            return;
        }
        match frame.operation {
            Operation::Write => self.write_answered(frame, now_ms, host),
            Operation::Read => {
                self.acknowledge(frame.acknowledged, now_ms, host);
                self.read_answered(frame, now_ms, host);
            }
            _ => {
                self.flush.1 = 0;
                self.acknowledge(frame.acknowledged, now_ms, host);
            }
        }
    }

    /// Whether an answer is one to a request of this session that waits for it.
    fn is_in_flight(&self, frame: &Frame<'_>) -> bool {
        if self.number == 0 || frame.session != self.number {
            return false;
        }
        match frame.operation {
            Operation::Write => self.window.in_flight(frame.sequence).is_some(),
            Operation::Read => self.reads.with_sequence(frame.sequence).is_some(),
            Operation::Flush => frame.sequence != 0 && frame.sequence == self.flush.1,
            Operation::Hello | Operation::Invalidate => false,
        }
    }

    /// What planted defects do with an answer that nobody waits for.
    fn answered_unasked(&mut self, frame: &Frame<'_>, now_ms: u64, host: &mut impl Host) {
        if self.has_defect(Defect::CountEveryStale) && frame.status == Status::StaleSession {
            self.stale(frame.acknowledged, now_ms, host);
        }
        if self.has_defect(Defect::AcceptUnmatchedAnswer) && frame.operation == Operation::Read {
            let Ok(drive) = Drive::new(frame.drive) else { return };
            self.each_sector(frame, |session, key, bytes| {
                if key.drive() == drive && session.window.latest(key).is_none() {
                    session.trust.fill(host.cache(), key, bytes);
                }
            });
        }
    }

    /// Writes up to that one are on the server's disk.
    pub(super) fn acknowledge(&mut self, mark: u32, now_ms: u64, host: &mut impl Host) {
        let count = self.window.acknowledge(mark);
        if count > 0 {
            self.count_settled(count as u64);
            self.writes = Retry::at(now_ms);
            if self.window.next > 0 {
                // Those that were sent have a whole pause to be acknowledged in.
                self.writes.sent(now_ms, host.random());
            }
        }
    }

    /// So many of the first writes are done, or failed; and all, if none waits. Then nothing is left to flush.
    pub(super) fn count_settled(&mut self, count: u64) {
        if self.window.len() == 0 {
            self.settled = self.accepted;
            self.flush = (false, 0);
        } else {
            self.settled = self.settled.saturating_add(count);
        }
    }

    fn write_answered(&mut self, frame: &Frame<'_>, now_ms: u64, host: &mut impl Host) {
        self.acknowledge(frame.acknowledged, now_ms, host);
        let Some(index) = self.window.in_flight(frame.sequence) else { return };
        match frame.status {
            Status::Ok | Status::StaleSession => {}
            Status::Busy => {
                // What followed it was dropped, or will be.
                self.window.next = self.window.next.min(index);
                self.writes.sent(now_ms, host.random());
                self.held_ms = self.writes.due_ms();
            }
            status => {
                self.fail_write(index, Failure::Refused(status), host);
                self.begin(now_ms, host);
            }
        }
    }

    fn read_answered(&mut self, frame: &Frame<'_>, now_ms: u64, host: &mut impl Host) {
        let Some(slot) = self.reads.with_sequence(frame.sequence) else { return };
        match frame.status {
            Status::Ok => {
                self.each_sector(frame, |session, key, bytes| session.take(slot, key, bytes, host));
                self.finish_reads();
            }
            Status::Busy => {
                if let Some(read) = self.reads.get_mut(slot) {
                    read.retry.sent(now_ms, host.random());
                }
            }
            Status::TooLarge if self.read_less(slot, now_ms, host) => {}
            status => self.fail_read(slot, Failure::Refused(status), host),
        }
    }

    /// A READ is more than the server answers: from now on, half of it is asked for. `false` if that is nothing.
    fn read_less(&mut self, slot: usize, now_ms: u64, host: &mut impl Host) -> bool {
        let Some(half) = self.reads.get(slot).map(|read| read.count() / 2).filter(|half| *half > 0) else {
            return false;
        };
        self.read_together = self.read_together.min(half);
        self.ask_again(slot, now_ms, host);
        true
    }

    /// Calls for every sector of an answer that is whole and makes sense for its drive.
    fn each_sector(&mut self, frame: &Frame<'_>, mut call: impl FnMut(&mut Self, SectorKey, &[u8])) {
        let Ok(drive) = Drive::new(frame.drive) else { return };
        let Some(geometry) = self.drive(drive).map(|info| info.geometry) else { return };
        let Ok(run) = Run::new(geometry, frame.sector, frame.count) else { return };
        if frame.body.len() != run.bytes() {
            return;
        }
        let sectors = frame.body.chunks_exact(usize::from(geometry.sector_length()).max(1));
        for (sector, bytes) in run.sectors().zip(sectors) {
            let Ok(sector) = Sector::new(sector) else { continue };
            call(self, SectorKey::new(drive, sector), bytes);
        }
    }

    /// Takes a sector of a READ's answer: into the cache, and to whoever waits.
    pub(super) fn take(&mut self, slot: usize, key: SectorKey, bytes: &[u8], host: &mut impl Host) {
        match self.reads.take(slot, key, self.has_defect(Defect::ReadAheadOverWrite)) {
            Some(was_wanted) => {
                count(&mut self.counters.sectors);
                self.trust.fill(host.cache(), key, bytes);
                if was_wanted {
                    host.arrived(key, bytes);
                }
            }
            None => count(&mut self.counters.sectors_discarded),
        }
    }

    /// Forgets the READs of which everything came.
    pub(super) fn finish_reads(&mut self) {
        for slot in 0..READS {
            if self.reads.get(slot).is_some() && self.reads.is_done(slot) {
                self.reads.remove(slot);
            }
        }
    }

    /// The server says that a drive was changed, and that this ended the session.
    fn invalidated(&mut self, frame: &Frame<'_>, now_ms: u64, host: &mut impl Host) {
        let Ok(drive) = Drive::new(frame.drive) else { return };
        if self.number == 0 || frame.session != self.number {
            count(&mut self.counters.unmatched);
            return;
        }
        self.heard_ms = now_ms;
        self.trust.forget(host.cache(), drive);
        self.begin(now_ms, host);
    }
}
