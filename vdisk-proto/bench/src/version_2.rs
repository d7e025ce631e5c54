//! A device of version 2: without a cache, so that every request goes to the server.
//!
//! It keeps the protocol's rules, since a server may rely on them: a session first, writes in order and without a gap, and a
//! new session when one was refused or the server says so.

mod answers;
mod greeting;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use sector_cache::Drive;
use vdisk_proto::codec::frame::{Frame, HEAD_LENGTH, OVERHEAD, Operation};
use vdisk_proto::codec::hello::DriveInfo;
use vdisk_proto::codec::{Channel, Run};

use crate::Error;
use crate::sector::{Random, entropy, fill};
use crate::speaker::{Load, Speaker};
use crate::tally::{Fault, Kind, Tally};
use crate::wire;
use greeting::Greeting;

/// After so long without progress the writes on their way, or HELLO, are sent again.
const REPEAT_AFTER: Duration = Duration::from_secs(1);
/// After so long a server that was busy is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// So many sectors are looked at for one that no other request is about.
const PICKS: usize = 8;

/// What a device is made of.
pub(crate) struct Setup {
    pub(crate) load: Load,
    pub(crate) channel: Channel,
    /// Where its requests go.
    pub(crate) topic: String,
    /// Those that it uses.
    pub(crate) drives: Vec<Drive>,
    /// Which a read asks for.
    pub(crate) sectors: u16,
    pub(crate) device: u32,
}

/// A device of version 2.
pub(crate) struct Version2 {
    setup: Setup,
    random: Random,
    /// Set while there is no session.
    greeting: Option<Greeting>,
    /// Of the last session.
    session: u32,
    /// Those of `setup` that the server has, as of the session's beginning: all of them, else `failure` is set.
    drives: Vec<DriveInfo>,
    /// Of the last request but WRITEs.
    sequence: u32,
    /// Of the last WRITE.
    write_sequence: u32,
    /// The last WRITE that is durable: not after `write_sequence`.
    mark: u32,
    /// What the server allows, or less.
    write_window: usize,
    /// When the writes on their way are sent again; set while there are some.
    writes_due: Option<Instant>,
    /// The oldest first. No two are about the same sector if one is a write.
    in_flight: VecDeque<Request>,
    /// The stamps of what was written to a drive's sectors, and is durable.
    written: HashMap<(Drive, u32), u64>,
    stamp: u64,
    failure: Option<String>,
}

struct Request {
    sequence: u32,
    drive: Drive,
    run: Run,
    /// A bit for each sector of the run that has come.
    come: u64,
    /// Of a WRITE.
    stamp: Option<u64>,
    sent: Instant,
}

impl Request {
    const fn kind(&self) -> Kind {
        if self.stamp.is_some() { Kind::Write } else { Kind::Read }
    }

    fn is_about(&self, drive: Drive, run: &Run) -> bool {
        self.drive == drive && run.sectors().any(|sector| self.run.index_of(sector).is_some())
    }
}

impl Version2 {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut random = Random::new(setup.load.seed ^ entropy(), setup.device.into());
        let first = random.below(1 << 31);
        let mut device = Self {
            stamp: random.next(),
            // Sectors follow from the seed alone; nonces and what is written never repeat.
            random: Random::new(setup.load.seed, setup.device.into()),
            setup,
            greeting: None,
            session: 0,
            drives: Vec::new(),
            sequence: first,
            write_sequence: 0,
            mark: 0,
            write_window: 0,
            writes_due: None,
            in_flight: VecDeque::new(),
            written: HashMap::new(),
            failure: None,
        };
        device.greet();
        device
    }

    /// In a session: all that are not durable are on their way.
    fn writes_in_flight(&self) -> usize {
        (self.write_sequence - self.mark) as usize
    }

    /// A request that no other is in the way of, if one is found soon.
    fn pick(&mut self) -> Option<(DriveInfo, Run, bool)> {
        let is_write = self.random.below(100) < self.setup.load.writes_percent.into();
        if is_write && self.writes_in_flight() >= self.write_window {
            return None;
        }
        let count = if is_write { 1 } else { self.setup.sectors };
        for _ in 0..PICKS {
            let drive = self.random.below(u32::try_from(self.drives.len()).unwrap_or_default());
            let info = *self.drives.get(drive as usize)?;
            let sector = self.random.below(info.geometry.sectors());
            let run = Run::new(info.geometry, sector, count.min(info.geometry.sectors_per_track())).ok()?;
            let is_in_the_way =
                |other: &Request| (is_write || other.stamp.is_some()) && other.is_about(info.drive, &run);
            if !self.in_flight.iter().any(is_in_the_way) {
                return Some((info, run, is_write));
            }
        }
        None
    }

    fn request(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let Some((info, run, is_write)) = self.pick() else { return false };
        let stamp = is_write.then(|| {
            self.stamp = self.stamp.wrapping_add(1);
            self.stamp
        });
        let last = if is_write { &mut self.write_sequence } else { &mut self.sequence };
        *last += 1;
        let request = Request { sequence: *last, drive: info.drive, run, come: 0, stamp, sent: now };
        self.publish(&request, out);
        self.in_flight.push_back(request);
        if is_write {
            self.writes_due.get_or_insert(now + REPEAT_AFTER);
        }
        true
    }

    /// Appends the message that asks for it.
    fn publish(&self, request: &Request, out: &mut Vec<u8>) {
        let operation = if request.stamp.is_some() { Operation::Write } else { Operation::Read };
        let frame = Frame {
            sector: request.run.sector(),
            count: request.run.count(),
            drive: request.drive.number(),
            ..Frame::blank(operation, self.session, request.sequence)
        };
        let body = if request.stamp.is_some() { request.run.bytes() } else { 0 };
        wire::publish_head(self.setup.topic.as_bytes(), OVERHEAD + body, out);
        let start = out.len();
        out.resize(start + OVERHEAD + body, 0);
        let Some(bytes) = out.get_mut(start..) else { return };
        if let (Some(stamp), Some(sectors)) = (request.stamp, bytes.get_mut(HEAD_LENGTH..HEAD_LENGTH + body))
        {
            fill(request.run.sector(), stamp, sectors);
        }
        frame.seal(&self.setup.channel, bytes);
    }

    /// Sends the writes that are on their way again, in order: the server dropped those after one that it missed.
    fn repeat_writes(&mut self, now: Instant, tally: &mut Tally, out: &mut Vec<u8>) {
        if self.writes_due.is_none_or(|due| now < due) {
            return;
        }
        for request in self.in_flight.iter().filter(|request| request.stamp.is_some()) {
            tally.repeated += 1;
            self.publish(request, out);
        }
        self.writes_due = (self.writes_in_flight() > 0).then(|| now + REPEAT_AFTER);
    }
}

impl Speaker for Version2 {
    fn send(&mut self, left: &mut u64, now: Instant, tally: &mut Tally, out: &mut Vec<u8>) {
        if self.greeting.is_some() {
            self.send_hello(left, now, tally, out);
            return;
        }
        self.repeat_writes(now, tally, out);
        while *left > 0 && self.in_flight.len() < self.setup.load.window {
            if self.sequence.max(self.write_sequence) == u32::MAX {
                self.interrupt(tally);
                self.send_hello(left, now, tally, out);
                return;
            }
            if !self.request(now, out) {
                return;
            }
            *left -= 1;
        }
    }

    fn receive(&mut self, payload: &[u8], is_retained: bool, now: Instant, tally: &mut Tally) {
        match Frame::decode(&self.setup.channel, payload) {
            Ok(_) if is_retained => tally.fault(Fault::Unexpected),
            Ok(frame) => self.received(&frame, now, tally),
            Err(_) => tally.fault(Fault::Frame),
        }
    }

    fn expire(&mut self, now: Instant, tally: &mut Tally) {
        let timeout = self.setup.load.timeout;
        let is_late = |request: &Request| request.sent + timeout <= now;
        let late = self.in_flight.partition_point(is_late);
        if self.in_flight.iter().take(late).any(|request| request.stamp.is_some()) {
            // The session cannot go on without that write.
            tally.faults(Fault::Lost, self.in_flight.len());
            self.in_flight.clear();
            self.written.clear();
            self.greet();
            return;
        }
        tally.faults(Fault::Lost, late);
        self.in_flight.drain(..late);
    }

    fn due(&self) -> Option<Instant> {
        if let Some(greeting) = &self.greeting {
            return greeting.due();
        }
        let late = self.in_flight.front().map(|request| request.sent + self.setup.load.timeout);
        [late, self.writes_due].into_iter().flatten().min()
    }

    fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    fn is_open(&self) -> Result<bool, Error> {
        match &self.failure {
            Some(reason) => {
                Err(Error::Refused { channel: self.setup.channel.to_string(), reason: reason.clone() })
            }
            None => Ok(self.greeting.is_none()),
        }
    }
}

#[cfg(test)]
mod tests;
