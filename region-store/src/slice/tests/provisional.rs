//! Scans of what is written, and what becomes of them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use super::super::defect::{self, Defect};
use super::gate::{Gated, wait_until};
use super::*;
use crate::medium::{Call, Fault, Trouble};

const PARCELS: u8 = 9;

fn scanners() -> Scanners {
    Scanners::start(NonZeroUsize::new(2).unwrap()).unwrap()
}

/// All blobs of what is written, sorted.
fn scan(written: &Written) -> Result<Provisional<Vec<Vec<Vec<u8>>>>> {
    written.fold(&scanners(), |region| {
        let mut blobs = Vec::new();
        region.scan(|blob| blobs.push(blob.to_vec()))?;
        assert_eq!(blobs.len() as u64, region.blobs());
        assert_eq!(blobs.iter().map(|blob| blob.len() as u64).sum::<u64>(), region.blob_bytes());
        Ok(blobs)
    })
}

fn sorted(folded: &[Vec<Vec<u8>>]) -> Vec<Vec<u8>> {
    let mut all = folded.concat();
    all.sort_unstable();
    all
}

/// A writer that has written so many parcels, and whose impellers have to wait before they sync.
fn written(medium: &Gated, version: Version) -> SliceWriter<Gated> {
    let writer = SliceWriter::new(&impellers_of(medium, 2, 1 << 20), options(version));
    writer.open_for_writes().unwrap();
    (0..PARCELS).for_each(|number| writer.queue(parcel(number)).unwrap());
    medium.syncs.close();
    writer.wait_for_writes().unwrap();
    writer
}

#[test]
fn a_blob_can_be_scanned_once_its_write_has_returned() {
    for version in [Version::One, Version::Two] {
        let medium = Gated::default();
        let writer = written(&medium, version);
        let written = writer.written().unwrap();
        let provisional = scan(&written).unwrap();
        assert_eq!(sorted(provisional.provisional()), expected(PARCELS));
        assert_eq!((written.blobs(), provisional.provisional().len()), (27, 4));
        // Nothing is on the disk yet.
        medium.syncs.wait_for(4);
        assert!(provisional.durability().try_durable().unwrap().is_none());
        assert!(open(&medium.medium).unwrap().is_none());
        thread::scope(|scope| {
            let token = provisional.durability();
            let waiting = scope.spawn(|| token.durable().unwrap());
            medium.syncs.open();
            writer.close().unwrap();
            waiting.join().unwrap();
        });
        // It is what a power cut leaves from now on.
        for crash in medium.medium.crashes(medium.medium.operations().., 0..4) {
            let slice = open(&crash.medium).unwrap().unwrap();
            assert_eq!(read(&slice).unwrap(), sorted(provisional.provisional()));
        }
        assert!(provisional.durability().try_durable().unwrap().is_some());
        drop(writer);
        assert_eq!(sorted(&provisional.durable().unwrap()), expected(PARCELS));
        assert_eq!(sorted(&scan(&written).unwrap().durable().unwrap()), expected(PARCELS));
    }
}

#[test]
fn what_is_not_written_yet_is_not_seen() {
    for version in [Version::One, Version::Two] {
        watermarks(version).unwrap();
    }
}

#[test]
fn a_watermark_that_comes_too_early_is_caught() {
    let caught = defect::with(Defect::WatermarkBeforeWrite, || watermarks(Version::Two));
    assert!(caught.is_err(), "a checker that misses a defect checks nothing: {caught:?}");
}

/// Scans while parcels are written one by one, and says what was seen that should not be.
fn watermarks(version: Version) -> core::result::Result<(), String> {
    let medium = Gated::default();
    let one_region = SliceOptions { regions: 1, ..options(version) };
    let writer = SliceWriter::new(&impellers_of(&medium, 1, 1 << 20), one_region);
    assert!(matches!(writer.written(), Err(Error::SliceOrder { state: "not open yet", .. })));
    writer.open_for_writes().unwrap();
    assert_eq!(writer.written().unwrap().blobs(), 0);
    medium.writes.close();
    (0..PARCELS).for_each(|number| writer.queue(parcel(number)).unwrap());
    let seen: core::result::Result<_, String> = (0..PARCELS).try_fold(Vec::new(), |mut seen, number| {
        // This one is on its way; those before it have returned.
        medium.writes.wait_for(usize::from(number) + 1);
        let written = writer.written().map_err(|error| error.to_string())?;
        check(&written, number)?;
        seen.push(written);
        medium.writes.let_through(1);
        Ok(seen)
    });
    medium.writes.open();
    // What was seen then is still what it was.
    (0..PARCELS).zip(&seen?).try_for_each(|(number, written)| check(written, number))
}

/// Whether so many parcels are seen.
fn check(written: &Written, parcels: u8) -> core::result::Result<(), String> {
    if written.blobs() != 3 * u64::from(parcels) {
        return Err(format!("{} blobs of {parcels} parcels", written.blobs()));
    }
    let scanned = scan(written).map_err(|error| error.to_string())?;
    if sorted(scanned.provisional()) == expected(parcels) { Ok(()) } else { Err("other blobs".to_owned()) }
}

/// Lets a sync fail while a fold is on its way, and says what came of the fold.
fn late_failure() -> Result<Vec<u64>> {
    let medium = Gated::default();
    let writer = written(&medium, Version::Two);
    let written = writer.written().unwrap();
    let early = scan(&written).unwrap();
    medium.syncs.wait_for(4);
    let fault = Fault { call: Call::SyncData, number: 0, trouble: Trouble::InputOutput, lasting: false };
    medium.medium.fail(fault);
    let (syncs, token) = (Arc::clone(&medium.syncs), written.durability().clone());
    let folded = written.fold(&scanners(), move |region| {
        let mut count = 0;
        region.scan(|_| count += 1)?;
        syncs.open();
        wait_until("the sync fails", || token.try_durable().is_err());
        Ok(count)
    });
    // All tokens and all later folds are told the same.
    let failures = [
        early.durable().map(|_| ()),
        written.durability().durable(),
        writer.close().map(|_| ()),
        writer.written().map(|_| ()),
    ];
    for failure in failures {
        let Err(Error::SliceFailed { cause, .. }) = failure else { panic!("{failure:?}") };
        assert!(cause.to_string().contains(".region.part: cannot sync"), "{cause}");
    }
    drop(writer);
    assert_eq!(files(&medium.medium), [""; 0]);
    folded.map(|provisional| provisional.provisional().clone())
}

#[test]
fn a_failure_during_a_fold_is_seen_after_it() {
    let failed = late_failure();
    assert!(matches!(&failed, Err(Error::SliceFailed { .. })), "{failed:?}");
}

#[test]
fn a_fold_that_ignores_a_late_failure_is_caught() {
    let ignored = defect::with(Defect::FoldIgnoresFailure, late_failure);
    assert!(ignored.is_ok(), "a checker that misses a defect checks nothing: {ignored:?}");
}

#[test]
fn a_writer_that_is_dropped_leaves_no_result() {
    let medium = Gated::default();
    let writer = written(&medium, Version::Two);
    let written = writer.written().unwrap();
    let provisional = scan(&written).unwrap();
    medium.syncs.open();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| provisional.durability().durable());
        drop(writer);
        assert!(matches!(waiting.join().unwrap(), Err(Error::SliceGivenUp { snap_id: ID })));
    });
    assert!(matches!(scan(&written), Err(Error::SliceGivenUp { .. })));
    assert!(matches!(provisional.durable(), Err(Error::SliceGivenUp { .. })));
}

/// Writes, scans what is written, and closes: what came of the scan, and what its token said.
fn scanned(medium: &CrashMedium, version: Version) -> Result<Vec<Vec<u8>>> {
    let writer = SliceWriter::new(&impellers_of(medium, 2, 1 << 20), options(version));
    writer.open_for_writes()?;
    (0..PARCELS).try_for_each(|number| writer.queue(parcel(number)))?;
    writer.wait_for_writes()?;
    let provisional = scan(&writer.written()?)?;
    assert_eq!(sorted(provisional.provisional()), expected(PARCELS), "never silently short");
    let closed = writer.close();
    let durable = provisional.durable();
    assert_eq!(closed.is_ok(), durable.is_ok());
    durable.map(|folded| sorted(&folded))
}

#[test]
fn whatever_fails_a_result_is_all_or_an_error_and_durable_only_if_the_slice_is() {
    for version in [Version::One, Version::Two] {
        for number in 0.. {
            let medium = CrashMedium::new();
            medium.fail(Fault { call: Call::Any, number, trouble: Trouble::InputOutput, lasting: false });
            let scanned = scanned(&medium, version);
            if medium.faults() == 0 {
                assert_eq!(scanned.unwrap(), expected(PARCELS));
                assert!(number > 50);
                break;
            }
            medium.repair();
            for crash in medium.crashes(medium.operations().., 0..2) {
                let slice = open(&crash.medium).unwrap();
                assert_eq!(slice.is_some(), scanned.is_ok(), "{version:?}, call {number}, then {crash}");
            }
        }
    }
}

#[test]
fn what_is_written_to_a_disk_is_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let spindles = vec![Spindle::new("d1", folder.path())];
    let impellers = Impellers::start(spindles, ImpellerOptions::default()).unwrap();
    let writer = SliceWriter::new(&impellers, SliceOptions { regions: 1, ..options(Version::Two) });
    writer.open_for_writes().unwrap();
    (0..PARCELS).for_each(|number| writer.queue(parcel(number)).unwrap());
    writer.wait_for_writes().unwrap();
    let addresses = |written: &Written| {
        let folded = written.fold(&scanners(), |region| {
            let mut addresses = Vec::new();
            assert!(format!("{region:?}").contains("bytes: Mapped("));
            region.scan(|blob| addresses.push(blob.as_ptr() as usize))?;
            Ok(addresses)
        });
        folded.unwrap().provisional().concat()
    };
    let (first, second) = (writer.written().unwrap(), writer.written().unwrap());
    assert_eq!(addresses(&first), addresses(&second), "nothing was added, so the map is the same");
    writer.close().unwrap();
    drop(writer);
    assert_eq!(sorted(&scan(&first).unwrap().durable().unwrap()), expected(PARCELS));
}

#[test]
fn where_results_come_first_nothing_is_brought_to_the_disks_before_all_is_written() {
    for results_first in [false, true] {
        let medium = CrashMedium::new();
        let trouble = Trouble::InputOutput;
        medium.fail(Fault { call: Call::StartWriteBack, number: 0, trouble, lasting: true });
        let options = SliceOptions { results_first, ..options(Version::Two) };
        let written = write_with(&impellers_of(&medium, 2, 1 << 20), options, 6);
        assert_eq!(written.is_ok(), results_first, "{written:?}");
    }
}
