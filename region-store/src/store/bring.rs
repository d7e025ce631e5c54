//! Bringing slices into memory: each by a thread of its own, so that whoever gives up waiting cancels nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::budget::{Reservation, Room};
use super::engine::{Inner, Resident, SliceFlight, SliceSnap, SliceStage, now_ns};
use super::event::Event;
use super::key::{Generation, SliceKey};
use super::load::{Load, Loader, Sink};
use super::note::Note;
use super::options::TimesToLive;
use super::snap::{Exclusive, Failure, Stage};
use super::spindle::Locks;
use super::status::SnapMetrics;
use super::tender::Step;
use crate::error::{Error, Result};
use crate::format::header::SLICE_ALIGNMENT;
use crate::format::{
    BLOCK_HEAD_LENGTH, HEADER_LENGTH, Manifest, SEAL_LENGTH, SliceIdentity, SnapId, Version,
};
use crate::medium::Medium;
use crate::os;
use crate::parcel::Parcel;
use crate::region::{OpenOptions, Verify};
use crate::slice::{self, Slice, SliceOptions, SliceWriter};

/// What a region takes beside its parcels, at most: a header, the head of an index, a seal, and what aligns them.
const REGION_BYTES: u64 =
    (HEADER_LENGTH + BLOCK_HEAD_LENGTH + SEAL_LENGTH + 2 * SLICE_ALIGNMENT as usize) as u64;

/// What all who wait for a load share.
type Shared<T> = std::result::Result<T, Arc<Error>>;

impl<M: Medium> Inner<M> {
    /// Has a flight flown.
    pub(super) fn start(
        self: &Arc<Self>,
        snap: &Arc<SliceSnap>,
        flight: &Arc<SliceFlight>,
        loader: Option<Arc<dyn Loader>>,
    ) {
        let flying = {
            let (inner, snap, flight) = (Arc::clone(self), Arc::clone(snap), Arc::clone(flight));
            let locks = self.locks.upgrade();
            move || inner.fly(&snap, flight, loader, locks)
        };
        if let Err(error) = thread::Builder::new().name(format!("loader {}", snap.key)).spawn(flying) {
            let folder = self.spindles.first().map(|spindle| spindle.folder.clone()).unwrap_or_default();
            let cause = Arc::new(Error::io(&folder, "start a thread to load into")(error));
            snap.call_off(self.now(), cause);
        }
    }

    fn fly(
        &self,
        snap: &SliceSnap,
        flight: Arc<SliceFlight>,
        loader: Option<Arc<dyn Loader>>,
        locks: Option<Arc<Locks<M>>>,
    ) {
        let key = snap.key;
        let Some(mut exclusive) = snap.board(&flight) else {
            drop((loader, locks, flight));
            let cause = Arc::new(Error::Cancelled { key });
            snap.call_off(self.now(), Arc::clone(&cause));
            return self.tell(&Event::LoadFailed { key, cause });
        };
        let brought = {
            let (loader, locks) = (loader.as_deref(), locks.as_deref());
            catch_unwind(AssertUnwindSafe(|| self.bring(snap, &mut exclusive, &flight, loader, locks)))
        };
        // Before whoever waits goes on, and perhaps ends the store and opens another, or evicts the slice, which the flight
        // will hold.
        drop((loader, locks, flight));
        match brought.unwrap_or_else(|panic| Err(Arc::new(Error::panicked(&*panic)))) {
            Ok((resident, was_on_disk)) => {
                let manifest = resident.slice.shared_manifest();
                let generation = Generation::from(manifest.identity);
                exclusive.land(in_memory(manifest, &resident), self.now(), Ok(resident));
                self.tell(&Event::Loaded { key, generation, was_on_disk });
            }
            Err(cause) => {
                let stage = self.stage_after(exclusive.stage(), &cause);
                exclusive.count(|metrics| metrics.failures += 1);
                exclusive.land(stage, self.now(), Err(Arc::clone(&cause)));
                self.tell(&Event::LoadFailed { key, cause });
            }
        }
    }

    /// Where a slice is whose load has failed.
    fn stage_after(&self, stage: SliceStage, cause: &Arc<Error>) -> SliceStage {
        if is_passing(cause) {
            return stage;
        }
        let files = stage.manifest().cloned();
        Stage::Failed(Failure { cause: Arc::clone(cause), failed_at: self.now(), files })
    }

    /// From disk if it is there, which is told, or from the loader.
    fn bring(
        &self,
        snap: &SliceSnap,
        exclusive: &mut Exclusive<'_, Arc<Resident>>,
        flight: &SliceFlight,
        loader: Option<&dyn Loader>,
        locks: Option<&Locks<M>>,
    ) -> Shared<(Arc<Resident>, bool)> {
        let key = snap.key;
        let old = snap.look(|record| record.generation);
        let new = flight.generation.unwrap_or(old);
        let identity = key.generation(new);
        let not_loaded = || Arc::new(Error::NotLoaded { key });
        self.check_spindles(key, locks)?;
        let stage = exclusive.stage();
        let has_failed = matches!(stage, Stage::Failed(_));
        let was_in_memory = matches!(stage, Stage::Hot(..) | Stage::NoData(..));
        let on_disk = stage.manifest().cloned();
        drop(stage);
        let mut room = None;
        if let Some(manifest) = on_disk {
            if was_in_memory {
                exclusive.set_stage(Stage::Warm(Arc::clone(&manifest)));
            }
            if new == old {
                match self.map(&manifest) {
                    Ok(resident) => {
                        exclusive.count(|metrics| metrics.maps += 1);
                        return Ok((resident, true));
                    }
                    // What the disk cannot read now it may later, once.
                    Err(error)
                        if loader.is_some()
                            && (is_not_whole(&error) || has_failed && is_of_the_disk(&error)) =>
                    {
                        // A spindle that has gone meanwhile is no damage.
                        self.check_spindles(key, locks)?;
                        self.tell(&Event::Damaged { key, cause: Arc::new(error) });
                    }
                    Err(error) => return Err(Arc::new(error)),
                }
            } else {
                // As long as what is there stays.
                room = Some(self.room_to_load(&identity, flight, loader.ok_or_else(not_loaded)?)?);
                self.tell(&Event::Replacing { key, old, new });
            }
            slice::remove(&self.medium, &self.spindles, &manifest)?;
            exclusive.set_stage(Stage::Cold);
        }
        let loader = loader.ok_or_else(not_loaded)?;
        let times_to_live = loader.times_to_live(&identity);
        exclusive.set_generation(new);
        exclusive.set_times_to_live(times_to_live);
        self.tell(&Event::Loading { key, generation: new });
        let mut left = self.options.retries;
        loop {
            let room = room.take().map_or_else(|| self.room_to_load(&identity, flight, loader), Ok);
            let loaded = room
                .map_err(Arc::new)
                .and_then(|room| self.load(&identity, exclusive, flight, loader, room, times_to_live));
            match loaded {
                Ok((resident, metrics)) => {
                    exclusive.count(|counted| *counted = counted.loaded(&metrics));
                    return Ok((resident, false));
                }
                // Where files cannot be removed nothing is written beside them.
                Err(cause) if left == 0 || is_passing(&cause) || exclusive.stage().manifest().is_some() => {
                    return Err(cause);
                }
                Err(cause) => {
                    left -= 1;
                    exclusive.count(|metrics| metrics.failures += 1);
                    self.tell(&Event::Retrying { key, cause });
                }
            }
        }
    }

    /// An error if a spindle has gone since the store was opened: where its disk was mounted there is an empty folder.
    pub(super) fn check_spindles(&self, key: SliceKey, locks: Option<&Locks<M>>) -> Result<()> {
        match locks.and_then(|locks| locks.lost(&self.medium)) {
            Some(spindle) => Err(Error::Unavailable { key, spindle: spindle.to_owned() }),
            None => Ok(()),
        }
    }

    /// Reserves what a load needs at first, unless nobody wants it any more.
    fn room_to_load(
        &self,
        identity: &SliceIdentity,
        flight: &SliceFlight,
        loader: &dyn Loader,
    ) -> Result<LoadRoom> {
        let mut reservation = Reservation::none(Arc::clone(&self.budget));
        let expected_bytes = loader.expected_bytes(identity, &|| flight.is_cancelled());
        if flight.is_cancelled() {
            return Err(Error::Cancelled { key: (*identity).into() });
        }
        let files = self.options.regions as u64;
        let empty_bytes = files.saturating_mul(REGION_BYTES);
        self.reserve(&mut reservation, Room { bytes: expected_bytes.max(empty_bytes), files })?;
        Ok(LoadRoom { reservation, expected_bytes, empty_bytes })
    }

    /// One attempt to have a slice from its loader, on disk and in memory. Nothing is left of one that fails, or the stage
    /// tells what.
    fn load(
        &self,
        identity: &SliceIdentity,
        exclusive: &mut Exclusive<'_, Arc<Resident>>,
        flight: &SliceFlight,
        loader: &dyn Loader,
        room: LoadRoom,
        times_to_live: Option<TimesToLive>,
    ) -> Shared<(Arc<Resident>, SnapMetrics)> {
        let began = self.now();
        let LoadRoom { reservation, expected_bytes, empty_bytes } = room;
        let random = |error| Error::io(std::path::Path::new("the system"), "take random numbers from")(error);
        let snap_id = SnapId::random().map_err(random)?;
        let options = SliceOptions {
            snap_id,
            identity: *identity,
            created_ns: now_ns(),
            regions: self.options.regions,
            version: Version::Two,
            expected_bytes,
            ..SliceOptions::default()
        };
        let writer = SliceWriter::new(&self.impellers, options);
        let sink = WriterSink { inner: self, writer: &writer, flight };
        let load = Load::new(*identity, &sink, reservation, empty_bytes);
        let written = self.write(&writer, load, loader, times_to_live, began);
        let leavings = writer.leavings();
        // Before they are opened to be read its files are closed: there is room for one a region.
        drop(writer);
        let brought = written.and_then(|(reservation, metrics)| {
            let slice = self.open(snap_id, self.options.verify)?;
            Ok((self.reside(slice, reservation), metrics))
        });
        if brought.is_err()
            && let Err(error) = slice::remove(&self.medium, &self.spindles, &leavings)
        {
            let (cause, files) = (Arc::new(error), Some(Arc::new(leavings)));
            exclusive.set_stage(Stage::Failed(Failure { cause, failed_at: self.now(), files }));
        }
        brought
    }

    /// Has a loader fill a slice, which is then closed, and says what is reserved for it.
    fn write(
        &self,
        writer: &SliceWriter<M>,
        load: Load<'_>,
        loader: &dyn Loader,
        times_to_live: Option<TimesToLive>,
        began: Duration,
    ) -> Shared<(Reservation, SnapMetrics)> {
        writer.open_for_writes()?;
        let loaded = catch_unwind(AssertUnwindSafe(|| loader.load(&load)));
        let (key, is_cancelled) = ((*load.identity()).into(), load.is_cancelled());
        // Why parcels were refused says more than what the loader makes of it.
        let queued = load.end()?;
        match loaded {
            Ok(Ok(())) => {}
            // It has looked, and has given up by itself.
            Ok(Err(_)) if is_cancelled => return Err(Arc::new(Error::Cancelled { key })),
            Ok(Err(error)) => return Err(Arc::new(Error::Loader(error))),
            Err(panic) => return Err(Arc::new(Error::panicked(&*panic))),
        }
        writer.wait_for_writes()?;
        let mut metrics = SnapMetrics {
            parcels: writer.parcels(),
            received_bytes: queued.received_bytes,
            inflated_bytes: queued.inflated_bytes,
            queue_wait: writer.queue_wait(),
            ..SnapMetrics::default()
        };
        writer.close_with(|| {
            metrics.load_time = self.now().saturating_sub(began);
            metrics.time_skew = time_skew(&writer.region_times());
            Note { times_to_live, metrics }.encode()
        })?;
        Ok((queued.reservation, metrics))
    }

    /// Has a slice in memory that is on disk.
    fn map(&self, manifest: &Manifest) -> Result<Arc<Resident>> {
        let mut reservation = Reservation::none(Arc::clone(&self.budget));
        self.reserve(&mut reservation, room_of(manifest))?;
        let slice = self.open(manifest.snap_id, self.options.verify)?;
        if slice.manifest() != manifest {
            return Err(self.no_manifest());
        }
        if self.options.verify == Verify::Once {
            // Not through the map: a disk that fails is an error so, and not the end of the process.
            slice.regions().iter().try_for_each(|region| region.verify(|_, _| ()).map(|_| ()))?;
        }
        Ok(self.reside(slice, reservation))
    }

    fn open(&self, snap_id: SnapId, verify: Verify) -> Result<Slice> {
        let options = OpenOptions::default().access(self.options.access).verify(verify);
        let opened = Slice::open_on(&self.medium, &self.spindles, snap_id, options)?;
        opened.ok_or_else(|| self.no_manifest())
    }

    /// There is none, or not the one that is known.
    fn no_manifest(&self) -> Error {
        let path = self.spindles.first().map(|spindle| spindle.folder.clone()).unwrap_or_default();
        Error::SliceMismatch { path, field: "manifest" }
    }

    fn reside(&self, slice: Slice, mut reservation: Reservation) -> Arc<Resident> {
        reservation.set(room_of(slice.manifest()));
        Arc::new(Resident { slice, _reservation: reservation })
    }

    /// A slice without blobs, which takes no room.
    pub(super) fn resident_without_data(&self, manifest: &Arc<Manifest>) -> Arc<Resident> {
        let slice = Slice::without_regions(Arc::clone(manifest));
        self.reside(slice, Reservation::none(Arc::clone(&self.budget)))
    }

    /// Reserves room, and evicts for that what was used least recently and nobody holds.
    fn reserve(&self, reservation: &mut Reservation, room: Room) -> Result<()> {
        let limit = self.budget.limit();
        let is_hopeless = room.bytes > limit.bytes || room.files > limit.files;
        loop {
            match reservation.try_set(room) {
                Err(_)
                    if !is_hopeless
                        && self
                            .snaps()
                            .iter()
                            .any(|snap| self.step(snap, Step::Evict, &|_| true).is_some()) => {}
                other => return other,
            }
        }
    }
}

/// What is reserved when a load begins.
struct LoadRoom {
    reservation: Reservation,
    /// Of the whole slice, if its loader knows.
    expected_bytes: u64,
    /// Of its regions, as long as there is nothing in them.
    empty_bytes: u64,
}

fn in_memory(manifest: Arc<Manifest>, resident: &Arc<Resident>) -> SliceStage {
    let resident = Arc::clone(resident);
    if manifest.regions.is_empty() {
        Stage::NoData(manifest, resident)
    } else {
        Stage::Hot(manifest, resident)
    }
}

fn room_of(manifest: &Manifest) -> Room {
    Room { bytes: manifest.file_bytes(), files: manifest.regions.len() as u64 }
}

/// Whether it is nothing about the slice, which stays where it is.
const fn is_passing(error: &Error) -> bool {
    matches!(
        error,
        Error::OverBudget { .. }
            | Error::Cancelled { .. }
            | Error::NotLoaded { .. }
            | Error::Unavailable { .. }
    )
}

/// Whether it is a disk that fails, and not something that the process or the machine lacks for a while.
fn is_of_the_disk(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if os::is_of_the_disk(source))
}

/// Whether it tells that a slice is not what was written, for ever.
fn is_not_whole(error: &Error) -> bool {
    match error {
        Error::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
        error => slice::is_damage(error),
    }
}

/// How much later the last region was on disk than the first, as a ratio.
fn time_skew(times: &[Duration]) -> f64 {
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return 0.0 };
    if first.is_zero() { 1.0 } else { last.as_secs_f64() / first.as_secs_f64() }
}

/// Takes the parcels of a load to its writer.
struct WriterSink<'a, M: Medium> {
    inner: &'a Inner<M>,
    writer: &'a SliceWriter<M>,
    flight: &'a SliceFlight,
}

impl<M: Medium> Sink for WriterSink<'_, M> {
    fn is_cancelled(&self) -> bool {
        self.flight.is_cancelled()
    }

    fn queue(&self, parcel: Parcel) -> Result<()> {
        self.writer.queue(parcel)
    }

    fn reserve(&self, reservation: &mut Reservation, room: Room) -> Result<()> {
        self.inner.reserve(reservation, room)
    }
}
