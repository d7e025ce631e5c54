//! Holding a slice in memory.

use std::fmt;
use std::sync::Arc;

use super::engine::{Inner, Resident, SliceSnap};
use super::key::SliceKey;
use super::spindle::Locks;
use crate::error::Result;
use crate::format::Manifest;
use crate::medium::{Disk, Medium};
#[cfg(feature = "object-store")]
use crate::slice::Slice;
use crate::slice::SliceRegion;

/// A slice that is in memory, and stays there as long as this is held. Any number of threads may share it.
pub struct ReadLock<M: Medium = Disk> {
    /// Dropped before the lock is given back.
    resident: Arc<Resident>,
    held: Held<M>,
}

/// A read lock that is had.
struct Held<M: Medium> {
    inner: Arc<Inner<M>>,
    snap: Arc<SliceSnap>,
    /// The spindles are not free before nobody reads from them.
    _locks: Arc<Locks<M>>,
}

impl<M: Medium> Drop for Held<M> {
    fn drop(&mut self) {
        self.snap.release(self.inner.now());
    }
}

impl<M: Medium> ReadLock<M> {
    /// Of a read lock that is had.
    pub(super) const fn new(
        inner: Arc<Inner<M>>,
        snap: Arc<SliceSnap>,
        resident: Arc<Resident>,
        locks: Arc<Locks<M>>,
    ) -> Self {
        Self { resident, held: Held { inner, snap, _locks: locks } }
    }

    /// Which slice it is.
    #[must_use]
    pub fn key(&self) -> SliceKey {
        self.held.snap.key
    }

    /// What its manifest says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.resident.slice.manifest()
    }

    /// The slice, which whoever borrows it does not keep: its room is the lock's.
    #[cfg(feature = "object-store")]
    pub(super) fn slice(&self) -> &Slice {
        &self.resident.slice
    }

    /// How many blobs it has.
    #[must_use]
    pub fn blobs(&self) -> u64 {
        self.manifest().blobs()
    }

    /// How many bytes they have.
    #[must_use]
    pub fn blob_bytes(&self) -> u64 {
        self.manifest().blob_bytes()
    }

    /// Has each region folded by the thread of the store that it is bound to, and waits for what comes of them, by their
    /// index. A fold must not wait for another fold of the same store.
    ///
    /// # Errors
    /// The first one of a fold, by the regions' index.
    ///
    /// # Panics
    /// If a fold does.
    pub fn fold<T: Send + 'static>(
        &self,
        fold: impl Fn(&SliceRegion) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        self.resident.slice.fold(&self.held.inner.scanners, fold)
    }
}

impl<M: Medium> fmt::Debug for ReadLock<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadLock").field("key", &self.key()).finish_non_exhaustive()
    }
}
