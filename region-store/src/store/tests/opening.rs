//! What a store finds on its spindles.

use std::path::PathBuf;

use super::super::defect::{Defect, with};
use super::*;
use crate::format::{Manifest, ManifestRegion, RegionId, SnapId, Version};
use crate::medium::MediumFile as _;
use crate::slice::MAX_REGIONS;

/// Loads some slices, and ends.
fn filled(slices: u32) -> CrashMedium {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    for slice_key in 0..slices {
        fixture.store.load(identity(slice_key), Blobs::new()).unwrap();
    }
    medium
}

fn removed(events: &[Event]) -> Vec<&Leftover> {
    let removed = events.iter().filter_map(|event| match event {
        Event::Removed(leftover) => Some(leftover),
        _ => None,
    });
    removed.collect()
}

#[test]
fn what_is_whole_is_warm() {
    let medium = filled(5);
    let fixture = Fixture::open(&medium, options()).unwrap();
    assert_eq!(fixture.store.status().slices, [0, 5, 0, 0, 0, 0]);
    let loader = Blobs::new();
    for slice_key in 0..5 {
        let status = fixture.status(slice_key);
        assert_eq!((status.state, status.metrics.parcels), (SnapState::Warm, 7));
        check(&fixture.store.load(identity(slice_key), loader.clone()).unwrap());
    }
    assert_eq!((loader.loads(), removed(&fixture.told()).len()), (0, 0));
}

#[test]
fn what_is_not_whole_is_removed_and_told_and_loaded_again() {
    for damage in ["removed", "short", "no manifest", "damaged manifest"] {
        let medium = filled(1);
        let region: PathBuf =
            files(&medium).into_iter().find(|path| path.ends_with("_0001.region")).unwrap().into();
        let manifests: Vec<_> = files(&medium).into_iter().filter(|path| path.ends_with(".slice")).collect();
        let rewrite = |path: &Path, bytes: &[u8]| {
            medium.remove(path).unwrap();
            put(&medium, path, bytes);
        };
        match damage {
            "removed" => medium.remove(&region).unwrap(),
            "short" => rewrite(&region, b"U\x02"),
            "no manifest" => manifests.iter().for_each(|path| medium.remove(Path::new(path)).unwrap()),
            _ => manifests.iter().for_each(|path| rewrite(Path::new(path), b"no manifest")),
        }
        let fixture = Fixture::open(&medium, options()).unwrap();
        assert_eq!((removed(&fixture.told()).len(), files(&medium)), (1, vec![]), "{damage}");
        let loader = Blobs::new();
        check(&fixture.store.load(identity(0), loader.clone()).unwrap());
        assert_eq!(loader.loads(), 1);
    }
}

#[test]
fn one_manifest_is_enough() {
    let medium = filled(1);
    let manifest = files(&medium).into_iter().find(|path| path.ends_with(".slice")).unwrap();
    medium.remove(Path::new(&manifest)).unwrap();
    let fixture = Fixture::open(&medium, options()).unwrap();
    check(&fixture.store.read(key(0)).unwrap());
}

#[test]
fn what_is_found_damaged_when_it_is_asked_for_is_loaded_again() {
    let medium = filled(1);
    let fixture = Fixture::open(&medium, options()).unwrap();
    let region = files(&medium).into_iter().find(|path| path.ends_with("_0001.region")).unwrap();
    let file = medium.open_to_write(Path::new(&region)).unwrap();
    file.write_all_at(&[0xff; 8], 4_200).unwrap();
    let loader = Blobs::new();
    // Without a loader there is nothing better, and nothing is removed.
    assert!(fixture.store.read(key(0)).unwrap_err().to_string().contains("checksum"));
    assert_eq!(fixture.state(0), SnapState::Failed);
    fixture.pass(options().heal_after);
    check(&fixture.store.load(identity(0), loader.clone()).unwrap());
    let told = fixture.told();
    assert!(told.iter().any(|event| matches!(event, Event::Damaged { .. })));
    assert_eq!((loader.loads(), files(&medium).len()), (1, 5));
}

/// Opens a store of which a disk is not mounted, and tells how many files are left once it is again.
fn unmounted() -> (CrashMedium, CrashMedium, usize) {
    let (medium, without) = (filled(2), CrashMedium::new());
    for folder in ["d1", "d10"] {
        without.create_folder(Path::new(folder)).unwrap();
    }
    for path in medium.list(Path::new("d10")).unwrap() {
        // Of one slice, only the regions are on this disk.
        if !(path.to_str().unwrap().ends_with(".slice") && files(&without).len() > 1) {
            put(&without, &path, &bytes_of(&medium, &path));
        }
    }
    let before = files(&without).len();
    (medium, without, before)
}

#[test]
fn what_is_on_a_missing_spindle_is_never_taken_for_empty() {
    let (_, without, before) = unmounted();
    let fixture = Fixture::open(&without, options()).unwrap();
    let told = fixture.told();
    let missing = told.iter().find_map(|event| match event {
        Event::SpindleMissing { name, why } => Some((name.as_str(), why.contains("is its disk mounted?"))),
        _ => None,
    });
    assert_eq!((missing, files(&without).len()), (Some(("d1", true)), before));
    assert!(told.iter().any(|event| matches!(event, Event::Kept(leftover) if leftover.paths.len() == 1)));
    let unavailable = fixture.store.search(&"state=unavailable".parse().unwrap());
    assert_eq!(unavailable.len(), 1);
    let error = fixture.store.load(identity(unavailable[0].key.slice_key), Blobs::new()).unwrap_err();
    assert!(error.to_string().contains("cannot be had while its spindle d1 is missing"), "{error}");
    assert!(fixture.store.flush(&Filter::default()).done.is_empty());
    drop(fixture);
    // A tender does not take it for rubbish either, but a mistake would.
    let (_, without, before) = unmounted();
    let fixture = with(Defect::MissingIsEmpty, || Fixture::open(&without, options())).unwrap();
    assert!(files(&without).len() < before);
    drop(fixture);
}

#[test]
fn a_folder_is_one_stores_and_keeps_its_name() {
    let medium = filled(1);
    let fixture = Fixture::open(&medium, options()).unwrap();
    let error = Fixture::open(&medium, options()).err().unwrap();
    assert!(error.to_string().contains("the spindle d1 at d1 is another store's now"), "{error}");
    drop(fixture);
    let swapped = vec![Spindle::new("d1", "d10"), Spindle::new("d10", "d1")];
    let error = Fixture::open(&medium, StoreOptions { spindles: swapped, ..options() }).err().unwrap();
    assert_eq!(error.to_string(), "d10 is the spindle d10, not d1: give each folder the name it had");
    let folder = tempfile::tempdir().unwrap();
    let nowhere = vec![Spindle::new("d1", folder.path().join("nowhere"))];
    let error = Store::open(StoreOptions { spindles: nowhere, ..options() }).unwrap_err();
    assert!(matches!(error, Error::NoSpindle { given: 1 }), "{error}");
}

#[test]
fn of_two_writings_of_a_slice_the_later_one_stays() {
    let (medium, other) = (filled(1), medium());
    Fixture::open(&other, options()).unwrap().store.load(later(0), Blobs::new()).unwrap();
    for path in files(&other) {
        put(&medium, Path::new(&path), &bytes_of(&other, Path::new(&path)));
    }
    let fixture = Fixture::open(&medium, options()).unwrap();
    assert_eq!((fixture.status(0).generation.clock, files(&medium).len()), (4, 5));
    check(&fixture.store.read(key(0)).unwrap());
}

#[test]
fn a_folder_tells_the_spindles_of_its_store_and_a_new_one_none() {
    let folder = tempfile::tempdir().unwrap();
    let spindles = ["d1", "d2"].map(|name| Spindle::new(name, folder.path().join(name)));
    for spindle in &spindles {
        std::fs::create_dir(&spindle.folder).unwrap();
        assert_eq!(Store::spindles_at(&spindle.folder).unwrap(), [""; 0]);
        assert_eq!(std::fs::read_dir(&spindle.folder).unwrap().count(), 0);
    }
    drop(Store::open(StoreOptions { spindles: spindles.to_vec(), ..options() }).unwrap());
    assert_eq!(Store::spindles_at(&spindles[1].folder).unwrap(), ["d2", "d1"]);
}

#[test]
fn a_spindle_on_another_machine_is_refused_and_left_as_it_is() {
    let medium = medium();
    medium.set_remote(true);
    let before = medium.operations();
    let error = Fixture::open(&medium, options()).err().unwrap();
    assert!(matches!(&error, Error::Remote { path } if path == Path::new("d1")), "{error}");
    assert_eq!((medium.operations(), files(&medium)), (before, vec![]));
    medium.set_remote(false);
    Fixture::open(&medium, options()).unwrap();
}

#[test]
fn nothing_is_written_for_spindles_that_cannot_be() {
    let medium = medium();
    let before = medium.operations();
    let names = [["same", "same"], ["", "d10"], ["d1", &"n".repeat(256)], ["d1", "a\nb"]];
    for [first, second] in names {
        let spindles = vec![Spindle::new(first, "d1"), Spindle::new(second, "d10")];
        let error = Fixture::open(&medium, StoreOptions { spindles, ..options() }).err().unwrap();
        assert!(matches!(error, Error::StoreOption { option: "spindles", .. }), "{error}");
    }
    assert_eq!(medium.operations(), before);
    Fixture::open(&medium, options()).unwrap();
}

#[test]
fn nothing_is_written_for_slices_that_cannot_be() {
    let medium = medium();
    let before = medium.operations();
    let refused = |regions| {
        let error = Fixture::open(&medium, StoreOptions { regions, ..options() }).err().unwrap();
        assert!(matches!(error, Error::StoreOption { option: "regions", .. }), "{error}");
        assert_eq!(medium.operations(), before);
    };
    refused(0);
    refused(MAX_REGIONS + 1);
    medium.set_most_open_files(Some(7));
    refused(4);
    let fixture = Fixture::open(&medium, StoreOptions { regions: 3, ..options() }).unwrap();
    check(&fixture.store.load(identity(0), Blobs::new()).unwrap());
}

#[test]
fn lengths_that_no_sum_holds_are_as_many_as_there_can_be() {
    let medium = medium();
    drop(Fixture::open(&medium, options()).unwrap());
    // Nobody can look whether it is so: their spindle is missing.
    for slice_key in 0..2 {
        let region = |index| ManifestRegion {
            index,
            spindle: 0,
            version: Version::Two,
            checksum: 0,
            region_id: RegionId::default(),
            file_length: u64::MAX - 1,
            blobs: u64::MAX,
            blob_bytes: u64::MAX,
            blocks: u64::MAX,
        };
        let manifest = Manifest {
            snap_id: SnapId([u8::try_from(slice_key).unwrap(); 16]),
            identity: identity(slice_key),
            region_count: 2,
            spindles: vec!["gone".to_owned()],
            regions: vec![region(0), region(1)],
            ..Manifest::default()
        };
        let path = Path::new("d1").join(format!("{}.slice", manifest.snap_id));
        put(&medium, &path, &manifest.encode().unwrap());
    }
    for disk_bytes in [None, Some(1 << 30)] {
        let fixture = Fixture::open(&medium, StoreOptions { disk_bytes, ..options() }).unwrap();
        let status = fixture.store.status();
        assert_eq!((status.slices[SnapState::Unavailable as usize], status.disk_bytes), (2, 0));
        assert_eq!((fixture.status(0).file_bytes, fixture.status(0).blobs), (u64::MAX, u64::MAX));
        assert_eq!(fixture.store.tend(), Tended::default());
        assert_eq!(fixture.store.evict(&Filter::default()).done, []);
    }
    assert_eq!(files(&medium).len(), 2);
}
