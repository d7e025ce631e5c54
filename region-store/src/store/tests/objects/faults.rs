//! What goes wrong between a worker and a store of objects.

use std::sync::mpsc::channel;

use super::*;

#[test]
fn whichever_request_of_a_load_goes_wrong_it_fails_and_can_be_tried_again() {
    let (objects, worker) = (published(), worker());
    objects.set(None);
    load(&worker, &objects).unwrap();
    let requests = objects.calls();
    assert!(requests > 20, "{requests}");
    for fault in [Fault::Fails, Fault::Truncates, Fault::Damages] {
        // What was asked for the length only is asked for again.
        objects.set(Some((0, fault.clone())));
        load(&worker, &objects).unwrap();
        for number in 1..requests {
            objects.set(Some((number, fault.clone())));
            // What is damaged may be padding, which does no harm.
            if let Err(error) = load(&worker, &objects) {
                assert!(error.contains(FOLDER), "{error}");
            } else {
                assert!(matches!(fault, Fault::Damages), "{fault:?} {number}");
            }
        }
    }
    objects.set(None);
    load(&worker, &objects).unwrap();
}

#[test]
fn a_store_that_tries_again_hides_what_goes_wrong_once() {
    let objects = published();
    let worker = Fixture::open(&medium(), options()).unwrap();
    objects.set(Some((5, Fault::Fails)));
    load(&worker, &objects).unwrap();
    assert!(worker.told().iter().any(|event| matches!(event, Event::Retrying { .. })));
}

#[test]
fn an_upload_that_is_cut_is_no_slice_and_can_be_done_again() {
    let (objects, worker) = (Arc::new(Faulty::default()), worker());
    for number in 0.. {
        objects.set(Some((number, Fault::Fails)));
        let published = publish(&objects);
        let is_cut = objects.calls() > number;
        assert_eq!(published.is_err(), is_cut);
        assert_eq!(objects.uploads(), 0, "each ends, whichever fails");
        objects.set(None);
        if !is_cut {
            // It has fewer requests.
            assert!(number > 20, "{number}");
            return load(&worker, &objects).unwrap();
        }
        let error = published.unwrap_err().to_string();
        assert!(error.contains(": cannot put: Generic Faulty error: it is told to fail"), "{error}");
        let error = load(&worker, &objects).unwrap_err();
        assert!(error.contains("slice 1/2/1 is not published"), "{error}");
    }
}

#[test]
fn a_load_that_waits_for_ever_can_be_cancelled() {
    // For its manifest, or for a region.
    for request in [0, 5] {
        let objects = published();
        let medium = medium();
        let fixture = Fixture::open(&medium, options()).unwrap();
        let (hangs, hanging) = channel();
        objects.set(Some((request, Fault::Hangs(hangs))));
        std::thread::scope(|scope| {
            let loading =
                scope.spawn(|| fixture.store.load(identity(1), Arc::new(loader(&objects))).unwrap_err());
            hanging.recv_timeout(LONG).unwrap();
            assert!(fixture.store.cancel(key(1)));
            let error = loading.join().unwrap().to_string();
            assert!(error.contains("the load of slice 1/2/1 is cancelled"), "{error}");
        });
        assert_eq!((fixture.state(1), files(&medium)), (SnapState::Cold, vec![]));
    }
}
