//! A snap: what the store knows of one slice, and who may do what with it.
//!
//! There are a lock for all fields, which nobody keeps for long, and in it the lock of the slice: readers that are counted,
//! or one writer. A writer that brings the slice into memory may be there while there are readers of what it replaces. It
//! waits for them, and whoever comes later waits for it. Other writers come only where nobody is.

#[cfg(all(test, shuttle))]
mod schedules;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::defect::{self, Defect};
use super::flight::Flight;
use super::key::{Generation, SliceKey};
use super::note::Note;
use super::options::TimesToLive;
use super::status::{SnapMetrics, SnapState, SnapStatus};
use super::sync::{Condvar, Mutex, MutexGuard};
use crate::error::{Error, Result};
use crate::format::Manifest;

/// `R` is what is had of a slice that is in memory.
#[derive(Debug)]
pub(super) struct Snap<R> {
    pub(super) key: SliceKey,
    record: Mutex<Record<R>>,
    /// A writer or the last reader is gone.
    changed: Condvar,
}

#[derive(Debug)]
pub(super) struct Record<R> {
    /// Where the slice is. While a writer has it, where it was.
    pub(super) stage: Stage<R>,
    /// Of what is there, or was asked for last.
    pub(super) generation: Generation,
    pub(super) readers: usize,
    writer: Option<Writer<R>>,
    /// When a reader came or went last, or a writer went, by the store's clock.
    pub(super) used_at: Duration,
    /// If a loader says other than the store.
    pub(super) times_to_live: Option<TimesToLive>,
    pub(super) metrics: SnapMetrics,
}

#[derive(Debug)]
enum Writer<R> {
    /// A load, and how many wait for what comes of it.
    Flight { flight: Arc<Flight<R>>, waiting: usize },
    /// What takes the slice down.
    Down,
}

/// Where a slice is.
#[derive(Clone, Debug)]
pub(super) enum Stage<R> {
    /// Known, and not on disk.
    Cold,
    /// On disk.
    Warm(Arc<Manifest>),
    /// On disk and in memory.
    Hot(Arc<Manifest>, R),
    /// There is no blob, and that is on disk.
    NoData(Arc<Manifest>, R),
    /// What was tried last failed.
    Failed(Failure),
    /// On disk, but the disk of this name is missing.
    Unavailable(Arc<Manifest>, String),
    /// Not known any more: who has the snap looks for another.
    Gone,
}

#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) cause: Arc<Error>,
    /// By the store's clock.
    pub(super) failed_at: Duration,
    /// What may be on disk still.
    pub(super) files: Option<Arc<Manifest>>,
}

/// What comes of asking for a slice.
#[derive(Debug)]
pub(super) enum Answer<R> {
    /// A read lock is had.
    Read(R),
    /// A load is under way, and a place among those who wait for it is had.
    Wait(Arc<Flight<R>>),
    /// The same, and the one who asked has to see that it flies.
    Start(Arc<Flight<R>>),
    /// The snap is not the store's any more.
    Gone,
}

/// Who asks for a slice, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// `None` for what is there.
    pub(super) generation: Option<Generation>,
    /// Since when it waits.
    pub(super) began: Instant,
    /// Until when it does.
    pub(super) deadline: Instant,
    /// By the store's clock.
    pub(super) now: Duration,
    pub(super) heal_after: Duration,
}

impl Request {
    /// What time is left; `None` if there is none.
    fn left(&self) -> Option<Duration> {
        self.deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    fn unfinished(&self, key: SliceKey) -> Error {
        Error::Unfinished { key, waited: self.began.elapsed() }
    }
}

impl<R> Stage<R> {
    pub(super) const fn state(&self) -> SnapState {
        match self {
            Self::Cold | Self::Gone => SnapState::Cold,
            Self::Warm(_) => SnapState::Warm,
            Self::Hot(..) => SnapState::Hot,
            Self::NoData(..) => SnapState::NoData,
            Self::Failed(_) => SnapState::Failed,
            Self::Unavailable(..) => SnapState::Unavailable,
        }
    }

    /// What is on disk, as far as that is known.
    pub(super) const fn manifest(&self) -> Option<&Arc<Manifest>> {
        match self {
            Self::Warm(manifest)
            | Self::Hot(manifest, _)
            | Self::NoData(manifest, _)
            | Self::Unavailable(manifest, _) => Some(manifest),
            Self::Failed(failure) => failure.files.as_ref(),
            Self::Cold | Self::Gone => None,
        }
    }
}

impl<R: Clone> Snap<R> {
    pub(super) fn new(
        key: SliceKey,
        stage: Stage<R>,
        generation: Generation,
        now: Duration,
        note: Note,
    ) -> Self {
        let record = Record {
            stage,
            generation,
            readers: 0,
            writer: None,
            used_at: now,
            times_to_live: note.times_to_live,
            metrics: note.metrics,
        };
        Self { key, record: Mutex::new(record), changed: Condvar::new() }
    }

    /// A panic within the lock would be a mistake here, and leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Record<R>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at it.
    pub(super) fn look<T>(&self, at: impl FnOnce(&Record<R>) -> T) -> T {
        at(&self.lock())
    }

    /// Asks for the slice. Waits as long as somebody has it who does not bring what is wanted.
    ///
    /// # Errors
    /// [`Error::Superseded`], [`Error::NotLoaded`], [`Error::LoadFailed`] if it failed and is not healed,
    /// [`Error::Unavailable`], and [`Error::Unfinished`] at the deadline.
    pub(super) fn request(&self, request: &Request) -> Result<Answer<R>> {
        let mut record = self.lock();
        loop {
            match &mut record.writer {
                None => return record.answer(self.key, request),
                Some(Writer::Flight { flight, waiting }) if brings(flight, request) => {
                    *waiting += 1;
                    return Ok(Answer::Wait(Arc::clone(flight)));
                }
                Some(_) => {
                    let Some(left) = request.left() else { return Err(request.unfinished(self.key)) };
                    record =
                        self.changed.wait_timeout(record, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Waits for what comes of a flight, in which there is a place. If it is well, a read lock is had.
    ///
    /// # Errors
    /// [`Error::LoadFailed`]; [`Error::Unfinished`] at the deadline, and the place is given up.
    pub(super) fn wait(&self, flight: Arc<Flight<R>>, request: &Request) -> Result<R> {
        let mut record = self.lock();
        loop {
            if let Some(outcome) = flight.outcome() {
                if flight.defect == Some(Defect::ReleaseAndRetake) && outcome.is_ok() {
                    record.readers += 1;
                }
                return outcome.map_err(|cause| Error::LoadFailed { key: self.key, cause });
            }
            let Some(left) = request.left() else {
                if let Some(Writer::Flight { waiting, .. }) = &mut record.writer
                    && !defect::planted(Defect::KeptPlace)
                {
                    *waiting -= 1;
                }
                // Before it can land: it would keep in memory what it brings.
                drop(flight);
                return Err(request.unfinished(self.key));
            };
            record = self.changed.wait_timeout(record, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Gives a read lock back.
    pub(super) fn release(&self, now: Duration) {
        let mut record = self.lock();
        record.readers -= 1;
        record.used_at = now;
        if record.readers == 0 && !defect::planted(Defect::SilentRelease) {
            self.changed.notify_all();
        }
    }

    /// The write lock of a flight: waits until there is no reader. `None` if the flight is cancelled before.
    pub(super) fn board(&self, flight: &Flight<R>) -> Option<Exclusive<'_, R>> {
        let mut record = self.lock();
        loop {
            if flight.is_cancelled() {
                return None;
            }
            if record.readers == 0 || defect::planted(Defect::BrokenReadLock) {
                return Some(Exclusive { snap: self, is_done: false });
            }
            record = self.changed.wait(record).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends a flight that nobody flies. The slice stays where it is, whoever reads it.
    pub(super) fn call_off(&self, now: Duration, cause: Arc<Error>) {
        Exclusive { snap: self, is_done: false }.end(now, Some(Err(cause)));
    }

    /// The write lock, if nobody has the slice and it is such a one.
    pub(super) fn try_take(&self, applies: impl FnOnce(&Record<R>) -> bool) -> Option<Exclusive<'_, R>> {
        let mut record = self.lock();
        if record.readers > 0 || record.writer.is_some() || !applies(&record) {
            return None;
        }
        record.writer = Some(Writer::Down);
        Some(Exclusive { snap: self, is_done: false })
    }

    /// Asks a load to give up, if there is one.
    pub(super) fn cancel(&self) -> bool {
        match &self.lock().writer {
            Some(Writer::Flight { flight, .. }) => {
                flight.cancel();
                // It may wait for readers.
                self.changed.notify_all();
                true
            }
            _ => false,
        }
    }
}

impl<R> Record<R> {
    /// What people are told.
    pub(super) fn status(&self, key: SliceKey, now: Duration, times_to_live: TimesToLive) -> SnapStatus {
        let manifest = self.stage.manifest();
        let failure = match &self.stage {
            Stage::Failed(failure) => Some(failure.cause.to_string()),
            _ => None,
        };
        SnapStatus {
            key,
            generation: self.generation,
            state: self.stage.state(),
            is_busy: self.writer.is_some(),
            readers: self.readers,
            idle: now.saturating_sub(self.used_at),
            snap_id: manifest.map(|manifest| manifest.snap_id),
            regions: manifest.map_or(0, |manifest| manifest.regions.len()),
            blobs: manifest.map_or(0, |manifest| manifest.blobs()),
            blob_bytes: manifest.map_or(0, |manifest| manifest.blob_bytes()),
            file_bytes: manifest.map_or(0, |manifest| manifest.file_bytes()),
            created_ns: manifest.map_or(0, |manifest| manifest.created_ns),
            times_to_live: self.times_to_live.unwrap_or(times_to_live),
            failure,
            metrics: SnapMetrics {
                size_skew: manifest.map_or(0.0, |manifest| size_skew(manifest)),
                ..self.metrics
            },
        }
    }
}

/// How much longer the longest region is than the shortest, as a part of that one's length.
#[allow(clippy::cast_precision_loss, reason = "it is a ratio")]
fn size_skew(manifest: &Manifest) -> f64 {
    let lengths = || manifest.regions.iter().map(|region| region.file_length);
    let (least, most) = (lengths().min().unwrap_or_default(), lengths().max().unwrap_or_default());
    (most - least) as f64 / least.max(1) as f64
}

impl<R: Clone> Record<R> {
    /// What is to be done for whoever asks, where there is no writer.
    fn answer(&mut self, key: SliceKey, request: &Request) -> Result<Answer<R>> {
        let wanted = request.generation.unwrap_or(self.generation);
        if wanted.clock < self.generation.clock && !matches!(self.stage, Stage::Gone) {
            return Err(Error::Superseded { key, wanted, current: self.generation });
        }
        if wanted == self.generation {
            match &self.stage {
                Stage::Hot(_, resident) | Stage::NoData(_, resident) => {
                    let answer = Answer::Read(resident.clone());
                    self.readers += 1;
                    self.used_at = request.now;
                    return Ok(answer);
                }
                Stage::Failed(failure)
                    if request.now.saturating_sub(failure.failed_at) < request.heal_after =>
                {
                    return Err(Error::LoadFailed { key, cause: Arc::clone(&failure.cause) });
                }
                Stage::Unavailable(_, spindle) => {
                    return Err(Error::Unavailable { key, spindle: spindle.clone() });
                }
                _ => {}
            }
        }
        match &self.stage {
            Stage::Gone => return Ok(Answer::Gone),
            stage if request.generation.is_none() && stage.manifest().is_none() => {
                return Err(Error::NotLoaded { key });
            }
            _ => {}
        }
        let flight = Arc::new(Flight::new(request.generation));
        self.writer = Some(Writer::Flight { flight: Arc::clone(&flight), waiting: 1 });
        Ok(Answer::Start(flight))
    }
}

/// Whether a flight is what somebody wants. One that is to bring what is on disk has no loader for those who have one.
fn brings<R>(flight: &Flight<R>, request: &Request) -> bool {
    request.generation.is_none() || flight.generation == request.generation
}

/// The write lock of a snap. What is done with the slice is done without the lock of the fields.
#[derive(Debug)]
pub(super) struct Exclusive<'a, R: Clone> {
    snap: &'a Snap<R>,
    is_done: bool,
}

impl<R: Clone> Exclusive<'_, R> {
    /// Where the slice is. Nobody else changes it.
    pub(super) fn stage(&self) -> Stage<R> {
        self.snap.look(|record| record.stage.clone())
    }

    /// Says on the way where the slice is now, and takes what was kept of it, so that it is dropped here and not under the
    /// lock.
    pub(super) fn set_stage(&mut self, stage: Stage<R>) {
        let replaced = std::mem::replace(&mut self.snap.lock().stage, stage);
        drop(replaced);
    }

    /// Says of which generation it is.
    pub(super) fn set_generation(&mut self, generation: Generation) {
        self.snap.lock().generation = generation;
    }

    pub(super) fn set_times_to_live(&mut self, times: Option<TimesToLive>) {
        self.snap.lock().times_to_live = times;
    }

    pub(super) fn count(&mut self, count: impl FnOnce(&mut SnapMetrics)) {
        count(&mut self.snap.lock().metrics);
    }

    /// Gives the write lock back.
    pub(super) fn finish(mut self, stage: Stage<R>, now: Duration) {
        self.set_stage(stage);
        self.end(now, None);
    }

    /// Gives the write lock back as a read lock for each of those who wait for the flight, if it is well.
    pub(super) fn land(
        mut self,
        stage: Stage<R>,
        now: Duration,
        outcome: std::result::Result<R, Arc<Error>>,
    ) {
        self.set_stage(stage);
        self.end(now, Some(outcome));
    }

    fn end(&mut self, now: Duration, outcome: Option<std::result::Result<R, Arc<Error>>>) {
        self.is_done = true;
        let mut record = self.snap.lock();
        record.used_at = now;
        let writer = record.writer.take();
        if let (Some(outcome), Some(Writer::Flight { flight, waiting })) = (outcome, writer) {
            // In the same moment, so that nobody comes in between.
            if outcome.is_ok() && flight.defect != Some(Defect::ReleaseAndRetake) {
                record.readers += waiting;
            }
            flight.land(outcome);
        }
        drop(record);
        if defect::planted(Defect::OneIsWoken) {
            self.snap.changed.notify_one();
        } else {
            self.snap.changed.notify_all();
        }
    }
}

/// Only a panic comes to this: whoever waits is told.
impl<R: Clone> Drop for Exclusive<'_, R> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let cause = Arc::new(Error::Panicked { said: "while it changed the state of a slice".to_owned() });
        let files = self.stage().manifest().cloned();
        let failed_at = self.snap.look(|record| record.used_at);
        self.set_stage(Stage::Failed(Failure { cause: Arc::clone(&cause), failed_at, files }));
        self.end(failed_at, Some(Err(cause)));
    }
}
