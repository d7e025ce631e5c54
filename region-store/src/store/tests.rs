#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod crashes;
mod document;
mod faults;
#[cfg(target_os = "linux")]
mod full;
mod hanging;
mod held;
mod kept;
mod leavings;
mod life;
mod locks;
mod many;
mod memory;
mod missing;
#[cfg(feature = "object-store")]
mod objects;
mod opening;
mod recorded;
mod reopening;
mod stress;
mod tending;
mod whole;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use self::held::Held;
use super::clock::Clock;
use super::*;
use crate::error::{Error, Result};
use crate::format::SliceIdentity;
use crate::medium::{CrashMedium, Medium, MediumFile as _};
use crate::parcel::Parcel;
use crate::slice::{ImpellerOptions, Spindle};

/// Longer than anything takes that does not hang.
const LONG: Duration = Duration::from_secs(60);

/// Two of them, of which one has a name that the other's begins with.
fn spindles() -> Vec<Spindle> {
    vec![Spindle::new("d1", "d1"), Spindle::new("d10", "d10")]
}

/// Three regions a slice, nothing that happens by itself, and a store that does not wait before it tries again.
fn options() -> StoreOptions {
    StoreOptions {
        spindles: spindles(),
        impellers: ImpellerOptions { threads: 1, queue_bytes: 1 << 20 },
        regions: 3,
        scanners: NonZeroUsize::new(2).unwrap(),
        memory_bytes: Some(1 << 30),
        disk_bytes: Some(1 << 30),
        tender: None,
        ..StoreOptions::default()
    }
}

/// A medium with the folders of the spindles.
fn medium() -> CrashMedium {
    let medium = CrashMedium::new();
    for spindle in spindles() {
        medium.create_folder(&spindle.folder).unwrap();
    }
    medium.sync_folder(Path::new(".")).unwrap();
    medium
}

/// A store, with a clock that stands, and all that was told of it.
struct Fixture<M: Medium = CrashMedium> {
    store: Store<M>,
    clock: Arc<Mutex<Duration>>,
    events: Arc<Mutex<Vec<Event>>>,
}

impl<M: Medium> Fixture<M> {
    fn open(medium: &M, options: StoreOptions) -> Result<Self> {
        let clock = Arc::new(Mutex::new(Duration::from_secs(1_000)));
        let events = Arc::new(Mutex::new(Vec::new()));
        let listener = {
            let events = Arc::clone(&events);
            move |event: &Event| events.lock().unwrap().push(event.clone())
        };
        let held = Clock::Held(Arc::clone(&clock));
        let store = Store::open_by(held, medium.clone(), options, Box::new(listener))?;
        Ok(Self { store, clock, events })
    }

    fn pass(&self, time: Duration) {
        *self.clock.lock().unwrap() += time;
    }

    /// What was told since this was asked last.
    fn told(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    fn state(&self, slice_key: u32) -> SnapState {
        self.status(slice_key).state
    }

    fn status(&self, slice_key: u32) -> SnapStatus {
        let filter = format!("slice={slice_key}").parse().unwrap();
        let [status] = self.store.search(&filter).try_into().unwrap();
        status
    }
}

fn identity(slice_key: u32) -> SliceIdentity {
    SliceIdentity { domain: 1, view: 2, generation_clock: 3, generation_digest: 4, slice_key }
}

fn key(slice_key: u32) -> SliceKey {
    identity(slice_key).into()
}

fn later(slice_key: u32) -> SliceIdentity {
    SliceIdentity { generation_clock: 4, ..identity(slice_key) }
}

/// Blobs that tell which slice and generation they are of.
fn blobs(identity: &SliceIdentity) -> Vec<Vec<u8>> {
    let said = format!("{} {}", identity.slice_key, identity.generation_clock).into_bytes();
    (0..7_usize).map(|number| said.repeat(number * 40)).collect()
}

/// Loads blobs, a parcel each, and counts how often it is asked to.
#[derive(Debug, Default)]
struct Blobs {
    loads: AtomicUsize,
}

impl Blobs {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }
}

impl Loader for Blobs {
    fn load(&self, load: &Load<'_>) -> std::result::Result<(), LoadError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        blobs(load.identity()).iter().try_for_each(|blob| Ok(load.queue(Parcel::of([blob])?)?))
    }
}

/// Whether a lock shows the blobs of a slice, and no others.
fn shows_its_blobs<M: Medium>(lock: &ReadLock<M>) -> bool {
    let folded = lock.fold(|region| {
        let mut blobs = Vec::new();
        region.scan(|blob| blobs.push(blob.to_vec()))?;
        Ok(blobs)
    });
    let mut found: Vec<_> = folded.unwrap().into_iter().flatten().collect();
    let mut expected = blobs(&lock.manifest().identity);
    found.sort_unstable();
    expected.sort_unstable();
    found == expected
}

fn check<M: Medium>(lock: &ReadLock<M>) {
    assert!(shows_its_blobs(lock), "{:?} shows other blobs", lock.manifest().identity);
}

/// What is in the folders, but for the store's own files.
fn files(medium: &CrashMedium) -> Vec<String> {
    let paths = ["d1", "d10"].iter().flat_map(|folder| medium.list(Path::new(folder)).unwrap());
    let names = paths.map(|path| path.to_str().unwrap().to_owned());
    names.filter(|name| !name.contains("store.")).collect()
}

/// The bytes of a file.
fn bytes_of(medium: &CrashMedium, path: &Path) -> Vec<u8> {
    let file = medium.open(path).unwrap();
    let mut bytes = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// Puts a file where none of its name is, so that it stays.
fn put(medium: &CrashMedium, path: &Path, bytes: &[u8]) {
    let file = medium.create(path).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.sync_data().unwrap();
    medium.sync_folder(path.parent().unwrap()).unwrap();
}

/// Waits until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}");
        thread::yield_now();
    }
}
