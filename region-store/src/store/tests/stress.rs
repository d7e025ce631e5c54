//! Threads that do to a store whatever can be done to it, where there is room for half of the slices.
//!
//! What each thread does follows from a seed, which a failure tells and `SEED=` gives again. In which order they come does
//! not.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::super::engine::now_ns;
use super::*;
use crate::medium::{Disk, Random};

const THREADS: u64 = 8;
const SLICES: usize = 6;
/// The slice that has no blobs.
const EMPTY: usize = 5;

/// Where the slices come from.
#[derive(Default)]
struct Source {
    blobs: Blobs,
    /// By how much the latest generation of each is later than the first.
    ages: [AtomicU64; SLICES],
    is_loading: [AtomicBool; SLICES],
}

impl Loader for Source {
    fn load(&self, load: &Load<'_>) -> std::result::Result<(), LoadError> {
        let slice = load.identity().slice_key as usize;
        assert!(!self.is_loading[slice].swap(true, Ordering::Relaxed), "a slice is loaded once at a time");
        let loaded = if slice == EMPTY { Ok(()) } else { self.blobs.load(load) };
        self.is_loading[slice].store(false, Ordering::Relaxed);
        loaded
    }
}

fn a_slice(chance: &mut Random) -> usize {
    usize::try_from(chance.below(SLICES as u64)).unwrap()
}

fn aged(slice: usize, age: u64) -> SliceIdentity {
    let first = identity(u32::try_from(slice).unwrap());
    SliceIdentity { generation_clock: first.generation_clock + age, ..first }
}

struct Stress<M: Medium> {
    fixture: Fixture<M>,
    source: Arc<Source>,
}

impl<M: Medium> Stress<M> {
    fn act(&self, chance: &mut Random, operations: u32) {
        let mut held: Option<ReadLock<M>> = None;
        for _ in 0..operations {
            // Who holds a slice does not wait for another one: that may wait for who waits for this one.
            if held.is_none() && chance.below(2) == 0 {
                held = self.ask(chance);
            } else {
                self.disturb(chance);
            }
            self.look();
            held.iter().for_each(|lock| self.check(lock));
            held = held.filter(|_| chance.below(3) > 0);
        }
    }

    /// Asks for a slice in one of the ways that there are.
    fn ask(&self, chance: &mut Random) -> Option<ReadLock<M>> {
        let (slice, way) = (a_slice(chance), chance.below(10));
        let latest = self.source.ages[slice].load(Ordering::Relaxed);
        let age = match way {
            0 => self.source.ages[slice].fetch_add(1, Ordering::Relaxed) + 1,
            1 => latest.saturating_sub(1),
            _ => latest,
        };
        let (wanted, patience) = (aged(slice, age), if way == 2 { Duration::ZERO } else { LONG });
        let asked = if way == 3 {
            self.fixture.store.read(wanted.into())
        } else {
            self.fixture.store.load_within(wanted, self.source.clone(), patience)
        };
        match asked {
            Ok(lock) => {
                assert!(way == 3 || lock.manifest().identity == wanted);
                return Some(lock);
            }
            Err(Error::Superseded { .. }) => {}
            Err(Error::NotLoaded { .. }) => assert_eq!(way, 3),
            Err(Error::Unfinished { .. }) => assert!(patience.is_zero()),
            Err(Error::LoadFailed { cause, .. }) => {
                assert!(matches!(*cause, Error::OverBudget { .. } | Error::Cancelled { .. }), "{cause}");
            }
            Err(other) => panic!("{other}"),
        }
        None
    }

    /// Does something that does not wait.
    fn disturb(&self, chance: &mut Random) {
        let slice = a_slice(chance);
        let filter: Filter = format!("slice={slice}").parse().unwrap();
        let store = &self.fixture.store;
        let down = match chance.below(8) {
            0 => store.evict(&Filter::default()),
            1 | 2 => store.evict(&filter),
            3 => store.flush(&filter),
            4 => store.erase(&filter),
            5 => {
                store.cancel(aged(slice, 0).into());
                Down::default()
            }
            6 => {
                self.fixture.pass(options().times_to_live.evict / 8);
                Down::default()
            }
            _ => {
                store.tend();
                Down::default()
            }
        };
        assert!(down.failed.is_empty(), "{down:?}");
    }

    /// Looks whether what the store tells makes sense.
    fn look(&self) {
        let status = self.fixture.store.status();
        assert!(status.memory_bytes <= status.memory_limit, "{status:?}");
        assert_eq!(status.spindles.iter().map(|spindle| spindle.bytes).sum::<u64>(), status.disk_bytes);
        let known = self.fixture.store.search(&Filter::default());
        assert!(known.len() <= SLICES && status.slices.iter().sum::<usize>() <= SLICES);
        for status in known {
            let is_right = match status.state {
                SnapState::Hot => status.regions > 0 && status.blobs > 0 && status.snap_id.is_some(),
                SnapState::NoData => status.regions == 0 && status.snap_id.is_some(),
                SnapState::Warm => status.readers == 0 && status.snap_id.is_some(),
                SnapState::Cold => status.readers == 0 && status.snap_id.is_none(),
                SnapState::Failed | SnapState::Unavailable => false,
            };
            let metrics = status.metrics;
            assert!(is_right && metrics.evictions <= metrics.loads + metrics.maps, "{status:?}");
        }
    }

    /// Looks whether what is held is in memory, and is what it should be.
    fn check(&self, lock: &ReadLock<M>) {
        let (manifest, status) = (lock.manifest(), self.fixture.status(lock.key().slice_key));
        let is_empty = manifest.identity.slice_key as usize == EMPTY;
        assert_eq!(status.state, if is_empty { SnapState::NoData } else { SnapState::Hot });
        assert_eq!(status.snap_id, Some(manifest.snap_id));
        assert_eq!(status.generation, manifest.identity.into());
        assert!(status.readers > 0);
        if is_empty {
            assert_eq!((lock.blobs(), lock.fold(|_| Ok(())).unwrap()), (0, vec![]));
        } else {
            check(lock);
        }
    }

    /// Waits for loads that everybody has given up.
    fn rest(&self) {
        let store = &self.fixture.store;
        wait_until("loads end", || store.search(&Filter::default()).iter().all(|status| !status.is_busy));
    }
}

/// Has the threads do so much each, and sees that nothing is left of it.
fn stress<M: Medium>(medium: &M, spindles: Vec<Spindle>, operations: u32) {
    let seed = std::env::var("SEED").map_or_else(|_| now_ns(), |seed| seed.parse().unwrap());
    eprintln!("SEED={seed}");
    let options = StoreOptions { spindles, ..options() };
    let all = Filter::default();

    let fixture = Fixture::open(medium, options.clone()).unwrap();
    drop(fixture.store.load(identity(0), Blobs::new()).unwrap());
    let bytes = fixture.status(0).file_bytes;
    fixture.store.erase(&all);
    drop(fixture);

    let marks = Marks { high: 80, low: 50 };
    let options = StoreOptions {
        memory_bytes: Some(bytes * 7 / 2),
        memory_marks: marks,
        disk_bytes: Some(bytes * 5),
        disk_marks: marks,
        ..options
    };
    let fixture = Fixture::open(medium, options.clone()).unwrap();
    let stress = Stress { fixture, source: Arc::default() };
    thread::scope(|scope| {
        for number in 1..=THREADS {
            let stress = &stress;
            let mut chance = Random::new(seed ^ number);
            scope.spawn(move || stress.act(&mut chance, operations));
        }
    });
    stress.rest();
    let store = &stress.fixture.store;
    let down = store.evict(&all);
    assert!(down.busy.is_empty() && down.failed.is_empty(), "{down:?}");
    assert_eq!((store.status().memory_bytes, store.status().slices[SnapState::Hot as usize]), (0, 0));
    let did: BTreeSet<&str> = stress.fixture.told().iter().map(name).collect();
    let meant = ["erased", "evicted", "failed", "flushed", "loaded", "loading", "mapped", "replacing"];
    assert_eq!(did, BTreeSet::from(meant));
    drop(stress);

    // The next store finds what there is, and nothing that is no slice.
    let fixture = Fixture::open(medium, options.clone()).unwrap();
    assert!(fixture.told().iter().all(|event| matches!(event, Event::Found { .. })));
    let stress = Stress { fixture, source: Arc::default() };
    let store = &stress.fixture.store;
    store.search(&all).iter().for_each(|status| stress.check(&store.read(status.key).unwrap()));
    let down = store.erase(&all);
    assert!(down.busy.is_empty() && down.failed.is_empty(), "{down:?}");
    assert_eq!((store.status().memory_bytes, store.search(&all)), (0, vec![]));
    for spindle in &options.spindles {
        let left = medium.list(&spindle.folder).unwrap();
        assert!(left.iter().all(|path| path.to_str().unwrap().contains("store.")), "{left:?}");
    }
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Loading { .. } => "loading",
        Event::Loaded { was_on_disk: false, .. } => "loaded",
        Event::Loaded { was_on_disk: true, .. } => "mapped",
        Event::LoadFailed { .. } => "failed",
        Event::Replacing { .. } => "replacing",
        Event::Evicted { .. } => "evicted",
        Event::Flushed { .. } => "flushed",
        Event::Erased { .. } => "erased",
        _ => "something else",
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes long")]
fn slices_are_whole_whatever_threads_do_to_them_in_memory() {
    stress(&medium(), spindles(), 250);
}

#[test]
#[cfg_attr(miri, ignore = "it maps files")]
fn slices_are_whole_whatever_threads_do_to_them_in_mapped_files() {
    let folder = tempfile::tempdir().unwrap();
    let spindles = ["d1", "d10"].map(|name| Spindle::new(name, folder.path().join(name)));
    spindles.iter().for_each(|spindle| std::fs::create_dir(&spindle.folder).unwrap());
    stress(&Disk, spindles.into(), 100);
}
