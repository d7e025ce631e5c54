//! A load that is under way, and what comes of it for all who wait.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use super::defect::{self, Defect};
use super::key::Generation;
use super::sync::AtomicBool;
use crate::error::Error;

/// What brings a slice into memory, from its loader or from disk.
#[derive(Debug)]
pub(super) struct Flight<R> {
    /// Of what is brought. `None` if it is what is on disk, whatever that is.
    pub(super) generation: Option<Generation>,
    /// Set once, under the lock of the snap.
    outcome: OnceLock<Result<R, Arc<Error>>>,
    is_cancelled: AtomicBool,
    /// What was planted where it was asked for, since other threads fly it.
    pub(super) defect: Option<Defect>,
}

impl<R: Clone> Flight<R> {
    pub(super) fn new(generation: Option<Generation>) -> Self {
        Self {
            generation,
            outcome: OnceLock::new(),
            is_cancelled: AtomicBool::new(false),
            defect: defect::current(),
        }
    }

    pub(super) fn outcome(&self) -> Option<Result<R, Arc<Error>>> {
        self.outcome.get().cloned()
    }

    pub(super) fn land(&self, outcome: Result<R, Arc<Error>>) {
        let _ = self.outcome.set(outcome);
    }

    /// Asks whoever flies it to give up.
    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}
