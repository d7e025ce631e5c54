//! Who waits for whom.

use std::sync::mpsc::channel;

use super::super::defect::{Defect, with};
use super::super::note::Note;
use super::super::snap::{Answer, Request, Snap, Stage};
use super::*;
use crate::format::Manifest;

fn request(generation: Generation) -> Request {
    let began = Instant::now();
    Request {
        generation: Some(generation),
        began,
        deadline: began + LONG,
        now: Duration::ZERO,
        heal_after: Duration::ZERO,
    }
}

/// Whether an eviction gets between a load and the one who waited for it.
fn is_parted() -> bool {
    let generation = Generation { clock: 1, digest: 2 };
    let snap = Snap::new(key(1), Stage::Cold, generation, Duration::ZERO, Note::default());
    let Answer::Start(flight) = snap.request(&request(generation)).unwrap() else { panic!("it is cold") };
    snap.board(&flight).unwrap().land(Stage::Hot(Arc::new(Manifest::default()), ()), Duration::ZERO, Ok(()));
    let is_parted = snap.try_take(|_| true).map(|exclusive| exclusive.finish(Stage::Cold, Duration::ZERO));
    snap.wait(flight, &request(generation)).unwrap();
    is_parted.is_some()
}

#[test]
fn a_write_lock_becomes_a_read_lock_at_once() {
    assert!(!is_parted());
    assert!(with(Defect::ReleaseAndRetake, is_parted));
}

#[test]
fn a_flight_that_nobody_can_fly_waits_for_no_reader() {
    let of_clock = |clock| Generation { clock, digest: 2 };
    let hot = Stage::Hot(Arc::new(Manifest::default()), ());
    let snap = Snap::new(key(1), hot, of_clock(1), Duration::ZERO, Note::default());
    assert!(matches!(snap.request(&request(of_clock(1))), Ok(Answer::Read(()))));
    let Answer::Start(flight) = snap.request(&request(of_clock(2))).unwrap() else { panic!("it is another") };
    snap.call_off(Duration::ZERO, Arc::new(Error::Cancelled { key: key(1) }));
    assert!(matches!(snap.wait(flight, &request(of_clock(2))), Err(Error::LoadFailed { .. })));
    assert!(matches!(snap.request(&request(of_clock(1))), Ok(Answer::Read(()))));
    assert_eq!(snap.look(|record| record.readers), 2);
}

#[test]
fn however_many_ask_it_is_loaded_once() {
    let fixture = Fixture::open(&medium(), options()).unwrap();
    let (held, called, go_on) = Held::new();
    thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| check(&fixture.store.load(identity(1), held.clone()).unwrap())))
            .collect();
        called.recv_timeout(LONG).unwrap();
        assert!(fixture.status(1).is_busy);
        go_on.send(()).unwrap();
        asking.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert_eq!((held.loads(), fixture.status(1).readers), (1, 0));
}

#[test]
fn whoever_gives_up_waiting_cancels_nothing() {
    let fixture = Fixture::open(&medium(), options()).unwrap();
    let (held, called, go_on) = Held::new();
    let error = fixture.store.load_within(identity(1), held.clone(), Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("is not there after 0 s"), "{error}");
    called.recv_timeout(LONG).unwrap();
    go_on.send(()).unwrap();
    check(&fixture.store.load(identity(1), held.clone()).unwrap());
    assert_eq!((held.loads(), fixture.status(1).readers), (1, 0));
}

#[test]
fn a_load_that_is_cancelled_leaves_nothing() {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    let (held, called, go_on) = Held::new();
    thread::scope(|scope| {
        let asking = scope.spawn(|| fixture.store.load(identity(1), held.clone()).unwrap_err());
        called.recv_timeout(LONG).unwrap();
        assert!(fixture.store.cancel(key(1)));
        go_on.send(()).unwrap();
        let error = asking.join().unwrap();
        assert!(error.to_string().contains("the load of slice 1/2/1 is cancelled"), "{error}");
    });
    assert!(!fixture.store.cancel(key(1)));
    assert_eq!((fixture.state(1), files(&medium)), (SnapState::Cold, vec![]));
}

#[test]
fn a_loader_that_looks_and_gives_up_has_not_failed() {
    let fixture = Fixture::open(&medium(), options()).unwrap();
    let (called, was_called) = channel();
    let called = Mutex::new(called);
    let looking = Arc::new(move |load: &Load<'_>| -> std::result::Result<(), LoadError> {
        called.lock().unwrap().send(())?;
        wait_until("it is cancelled", || load.is_cancelled());
        Err("it is cancelled".into())
    });
    let error = fixture.store.load_within(identity(1), looking, Duration::ZERO).unwrap_err();
    assert!(matches!(error, Error::Unfinished { .. }), "{error}");
    was_called.recv_timeout(LONG).unwrap();
    assert!(fixture.store.cancel(key(1)));
    wait_until("it has ended", || !fixture.status(1).is_busy);
    assert_eq!((fixture.state(1), fixture.status(1).metrics.failures), (SnapState::Cold, 1));
    check(&fixture.store.load(identity(1), Blobs::new()).unwrap());
}

#[test]
fn a_store_that_ends_cancels_its_loads_and_frees_its_spindles() {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    let (held, called, go_on) = Held::new();
    let _unfinished = fixture.store.load_within(identity(1), held, Duration::ZERO);
    called.recv_timeout(LONG).unwrap();
    drop(fixture);
    // The load has them.
    assert!(matches!(Fixture::open(&medium, options()), Err(Error::SpindleLocked { .. })));
    go_on.send(()).unwrap();
    wait_until("the spindles are free", || Fixture::open(&medium, options()).is_ok());
    assert!(files(&medium).is_empty());
}

#[test]
fn another_generation_waits_for_readers_and_new_readers_wait_for_it() {
    let fixture = Fixture::open(&medium(), options()).unwrap();
    let (store, loader) = (&fixture.store, Blobs::new());
    let reader = store.load(identity(1), loader.clone()).unwrap();
    thread::scope(|scope| {
        let replacing = scope.spawn(|| check(&store.load(later(1), loader.clone()).unwrap()));
        wait_until("it waits", || fixture.status(1).is_busy);
        // It reads what it read, and nobody else begins to.
        check(&reader);
        let error = store.load_within(identity(1), loader.clone(), Duration::from_millis(1)).unwrap_err();
        assert!(matches!(error, Error::Unfinished { .. }), "{error}");
        assert_eq!((loader.loads(), fixture.status(1).readers), (1, 1));
        drop(reader);
        replacing.join().unwrap();
    });
    assert_eq!(fixture.status(1).generation.clock, 4);
}

#[test]
fn a_region_is_scanned_by_one_thread_however_many_ask() {
    let fixture = Fixture::open(&medium(), options()).unwrap();
    let lock = fixture.store.load(identity(1), Blobs::new()).unwrap();
    let scanned = Mutex::new(std::collections::BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..125 {
                    let threads = lock.fold(|region| Ok((region.index(), thread::current().id()))).unwrap();
                    let mut scanned = scanned.lock().unwrap();
                    for (region, thread) in threads {
                        assert_eq!(*scanned.entry(region).or_insert(thread), thread);
                    }
                }
            });
        }
    });
    assert_eq!(scanned.into_inner().unwrap().len(), 3);
}

#[test]
fn whoever_hears_that_a_load_begins_holds_it_up() {
    let (go_on, going_on) = channel::<()>();
    let going_on = Mutex::new(going_on);
    let listener = move |event: &Event| {
        if let Event::Loading { .. } = event {
            let _ = going_on.lock().unwrap().recv_timeout(LONG);
        }
    };
    let store = Store::open_on(medium(), options(), listener).unwrap();
    let unfinished = store.load_within(identity(1), Blobs::new(), Duration::ZERO);
    assert!(matches!(unfinished, Err(Error::Unfinished { .. })));
    assert_eq!(store.erase(&Filter::default()).busy, [key(1)]);
    drop(go_on);
    check(&store.load(identity(1), Blobs::new()).unwrap());
}
