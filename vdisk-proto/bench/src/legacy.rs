//! A device of version 1.
//!
//! A write is not acknowledged. So a read of the same sector follows it, again and again, and the write is done when that
//! brings what was written.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use vdisk_proto::codec::legacy::{DATA_LENGTH, OFFSET_LENGTH, Read, Write};

use crate::Error;
use crate::sector::{LEGACY_DISK, Random, entropy, is, made_up, offset};
use crate::speaker::{Load, Speaker};
use crate::tally::{Fault, Kind, Tally};
use crate::wire;

/// A device of version 1.
pub(crate) struct Legacy {
    load: Load,
    read_topic: Vec<u8>,
    write_topic: Vec<u8>,
    random: Random,
    /// Of different sectors, the oldest first: nothing but its offset tells which request an answer is for.
    in_flight: VecDeque<Request>,
    /// Reads of what was written that brought something else, and are to be sent again.
    repeats: Vec<u32>,
    /// The stamp of what this device wrote to a sector, and read back.
    written: HashMap<u32, u64>,
    stamp: u64,
    /// Whether anything was answered; nothing is written before.
    is_answered: bool,
}

struct Request {
    sector: u32,
    sent: Instant,
    /// Of a write.
    stamp: Option<u64>,
}

impl Legacy {
    pub(crate) fn new(load: Load, read_topic: String, write_topic: String, device: u32) -> Self {
        let mut random = Random::new(load.seed, device.into());
        Self {
            load,
            read_topic: read_topic.into_bytes(),
            write_topic: write_topic.into_bytes(),
            // What an earlier run wrote is something else.
            stamp: random.next() ^ entropy(),
            random,
            in_flight: VecDeque::new(),
            repeats: Vec::new(),
            written: HashMap::new(),
            is_answered: false,
        }
    }

    /// One of which nothing is on its way.
    fn pick(&mut self) -> u32 {
        let sectors = LEGACY_DISK.sectors();
        let mut sector = self.random.below(sectors);
        // The window is smaller than the disk.
        while self.in_flight.iter().any(|request| request.sector == sector) {
            sector = (sector + 1) % sectors;
        }
        sector
    }

    fn send_read(&self, sector: u32, out: &mut Vec<u8>) {
        wire::publish_head(&self.read_topic, OFFSET_LENGTH, out);
        out.extend_from_slice(&Read { offset: offset(sector) }.encode());
    }

    /// The answer came that ends a request: after a write, what was written.
    fn answered(&mut self, request: &Request, data: &Write<'_>, now: Instant, tally: &mut Tally) {
        let kind = match request.stamp {
            Some(stamp) => {
                self.written.insert(request.sector, stamp);
                Kind::Write
            }
            None => {
                let expected = self.written.get(&request.sector);
                if expected.is_some_and(|stamp| !is(request.sector, *stamp, data.sector)) {
                    tally.fault(Fault::Contents);
                    return;
                }
                Kind::Read
            }
        };
        tally.done(kind, request.sent, now);
    }
}

impl Speaker for Legacy {
    fn send(&mut self, left: &mut u64, now: Instant, tally: &mut Tally, out: &mut Vec<u8>) {
        for sector in std::mem::take(&mut self.repeats) {
            tally.repeated += 1;
            self.send_read(sector, out);
        }
        while *left > 0 && self.in_flight.len() < self.load.window {
            *left -= 1;
            let sector = self.pick();
            let is_write = self.is_answered && self.random.below(100) < self.load.writes_percent.into();
            let stamp = is_write.then(|| {
                self.stamp = self.stamp.wrapping_add(1);
                let write = Write { offset: offset(sector), sector: &made_up(sector, self.stamp) };
                wire::publish(&self.write_topic, &write.encode(), out);
                self.stamp
            });
            self.send_read(sector, out);
            self.in_flight.push_back(Request { sector, sent: now, stamp });
        }
    }

    fn receive(&mut self, payload: &[u8], is_retained: bool, now: Instant, tally: &mut Tally) {
        let offset_received = payload.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let index = offset_received.and_then(|received| {
            self.in_flight.iter().position(|request| offset(request.sector) == received)
        });
        let Some(index) = index.filter(|_| !is_retained) else {
            let fault = if payload.len() == DATA_LENGTH { Fault::Unexpected } else { Fault::Length };
            tally.fault(fault);
            return;
        };
        self.is_answered = true;
        let Ok(data) = Write::decode(payload) else {
            tally.fault(Fault::Length);
            self.forget(index);
            return;
        };
        let is_old =
            |request: &Request| request.stamp.is_some_and(|stamp| !is(request.sector, stamp, data.sector));
        match self.in_flight.get(index) {
            Some(request) if is_old(request) => self.repeats.push(request.sector),
            _ => {
                if let Some(request) = self.in_flight.remove(index) {
                    self.answered(&request, &data, now, tally);
                }
            }
        }
    }

    fn expire(&mut self, now: Instant, tally: &mut Tally) {
        while self.due().is_some_and(|due| due <= now) {
            tally.fault(Fault::Lost);
            self.forget(0);
        }
    }

    fn due(&self) -> Option<Instant> {
        self.in_flight.front().map(|request| request.sent + self.load.timeout)
    }

    fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    fn is_open(&self) -> Result<bool, Error> {
        Ok(self.is_answered)
    }
}

impl Legacy {
    /// Gives a request up. What the sector has is not known any more if it was a write.
    fn forget(&mut self, index: usize) {
        if let Some(request) = self.in_flight.remove(index) {
            self.repeats.retain(|sector| *sector != request.sector);
            if request.stamp.is_some() {
                self.written.remove(&request.sector);
            }
        }
    }
}
