//! Impellers: bounded queues, turns, and one thread a region.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::super::impeller::PARCEL_PLACE_BYTES;
use super::gate::{Gated, wait_until};
use super::*;

/// Room for ten parcels of 100 bytes.
const TEN: u64 = 10 * (100 + PARCEL_PLACE_BYTES);

/// 100 bytes, with the length.
fn hundred() -> Parcel {
    Parcel::of([[1; 96]]).unwrap()
}

#[test]
fn whoever_queues_waits_for_room_so_that_memory_is_bounded() {
    let medium = Gated::default();
    let impellers = impellers_of(&medium, 1, TEN);
    let writer = SliceWriter::new(&impellers, SliceOptions { regions: 1, ..options(Version::Two) });
    writer.open_for_writes().unwrap();
    medium.writes.close();
    let queued = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..100 {
                writer.queue(hundred()).unwrap();
                queued.fetch_add(1, Ordering::SeqCst);
            }
        });
        for written in 0..20 {
            medium.writes.wait_for(written + 1);
            // What waits and what is at work.
            wait_until("there is room for ten", || queued.load(Ordering::SeqCst) >= written + 10);
            assert_eq!(queued.load(Ordering::SeqCst), written + 10);
            medium.writes.let_through(1);
        }
        medium.writes.open();
    });
    writer.wait_for_writes().unwrap();
    assert_eq!(writer.close().unwrap().blobs(), 100);
    assert_eq!(writer.parcels(), 100);
    assert!(!writer.queue_wait().is_zero());
}

#[test]
fn parcels_of_nothing_wait_for_room_as_well() {
    // No blob, and one that is empty.
    for (parcel, bytes) in [(Parcel::of([""; 0]).unwrap(), 0), (Parcel::of([""]).unwrap(), 4)] {
        let medium = Gated::default();
        let impellers = impellers_of(&medium, 1, 100 + bytes * 10 + PARCEL_PLACE_BYTES * 11);
        let writer = SliceWriter::new(&impellers, SliceOptions { regions: 1, ..options(Version::Two) });
        writer.open_for_writes().unwrap();
        medium.writes.close();
        // The others wait behind this one, which is held.
        writer.queue(hundred()).unwrap();
        medium.writes.wait_for(1);
        thread::scope(|scope| {
            scope.spawn(|| (0..10_000).for_each(|_| writer.queue(parcel.clone()).unwrap()));
            wait_until("there is room for ten", || writer.parcels() >= 11);
            let queued = (0..1_000).map(|_| {
                thread::yield_now();
                writer.parcels()
            });
            let most = queued.max();
            medium.writes.open();
            assert_eq!(most, Some(11));
        });
        writer.wait_for_writes().unwrap();
        writer.close().unwrap();
        assert_eq!(writer.parcels(), 10_001);
    }
}

#[test]
fn a_flooded_region_delays_another_by_one_buffer() {
    let medium = Gated::default();
    let impellers = impellers_of(&medium, 1, TEN);
    let one_region = |id| SliceOptions { snap_id: SnapId([id; 16]), regions: 1, ..options(Version::Two) };
    let (flooded, other) =
        (SliceWriter::new(&impellers, one_region(1)), SliceWriter::new(&impellers, one_region(2)));
    flooded.open_for_writes().unwrap();
    other.open_for_writes().unwrap();
    medium.writes.close();
    thread::scope(|scope| {
        scope.spawn(|| (0..100).for_each(|_| flooded.queue(hundred()).unwrap()));
        for written in 0..30 {
            // One of the flooded region's is at work, and its queue is full.
            let before = medium.writes.wait_for(written * 2 + 1).len();
            // There is room for it, and its turn is next.
            other.queue(hundred()).unwrap();
            medium.writes.let_through(1);
            let next = medium.writes.wait_for(before + 1);
            assert!(next[before].0.to_str().unwrap().contains("02020202"), "{written}: {next:?}");
            medium.writes.let_through(1);
        }
        medium.writes.open();
    });
    for writer in [flooded, other] {
        writer.wait_for_writes().unwrap();
        writer.close().unwrap();
    }
}

#[test]
fn a_region_stays_with_one_impeller_of_its_spindle_and_parcels_go_round() {
    let medium = Gated::default();
    let impellers = impellers_of(&medium, 2, 1 << 20);
    medium.writes.close();
    medium.writes.open();
    let manifest = write_with(&impellers, options(Version::Two), 40).unwrap();
    let counts: Vec<_> = manifest.regions.iter().map(|region| (region.spindle, region.blobs)).collect();
    assert_eq!(counts, [(0, 30), (1, 30), (0, 30), (1, 30)], "ten parcels of three blobs each");

    let mut threads: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (path, thread) in medium.writes.arrived() {
        if thread.starts_with("impeller") {
            threads.entry(path).or_default().insert(thread);
        }
    }
    assert_eq!(threads.len(), 4);
    let threads: BTreeSet<_> = threads
        .into_iter()
        .map(|(path, threads)| {
            assert_eq!(threads.len(), 1, "{path:?}: {threads:?}");
            let thread = threads.into_iter().next().unwrap();
            let spindle = if path.starts_with("d1") { "impeller 0." } else { "impeller 1." };
            assert!(thread.starts_with(spindle), "{path:?}: {thread}");
            thread
        })
        .collect();
    assert_eq!(threads.len(), 4, "each has its own, as there are as many");
}

#[test]
fn slices_that_are_written_at_once_do_not_disturb_each_other() {
    let medium = CrashMedium::new();
    let impellers = impellers_of(&medium, 1, 2_000);
    thread::scope(|scope| {
        for id in 0..6 {
            let impellers = &impellers;
            scope.spawn(move || {
                let options = SliceOptions { snap_id: SnapId([id; 16]), ..options(Version::Two) };
                write_with(impellers, options, 20 + id).unwrap();
            });
        }
    });
    for id in 0..6 {
        let slice = Slice::open_on(&medium, &spindles(), SnapId([id; 16]), OpenOptions::default());
        assert_eq!(read(&slice.unwrap().unwrap()).unwrap(), expected(20 + id));
    }
}

#[test]
fn impellers_that_cannot_be_are_refused() {
    let start = |spindles, options| Impellers::start_on(CrashMedium::new(), spindles, options).unwrap_err();
    let none = ImpellerOptions { threads: 0, ..ImpellerOptions::default() };
    assert!(start(spindles(), none).to_string().contains("impellers a spindle: 0 are asked for"));
    assert!(matches!(start(vec![], ImpellerOptions::default()), Error::SliceShape { found: 0, .. }));
    let twice = vec![Spindle::new("d1", "a"), Spindle::new("d1", "b")];
    assert!(matches!(start(twice, ImpellerOptions::default()), Error::Unspeakable(_)));
}
