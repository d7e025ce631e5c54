//! Taking slices down: because somebody says so, for want of room, or since nobody has asked for them for long.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};

use super::engine::{Inner, Resident, SliceSnap, SliceStage};
use super::event::Event;
use super::filter::Filter;
use super::key::SliceKey;
use super::snap::{Exclusive, Failure, Stage};
use super::status::{SnapState, SnapStatus};
use crate::error::{Error, Result};
use crate::format::Manifest;
use crate::medium::Medium;
use crate::os;
use crate::slice;

/// What came of taking slices down.
#[derive(Clone, Debug, Default)]
pub struct Down {
    /// Those that were.
    pub done: Vec<SliceKey>,
    /// Those that somebody holds, or that somebody changes, which stay.
    pub busy: Vec<SliceKey>,
    /// Those that failed.
    pub failed: Vec<(SliceKey, Arc<Error>)>,
}

/// What the tender did in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tended {
    /// Slices that it took from memory.
    pub evicted: usize,
    /// From disk.
    pub flushed: usize,
    /// Out of the store.
    pub erased: usize,
}

/// A step down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Evict,
    Flush,
    Erase,
}

impl Step {
    const fn applies(self, state: SnapState) -> bool {
        match self {
            Self::Evict => matches!(state, SnapState::Hot),
            Self::Flush => matches!(state, SnapState::Hot | SnapState::Warm | SnapState::NoData),
            Self::Erase => true,
        }
    }
}

impl<M: Medium> Inner<M> {
    pub(super) fn take_down(&self, filter: &Filter, step: Step) -> Down {
        let mut down = Down::default();
        let now_ns = super::engine::now_ns();
        let is_meant = |status: &SnapStatus| filter.holds(status, now_ns);
        for snap in self.snaps() {
            let status = self.status_of(&snap);
            if !(step.applies(status.state) && is_meant(&status)) {
                continue;
            }
            match self.step(&snap, step, &is_meant) {
                Some(Ok(())) => down.done.push(snap.key),
                Some(Err(cause)) => down.failed.push((snap.key, cause)),
                None => down.busy.push(snap.key),
            }
        }
        down
    }

    /// Takes a slice down if it is meant and nobody has it: `None` if not.
    pub(super) fn step(
        &self,
        snap: &Arc<SliceSnap>,
        step: Step,
        is_meant: &dyn Fn(&SnapStatus) -> bool,
    ) -> Option<std::result::Result<(), Arc<Error>>> {
        let now = self.now();
        let mut exclusive = snap.try_take(|record| {
            let status = record.status(snap.key, now, self.options.times_to_live);
            step.applies(status.state) && is_meant(&status)
        })?;
        let key = snap.key;
        let stage = exclusive.stage();
        let manifest = stage.manifest().cloned();
        if step != Step::Evict
            && manifest.is_some()
            && let Err(error) = self.check_spindles(key, self.locks.upgrade().as_deref())
        {
            // What is on a disk that has gone would not be removed, and come back with it.
            let cause = Arc::new(error);
            exclusive.finish(stage, self.now());
            self.tell(&Event::Trouble { key, cause: Arc::clone(&cause) });
            return Some(Err(cause));
        }
        if let Stage::Hot(..) = stage {
            exclusive.count(|metrics| metrics.evictions += 1);
        }
        drop(stage);
        if let Some(manifest) = &manifest {
            // Unmapped here, and not in the way of whoever asks for other slices.
            exclusive.set_stage(Stage::Warm(Arc::clone(manifest)));
        }
        let stage = match (step, &manifest) {
            (Step::Evict, Some(manifest)) => Ok(Stage::Warm(Arc::clone(manifest))),
            (Step::Evict, None) => Ok(Stage::Cold),
            (Step::Flush | Step::Erase, manifest) => self.remove(&mut exclusive, manifest.as_deref(), step),
        };
        match stage {
            Ok(stage) => {
                if step == Step::Erase {
                    self.forget(snap);
                }
                exclusive.finish(stage, self.now());
                self.tell(&match step {
                    Step::Evict => Event::Evicted { key },
                    Step::Flush => Event::Flushed { key },
                    Step::Erase => Event::Erased { key },
                });
                Some(Ok(()))
            }
            Err(error) => {
                let cause = Arc::new(error);
                let failed_at = self.now();
                let failure = Failure { cause: Arc::clone(&cause), failed_at, files: manifest };
                exclusive.finish(Stage::Failed(failure), failed_at);
                self.tell(&Event::Trouble { key, cause: Arc::clone(&cause) });
                Some(Err(cause))
            }
        }
    }

    fn remove(
        &self,
        exclusive: &mut Exclusive<'_, Arc<Resident>>,
        manifest: Option<&Manifest>,
        step: Step,
    ) -> Result<SliceStage> {
        if let Some(manifest) = manifest {
            slice::remove(&self.medium, &self.spindles, manifest)?;
            exclusive.count(|metrics| metrics.flushes += 1);
        }
        Ok(if step == Step::Erase { Stage::Gone } else { Stage::Cold })
    }

    pub(super) fn tend(&self) -> Tended {
        self.remove_rubbish();
        let memory = self.options.memory_marks.excess(self.budget.used().bytes, self.budget.limit().bytes);
        let mut tended = Tended { evicted: self.free(Step::Evict, memory), ..Tended::default() };
        let on_disk = self.disk_bytes(&self.bytes_by_spindle());
        let disk = self.disk_limit(on_disk).map(|limit| self.options.disk_marks.excess(on_disk, limit));
        tended.flushed += self.free(Step::Flush, disk.unwrap_or_default());
        for snap in self.snaps() {
            let take = |step, is_due: &dyn Fn(&SnapStatus) -> bool| {
                usize::from(matches!(self.step(&snap, step, is_due), Some(Ok(()))))
            };
            tended.evicted += take(Step::Evict, &|status| status.idle > status.times_to_live.evict);
            tended.flushed += take(Step::Flush, &|status| {
                status.state != SnapState::Hot && status.idle > status.times_to_live.flush
            });
            tended.erased += take(Step::Erase, &|status| {
                matches!(status.state, SnapState::Cold | SnapState::Failed)
                    && status.idle > status.times_to_live.erase
            });
        }
        tended
    }

    /// Takes down what was used least recently until so many bytes are free, and says how many slices those were.
    fn free(&self, step: Step, excess: u64) -> usize {
        let (mut freed, mut count) = (0, 0);
        for snap in self.snaps() {
            if freed >= excess {
                break;
            }
            let bytes = self.status_of(&snap).file_bytes;
            if let Some(Ok(())) = self.step(&snap, step, &|_| true) {
                freed = bytes.saturating_add(freed);
                count += 1;
            }
        }
        count
    }
}

/// The thread that tends. When this is dropped it ends, and loads are cancelled.
pub(super) struct Tender<M: Medium> {
    inner: Weak<Inner<M>>,
    /// `None` once it is to end.
    is_open: Option<Sender<()>>,
    /// `None` if nobody tends.
    thread: Option<JoinHandle<()>>,
}

impl<M: Medium> Tender<M> {
    pub(super) fn start(inner: &Arc<Inner<M>>) -> Result<Self> {
        let (is_open, ended) = channel();
        let thread = inner.options.tender.map(|times| {
            let inner = Arc::downgrade(inner);
            thread::Builder::new().name("tender".to_owned()).spawn(move || {
                os::give_way();
                let mut wait = times.first;
                while let (Err(RecvTimeoutError::Timeout), Some(inner)) =
                    (ended.recv_timeout(wait), inner.upgrade())
                {
                    inner.tend();
                    wait = times.every;
                }
            })
        });
        let started = thread.transpose().map_err(Error::io(std::path::Path::new("tender"), "start a thread"));
        Ok(Self { inner: Arc::downgrade(inner), is_open: Some(is_open), thread: started? })
    }
}

impl<M: Medium> Drop for Tender<M> {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            for snap in inner.snaps() {
                snap.cancel();
            }
        }
        self.is_open = None;
        // A listener may have held the last store, in the very thread.
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

impl<M: Medium> fmt::Debug for Tender<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tender").finish_non_exhaustive()
    }
}
