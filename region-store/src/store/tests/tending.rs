//! What the tender takes down, and what it does not.

use super::*;

/// A store of some slices, the first of which was used least recently, and what one of them takes.
fn filled(options: &StoreOptions, slices: u32) -> (Fixture, u64) {
    let fixture = Fixture::open(&medium(), options.clone()).unwrap();
    for slice_key in 0..slices {
        fixture.store.load(identity(slice_key), Blobs::new()).unwrap();
    }
    let bytes = fixture.status(0).file_bytes;
    (fixture, bytes)
}

fn states(fixture: &Fixture) -> Vec<SnapState> {
    (0..5).map(|slice_key| fixture.state(slice_key)).collect()
}

use SnapState::{Cold, Failed, Hot, Warm};

#[test]
fn above_the_high_mark_it_evicts_down_to_the_low_one_what_was_used_least_recently() {
    let (_, bytes) = filled(&options(), 1);
    let marks = Marks { high: 80, low: 50 };
    let of = |slices| StoreOptions {
        memory_bytes: Some(bytes * 6),
        memory_marks: marks,
        disk_bytes: Some(bytes * slices),
        disk_marks: marks,
        ..options()
    };
    // 5 of 6 are too much, 3 may stay; the one that is held does, though it was used least recently.
    let (fixture, _) = filled(&of(100), 5);
    let held = fixture.store.read(key(0)).unwrap();
    let _used = fixture.store.read(key(1)).unwrap();
    fixture.store.read(key(2)).unwrap();
    assert_eq!(fixture.store.tend(), Tended { evicted: 2, ..Tended::default() });
    assert_eq!(states(&fixture), [Hot, Hot, Hot, Warm, Warm]);
    assert_eq!(fixture.store.tend(), Tended::default());
    drop(held);
    // Likewise on disk.
    let (fixture, _) = filled(&of(6), 5);
    assert_eq!(fixture.store.tend(), Tended { evicted: 2, flushed: 2, ..Tended::default() });
    assert_eq!(states(&fixture), [Cold, Cold, Hot, Hot, Hot]);
}

#[test]
fn what_is_free_counts_once_though_two_folders_are_on_one_file_system() {
    let medium = medium();
    let fixture = Fixture::open(&medium, StoreOptions { disk_bytes: None, ..options() }).unwrap();
    fixture.store.load(identity(0), Blobs::new()).unwrap();
    let used = fixture.status(0).file_bytes;
    for (free, limit) in [(None, None), (Some(1_000), Some(used + 1_000))] {
        medium.set_free_bytes(free);
        let status = fixture.store.status();
        assert_eq!((status.disk_bytes, status.disk_limit), (used, limit));
    }
}

#[test]
fn what_nobody_asks_for_goes_step_by_step() {
    let (fixture, _) = filled(&options(), 1);
    let times = options().times_to_live;
    let second = Duration::from_secs(1);
    let mut expected = Vec::new();
    for (time, state) in [(times.evict, Hot), (times.flush, Warm), (times.erase, Cold)] {
        fixture.pass(time);
        assert_eq!((fixture.store.tend(), fixture.state(0)), (Tended::default(), state));
        fixture.pass(second);
        let tended = fixture.store.tend();
        expected.push((tended.evicted, tended.flushed, tended.erased));
    }
    assert_eq!(expected, [(1, 0, 0), (0, 1, 0), (0, 0, 1)]);
    assert!(fixture.store.search(&Filter::default()).is_empty());
}

#[test]
fn what_is_held_or_failed_ages_too_but_only_one_goes() {
    let (fixture, _) = filled(&options(), 2);
    let held = fixture.store.read(key(1)).unwrap();
    let failing = |_: &Load<'_>| -> std::result::Result<(), LoadError> { Err("no".into()) };
    fixture.store.load(identity(2), Arc::new(failing)).unwrap_err();
    assert_eq!(fixture.state(2), Failed);
    fixture.pass(Duration::from_secs(1 << 20));
    assert_eq!(fixture.store.tend(), Tended { evicted: 1, erased: 1, ..Tended::default() });
    assert_eq!((fixture.state(0), fixture.state(1)), (Warm, Hot));
    check(&held);
}

#[test]
fn a_clock_that_goes_back_takes_nothing_down() {
    let (fixture, _) = filled(&options(), 2);
    *fixture.clock.lock().unwrap() = Duration::ZERO;
    assert_eq!(fixture.store.tend(), Tended::default());
}

#[test]
fn a_loader_says_for_how_long_and_a_restart_knows() {
    struct Brief;
    impl Loader for Brief {
        fn load(&self, load: &Load<'_>) -> std::result::Result<(), LoadError> {
            Blobs::default().load(load)
        }

        fn times_to_live(&self, _: &SliceIdentity) -> Option<TimesToLive> {
            let second = Duration::from_secs(1);
            Some(TimesToLive { evict: second, flush: second * 2, erase: second * 3 })
        }
    }
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    fixture.store.load(identity(0), Arc::new(Brief)).unwrap();
    fixture.pass(Duration::from_secs(2));
    assert_eq!(fixture.store.tend().evicted, 1);
    drop(fixture);
    let fixture = Fixture::open(&medium, options()).unwrap();
    assert_eq!(fixture.status(0).times_to_live.erase, Duration::from_secs(3));
    fixture.pass(Duration::from_secs(3));
    assert_eq!(fixture.store.tend().flushed, 1);
}

#[test]
fn memory_is_reserved_before_a_load_and_what_nobody_holds_makes_room() {
    let (_, bytes) = filled(&options(), 1);
    let options = StoreOptions { memory_bytes: Some(bytes * 5 / 2), ..options() };
    let (fixture, _) = filled(&options, 3);
    assert_eq!([0, 1, 2].map(|slice_key| fixture.state(slice_key)), [Warm, Hot, Hot]);
    let _held = [1, 2].map(|slice_key| fixture.store.read(key(slice_key)).unwrap());
    for slice_key in [0, 3] {
        let error = fixture.store.load(identity(slice_key), Blobs::new()).unwrap_err();
        assert!(error.to_string().contains("bytes of memory are needed"), "{error}");
    }
    assert_eq!([0, 3].map(|slice_key| fixture.state(slice_key)), [Warm, Cold]);
    assert!(fixture.store.status().memory_bytes <= bytes * 2);
}

#[test]
fn the_tender_runs_by_itself_and_ends_with_the_store() {
    let brief = Duration::from_millis(1);
    let tender = Some(TenderTimes { first: brief, every: brief });
    let medium = medium();
    let fixture = Fixture::open(&medium, StoreOptions { tender, ..options() }).unwrap();
    fixture.store.load(identity(0), Blobs::new()).unwrap();
    fixture.pass(Duration::from_secs(1 << 20));
    wait_until("it is evicted", || fixture.state(0) == Warm);
    drop(fixture);
    Fixture::open(&medium, options()).unwrap();
}
