//! A disk of a store is missing, and returns.

use std::path::PathBuf;

use super::faults::warm;
use super::whole::only_whole_slices;
use super::*;
use crate::format::{Crc32c, SnapId};
use crate::medium::{Call, Fault, Trouble};
use crate::slice::SliceFile;

/// Loads a slice, and ends.
fn loaded() -> CrashMedium {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    fixture.store.load(identity(0), Blobs::new()).unwrap();
    medium
}

/// Mounts a disk with what is on it elsewhere.
fn mount(medium: &CrashMedium, from: &CrashMedium, folder: &str) {
    from.list(Path::new(folder)).unwrap().iter().for_each(|path| put(medium, path, &bytes_of(from, path)));
}

/// The same machine with one of its disks; the folder of the other is empty.
fn only(of: &CrashMedium, folder: &str) -> CrashMedium {
    let medium = medium();
    mount(&medium, of, folder);
    medium
}

/// Where the only manifest in a folder is.
fn manifest_in(medium: &CrashMedium, folder: &str) -> PathBuf {
    let paths = medium.list(Path::new(folder)).unwrap();
    let [path] = paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "slice"))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    path
}

/// Puts a file in the place of another one.
fn replace(medium: &CrashMedium, path: &Path, bytes: &[u8]) {
    medium.remove(path).unwrap();
    put(medium, path, bytes);
}

/// Turns a bit of the manifest in a folder.
fn damage(medium: &CrashMedium, folder: &str) {
    let path = manifest_in(medium, folder);
    let mut bytes = bytes_of(medium, &path);
    bytes[40] ^= 1;
    replace(medium, &path, &bytes);
}

/// The slice is whole, and is had without being loaded.
fn check_whole(medium: &CrashMedium) {
    let fixture = Fixture::open(medium, options()).unwrap();
    check(&fixture.store.read(key(0)).unwrap());
}

/// The events that tell of files, and of a spindle that is missing.
fn kept_removed_missing(fixture: &Fixture) -> (usize, usize, Vec<String>) {
    let (mut kept, mut removed, mut missing) = (0, 0, Vec::new());
    for event in fixture.told() {
        match event {
            Event::Kept(_) => kept += 1,
            Event::Removed(_) => removed += 1,
            Event::SpindleMissing { name, .. } => missing.push(name),
            _ => {}
        }
    }
    (kept, removed, missing)
}

#[test]
fn a_damaged_manifest_is_kept_while_a_disk_is_missing_that_may_have_a_good_one() {
    let medium = loaded();
    damage(&medium, "d1");
    let alone = only(&medium, "d1");
    let before = files(&alone);
    // What is temporary is no slice wherever manifests are.
    let part = SliceFile { is_part: true, ..SliceFile::region(SnapId([7; 16]), 0) };
    put(&alone, &part.path(Path::new("d1")), b"rubbish");
    let fixture = Fixture::open(&alone, options()).unwrap();
    assert_eq!((kept_removed_missing(&fixture), files(&alone)), ((1, 1, vec!["d10".to_owned()]), before));
    drop(fixture);
    mount(&alone, &medium, "d10");
    check_whole(&alone);
}

#[test]
fn a_damaged_manifest_is_kept_while_another_one_cannot_be_read() {
    let medium = loaded();
    damage(&medium, "d1");
    let tried = (0..).find(|number| {
        let medium = medium.killed(medium.operations());
        medium.fail(Fault {
            call: Call::Any,
            number: *number,
            trouble: Trouble::InputOutput,
            lasting: false,
        });
        drop(Fixture::open(&medium, options()));
        let faults = medium.faults();
        medium.repair();
        check_whole(&medium);
        faults == 0
    });
    assert!(tried.unwrap() > 20, "each call of an opening fails");
}

#[test]
fn a_spindle_that_others_know_and_nobody_gave_is_missing() {
    let medium = loaded();
    let manifest = manifest_in(&medium, "d1");
    let bytes = bytes_of(&medium, &manifest);
    medium.remove(&manifest).unwrap();
    let before = files(&medium);
    let one = || StoreOptions { spindles: vec![Spindle::new("d1", "d1")], ..options() };
    // Opened twice: it is known still.
    for _ in 0..2 {
        let fixture = Fixture::open(&medium, one()).unwrap();
        assert_eq!(kept_removed_missing(&fixture), (1, 0, vec!["d10".to_owned()]));
        assert_eq!((files(&medium), fixture.store.status().spindles.len()), (before.clone(), 1));
    }
    check_whole(&medium);
    // One that is lost for good is forgotten by hand, as the document says. What names it is unavailable still.
    put(&medium, &manifest, &bytes);
    replace(&medium, Path::new("d1/store.spindles"), b"d1\n");
    let fixture = Fixture::open(&medium, one()).unwrap();
    assert_eq!((kept_removed_missing(&fixture), fixture.state(0)), ((0, 0, vec![]), SnapState::Unavailable));
    drop(fixture);
    medium.remove(&manifest).unwrap();
    let fixture = Fixture::open(&medium, one()).unwrap();
    assert_eq!(kept_removed_missing(&fixture), (0, 1, vec![]));
}

/// A manifest as a later version of the crate would begin it.
fn newer(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 4;
    bytes[6] += 1;
    let checksum = Crc32c::new().update(&bytes[..end]).value();
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// What becomes of a manifest.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Newer,
    Damaged,
    Absent,
}

#[test]
fn a_newer_manifest_is_kept_over_a_restart_and_damaged_ones_alone_are_not() {
    use Fate::{Absent, Damaged, Newer};
    for fates in [[Newer, Newer], [Newer, Damaged], [Damaged, Newer], [Newer, Absent], [Absent, Newer]]
        .into_iter()
        .chain([[Damaged, Damaged], [Damaged, Absent], [Absent, Damaged]])
    {
        let medium = loaded();
        let whole = bytes_of(&medium, &manifest_in(&medium, "d1"));
        for (folder, fate) in ["d1", "d10"].into_iter().zip(fates) {
            match fate {
                Newer => replace(&medium, &manifest_in(&medium, folder), &newer(whole.clone())),
                Damaged => damage(&medium, folder),
                Absent => medium.remove(&manifest_in(&medium, folder)).unwrap(),
            }
        }
        let before = files(&medium);
        let fixture = Fixture::open(&medium, options()).unwrap();
        let told = fixture.told();
        if fates.contains(&Newer) {
            let [Event::Kept(leftover)] = &told[..] else { panic!("{told:?}") };
            assert!(leftover.why.contains("version"), "{}", leftover.why);
            assert_eq!(files(&medium), before);
        } else {
            assert!(matches!(&told[..], [Event::Removed(_)]), "{told:?}");
            assert_eq!(files(&medium), Vec::<String>::new());
        }
        assert!(fixture.store.search(&Filter::default()).is_empty());
    }
}

#[test]
fn a_manifest_that_gets_newer_while_the_store_is_open_is_kept() {
    let medium = loaded();
    let fixture = Fixture::open(&medium, options()).unwrap();
    let whole = bytes_of(&medium, &manifest_in(&medium, "d1"));
    for folder in ["d1", "d10"] {
        replace(&medium, &manifest_in(&medium, folder), &newer(whole.clone()));
    }
    let (before, loader) = (files(&medium), Blobs::new());
    for _ in 0..3 {
        let error = fixture.store.load(identity(0), loader.clone()).unwrap_err().to_string();
        assert!(error.contains("version"), "{error}");
        fixture.pass(options().heal_after);
    }
    assert_eq!((files(&medium), loader.loads()), (before, 0));
}

/// The bytes of the regions in a folder.
fn region_bytes(medium: &CrashMedium, folder: &str) -> u64 {
    let paths = medium.list(Path::new(folder)).unwrap();
    let regions = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "region"));
    regions.map(|path| medium.open(path).unwrap().length().unwrap()).sum()
}

#[test]
fn what_is_on_a_missing_disk_flushes_nothing_on_the_others() {
    let options = StoreOptions { disk_bytes: None, ..options() };
    let marks = options.disk_marks;
    let medium = loaded();
    let alone = only(&medium, "d10");
    let fixture = Fixture::open(&alone, options.clone()).unwrap();
    assert_eq!(fixture.state(0), SnapState::Unavailable);
    fixture.store.load(identity(1), Blobs::new()).unwrap();
    let (used, away) = (region_bytes(&alone, "d10"), region_bytes(&medium, "d1"));
    // Just enough below the high mark, as long as what is away is not counted.
    let free = used * 100 / u64::from(marks.high) - used + 100;
    assert!(marks.excess(used, used + free) == 0 && marks.excess(used + away, used + away + free) > 0);
    alone.set_free_bytes(Some(free));
    let status = fixture.store.status();
    assert_eq!((status.disk_bytes, status.disk_limit), (used, Some(used + free)));
    let of = |name: &str| status.spindles.iter().find(|spindle| spindle.name == name).unwrap().bytes;
    assert_eq!((of("d1"), of("d10")), (away, used));
    assert_eq!(fixture.store.tend(), Tended::default());
    alone.set_free_bytes(Some(free / 2));
    assert_eq!(fixture.store.tend(), Tended { flushed: 1, ..Tended::default() });
    assert_eq!([0, 1].map(|slice_key| fixture.state(slice_key)), [SnapState::Unavailable, SnapState::Cold]);
}

#[test]
fn unavailable_goes_for_an_erase_or_for_another_generation_and_for_nothing_else() {
    let all = Filter::default();
    let medium = loaded();
    for erases in [true, false] {
        let alone = only(&medium, "d10");
        let before = files(&alone);
        let fixture = Fixture::open(&alone, options()).unwrap();
        let (store, loader) = (&fixture.store, Blobs::new());
        let is_unavailable = |error| matches!(error, Error::Unavailable { spindle, .. } if spindle == "d1");
        assert!(is_unavailable(store.read(key(0)).unwrap_err()));
        assert!(is_unavailable(store.load(identity(0), loader.clone()).unwrap_err()));
        let earlier = SliceIdentity { generation_clock: 2, ..identity(0) };
        assert!(matches!(store.load(earlier, loader.clone()), Err(Error::Superseded { .. })));
        for down in [store.evict(&all), store.flush(&all)] {
            assert_eq!((down.done, down.busy, down.failed.len()), (vec![], vec![], 0));
        }
        fixture.pass(Duration::from_secs(1 << 20));
        assert_eq!(store.tend(), Tended::default());
        assert_eq!((files(&alone), fixture.state(0)), (before.clone(), SnapState::Unavailable));
        let mut left = Vec::new();
        if erases {
            assert_eq!(store.erase(&all).done, [key(0)]);
            assert!(store.search(&all).is_empty());
        } else {
            check(&store.load(later(0), loader.clone()).unwrap());
            left.push((key(0), later(0).into()));
        }
        assert!(before.iter().all(|file| !files(&alone).contains(file)));
        assert_eq!(loader.loads(), left.len());
        drop(fixture);
        mount(&alone, &medium, "d1");
        assert_eq!(warm(&Fixture::open(&alone, options()).unwrap()), left);
        assert_eq!(only_whole_slices(&alone).unwrap().len(), left.len());
    }
}

/// Loads nothing at all.
fn nothing(_: &Load<'_>) -> std::result::Result<(), LoadError> {
    Ok(())
}

/// Loads one blob, so that there is a region on one of the disks, by chance.
fn one(load: &Load<'_>) -> std::result::Result<(), LoadError> {
    Ok(load.queue(Parcel::of(["one"])?)?)
}

/// How a slice goes.
#[derive(Clone, Copy, Debug)]
enum Way {
    Flushed,
    Erased,
    /// By another generation, which is erased.
    Replaced,
}

/// Removes the slice from a store, unless it cannot go in that way.
fn remove(fixture: &Fixture, way: Way) -> bool {
    let (store, all) = (&fixture.store, Filter::default());
    let down = match way {
        Way::Flushed => store.flush(&all),
        Way::Erased => store.erase(&all),
        Way::Replaced => {
            drop(store.load(later(0), Arc::new(nothing)).unwrap());
            store.erase(&all)
        }
    };
    down.done == [key(0)]
}

/// What was removed is not known, and not there.
fn check_gone(medium: &CrashMedium) {
    let fixture = Fixture::open(medium, options()).unwrap();
    assert!(fixture.store.search(&Filter::default()).is_empty());
}

/// Removes a slice from one disk while the other is missing, and mounts that afterwards.
fn come_back(medium: &CrashMedium, [there, away]: [&str; 2], way: Way) -> bool {
    let alone = only(medium, there);
    let fixture = Fixture::open(&alone, options()).unwrap();
    if !remove(&fixture, way) {
        return false;
    }
    for crash in alone.crashes(alone.operations().., 0..2) {
        // It stays so however often the store is opened before, and leaves nothing when all are there.
        check_gone(&crash.medium);
        mount(&crash.medium, medium, away);
        let before = crash.medium.operations();
        check_gone(&crash.medium);
        assert_eq!(files(&crash.medium), Vec::<String>::new(), "{crash}, {there} was there: {way:?}");
        crash.medium.crashes(before.., 0..4).for_each(|crash| check_gone(&crash.medium));
    }
    true
}

#[test]
fn what_is_removed_while_a_disk_is_missing_does_not_come_back_with_it() {
    let loaders: [Arc<dyn Loader>; 3] = [Arc::new(nothing), Arc::new(one), Blobs::new()];
    let flushed = loaders.map(|loader| {
        let medium = medium();
        drop(Fixture::open(&medium, options()).unwrap().store.load(identity(0), loader).unwrap());
        [["d1", "d10"], ["d10", "d1"]].map(|folders| {
            assert!(come_back(&medium, folders, Way::Erased) && come_back(&medium, folders, Way::Replaced));
            come_back(&medium, folders, Way::Flushed)
        })
    });
    // What has a region on the disk that is missing is not flushed.
    let [nothing, [on_d1, on_d10], all] = flushed;
    assert_eq!((nothing, on_d1 != on_d10, all), ([true, true], true, [false, false]));
}

#[test]
fn whatever_call_fails_while_it_is_erased_it_does_not_come_back_once_it_is() {
    let medium = medium();
    drop(Fixture::open(&medium, options()).unwrap().store.load(identity(0), Arc::new(one)).unwrap());
    let tried = (0..).find(|number| {
        let alone = only(&medium, "d10");
        let fixture = Fixture::open(&alone, options()).unwrap();
        alone.fail(Fault { call: Call::Any, number: *number, trouble: Trouble::NoSpace, lasting: false });
        let is_erased = remove(&fixture, Way::Erased);
        let faults = alone.faults();
        alone.repair();
        assert_eq!(is_erased, faults == 0);
        // It has failed, or is what it was if it was refused before anything was removed.
        let left = [SnapState::Failed, SnapState::Warm, SnapState::Unavailable];
        assert!(is_erased || left.contains(&fixture.state(0)) && remove(&fixture, Way::Erased));
        drop(fixture);
        mount(&alone, &medium, "d1");
        check_gone(&alone);
        faults == 0
    });
    assert!(tried.unwrap() > 4, "each call of an erase fails");
}

#[test]
fn a_slice_that_has_no_blob_is_read_while_a_disk_is_missing() {
    let medium = medium();
    drop(Fixture::open(&medium, options()).unwrap().store.load(identity(0), Arc::new(nothing)).unwrap());
    let fixture = Fixture::open(&only(&medium, "d10"), options()).unwrap();
    assert_eq!(fixture.state(0), SnapState::NoData);
    assert_eq!(fixture.store.read(key(0)).unwrap().blobs(), 0);
}
