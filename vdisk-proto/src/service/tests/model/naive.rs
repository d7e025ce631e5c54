//! The naive half of the model.

use std::collections::{BTreeSet, HashMap};
use std::vec;
use std::vec::Vec;

use super::*;

/// A naive channel.
#[derive(Default)]
pub(super) struct Model {
    pub(super) durable: Facts,
    pub(super) in_flight: Vec<Effect>,
    pub(super) waiting: Vec<Effect>,
    pub(super) heard_ms: Option<u64>,
    pub(super) carried: bool,
    pub(super) hello_sequence: u32,
    /// Every change of a disk that is durable: whose, and of which drive; a session's counts for every drive.
    pub(super) changes: Vec<Change>,
    /// By session.
    pub(super) told: HashMap<u32, Told>,
    /// Sessions that were heard, or named as the previous one: their devices are there.
    pub(super) confirmed: BTreeSet<u32>,
    /// Those that came before the device of an earlier one spoke again: late HELLOs, if there is but one device.
    pub(super) overtaken: BTreeSet<u32>,
    /// How the writes of the group in flight were refused.
    pub(super) refusal: Option<Status>,
    /// B and C, as reads show them.
    pub(super) disks: [Vec<u8>; 2],
}

pub(super) type Change = (Option<u32>, u8);

/// What a session's HELLO was told, and when.
pub(super) struct Told {
    pub(super) generations: Vec<(u8, u64)>,
    /// How many changes there were.
    pub(super) changes: usize,
}

#[derive(Clone, Default)]
pub(super) struct Facts {
    /// The number of the last.
    pub(super) sessions: u32,
    pub(super) current: Option<u32>,
    /// The numbers of all, oldest first.
    pub(super) numbers: Vec<u32>,
    /// Oldest first.
    pub(super) nonces: Vec<u64>,
    pub(super) mark: u32,
}

#[derive(Clone)]
pub(super) enum Effect {
    /// Its number is the clock's seconds at least.
    Session {
        nonce: u64,
        seconds: u32,
    },
    Write {
        session: u32,
        sequence: u32,
        drive: u8,
        sector: u32,
        count: u16,
        bytes: Vec<u8>,
    },
    Legacy {
        sector: u32,
        bytes: Vec<u8>,
    },
    Changed {
        drive: u8,
    },
}

/// What a device is to be sent. The body of HELLO's answer is checked apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) operation: Operation,
    pub(super) is_answer: bool,
    pub(super) session: u32,
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) place: (u8, u32, u16),
    pub(super) status: Status,
    pub(super) body: Vec<u8>,
}

impl Model {
    /// What will be durable if nothing goes wrong.
    pub(super) fn staged(&self) -> Facts {
        let mut staged = self.durable.clone();
        self.in_flight.iter().chain(&self.waiting).for_each(|effect| staged.apply(effect));
        staged
    }

    /// Whether nothing more is accepted until something is durable.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight.len() + self.waiting.len() >= Limits::default().channel_records
    }

    pub(super) fn is_known(&self) -> bool {
        let has_pending = !self.in_flight.is_empty() || !self.waiting.is_empty();
        self.durable.sessions > 0 || !self.changes.is_empty() || has_pending
    }

    pub(super) fn drop_waiting_writes(&mut self) {
        self.waiting.retain(|effect| !matches!(effect, Effect::Write { .. }));
    }

    pub(super) fn write_disks(&mut self) {
        for effect in self.in_flight.iter().filter(|_| self.refusal.is_none()) {
            effect.write(&mut self.disks);
        }
    }

    /// The group ends: returns what is to be sent, and where among that HELLO's answer comes.
    pub(super) fn settle(&mut self) -> (Vec<Answer>, Option<usize>) {
        let group = core::mem::take(&mut self.in_flight);
        let refusal = self.refusal.take();
        let is_refused = |effect: &Effect| refusal.is_some() && effect.is_write();
        let mut ended = Vec::new();
        for effect in group.iter().filter(|effect| !is_refused(effect)) {
            let before = self.durable.current;
            self.durable.apply(effect);
            self.changes.extend(effect.change());
            if let (Some(session), None, Some((None, drive))) =
                (before, self.durable.current, effect.change())
            {
                ended.push(Answer {
                    place: (drive, 0, 0),
                    ..Answer::blank(Operation::Invalidate, false, session, 0)
                });
            }
        }
        if group.iter().any(is_refused) {
            self.drop_waiting_writes();
        }
        let current = self.staged().current;
        let mut sent = Vec::new();
        let mut greeted = None;
        let mut refused_session = None;
        for effect in &group {
            match effect {
                Effect::Session { nonce, .. }
                    if self.durable.nonces.last() == Some(nonce)
                        && current == self.durable.current
                        && current.is_some() =>
                {
                    greeted = Some(sent.len());
                }
                Effect::Write { session, sequence, drive, sector, count, .. } => {
                    let is_last = self.durable.sessions == *session;
                    let status = refusal.unwrap_or(Status::Ok);
                    if refusal.is_some() && refused_session.replace(*session) == Some(*session) {
                        continue;
                    }
                    sent.push(Answer {
                        acknowledged: if is_last { self.durable.mark } else { 0 },
                        place: (*drive, *sector, *count),
                        status,
                        ..Answer::blank(Operation::Write, true, *session, *sequence)
                    });
                }
                _ => {}
            }
        }
        sent.extend(ended);
        (sent, greeted)
    }

    pub(super) fn restart(&mut self) {
        self.in_flight.clear();
        self.waiting.clear();
        self.refusal = None;
        self.carried = self.durable.sessions > 0;
        self.heard_ms = self.carried.then_some(0);
    }
}

impl Facts {
    pub(super) fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Session { nonce, seconds } => {
                self.sessions = (self.sessions + 1).max(*seconds);
                self.current = Some(self.sessions);
                self.numbers.push(self.sessions);
                self.nonces.push(*nonce);
                self.mark = 0;
            }
            Effect::Write { session, sequence, .. } if *session == self.sessions => self.mark = *sequence,
            Effect::Write { .. } => {}
            Effect::Legacy { .. } | Effect::Changed { .. } => self.current = None,
        }
    }
}

impl Effect {
    pub(super) const fn is_write(&self) -> bool {
        matches!(self, Self::Write { .. } | Self::Legacy { .. })
    }

    /// Whose change it is, and of which drive.
    pub(super) const fn change(&self) -> Option<Change> {
        match self {
            Self::Session { .. } => None,
            Self::Write { session, drive, .. } => Some((Some(*session), *drive)),
            Self::Legacy { .. } => Some((None, 1)),
            Self::Changed { drive } => Some((None, *drive)),
        }
    }

    pub(super) fn write(&self, disks: &mut [Vec<u8>; 2]) {
        match self {
            Self::Write { drive, sector, count, bytes, .. } => {
                let shape = geometry(*drive);
                let parts = bytes.chunks(usize::from(shape.sector_length()));
                for (number, part) in round_track(shape, *sector, *count).zip(parts) {
                    disks[usize::from(drive - 1)][range(shape, number)].copy_from_slice(part);
                }
            }
            Self::Legacy { sector, bytes } => disks[0][range(geometry(1), *sector)].copy_from_slice(bytes),
            Self::Session { .. } | Self::Changed { .. } => {}
        }
    }
}

impl Answer {
    pub(super) const fn blank(operation: Operation, is_answer: bool, session: u32, sequence: u32) -> Self {
        Self {
            operation,
            is_answer,
            session,
            sequence,
            acknowledged: 0,
            place: (0, 0, 0),
            status: Status::Ok,
            body: Vec::new(),
        }
    }

    /// The answer to a request, without a body.
    pub(super) fn to(request: &Frame<'_>, status: Status, acknowledged: u32) -> Self {
        let place = (request.drive, request.sector, request.count);
        Self {
            acknowledged,
            place,
            status,
            ..Self::blank(request.operation, true, request.session, request.sequence)
        }
    }

    pub(super) fn decode(message: &Transmit) -> Self {
        assert_eq!(message.topic, Topic::Response);
        let frame = Frame::decode(&message.channel, &message.payload).unwrap();
        Self {
            operation: frame.operation,
            is_answer: frame.is_answer,
            session: frame.session,
            sequence: frame.sequence,
            acknowledged: frame.acknowledged,
            place: (frame.drive, frame.sector, frame.count),
            status: frame.status,
            body: frame.body.to_vec(),
        }
    }
}

/// Checks what a device is told, beside what it was told in its session before: another generation of every drive that
/// others changed since, and the same of all others, if no other device is there.
pub(super) fn check_generations(
    before: &Told,
    now: &[(u8, u64)],
    changes: &[Change],
    previous: u32,
    is_alone: bool,
) {
    for ((drive, old), (_, new)) in before.generations.iter().zip(now) {
        let has_changed = changes.iter().any(|(author, changed)| match author {
            Some(session) => *session != previous,
            None => changed == drive,
        });
        if has_changed {
            assert!(new > old, "drive {drive} changed since session {previous}");
        } else if is_alone {
            assert_eq!(new, old, "drive {drive} did not change since session {previous}");
        }
    }
}

pub(super) fn channel(at: usize) -> Channel {
    Channel::new(CHANNELS[at]).unwrap()
}

pub(super) fn encode(at: usize, frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = vec![0; 28 + frame.body.len()];
    frame.encode(&channel(at), &mut bytes);
    bytes
}

/// A sector, now and then the one past the last, and a count that a track has.
pub(super) fn place(shape: Geometry, sector: u8, count: u8) -> (u32, u16) {
    (u32::from(sector) % (shape.sectors() + 1), 1 + u16::from(count / 16) % shape.sectors_per_track())
}

/// The sectors of a run: from one on, and round its track.
pub(super) fn round_track(shape: Geometry, sector: u32, count: u16) -> impl Iterator<Item = u32> {
    let length = u32::from(shape.sectors_per_track());
    let track = sector / length * length;
    (0..u32::from(count)).map(move |index| track + (sector - track + index) % length)
}

pub(super) fn range(shape: Geometry, sector: u32) -> core::ops::Range<usize> {
    let length = usize::from(shape.sector_length());
    let start = sector as usize * length;
    start..start + length
}
