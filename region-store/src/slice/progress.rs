//! How far the writing of a slice is, for all threads that have to do with it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::format::SnapId;
use crate::writer::Sealed;

/// What was done with a writer. Each comes after the one before, but that it can be given up at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    New,
    Opening,
    Open,
    /// No more parcels are taken, and some are still written.
    Completing,
    /// All writes have returned, and regions are being sealed.
    Complete,
    Closing,
    /// Regions, folders and manifests are on their disks.
    Closed,
    GivenUp,
}

impl Phase {
    const fn described(self) -> &'static str {
        match self {
            Self::New => "not open yet",
            Self::Opening => "being opened for writes",
            Self::Open => "open for writes",
            Self::Completing => "waiting for its writes",
            Self::Complete => "complete, and not closed yet",
            Self::Closing => "being closed",
            Self::Closed => "closed",
            Self::GivenUp => "given up",
        }
    }
}

#[derive(Debug)]
pub(super) struct Progress {
    snap_id: SnapId,
    began: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Parcels that were queued and are not written.
    pending: u64,
    /// Regions that are neither sealed nor found to be runts.
    unsealed: usize,
    sealed: Vec<(u32, Sealed)>,
    /// When they were.
    sealed_at: Vec<Instant>,
    /// The first one. Nothing is right after it.
    failure: Option<Arc<Error>>,
}

impl Progress {
    pub(super) fn new(snap_id: SnapId, regions: usize) -> Self {
        let state = State {
            phase: Phase::New,
            pending: 0,
            unsealed: regions,
            sealed: Vec::new(),
            sealed_at: Vec::new(),
            failure: None,
        };
        Self { snap_id, began: Instant::now(), state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) const fn snap_id(&self) -> SnapId {
        self.snap_id
    }

    /// Nothing that panics is done within the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on from one phase to another, unless it is another one or something has failed.
    pub(super) fn advance(&self, attempted: &'static str, from: Phase, to: Phase) -> Result<()> {
        let mut state = self.lock();
        self.check(&state)?;
        self.expect(&state, attempted, from)?;
        state.phase = to;
        self.changed.notify_all();
        Ok(())
    }

    /// Counts a parcel that will be queued.
    pub(super) fn begin_parcel(&self) -> Result<()> {
        let mut state = self.lock();
        self.check(&state)?;
        self.expect(&state, "queue a parcel", Phase::Open)?;
        state.pending += 1;
        Ok(())
    }

    /// Counts a parcel that was written, or is not going to be.
    pub(super) fn end_parcel(&self) {
        let mut state = self.lock();
        state.pending = state.pending.saturating_sub(1);
        if state.pending == 0 {
            self.changed.notify_all();
        }
    }

    /// Waits until all parcels are written.
    pub(super) fn wait_for_parcels(&self) -> Result<()> {
        self.wait(|state| state.pending == 0).map(|_| ())
    }

    /// A region is on its disk, or gone because it has no blob.
    pub(super) fn end_region(&self, index: u32, sealed: Option<Sealed>) {
        let mut state = self.lock();
        state.unsealed = state.unsealed.saturating_sub(1);
        if let Some(sealed) = sealed {
            state.sealed.push((index, sealed));
            state.sealed_at.push(Instant::now());
        }
        if state.unsealed == 0 {
            self.changed.notify_all();
        }
    }

    /// How long it took until each region was on its disk, of those that are.
    pub(super) fn region_times(&self) -> Vec<Duration> {
        self.lock().sealed_at.iter().map(|at| at.saturating_duration_since(self.began)).collect()
    }

    /// Waits until all regions are on their disks, and says which have blobs, by their index.
    pub(super) fn wait_for_regions(&self) -> Result<Vec<(u32, Sealed)>> {
        let mut sealed = self.wait(|state| state.unsealed == 0)?.sealed.clone();
        sealed.sort_unstable_by_key(|(index, _)| *index);
        Ok(sealed)
    }

    /// Waits until the slice is closed.
    pub(super) fn wait_until_closed(&self) -> Result<()> {
        self.wait(|state| state.phase == Phase::Closed).map(|_| ())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().phase == Phase::Closed
    }

    /// What fails first is what everybody is told.
    pub(super) fn fail(&self, error: Error) {
        let mut state = self.lock();
        if state.failure.is_none() && state.phase < Phase::Closed {
            state.failure = Some(Arc::new(error));
        }
        self.changed.notify_all();
    }

    /// Nothing more comes of it, unless it is closed.
    pub(super) fn give_up(&self) {
        let mut state = self.lock();
        if state.phase != Phase::Closed {
            state.phase = Phase::GivenUp;
        }
        self.changed.notify_all();
    }

    /// Whether nothing is written any more.
    pub(super) fn has_ended(&self) -> bool {
        self.check(&self.lock()).is_err()
    }

    /// The error that all calls get, if there is one.
    pub(super) fn check_alive(&self) -> Result<()> {
        self.check(&self.lock())
    }

    /// The same where something must be open, at least.
    pub(super) fn check_open(&self, attempted: &'static str) -> Result<()> {
        let state = self.lock();
        self.check(&state)?;
        if state.phase < Phase::Open { Err(self.order(&state, attempted)) } else { Ok(()) }
    }

    fn wait(&self, is_there: impl Fn(&State) -> bool) -> Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        loop {
            self.check(&state)?;
            if is_there(&state) {
                return Ok(state);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        match &state.failure {
            Some(cause) => Err(Error::SliceFailed { snap_id: self.snap_id, cause: Arc::clone(cause) }),
            None if state.phase == Phase::GivenUp => Err(Error::SliceGivenUp { snap_id: self.snap_id }),
            None => Ok(()),
        }
    }

    fn expect(&self, state: &State, attempted: &'static str, phase: Phase) -> Result<()> {
        if state.phase == phase { Ok(()) } else { Err(self.order(state, attempted)) }
    }

    fn order(&self, state: &State, attempted: &'static str) -> Error {
        Error::SliceOrder { snap_id: self.snap_id, attempted, state: state.phase.described() }
    }
}
