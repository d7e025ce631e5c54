//! The store itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use lru::LruCache;

use super::budget::{Budget, Reservation, Room};
use super::clock::Clock;
use super::event::{Event, Listener};
use super::filter::Filter;
use super::flight::Flight;
use super::key::{Generation, SliceKey};
use super::load::Loader;
use super::lock::ReadLock;
use super::note::Note;
use super::options::StoreOptions;
use super::restart::{self, Whole};
use super::rubbish::Rubbish;
use super::snap::{Answer, Request, Snap, Stage};
use super::spindle::{Locks, Spindles, names_at};
use super::status::{SnapStatus, StoreStatus};
use super::tender::{Down, Step, Tended, Tender};
use crate::error::{Error, Result};
use crate::format::{Manifest, SliceIdentity};
use crate::medium::{Disk, Medium};
use crate::os;
use crate::slice::{Impellers, Scanners, Slice, Spindle};

/// A store of slices on some disks. Clones share it, and it ends with the last of them: loads are cancelled then, and the
/// spindles are free once the last load has ended and the last read lock is gone.
///
/// ```
/// use std::sync::Arc;
///
/// use region_store::Parcel;
/// use region_store::format::SliceIdentity;
/// use region_store::slice::Spindle;
/// use region_store::store::{Load, LoadError, Store, StoreOptions};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let spindles = vec![Spindle::new("d1", folder)];
/// let store = Store::open(StoreOptions { spindles, ..StoreOptions::default() })?;
/// let loader = Arc::new(|load: &Load<'_>| -> Result<(), LoadError> {
///     Ok(load.queue(Parcel::of(["one", "two"])?)?)
/// });
/// let identity = SliceIdentity { domain: 1, view: 2, slice_key: 3, ..SliceIdentity::default() };
/// let slice = store.load(identity, loader)?; // loads it, if it is not there
/// let lengths = slice.fold(|region| {
///     let mut length = 0;
///     region.scan(|blob| length += blob.len())?;
///     Ok(length)
/// })?;
/// assert_eq!(lengths.iter().sum::<usize>(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store<M: Medium = Disk> {
    inner: Arc<Inner<M>>,
    /// Ends with the last clone.
    _tender: Arc<Tender<M>>,
    locks: Arc<Locks<M>>,
}

/// What threads of the store share.
pub(super) struct Inner<M: Medium> {
    pub(super) medium: M,
    pub(super) options: StoreOptions,
    pub(super) impellers: Impellers<M>,
    pub(super) scanners: Scanners,
    pub(super) budget: Arc<Budget>,
    pub(super) clock: Clock,
    /// The snaps, the one that was asked for last first. Nobody keeps the lock for long, and whoever has it takes no other.
    table: Mutex<LruCache<SliceKey, Arc<SliceSnap>>>,
    listener: Box<dyn Listener>,
    /// The spindles that are there.
    pub(super) spindles: Vec<Spindle>,
    /// By name, with what is wrong with them.
    pub(super) missing: Vec<(String, String)>,
    /// What could not be removed when the store was opened. Nobody keeps the lock for long.
    pub(super) rubbish: Mutex<Vec<Rubbish>>,
    /// To take shares of, as long as there is a store.
    pub(super) locks: Weak<Locks<M>>,
}

impl<M: Medium> std::fmt::Debug for Inner<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A slice in memory, and the room that is reserved for it until it is not any more.
#[derive(Debug)]
pub(super) struct Resident {
    pub(super) slice: Slice,
    pub(super) _reservation: Reservation,
}

/// What is known of a slice, with what is had of it in memory.
pub(super) type SliceSnap = Snap<Arc<Resident>>;
/// Where it is.
pub(super) type SliceStage = Stage<Arc<Resident>>;
/// What brings it there.
pub(super) type SliceFlight = Flight<Arc<Resident>>;

impl Store {
    /// Opens a store. What is whole on its spindles is warm.
    ///
    /// # Errors
    /// [`Error::StoreOption`] for what cannot be; [`Error::SpindleLocked`], [`Error::SpindleNamed`],
    /// [`Error::NoSpindle`], [`Error::Remote`]; [`Error::Io`].
    pub fn open(options: StoreOptions) -> Result<Self> {
        Self::open_with(options, |_: &Event| {})
    }

    /// The same with somebody who hears of what happens, from the opening on.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(options: StoreOptions, listener: impl Listener) -> Result<Self> {
        Self::open_on(Disk, options, listener)
    }

    /// The names of all spindles of the store that a folder belongs to, the folder's own first; none if it belongs to no
    /// store yet. Nothing is opened, and nothing is written.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn spindles_at(folder: impl AsRef<Path>) -> Result<Vec<String>> {
        let folder = folder.as_ref();
        names_at(&Disk, folder).map_err(Error::io(folder, "read the names of the spindles in"))
    }
}

impl<M: Medium> Store<M> {
    /// The same on a medium.
    ///
    /// # Errors
    /// As [`open`](Store::open).
    pub fn open_on(medium: M, options: StoreOptions, listener: impl Listener) -> Result<Self> {
        Self::open_by(Clock::start(), medium, options, Box::new(listener))
    }

    pub(super) fn open_by(
        clock: Clock,
        medium: M,
        options: StoreOptions,
        listener: Box<dyn Listener>,
    ) -> Result<Self> {
        options.check()?;
        let files = options.files(medium.most_open_files())?;
        let spindles = Spindles::open(&medium, &options.spindles)?;
        let impellers = Impellers::start_on(medium.clone(), spindles.present.clone(), options.impellers)?;
        let found = restart::find(&medium, &spindles)?;
        let limit = Room { bytes: options.memory_bytes.or_else(os::memory_bytes).unwrap_or(u64::MAX), files };
        let inner = Arc::new(Inner {
            scanners: Scanners::start_pinned(options.scanners)?,
            budget: Arc::new(Budget::new(limit)),
            table: Mutex::new(LruCache::unbounded()),
            medium,
            options,
            impellers,
            clock,
            listener,
            spindles: spindles.present,
            missing: spindles.missing,
            rubbish: Mutex::new(found.rubbish),
            locks: Arc::downgrade(&spindles.locks),
        });
        for (name, why) in &inner.missing {
            inner.tell(&Event::SpindleMissing { name: name.clone(), why: why.clone() });
        }
        found.removed.into_iter().for_each(|leftover| inner.tell(&Event::Removed(leftover)));
        found.kept.into_iter().for_each(|leftover| inner.tell(&Event::Kept(leftover)));
        for Whole { manifest, lacking, .. } in found.slices {
            inner.learn(manifest, lacking);
        }
        let tender = Arc::new(Tender::start(&inner)?);
        Ok(Self { inner, _tender: tender, locks: spindles.locks })
    }

    /// Holds a slice in memory. If it is not there, it comes from disk, or by the loader, which is called once however many
    /// ask. Another generation gives way to it as soon as nobody holds that, so let go of it before.
    ///
    /// # Errors
    /// [`Error::LoadFailed`], to all who waited, and if it is about the slice for a while to whoever comes later;
    /// [`Error::Unfinished`] if it takes longer than the store's patience, and the load goes on; [`Error::Superseded`] if a
    /// later generation is there; [`Error::Unavailable`].
    pub fn load(&self, identity: SliceIdentity, loader: Arc<dyn Loader>) -> Result<ReadLock<M>> {
        self.load_within(identity, loader, self.inner.options.patience)
    }

    /// The same with a patience of one's own.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_within(
        &self,
        identity: SliceIdentity,
        loader: Arc<dyn Loader>,
        patience: Duration,
    ) -> Result<ReadLock<M>> {
        self.hold(identity.into(), Some(identity.into()), Some(loader), patience)
    }

    /// Holds whatever generation of a slice there is, in memory or on disk.
    ///
    /// # Errors
    /// [`Error::NotLoaded`] if there is none, and as [`load`](Self::load).
    pub fn read(&self, key: SliceKey) -> Result<ReadLock<M>> {
        self.hold(key, None, None, self.inner.options.patience)
    }

    /// Asks the load of a slice to give up, and says whether there is one.
    pub fn cancel(&self, key: SliceKey) -> bool {
        self.inner.table().peek(&key).cloned().is_some_and(|snap| snap.cancel())
    }

    /// What is known of some slices, the one that was asked for last first.
    #[must_use]
    pub fn search(&self, filter: &Filter) -> Vec<SnapStatus> {
        let now_ns = now_ns();
        let known = self.inner.snaps().into_iter().rev().map(|snap| self.inner.status_of(&snap));
        known.filter(|status| filter.holds(status, now_ns)).collect()
    }

    /// Takes slices from memory that nobody holds. They stay on disk.
    pub fn evict(&self, filter: &Filter) -> Down {
        self.inner.take_down(filter, Step::Evict)
    }

    /// Takes slices from disk, and from memory before, that nobody holds. They stay known. What is unavailable stays, and
    /// so does what a failure has left.
    pub fn flush(&self, filter: &Filter) -> Down {
        self.inner.take_down(filter, Step::Flush)
    }

    /// Takes slices out of the store that nobody holds, and removes what there is of them on the spindles that are there. What
    /// others have of them goes when they return.
    pub fn erase(&self, filter: &Filter) -> Down {
        self.inner.take_down(filter, Step::Erase)
    }

    /// Does now what the tender does from time to time.
    pub fn tend(&self) -> Tended {
        self.inner.tend()
    }

    /// What the store holds.
    #[must_use]
    pub fn status(&self) -> StoreStatus {
        self.inner.status()
    }

    fn hold(
        &self,
        key: SliceKey,
        generation: Option<Generation>,
        loader: Option<Arc<dyn Loader>>,
        patience: Duration,
    ) -> Result<ReadLock<M>> {
        // As good as for ever, if it is more than a clock counts.
        let began = Instant::now();
        let deadline = began.checked_add(patience).or(began.checked_add(Duration::from_secs(1 << 30)));
        let deadline = deadline.unwrap_or(began);
        loop {
            let Some(snap) = self.inner.snap(key, generation) else { return Err(Error::NotLoaded { key }) };
            let request = Request {
                generation,
                began,
                deadline,
                now: self.inner.now(),
                heal_after: self.inner.options.heal_after,
            };
            let flight = match snap.request(&request)? {
                Answer::Gone => continue,
                Answer::Read(resident) => return Ok(self.lock(snap, resident)),
                Answer::Wait(flight) => flight,
                Answer::Start(flight) => {
                    self.inner.start(&snap, &flight, loader.clone());
                    flight
                }
            };
            let resident = snap.wait(flight, &request)?;
            return Ok(self.lock(snap, resident));
        }
    }

    /// Of a read lock that is had.
    fn lock(&self, snap: Arc<SliceSnap>, resident: Arc<Resident>) -> ReadLock<M> {
        ReadLock::new(Arc::clone(&self.inner), snap, resident, Arc::clone(&self.locks))
    }
}

impl<M: Medium> Inner<M> {
    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Whatever the listener does, the store goes on.
    pub(super) fn tell(&self, event: &Event) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.listener.hear(event)));
    }

    fn table(&self) -> MutexGuard<'_, LruCache<SliceKey, Arc<SliceSnap>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All snaps, the least recently used first.
    pub(super) fn snaps(&self) -> Vec<Arc<SliceSnap>> {
        self.table().iter().rev().map(|(_, snap)| Arc::clone(snap)).collect()
    }

    /// Forgets a snap, unless another one has its place.
    pub(super) fn forget(&self, snap: &Arc<SliceSnap>) {
        let mut table = self.table();
        if table.peek(&snap.key).is_some_and(|known| Arc::ptr_eq(known, snap)) {
            table.pop(&snap.key);
        }
    }

    /// Knows a slice that was found on disk.
    fn learn(&self, manifest: Manifest, lacking: Option<String>) {
        let (key, generation) = (SliceKey::from(manifest.identity), Generation::from(manifest.identity));
        let note = Note::decode(&manifest.note);
        let manifest = Arc::new(manifest);
        let stage = match lacking {
            Some(spindle) => Stage::Unavailable(manifest, spindle),
            None if manifest.regions.is_empty() => {
                let resident = self.resident_without_data(&manifest);
                Stage::NoData(manifest, resident)
            }
            None => Stage::Warm(manifest),
        };
        let state = stage.state();
        let snap = Snap::new(key, stage, generation, self.now(), note);
        self.table().put(key, Arc::new(snap));
        self.tell(&Event::Found { key, state });
    }

    /// The snap of a slice, a new one if it is wanted and there is none.
    fn snap(&self, key: SliceKey, generation: Option<Generation>) -> Option<Arc<SliceSnap>> {
        let mut table = self.table();
        if let Some(snap) = table.get(&key) {
            return Some(Arc::clone(snap));
        }
        let snap = Arc::new(Snap::new(key, Stage::Cold, generation?, self.now(), Note::default()));
        table.put(key, Arc::clone(&snap));
        Some(snap)
    }
}

/// The machine's time, which people read.
pub(super) fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
