//! How a session begins.

use std::time::Instant;

use vdisk_proto::codec::Status;
use vdisk_proto::codec::frame::{Frame, OVERHEAD, Operation};
use vdisk_proto::codec::hello::{DriveInfo, HelloAnswer, HelloRequest, REQUEST_LENGTH};

use super::{BUSY_PAUSE, REPEAT_AFTER, Version2};
use crate::sector::entropy;
use crate::tally::{Fault, Tally};
use crate::wire;

/// The largest frame that is taken, in bytes.
const LARGEST_FRAME: u16 = 16_384;

/// A HELLO that is not answered yet.
pub(super) struct Greeting {
    nonce: u64,
    sequence: u32,
    /// When it is sent, or sent again; `None` before the first time.
    due: Option<Instant>,
    /// When it will count as lost.
    late: Option<Instant>,
}

impl Greeting {
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl Version2 {
    /// A new session is needed. What was on its way is forgotten before.
    pub(super) fn greet(&mut self) {
        self.sequence = self.sequence.checked_add(1).unwrap_or(1);
        self.writes_due = None;
        self.greeting = Some(Greeting { nonce: entropy(), sequence: self.sequence, due: None, late: None });
    }

    /// The session has ended under what is on its way.
    pub(super) fn interrupt(&mut self, tally: &mut Tally) {
        tally.faults(Fault::Interrupted, self.in_flight.len());
        for request in self.in_flight.drain(..).filter(|request| request.stamp.is_some()) {
            self.written.remove(&(request.drive, request.run.sector()));
        }
        self.greet();
    }

    /// Sends HELLO if it is due. One that stays without an answer takes the place of a request.
    pub(super) fn send_hello(&mut self, left: &mut u64, now: Instant, tally: &mut Tally, out: &mut Vec<u8>) {
        let timeout = self.setup.load.timeout;
        let Some(greeting) =
            self.greeting.as_mut().filter(|greeting| greeting.due.is_none_or(|due| due <= now))
        else {
            return;
        };
        greeting.due = Some(now + REPEAT_AFTER);
        if *greeting.late.get_or_insert(now + timeout) <= now {
            greeting.late = Some(now + timeout);
            tally.fault(Fault::Lost);
            *left = left.saturating_sub(1);
        }
        let body = HelloRequest {
            nonce: greeting.nonce,
            previous: self.session,
            largest_frame: LARGEST_FRAME,
            cacheable_sectors: 0,
        };
        let frame = Frame {
            acknowledged: self.mark,
            body: &body.encode(),
            ..Frame::blank(Operation::Hello, 0, greeting.sequence)
        };
        let mut bytes = [0; OVERHEAD + REQUEST_LENGTH];
        frame.encode(&self.setup.channel, &mut bytes);
        wire::publish(self.setup.topic.as_bytes(), &bytes, out);
    }

    /// HELLO was answered.
    pub(super) fn greeted(&mut self, frame: &Frame<'_>, now: Instant, tally: &mut Tally) {
        let Some(greeting) = self.greeting.as_mut().filter(|greeting| greeting.sequence == frame.sequence)
        else {
            tally.fault(Fault::Unexpected);
            return;
        };
        match frame.status {
            Status::Ok => {}
            Status::Busy => {
                greeting.due = Some(now + BUSY_PAUSE);
                return;
            }
            Status::StaleSession => return self.greet(),
            refusal => {
                self.failure = Some(refusal.to_string());
                return;
            }
        }
        let Ok((answer, drives)) = HelloAnswer::decode(frame.body) else {
            tally.fault(Fault::Frame);
            return;
        };
        if answer.nonce != greeting.nonce {
            tally.fault(Fault::Unexpected);
            return;
        }
        if frame.acknowledged != 0 {
            // The nonce was used before, which chance alone can do.
            return self.greet();
        }
        self.greeting = None;
        self.session = frame.session;
        (self.mark, self.write_sequence) = (0, 0);
        // A server that allows none would never be written to.
        self.write_window = usize::from(answer.window.max(1));
        self.take_drives(&drives.collect::<Vec<_>>());
    }

    /// Looks whether there are the drives that are to be used, and whether they can be.
    fn take_drives(&mut self, told: &[DriveInfo]) {
        let writes = self.setup.load.writes_percent > 0;
        let find = |wanted: &sector_cache::Drive| told.iter().find(|info| info.drive == *wanted).copied();
        let drives: Vec<_> = self.setup.drives.iter().filter_map(find).collect();
        let letters = |drives: &[sector_cache::Drive]| -> String { drives.iter().map(letter).collect() };
        if drives.len() < self.setup.drives.len() {
            let has: Vec<_> = told.iter().map(|info| info.drive).collect();
            self.failure = Some(format!(
                "it has the drives {:?}, and not all of {:?}",
                letters(&has),
                letters(&self.setup.drives)
            ));
        } else if let Some(info) = drives.iter().find(|info| writes && info.is_read_only) {
            self.failure =
                Some(format!("drive {} is read-only, and --writes asks for writes", letter(&info.drive)));
        }
        let is_same = |old: &DriveInfo| {
            drives.iter().any(|new| new.drive == old.drive && new.generation == old.generation)
        };
        let changed = self.drives.iter().filter(|old| !is_same(old)).map(|old| old.drive).collect::<Vec<_>>();
        self.written.retain(|(drive, _), _| !changed.contains(drive));
        self.drives = drives;
    }
}

fn letter(drive: &sector_cache::Drive) -> char {
    char::from(b'A' + drive.number())
}
