//! A loader that does not come back.

use std::sync::mpsc::channel;

use super::*;

#[test]
fn whoever_waits_for_a_loader_that_hangs_is_told_in_time_and_others_are_not_held_up() {
    let medium = medium();
    let patience = Duration::from_millis(50);
    let fixture = Fixture::open(&medium, StoreOptions { patience, ..options() }).unwrap();
    let store = &fixture.store;
    let (hanging, called, free) = Held::new();
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let error = store.load(identity(1), hanging.clone()).unwrap_err();
                assert!(matches!(error, Error::Unfinished { .. }), "{error}");
                assert!(began.elapsed() >= patience);
            });
        }
    });
    // Another generation does not get it either, nor whoever has no loader.
    for unfinished in [store.load(later(1), Blobs::new()), store.read(key(1))] {
        assert!(matches!(unfinished, Err(Error::Unfinished { .. })));
    }
    assert!(began.elapsed() < LONG);
    called.recv_timeout(LONG).unwrap();
    // It has the slice. Nobody has the others.
    for slice_key in 2..5 {
        check(&store.load_within(identity(slice_key), Blobs::new(), LONG).unwrap());
    }
    let down = store.erase(&Filter::default());
    assert_eq!((down.done.len(), down.busy), (3, vec![key(1)]));
    assert!(fixture.status(1).is_busy && fixture.status(1).readers == 0);
    // The store ends, and the loader has its spindles.
    let (ended, has_ended) = channel();
    thread::spawn(move || {
        drop(fixture);
        ended.send(())
    });
    has_ended.recv_timeout(LONG).expect("the store ends though a loader hangs");
    assert!(matches!(Fixture::open(&medium, options()), Err(Error::SpindleLocked { .. })));
    drop(free);
    wait_until("the spindles are free", || Fixture::open(&medium, options()).is_ok());
    let fixture = Fixture::open(&medium, options()).unwrap();
    assert_eq!((fixture.store.status().slices, files(&medium)), ([0; 6], vec![]));
    // What is cancelled is not tried again.
    assert_eq!(hanging.loads(), 1);
}
