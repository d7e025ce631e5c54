//! A device that says whatever a device may say, and a little more.

use std::borrow::ToOwned as _;
use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use bytes::Bytes;

use super::super::machine::{Checked, IMAGE, Random, channels};
use super::oracle::{SECTOR_LENGTH, sector_of};
use crate::codec::frame::{self, Frame, Operation};
use crate::codec::hello::HelloRequest;
use crate::codec::{Channel, Run, Status, Topic};
use crate::service::Transmit;
use crate::store::Ledger;

pub(super) struct Device {
    channel: Channel,
    session: u32,
    /// Of its next WRITE.
    next: u32,
    acknowledged: u32,
    nonces: Vec<u64>,
    requests: u32,
    /// What it wrote last, by drive and sector.
    written: BTreeMap<(u8, u32), u32>,
}

impl Device {
    /// One that knows what the disks do.
    pub(super) fn new(channel: Channel, ledger: Option<&Ledger>) -> Self {
        let ledger = ledger.unwrap_or(&Ledger::NEW);
        Self {
            channel,
            session: ledger.current().unwrap_or_default(),
            next: ledger.mark + 1,
            acknowledged: ledger.mark,
            nonces: ledger.nonces().collect(),
            requests: 0,
            written: BTreeMap::new(),
        }
    }

    /// A topic, and what it says there. What it writes is stamped.
    pub(super) fn say(&mut self, random: &mut Random, stamps: [u32; 3]) -> (&'static str, Bytes) {
        let is_legacy = match self.channel.as_str() {
            "a" => false,
            "b" => random.below(8) == 0,
            _ => true,
        };
        if is_legacy {
            return self.say_legacy(random, stamps[0]);
        }
        self.requests += 1;
        let payload = match random.below(40) {
            _ if self.session == 0 => self.hello(random),
            0 | 1 => self.hello(random),
            2 => self.encode(&Frame::blank(Operation::Flush, self.session, self.requests)),
            3 => {
                let blank = Frame::blank(Operation::Read, self.session, self.requests);
                self.encode(&Frame { sector: 12, count: 1, drive: 1, ..blank })
            }
            4 => {
                self.next = self.acknowledged + 1;
                self.write(random, stamps, self.next)
            }
            5 => self.write(random, stamps, self.next + 1),
            6 => self.write(random, stamps, self.next.saturating_sub(1)),
            _ => {
                self.next += 1;
                self.write(random, stamps, self.next - 1)
            }
        };
        ("v2/req", payload)
    }

    fn say_legacy(&mut self, random: &mut Random, stamp: u32) -> (&'static str, Bytes) {
        let sector = sector(random);
        let offset = (sector * SECTOR_LENGTH as u32).to_le_bytes();
        if random.below(5) == 0 {
            return ("read", Bytes::copy_from_slice(&offset));
        }
        let stamp = self.stamp(random, (1, sector), stamp);
        ("write", [&offset[..], &sector_of(stamp)].concat().into())
    }

    fn hello(&mut self, random: &mut Random) -> Bytes {
        let nonce = match (random.below(4), self.nonces.first()) {
            (0, Some(last)) => *last,
            (1, Some(_)) => self.nonces[random.below(self.nonces.len() as u64) as usize],
            _ => {
                let new = random.below(u64::MAX);
                self.nonces.insert(0, new);
                new
            }
        };
        let previous = if random.below(8) == 0 { self.session.saturating_sub(1) } else { self.session };
        let hello = HelloRequest { nonce, previous, largest_frame: 1_000, cacheable_sectors: 9 };
        let body = hello.encode();
        let blank = Frame::blank(Operation::Hello, 0, self.requests);
        self.encode(&Frame { acknowledged: self.acknowledged, body: &body, ..blank })
    }

    fn write(&mut self, random: &mut Random, stamps: [u32; 3], sequence: u32) -> Bytes {
        let drive = if self.channel == channels()[1] && random.below(2) == 0 { 2 } else { 1 };
        let run = Run::new(IMAGE.geometry, sector(random), 1 + random.below(3) as u16).unwrap();
        let stamps =
            run.sectors().zip(stamps).map(|(sector, stamp)| self.stamp(random, (drive, sector), stamp));
        let body: Vec<u8> = stamps.flat_map(sector_of).collect();
        let blank = Frame::blank(Operation::Write, self.session, sequence);
        self.encode(&Frame { drive, sector: run.sector(), count: run.count(), body: &body, ..blank })
    }

    /// Often it writes what it wrote before.
    fn stamp(&mut self, random: &mut Random, place: (u8, u32), stamp: u32) -> u32 {
        if random.below(6) != 0 {
            self.written.insert(place, stamp);
        }
        *self.written.entry(place).or_insert(stamp)
    }

    fn encode(&self, frame: &Frame<'_>) -> Bytes {
        let mut payload = vec![0; frame::OVERHEAD + frame.body.len()];
        frame.encode(&self.channel, &mut payload);
        payload.into()
    }

    /// Hears an answer, which is to be no more than what the disks have.
    pub(super) fn hear(&mut self, message: &Transmit, ledger: Option<&Ledger>) -> Checked {
        if message.topic != Topic::Response {
            return Ok(());
        }
        let answer = Frame::decode(&self.channel, &message.payload).map_err(|error| format!("{error:?}"))?;
        let ledger = ledger.unwrap_or(&Ledger::NEW);
        if answer.status == Status::StaleSession || !answer.is_answer {
            self.session = 0;
            return Ok(());
        }
        if answer.session > ledger.session {
            return Err(format!("session {} is told, and not durable", answer.session));
        }
        if answer.session == ledger.session && answer.acknowledged > ledger.mark {
            return Err(format!(
                "write {} is acknowledged, and {} durable",
                answer.acknowledged, ledger.mark
            ));
        }
        if answer.operation == Operation::Hello && answer.status == Status::Ok {
            if answer.session < self.session {
                return Err("an old session is given again".to_owned() as String);
            }
            self.session = answer.session;
            (self.next, self.acknowledged) = (answer.acknowledged + 1, answer.acknowledged);
        } else if answer.operation == Operation::Write && answer.session == self.session {
            if answer.status != Status::Ok {
                self.next = answer.acknowledged + 1;
            }
            self.acknowledged = self.acknowledged.max(answer.acknowledged);
        }
        Ok(())
    }
}

/// Sectors that meet, wrap, and straddle borders of 512 bytes.
fn sector(random: &mut Random) -> u32 {
    12 + random.below(5) as u32
}
