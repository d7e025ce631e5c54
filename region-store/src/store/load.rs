//! Bringing a slice in from wherever it is kept.

use std::error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::budget::{Reservation, Room};
use super::options::TimesToLive;
use crate::error::{Error, Result};
use crate::format::header::SLICE_ALIGNMENT;
use crate::format::{BLOCK_HEAD_LENGTH, IndexEntry, SliceIdentity};
use crate::parcel::Parcel;

/// Why a loader could not bring a slice in: whatever its source says.
pub type LoadError = Box<dyn error::Error + Send + Sync>;

/// Where slices come from.
///
/// ```
/// use region_store::store::{Load, LoadError, Loader};
///
/// /// Slices of one parcel, from files.
/// struct Files;
///
/// impl Loader for Files {
///     fn load(&self, load: &Load<'_>) -> Result<(), LoadError> {
///         let slots = std::fs::read(format!("{}.slots", load.identity().slice_key))?;
///         Ok(load.queue(region_store::Parcel::raw(slots.into())?)?)
///     }
/// }
/// ```
pub trait Loader: Send + Sync {
    /// Queues all parcels of a slice. It has a thread of its own, and is called again if it fails, as the store's options
    /// say. When it returns without an error, the slice is what it queued. A panic is an error like others.
    ///
    /// # Errors
    /// Its own, and what [`Load::queue`] says.
    fn load(&self, load: &Load<'_>) -> std::result::Result<(), LoadError>;

    /// How many bytes the slice will have, if that is known: it fails at once where there is no room for it. Whoever has to
    /// wait to find out looks whether the load `is_cancelled`, and gives up then.
    fn expected_bytes(&self, identity: &SliceIdentity, is_cancelled: &dyn Fn() -> bool) -> u64 {
        let _ = (identity, is_cancelled);
        0
    }

    /// For how long the slice stays, if that is other than the store's options say. It is kept with the slice.
    fn times_to_live(&self, identity: &SliceIdentity) -> Option<TimesToLive> {
        let _ = identity;
        None
    }
}

/// A function brings slices in, too.
impl<F: Fn(&Load<'_>) -> std::result::Result<(), LoadError> + Send + Sync> Loader for F {
    fn load(&self, load: &Load<'_>) -> std::result::Result<(), LoadError> {
        self(load)
    }
}

/// A load that is under way, for its [`Loader`].
pub struct Load<'a> {
    identity: SliceIdentity,
    sink: &'a dyn Sink,
    state: Mutex<State>,
}

/// What takes parcels.
pub(super) trait Sink: Sync {
    /// Whether nobody wants them any more.
    fn is_cancelled(&self) -> bool;

    fn queue(&self, parcel: Parcel) -> Result<()>;

    /// Reserves so much in all, and evicts for that if need be.
    fn reserve(&self, reservation: &mut Reservation, room: Room) -> Result<()>;
}

/// What came of a load.
pub(super) struct Queued {
    pub(super) reservation: Reservation,
    pub(super) received_bytes: u64,
    pub(super) inflated_bytes: u64,
}

/// What a parcel takes beside its blobs, at most: the head of its block, what aligns that, and its place in the index.
const PARCEL_BYTES: u64 = (BLOCK_HEAD_LENGTH + SLICE_ALIGNMENT as usize + size_of::<IndexEntry>()) as u64;

struct State {
    queued: Queued,
    /// What the files take at most, as far as their parcels are queued.
    bytes: u64,
    /// Why parcels are refused. Whatever the loader says, nothing comes of it.
    refused: Option<Arc<Error>>,
}

impl<'a> Load<'a> {
    pub(super) const fn new(
        identity: SliceIdentity,
        sink: &'a dyn Sink,
        reservation: Reservation,
        bytes: u64,
    ) -> Self {
        let queued = Queued { reservation, received_bytes: 0, inflated_bytes: 0 };
        let state = State { queued, bytes, refused: None };
        Self { identity, sink, state: Mutex::new(state) }
    }

    /// What to load.
    #[must_use]
    pub const fn identity(&self) -> &SliceIdentity {
        &self.identity
    }

    /// Whether nobody wants it any more: the store ends, or somebody has cancelled it. A loader that takes long looks at
    /// this; what it queues is refused from then on.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.sink.is_cancelled()
    }

    /// Has the blobs of a parcel written. Any number of threads may call this. Waits while a queue is full.
    ///
    /// # Errors
    /// [`Error::Cancelled`]; [`Error::OverBudget`] if the slice does not fit into memory beside those that are read;
    /// [`Error::BlobTooLong`], [`Error::SliceFailed`]. After one of these the load has failed.
    pub fn queue(&self, parcel: Parcel) -> Result<()> {
        let bytes = parcel.slots().len() as u64;
        self.queue_received(parcel, bytes)
    }

    /// The same of a parcel that came as so many bytes, for the metrics.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn queue_received(&self, parcel: Parcel, received_bytes: u64) -> Result<()> {
        self.reserve(&parcel, received_bytes)
            .and_then(|()| self.sink.queue(parcel))
            .map_err(|error| self.refuse(error))
    }

    /// Sees to it that there is room for a parcel more.
    fn reserve(&self, parcel: &Parcel, received_bytes: u64) -> Result<()> {
        let mut state = self.lock();
        if self.is_cancelled() || state.refused.is_some() {
            return Err(Error::Cancelled { key: self.identity.into() });
        }
        let inflated_bytes = parcel.slots().len() as u64;
        let queued = &mut state.queued;
        queued.received_bytes = queued.received_bytes.saturating_add(received_bytes);
        queued.inflated_bytes = queued.inflated_bytes.saturating_add(inflated_bytes);
        // Each blob is padded to 8 bytes, and has 4 more for its end.
        let bytes = inflated_bytes + 8 * parcel.blob_count() as u64 + PARCEL_BYTES;
        state.bytes = state.bytes.saturating_add(bytes);
        let room = state.queued.reservation.room();
        if state.bytes <= room.bytes {
            return Ok(());
        }
        let room = Room { bytes: state.bytes, ..room };
        self.sink.reserve(&mut state.queued.reservation, room)
    }

    /// Keeps the first reason for the store, and has the loader told.
    fn refuse(&self, error: Error) -> Error {
        let cause = Arc::clone(self.lock().refused.get_or_insert(Arc::new(error)));
        Error::LoadFailed { key: self.identity.into(), cause }
    }

    /// What came of it.
    ///
    /// # Errors
    /// Why parcels were refused.
    pub(super) fn end(self) -> std::result::Result<Queued, Arc<Error>> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.refused.map_or(Ok(state.queued), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Load<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load").field("identity", &self.identity).finish_non_exhaustive()
    }
}
