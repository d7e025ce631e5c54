//! A slice is what its manifest says, and each region is scanned by one thread.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use super::*;
use crate::medium::Disk;

/// Two folders of the machine's.
struct Machine {
    folder: tempfile::TempDir,
    spindles: Vec<Spindle>,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spindles = ["d1", "d10"].map(|name| {
            fs::create_dir(folder.path().join(name)).unwrap();
            Spindle::new(name, folder.path().join(name))
        });
        Self { folder, spindles: spindles.to_vec() }
    }

    fn write(&self, snap_id: SnapId, version: Version) -> Manifest {
        let impellers = Impellers::start(self.spindles.clone(), ImpellerOptions::default()).unwrap();
        write_with(&impellers, SliceOptions { snap_id, ..options(version) }, 40).unwrap()
    }

    fn open(&self) -> Result<Option<Slice>> {
        Slice::open(&self.spindles, ID, OpenOptions::default())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name.replace("ID", &ID.to_string()))
    }
}

#[test]
fn a_slice_is_read_as_it_was_written() {
    for version in [Version::One, Version::Two] {
        let machine = Machine::new();
        assert!(machine.open().unwrap().is_none());
        let manifest = machine.write(ID, version);
        let slice = machine.open().unwrap().unwrap();
        assert_eq!(slice.manifest(), &manifest);
        assert_eq!((slice.blobs(), slice.blob_bytes()), (manifest.blobs(), manifest.blob_bytes()));
        assert_eq!(read(&slice).unwrap(), expected(40));
        let files: u64 = slice.regions().iter().map(|region| region.file_length()).sum();
        assert_eq!(files, manifest.file_bytes());
        // Memory is mapped, and files that are gone are still read.
        for spindle in &machine.spindles {
            fs::remove_dir_all(&spindle.folder).unwrap();
        }
        assert_eq!(read(&slice).unwrap(), expected(40));
    }
}

#[test]
fn one_manifest_is_enough_and_a_damaged_one_is_passed_by() {
    let machine = Machine::new();
    machine.write(ID, Version::Two);
    let (first, second) = (machine.path("d1/ID.slice"), machine.path("d10/ID.slice"));
    let bytes = fs::read(&first).unwrap();
    assert_eq!(bytes, fs::read(&second).unwrap());
    fs::write(&first, &bytes[1..]).unwrap();
    assert_eq!(read(&machine.open().unwrap().unwrap()).unwrap(), expected(40));
    fs::remove_file(&second).unwrap();
    assert!(matches!(machine.open(), Err(Error::Damaged { path, .. }) if path == first));
    fs::remove_file(&first).unwrap();
    assert!(machine.open().unwrap().is_none(), "regions alone are no slice");
    fs::write(&second, vec![0; 17 << 20]).unwrap();
    assert!(matches!(machine.open(), Err(Error::Damaged { .. })));
}

#[test]
fn a_slice_whose_spindle_is_missing_is_not_taken_for_empty() {
    let machine = Machine::new();
    machine.write(ID, Version::Two);
    for (number, missing) in ["d10", "d1"].into_iter().enumerate() {
        let error = Slice::open(&machine.spindles[number..=number], ID, OpenOptions::default()).unwrap_err();
        assert!(matches!(&error, Error::SpindleMissing { name, .. } if name == missing), "{error}");
    }
    // A spindle is known by its name, wherever it is mounted.
    let moved = machine.folder.path().join("elsewhere");
    fs::rename(machine.path("d1"), &moved).unwrap();
    let spindles = [Spindle::new("d1", moved), machine.spindles[1].clone()];
    let slice = Slice::open(&spindles, ID, OpenOptions::default()).unwrap().unwrap();
    assert_eq!(read(&slice).unwrap(), expected(40));
}

#[test]
fn files_that_are_not_those_of_the_manifest_are_found() {
    let other = SnapId([6; 16]);
    for (version, field) in [(Version::One, "checksum"), (Version::Two, "header")] {
        let machine = Machine::new();
        machine.write(ID, version);
        machine.write(other, version);
        let region = machine.path("d1/ID_0000.region");
        let bytes = fs::read(&region).unwrap();
        let mismatch = |expected: &str| match machine.open() {
            Err(Error::SliceMismatch { path, field }) if path == region => {
                assert_eq!(field, expected, "{version:?}");
            }
            other => panic!("{version:?}: {other:?}"),
        };
        // Another slice's, with the same blobs but in other regions; another region's of this one.
        for file in
            [SliceFile::region(other, 0).path(&machine.spindles[0].folder), machine.path("d1/ID_0002.region")]
        {
            fs::remove_file(&region).unwrap();
            fs::copy(file, &region).unwrap();
            match machine.open() {
                Err(Error::SliceMismatch { path, .. }) => assert_eq!(path, region),
                other => panic!("{version:?}: {other:?}"),
            }
        }
        if version == Version::One {
            let mut damaged = bytes.clone();
            *damaged.last_mut().unwrap() ^= 1;
            fs::write(&region, damaged).unwrap();
            mismatch(field);
            let options = OpenOptions::default().verify(Verify::Never);
            assert!(Slice::open(&machine.spindles, ID, options).unwrap().is_some());
            fs::write(&region, [&bytes[..], &[0; 4]].concat()).unwrap();
            mismatch("length");
        } else {
            let mut twin = bytes.clone();
            twin[40] ^= 1;
            let checksum = crate::format::crc32c(&twin[..4_092]).to_le_bytes();
            twin[4_092..4_096].copy_from_slice(&checksum);
            fs::write(&region, twin).unwrap();
            mismatch(field);
            fs::write(&region, &bytes[..bytes.len() - 1]).unwrap();
            assert!(matches!(machine.open(), Err(Error::Damaged { .. })));
        }
        fs::remove_file(&region).unwrap();
        let missing = machine.open().unwrap_err();
        assert!(
            matches!(&missing, Error::Io { path, source, .. } if *path == region && source.kind() == std::io::ErrorKind::NotFound),
            "{missing}"
        );
        // Under another name it is the manifest of another slice.
        fs::rename(SliceFile::manifest(other).path(&machine.spindles[0].folder), machine.path("d1/ID.slice"))
            .unwrap();
        fs::remove_file(machine.path("d10/ID.slice")).unwrap();
        assert!(matches!(machine.open(), Err(Error::SliceMismatch { field: "name", .. })));
    }
}

#[test]
fn a_region_is_scanned_by_one_thread_whoever_asks() {
    let machine = Machine::new();
    machine.write(ID, Version::Two);
    let slice = machine.open().unwrap().unwrap();
    let scanners = Scanners::start(NonZeroUsize::new(3).unwrap()).unwrap();
    let seen: Arc<Mutex<BTreeMap<u32, HashSet<ThreadId>>>> = Arc::default();
    let (blobs, callers) = (slice.blobs(), 8);
    thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                for _ in 0..1_000 / callers {
                    let seen = Arc::clone(&seen);
                    let counts = slice.fold(&scanners, move |region| {
                        seen.lock()
                            .unwrap()
                            .entry(region.index())
                            .or_default()
                            .insert(thread::current().id());
                        let mut count = 0_u64;
                        region.scan(|_| count += 1)?;
                        Ok(count)
                    });
                    assert_eq!(counts.unwrap().into_iter().sum::<u64>(), blobs);
                }
            });
        }
    });
    let seen = seen.lock().unwrap();
    let threads: Vec<_> = seen.values().map(|threads| threads.iter().next().unwrap()).collect();
    assert!(seen.len() == 4 && seen.values().all(|threads| threads.len() == 1), "{seen:?}");
    assert_eq!(threads[0], threads[3], "three threads, by the index");
    assert_eq!(threads.into_iter().collect::<HashSet<_>>().len(), 3);
    assert!(!seen[&0].contains(&thread::current().id()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_pinned_thread_stays_on_its_processor() {
    let processors = |scanners: &Scanners| {
        let regions = (0..4).map(|index| (index, Arc::new(())));
        let folded = scanners.fold(SnapId::default(), regions, |()| {
            let allowed = rustix::thread::sched_getaffinity(None).unwrap();
            Ok((0..rustix::thread::CpuSet::MAX_CPU)
                .filter(|&number| allowed.is_set(number))
                .collect::<Vec<_>>())
        });
        folded.unwrap()
    };
    let two = NonZeroUsize::new(2).unwrap();
    let all = processors(&Scanners::start(two).unwrap())[0].clone();
    let pinned = processors(&Scanners::start_pinned(two).unwrap());
    let expected: Vec<_> = (0..4).map(|index| vec![all[index % 2 % all.len()]]).collect();
    assert_eq!(pinned, expected);
}

#[test]
fn what_a_fold_fails_of_is_told_and_the_threads_go_on() {
    let machine = Machine::new();
    machine.write(ID, Version::Two);
    let slice = machine.open().unwrap().unwrap();
    let scanners = Scanners::start(NonZeroUsize::new(2).unwrap()).unwrap();
    let failed = slice.fold(&scanners, |region| match region.index() {
        0 => Ok(()),
        index => Err(Error::BlobTooLong { length: index as usize }),
    });
    assert!(matches!(failed, Err(Error::BlobTooLong { length: 1 })), "{failed:?}");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        slice.fold(&scanners, |region| if region.index() == 2 { panic!("at two") } else { Ok(()) })
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"at two"));
    assert_eq!(slice.fold(&scanners, |region| Ok(region.index())).unwrap(), [0, 1, 2, 3]);
    // Whoever waited has the last hold of the regions.
    assert!(slice.regions().iter().all(|region| Arc::strong_count(region) == 1));
}

/// What panics when it is dropped.
struct Bomb(Arc<Mutex<Option<ThreadId>>>);

impl Drop for Bomb {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = Some(thread::current().id());
        panic!("it went off");
    }
}

#[test]
fn what_a_fold_holds_is_dropped_by_who_asked_and_its_panic_ends_no_thread() {
    let machine = Machine::new();
    machine.write(ID, Version::Two);
    let slice = machine.open().unwrap().unwrap();
    let scanners = Scanners::start(NonZeroUsize::new(2).unwrap()).unwrap();
    for fails in [false, true].repeat(50) {
        let dropped_by = Arc::default();
        let bomb = Bomb(Arc::clone(&dropped_by));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            slice.fold(&scanners, move |region| {
                assert!(!fails || region.index() != 1, "at one, beside {:?}", bomb.0);
                Ok(())
            })
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"it went off"));
        assert_eq!(*dropped_by.lock().unwrap(), Some(thread::current().id()));
        assert_eq!(slice.fold(&scanners, |region| Ok(region.index())).unwrap(), [0, 1, 2, 3]);
    }
}

#[test]
fn blobs_are_lent_from_the_map() {
    let machine = Machine::new();
    machine.write(ID, Version::Two);
    let slice = machine.open().unwrap().unwrap();
    let addresses = || {
        let mut addresses = Vec::new();
        slice.scan(|blob| addresses.push(blob.as_ptr() as usize)).unwrap();
        addresses
    };
    assert_eq!(addresses(), addresses());
    assert!(slice.regions().iter().all(|region| format!("{region:?}").contains("bytes: Mapped(")));
    let on_a_medium = Slice::open_on(&Disk, &machine.spindles, ID, OpenOptions::default()).unwrap().unwrap();
    assert_eq!(on_a_medium.manifest(), slice.manifest());
}
