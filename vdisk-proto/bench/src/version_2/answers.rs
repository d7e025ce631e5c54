//! What a device makes of answers.

use std::time::Instant;

use vdisk_proto::codec::Status;
use vdisk_proto::codec::frame::{Frame, Operation};

use super::{BUSY_PAUSE, REPEAT_AFTER, Request, Version2};
use crate::sector::is;
use crate::tally::{Fault, Kind, Tally};

impl Version2 {
    /// A frame came that is whole.
    pub(super) fn received(&mut self, frame: &Frame<'_>, now: Instant, tally: &mut Tally) {
        let is_of_session = self.greeting.is_none() && frame.session == self.session;
        match (frame.is_answer, frame.operation) {
            (true, Operation::Hello) => self.greeted(frame, now, tally),
            (false, Operation::Invalidate) if is_of_session => self.interrupt(tally),
            (true, Operation::Read | Operation::Write) if is_of_session => self.answered(frame, now, tally),
            // A repetition, or what was on its way when a session ended.
            _ => tally.fault(Fault::Unexpected),
        }
    }

    fn answered(&mut self, frame: &Frame<'_>, now: Instant, tally: &mut Tally) {
        let kind = if frame.operation == Operation::Write { Kind::Write } else { Kind::Read };
        let is_it = |request: &Request| request.sequence == frame.sequence && request.kind() == kind;
        if !self.in_flight.iter().any(is_it) {
            // The mark of another answer told before that this write is done.
            if kind == Kind::Read || frame.sequence > self.mark {
                tally.fault(Fault::Unexpected);
            }
            return;
        }
        if frame.status == Status::StaleSession {
            self.interrupt(tally);
            return;
        }
        self.advance(frame.acknowledged, now, tally);
        match (kind, frame.status) {
            (Kind::Write, Status::Ok) => {}
            (Kind::Write, Status::Busy) => self.writes_due = Some(now + BUSY_PAUSE),
            (Kind::Write, _) => {
                tally.fault(Fault::Refused);
                self.end(kind, frame.sequence);
                self.interrupt(tally);
            }
            (Kind::Read, Status::Ok) => self.read(frame, now, tally),
            (Kind::Read, _) => {
                tally.fault(Fault::Refused);
                self.end(Kind::Read, frame.sequence);
            }
        }
    }

    /// Writes up to that one are durable.
    fn advance(&mut self, acknowledged: u32, now: Instant, tally: &mut Tally) {
        if acknowledged <= self.mark {
            return;
        }
        if acknowledged > self.write_sequence {
            tally.fault(Fault::Frame);
            return;
        }
        self.mark = acknowledged;
        let written = &mut self.written;
        self.in_flight.retain(|request| match request.stamp {
            Some(stamp) if request.sequence <= acknowledged => {
                written.insert((request.drive, request.run.sector()), stamp);
                tally.done(Kind::Write, request.sent, now);
                false
            }
            _ => true,
        });
        self.writes_due = (self.writes_in_flight() > 0).then(|| now + REPEAT_AFTER);
    }

    /// Some of a read's sectors came, or all.
    fn read(&mut self, frame: &Frame<'_>, now: Instant, tally: &mut Tally) {
        let is_it = |request: &&mut Request| request.sequence == frame.sequence && request.stamp.is_none();
        let Some(request) = self.in_flight.iter_mut().find(is_it) else { return };
        let length = usize::from(request.run.geometry().sector_length());
        let places = request.run.index_of(frame.sector).map(usize::from);
        let count = usize::from(frame.count);
        let Some(first) = places.filter(|first| {
            frame.drive == request.drive.number()
                && first + count <= usize::from(request.run.count())
                && frame.body.len() == count * length
        }) else {
            tally.fault(Fault::Frame);
            return;
        };
        let mut is_right = true;
        for (place, bytes) in (first..).zip(frame.body.chunks(length)) {
            request.come |= 1 << place;
            let sector = u16::try_from(place).map(|place| request.run.sector_at(place)).unwrap_or_default();
            let stamp = self.written.get(&(request.drive, sector));
            is_right &= stamp.is_none_or(|stamp| is(sector, *stamp, bytes));
        }
        if !is_right {
            tally.fault(Fault::Contents);
            self.end(Kind::Read, frame.sequence);
        } else if request.come.count_ones() == u32::from(request.run.count()) {
            tally.done(Kind::Read, request.sent, now);
            self.end(Kind::Read, frame.sequence);
        }
    }

    fn end(&mut self, kind: Kind, sequence: u32) {
        let written = &mut self.written;
        self.in_flight.retain(|request| {
            let is_it = request.kind() == kind && request.sequence == sequence;
            if is_it && kind == Kind::Write {
                // Nobody knows what a refused write left.
                written.remove(&(request.drive, request.run.sector()));
            }
            !is_it
        });
    }
}
