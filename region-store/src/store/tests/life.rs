//! The states of a slice, one after the other.

use super::*;

#[test]
fn a_slice_is_loaded_held_evicted_mapped_flushed_and_erased() {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    let (store, loader, all) = (&fixture.store, Blobs::new(), Filter::default());
    let lock = store.load(identity(1), loader.clone()).unwrap();
    check(&lock);
    assert_eq!((fixture.state(1), fixture.status(1).readers), (SnapState::Hot, 1));
    assert!(store.status().memory_bytes > 0);
    // Nobody breaks a read lock.
    for down in [store.evict(&all), store.flush(&all), store.erase(&all)] {
        assert_eq!((down.done, down.busy), (vec![], vec![key(1)]));
    }
    drop(lock);
    assert_eq!(store.evict(&all).done, [key(1)]);
    assert_eq!((fixture.state(1), store.status().memory_bytes), (SnapState::Warm, 0));
    check(&store.load(identity(1), loader.clone()).unwrap());
    check(&store.read(key(1)).unwrap());
    assert_eq!((fixture.state(1), loader.loads()), (SnapState::Hot, 1));
    assert_eq!(store.flush(&all).done, [key(1)]);
    assert_eq!((fixture.state(1), files(&medium)), (SnapState::Cold, vec![]));
    assert!(matches!(store.read(key(1)), Err(Error::NotLoaded { .. })));
    check(&store.load(identity(1), loader.clone()).unwrap());
    let metrics = fixture.status(1).metrics;
    assert_eq!((metrics.loads, metrics.maps, metrics.evictions, metrics.flushes), (2, 1, 2, 1));
    assert_eq!((metrics.parcels, metrics.received_bytes, loader.loads()), (7, metrics.inflated_bytes, 2));
    assert_eq!(store.erase(&all).done, [key(1)]);
    assert_eq!((store.search(&all), files(&medium)), (vec![], vec![]));
}

#[test]
fn idle_is_the_time_since_a_reader_came_or_went_or_the_state_changed() {
    let fixture = Fixture::open(&medium(), options()).unwrap();
    let idle = || fixture.status(1).idle;
    let seconds = Duration::from_secs(10);
    let first = fixture.store.load(identity(1), Blobs::new()).unwrap();
    fixture.pass(seconds);
    assert_eq!((idle(), fixture.status(1).readers), (seconds, 1), "it grows while somebody holds it");
    let second = fixture.store.read(key(1)).unwrap();
    assert_eq!(idle(), Duration::ZERO);
    fixture.pass(seconds);
    drop(first);
    assert_eq!((idle(), fixture.status(1).readers), (Duration::ZERO, 1));
    drop(second);
    fixture.pass(seconds);
    assert_eq!(idle(), seconds);
    fixture.store.evict(&Filter::default());
    assert_eq!(idle(), Duration::ZERO);
}

#[test]
fn a_slice_without_blobs_is_known_to_have_none() {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    let store = &fixture.store;
    let nothing = |_: &Load<'_>| -> std::result::Result<(), LoadError> { Ok(()) };
    let lock = store.load(identity(1), Arc::new(nothing)).unwrap();
    assert_eq!((lock.blobs(), lock.fold(|_| Ok(())).unwrap()), (0, vec![]));
    assert_eq!(fixture.state(1), SnapState::NoData);
    drop(lock);
    assert!(store.evict(&Filter::default()).done.is_empty());
    drop(fixture);
    let fixture = Fixture::open(&medium, options()).unwrap();
    assert_eq!(fixture.state(1), SnapState::NoData);
    assert_eq!(fixture.store.read(key(1)).unwrap().blobs(), 0);
    assert_eq!(fixture.store.flush(&Filter::default()).done, [key(1)]);
    assert_eq!((fixture.state(1), files(&medium)), (SnapState::Cold, vec![]));
}

#[test]
fn a_later_generation_takes_the_place_of_an_older_one() {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    let (store, loader) = (&fixture.store, Blobs::new());
    check(&store.load(identity(1), loader.clone()).unwrap());
    let lock = store.load(later(1), loader.clone()).unwrap();
    assert_eq!(lock.manifest().identity, later(1));
    check(&lock);
    let refused = store.load(identity(1), loader.clone()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "slice 1/2/1: generation 3#0000000000000004 is asked for, and 4#0000000000000004 has taken its place"
    );
    // Of the same time, and another one.
    drop(lock);
    let other = SliceIdentity { generation_digest: 5, ..later(1) };
    check(&store.load(other, loader.clone()).unwrap());
    assert_eq!((loader.loads(), files(&medium).len()), (3, 5));
    assert_eq!(fixture.status(1).generation.digest, 5);
}

#[test]
fn a_load_that_fails_is_tried_again_and_then_rests_until_it_is_healed() {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    let store = &fixture.store;
    let attempts = Arc::new(AtomicUsize::new(0));
    let failing = {
        let attempts = Arc::clone(&attempts);
        Arc::new(move |load: &Load<'_>| -> std::result::Result<(), LoadError> {
            load.queue(Parcel::of(["some of it"])?)?;
            match attempts.fetch_add(1, Ordering::Relaxed) {
                0 => Err("no connection".into()),
                1 => panic!("out of range"),
                2 | 3 => Err("still none".into()),
                _ => Ok(()),
            }
        })
    };
    let error = store.load(identity(1), failing.clone()).unwrap_err();
    assert_eq!(error.to_string(), "slice 1/2/1 could not be loaded: a panic: out of range");
    assert_eq!((fixture.state(1), files(&medium)), (SnapState::Failed, vec![]));
    // Whoever comes soon is told the same.
    assert!(store.load(identity(1), failing.clone()).unwrap_err().to_string().contains("out of range"));
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    fixture.pass(options().heal_after);
    let error = store.load(identity(1), failing.clone()).unwrap_err();
    assert!(error.to_string().contains("its loader failed: still none"), "{error}");
    // Another generation need not wait.
    assert_eq!(store.load(later(1), failing).unwrap().blobs(), 1);
    let retried = fixture.told().iter().filter(|event| matches!(event, Event::Retrying { .. })).count();
    assert_eq!(retried, 2);
}

#[test]
fn nothing_short_comes_of_a_loader_that_ignores_a_refusal() {
    let medium = medium();
    let fixture = Fixture::open(&medium, StoreOptions { memory_bytes: Some(20_000), ..options() }).unwrap();
    let ignoring = |load: &Load<'_>| -> std::result::Result<(), LoadError> {
        for _ in 0..40 {
            let _ = load.queue(Parcel::of([[1; 1_000]])?);
        }
        Ok(())
    };
    let error = fixture.store.load(identity(1), Arc::new(ignoring)).unwrap_err();
    assert!(error.to_string().contains("bytes of memory are needed, others have 0 of 20000"), "{error}");
    // It is nothing about the slice.
    assert_eq!((fixture.state(1), files(&medium)), (SnapState::Cold, vec![]));
    check(&fixture.store.load(identity(1), Blobs::new()).unwrap());
}
