//! What is there stays, as long as nothing better comes in its place.

use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;

use tempfile::TempDir;

use super::*;
use crate::medium::{Call, Disk, Fault, Trouble};

/// Loads blobs, and expects more than fits anywhere.
struct Large;

impl Loader for Large {
    fn load(&self, load: &Load<'_>) -> std::result::Result<(), LoadError> {
        Blobs::new().load(load)
    }

    fn expected_bytes(&self, _: &SliceIdentity, _: &dyn Fn() -> bool) -> u64 {
        1 << 40
    }
}

/// Has every read fail.
fn fail_reads(medium: &CrashMedium, trouble: Trouble) {
    medium.fail(Fault { call: Call::Read, number: 0, trouble, lasting: true });
}

/// A store whose spindles are folders of a real disk.
fn on_two_disks() -> (TempDir, Fixture<Disk>) {
    let folder = tempfile::tempdir().unwrap();
    let spindles = ["d1", "d2"].map(|name| Spindle::new(name, folder.path().join(name))).to_vec();
    spindles.iter().for_each(|spindle| fs::create_dir(&spindle.folder).unwrap());
    (folder, Fixture::open(&Disk, StoreOptions { spindles, ..options() }).unwrap())
}

/// Where the disk was there is an empty folder, as if it were not mounted any more.
fn unmount(disk: &Path) {
    fs::rename(disk, disk.with_extension("elsewhere")).unwrap();
    fs::create_dir(disk).unwrap();
}

fn mount(disk: &Path) {
    fs::remove_dir(disk).unwrap();
    fs::rename(disk.with_extension("elsewhere"), disk).unwrap();
}

#[test]
fn a_generation_for_which_there_is_no_room_leaves_the_one_that_is_there() {
    let fixture = Fixture::open(&medium(), options()).unwrap();
    let (store, loader) = (&fixture.store, Blobs::new());
    check(&store.load(identity(1), loader.clone()).unwrap());
    let error = store.load(later(1), Arc::new(Large)).unwrap_err();
    assert!(error.to_string().contains("bytes of memory are needed"), "{error}");
    assert_eq!(fixture.state(1), SnapState::Warm);
    check(&store.load(identity(1), loader.clone()).unwrap());
    assert_eq!(loader.loads(), 1);
}

#[test]
fn a_generation_that_is_cancelled_while_it_waits_leaves_the_one_that_is_there() {
    let fixture = Fixture::open(&medium(), options()).unwrap();
    let (store, loader) = (&fixture.store, Blobs::new());
    let (ended, has_ended) = channel();
    thread::scope(|scope| {
        let reader = store.load(identity(1), loader.clone()).unwrap();
        scope.spawn(|| ended.send(store.load(later(1), loader.clone()).unwrap_err()));
        wait_until("it waits", || fixture.status(1).is_busy);
        assert!(store.cancel(key(1)));
        // Though somebody reads.
        let error = has_ended.recv_timeout(LONG).expect("it ends").to_string();
        assert!(error.contains("the load of slice 1/2/1 is cancelled"), "{error}");
        check(&reader);
    });
    check(&store.load(identity(1), loader.clone()).unwrap());
    assert_eq!((fixture.state(1), loader.loads()), (SnapState::Hot, 1));
}

#[test]
fn a_generation_that_is_cancelled_while_its_bytes_are_asked_for_leaves_the_one_that_is_there() {
    /// Does not come back before it is cancelled.
    struct Asking(Mutex<std::sync::mpsc::Sender<()>>);

    impl Loader for Asking {
        fn load(&self, _: &Load<'_>) -> std::result::Result<(), LoadError> {
            panic!("nobody wants it any more")
        }

        fn expected_bytes(&self, _: &SliceIdentity, is_cancelled: &dyn Fn() -> bool) -> u64 {
            self.0.lock().unwrap().send(()).unwrap();
            wait_until("it is cancelled", is_cancelled);
            0
        }
    }

    let fixture = Fixture::open(&medium(), options()).unwrap();
    let (store, loader) = (&fixture.store, Blobs::new());
    check(&store.load(identity(1), loader.clone()).unwrap());
    let (asks, asked) = channel();
    thread::scope(|scope| {
        let asking = scope.spawn(|| store.load(later(1), Arc::new(Asking(Mutex::new(asks)))).unwrap_err());
        asked.recv_timeout(LONG).unwrap();
        assert!(store.cancel(key(1)));
        let error = asking.join().unwrap().to_string();
        assert!(error.contains("the load of slice 1/2/1 is cancelled"), "{error}");
    });
    check(&store.load(identity(1), loader.clone()).unwrap());
    assert_eq!(loader.loads(), 1);
}

#[test]
fn what_cannot_be_read_for_want_of_something_else_than_a_disk_is_not_loaded_again() {
    for (trouble, is_loaded_again) in [(Trouble::NoSpace, false), (Trouble::InputOutput, true)] {
        let medium = medium();
        let fixture = Fixture::open(&medium, options()).unwrap();
        let (store, loader) = (&fixture.store, Blobs::new());
        check(&store.load(identity(1), loader.clone()).unwrap());
        assert_eq!(store.evict(&Filter::default()).done, [key(1)]);
        fail_reads(&medium, trouble);
        for _ in 0..3 {
            let _ = store.load(identity(1), loader.clone());
            fixture.pass(options().heal_after);
        }
        medium.repair();
        check(&store.load(identity(1), loader.clone()).unwrap());
        assert_eq!(loader.loads() > 1, is_loaded_again, "{trouble:?}");
    }
}

#[test]
fn what_has_failed_rests_though_there_is_no_room_meanwhile() {
    let medium = medium();
    let memory_bytes = Some(40_000);
    let fixture = Fixture::open(&medium, StoreOptions { memory_bytes, ..options() }).unwrap();
    let (store, loader) = (&fixture.store, Blobs::new());
    check(&store.load(identity(1), loader.clone()).unwrap());
    assert_eq!(store.evict(&Filter::default()).done, [key(1)]);
    fail_reads(&medium, Trouble::InputOutput);
    store.load(identity(1), loader.clone()).unwrap_err();
    medium.repair();
    let _held: Vec<_> = (2..9).map_while(|slice| store.load(identity(slice), loader.clone()).ok()).collect();
    fixture.pass(options().heal_after);
    let error = store.load(identity(1), loader.clone()).unwrap_err();
    assert!(error.to_string().contains("bytes of memory are needed"), "{error}");
    assert_eq!(fixture.state(1), SnapState::Failed);
}

#[test]
fn a_slice_is_not_taken_down_whose_spindle_goes_while_the_store_is_open() {
    let (folder, fixture) = on_two_disks();
    let d2 = folder.path().join("d2");
    let (store, loader, all) = (&fixture.store, Blobs::new(), Filter::default());
    check(&store.load(identity(1), loader.clone()).unwrap());
    unmount(&d2);
    for down in [store.flush(&all), store.erase(&all)] {
        let [(failed, cause)] = &down.failed[..] else { panic!("{down:?}") };
        assert_eq!((*failed, down.done.len()), (key(1), 0));
        assert!(cause.to_string().contains("cannot be had while its spindle d2 is missing"), "{cause}");
    }
    mount(&d2);
    check(&store.load(identity(1), loader.clone()).unwrap());
    assert_eq!((loader.loads(), store.erase(&all).done), (1, vec![key(1)]));
    let left = ["d1", "d2"].map(|name| fs::read_dir(folder.path().join(name)).unwrap().count());
    assert_eq!(left, [2, 2], "nothing but the store's own files is left");
}

#[test]
fn a_slice_stays_whose_spindle_goes_while_the_store_is_open() {
    let (folder, fixture) = on_two_disks();
    let d2 = folder.path().join("d2");
    let (store, loader) = (&fixture.store, Blobs::new());
    check(&store.load(identity(1), loader.clone()).unwrap());
    assert_eq!(store.evict(&Filter::default()).done, [key(1)]);
    unmount(&d2);
    for slice_key in [1, 2] {
        let error = store.load(identity(slice_key), loader.clone()).unwrap_err().to_string();
        assert!(error.contains("cannot be had while its spindle d2 is missing"), "{error}");
    }
    assert_eq!(fs::read_dir(&d2).unwrap().count(), 0, "nothing is written there");
    mount(&d2);
    check(&store.load(identity(1), loader.clone()).unwrap());
    assert_eq!(loader.loads(), 1);
}
