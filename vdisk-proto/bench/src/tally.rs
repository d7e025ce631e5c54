//! What is counted while a load runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// What went wrong with a request or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No answer in time.
    Lost,
    /// An answer that nobody waits for: of another offset, of an ended request, or retained.
    Unexpected,
    /// An answer of another length than its kind has.
    Length,
    /// An answer that is no frame, or whose checksum fails, or that contradicts its request.
    Frame,
    /// A read that does not bring what was written.
    Contents,
    /// The server said no.
    Refused,
    /// The session ended while the request was on its way.
    Interrupted,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::Lost,
        Self::Unexpected,
        Self::Length,
        Self::Frame,
        Self::Contents,
        Self::Refused,
        Self::Interrupted,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Unexpected => "unexpected",
            Self::Length => "wrong_length",
            Self::Frame => "bad_frame",
            Self::Contents => "wrong_contents",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What a request was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

/// What is counted, of all devices together.
pub(crate) struct Tally {
    /// In nanoseconds.
    pub(crate) reads: Histogram<u64>,
    pub(crate) writes: Histogram<u64>,
    faults: [u64; Fault::ALL.len()],
    /// Requests that were done before the end of the round.
    pub(crate) in_time: u64,
    /// When the last of them was done.
    pub(crate) last: Option<Instant>,
    /// What is done later counts for no rate.
    pub(crate) end: Option<Instant>,
    /// Sent again, because the server was busy or silent.
    pub(crate) repeated: u64,
}

/// It as devices share it. They lock it once for all that a system call brought.
pub(crate) type SharedTally = Arc<Mutex<Tally>>;

/// The longest latency that is told apart from longer ones, in nanoseconds: 20 minutes.
const LONGEST: u64 = 1_200_000_000_000;

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            reads: histogram(),
            writes: histogram(),
            faults: Default::default(),
            in_time: 0,
            last: None,
            end: None,
            repeated: 0,
        }
    }

    pub(crate) fn shared() -> SharedTally {
        Arc::new(Mutex::new(Self::new()))
    }

    /// A request was answered as it should be.
    pub(crate) fn done(&mut self, kind: Kind, sent: Instant, now: Instant) {
        let histogram = match kind {
            Kind::Read => &mut self.reads,
            Kind::Write => &mut self.writes,
        };
        histogram.saturating_record(nanoseconds(now.saturating_duration_since(sent)));
        if self.end.is_none_or(|end| now <= end) {
            self.in_time += 1;
            self.last = Some(now);
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults(fault, 1);
    }

    pub(crate) fn faults(&mut self, fault: Fault, count: usize) {
        let places = Fault::ALL.into_iter().zip(&mut self.faults);
        places.filter(|(place, _)| *place == fault).for_each(|(_, counted)| *counted += count as u64);
    }

    /// Every kind of fault, and how often it happened.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.into_iter().zip(self.faults)
    }
}

/// A histogram of nanoseconds that is right to a thousandth.
pub(crate) fn histogram() -> Histogram<u64> {
    // Bounds that are constant, and good.
    Histogram::new_with_bounds(1, LONGEST, 3).unwrap_or_else(|_| unreachable!("1 to {LONGEST} are bounds"))
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn lock(tally: &SharedTally) -> MutexGuard<'_, Tally> {
    // Counting does not stop half-way.
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
