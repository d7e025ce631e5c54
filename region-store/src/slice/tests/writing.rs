//! The order of calls, runts, and what is left behind.

use std::sync::Arc;

use super::super::impeller::{Impeller, Order, Work};
use super::super::writer::fits_a_block;
use super::*;
use crate::format::{BlockBuilder, Kind};
use crate::medium::{Call, Fault, Trouble};

/// What is attempted, and what the slice is said to be.
fn order<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, &'static str) {
    match result {
        Err(Error::SliceOrder { snap_id: ID, attempted, state }) => (attempted, state),
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_in_any_other_order_are_errors_by_name() {
    let medium = CrashMedium::new();
    let writer = SliceWriter::new(&impellers_of(&medium, 1, 1_000), options(Version::Two));
    for _ in 0..2 {
        assert_eq!(order(writer.queue(parcel(1))), ("queue a parcel", "not open yet"));
        assert_eq!(order(writer.wait_for_writes()), ("wait for its writes", "not open yet"));
        assert_eq!(order(writer.close()), ("close it", "not open yet"));
    }
    writer.open_for_writes().unwrap();
    assert_eq!(order(writer.open_for_writes()), ("open it for writes", "open for writes"));
    assert_eq!(order(writer.close()), ("close it", "open for writes"));
    writer.queue(parcel(1)).unwrap();
    writer.wait_for_writes().unwrap();
    assert_eq!(order(writer.queue(parcel(1))), ("queue a parcel", "complete, and not closed yet"));
    assert_eq!(order(writer.wait_for_writes()).0, "wait for its writes");
    assert_eq!(order(writer.open_for_writes()).0, "open it for writes");
    assert_eq!(writer.close().unwrap().blobs(), 3);
    assert_eq!(order(writer.close()), ("close it", "closed"));
    assert_eq!(order(writer.queue(parcel(1))), ("queue a parcel", "closed"));
    let said = writer.open_for_writes().unwrap_err().to_string();
    assert!(said.ends_with("cannot open it for writes: it is closed"), "{said}");
    drop(writer);
    assert_eq!(read(&open(&medium).unwrap().unwrap()).unwrap(), expected(2)[3..]);
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    for parcels in [0, 1, 30] {
        for waits in [false, true] {
            let medium = CrashMedium::new();
            let writer = SliceWriter::new(&impellers_of(&medium, 1, 1_000), options(Version::Two));
            writer.open_for_writes().unwrap();
            assert_eq!(files(&medium).len(), 4);
            (0..parcels).for_each(|number| writer.queue(parcel(number)).unwrap());
            if waits {
                writer.wait_for_writes().unwrap();
            }
            drop(writer);
            assert_eq!(files(&medium), [""; 0], "{parcels} parcels, waits: {waits}");
        }
    }
}

#[test]
fn regions_without_blobs_are_runts_and_go() {
    for version in [Version::One, Version::Two] {
        // 3 mod 4 is where the first parcel goes.
        let medium = CrashMedium::new();
        let writer = SliceWriter::new(&impellers_of(&medium, 1, 1_000), options(version));
        writer.open_for_writes().unwrap();
        writer.queue(Parcel::of(["one"]).unwrap()).unwrap();
        writer.queue(Parcel::of([""; 0]).unwrap()).unwrap();
        writer.queue(Parcel::of(["two"]).unwrap()).unwrap();
        writer.wait_for_writes().unwrap();
        let manifest = writer.close().unwrap();
        let regions: Vec<_> = manifest.regions.iter().map(|region| (region.index, region.spindle)).collect();
        assert_eq!((manifest.region_count, regions), (4, vec![(1, 1), (3, 1)]));
        let id = ID.to_string();
        let expected = [
            format!("d1/{id}.slice"),
            format!("d10/{id}.slice"),
            format!("d10/{id}_0001.region"),
            format!("d10/{id}_0003.region"),
        ];
        assert_eq!(files(&medium), expected);
        assert_eq!(read(&open(&medium).unwrap().unwrap()).unwrap(), [b"one", b"two"]);
    }
}

#[test]
fn a_slice_of_nothing_is_a_slice() {
    let medium = CrashMedium::new();
    let manifest = write(&medium, Version::Two, 0).unwrap();
    assert_eq!((manifest.regions.len(), manifest.note.as_slice()), (0, &b"note"[..]));
    let slice = open(&medium).unwrap().unwrap();
    assert_eq!((slice.manifest(), slice.blobs(), read(&slice).unwrap().len()), (&manifest, 0, 0));
    assert_eq!(files(&medium).len(), 2, "its manifests");
}

#[test]
fn what_failed_is_told_by_every_later_call() {
    let medium = CrashMedium::new();
    let writer = SliceWriter::new(&impellers_of(&medium, 1, 1_000), options(Version::Two));
    writer.open_for_writes().unwrap();
    medium.fail(Fault { call: Call::Write, number: 5, trouble: Trouble::NoSpace, lasting: false });
    // However many there are, none waits for ever.
    let first = (0..=255).cycle().find_map(|number| writer.queue(parcel(number)).err());
    let later = [
        writer.queue(parcel(1)),
        writer.wait_for_writes(),
        writer.close().map(|_| ()),
        writer.open_for_writes(),
    ];
    let mut causes = Vec::new();
    for error in later.into_iter().map(Result::unwrap_err).chain(first) {
        let Error::SliceFailed { snap_id: ID, cause } = &error else { panic!("{error:?}") };
        assert!(
            matches!(&**cause, Error::Io { operation: "write", source, .. } if source.raw_os_error() == Some(28))
        );
        assert!(error.to_string().contains(".region.part: cannot write: No space left"), "{error}");
        causes.push(Arc::clone(cause));
    }
    assert!(causes.len() == 5 && causes.iter().all(|cause| Arc::ptr_eq(cause, &causes[0])));
    drop(writer);
    assert_eq!(files(&medium), [""; 0]);
}

#[test]
fn nothing_is_written_over() {
    let medium = CrashMedium::new();
    write(&medium, Version::Two, 5).unwrap();
    let before = files(&medium);
    let again = write(&medium, Version::Two, 6).unwrap_err();
    assert!(
        matches!(&again, Error::SliceFailed { cause, .. } if matches!(**cause, Error::Exists { .. })),
        "{again}"
    );
    assert_eq!(files(&medium), before);
    assert_eq!(read(&open(&medium).unwrap().unwrap()).unwrap(), expected(5));
    // A region that is there, though no manifest is.
    let taken = SliceFile::region(SnapId([9; 16]), 2).path(Path::new("d1"));
    medium.create(&taken).unwrap();
    let impellers = impellers_of(&medium, 1, 1_000);
    let again = write_with(&impellers, SliceOptions { snap_id: SnapId([9; 16]), ..options(Version::Two) }, 1);
    assert!(again.unwrap_err().to_string().contains("_0002.region is there already"));
    assert_eq!(files(&medium).len(), before.len() + 1);
}

#[test]
fn slices_that_cannot_be_are_refused() {
    let medium = CrashMedium::new();
    let impellers = impellers_of(&medium, 1, 1_000);
    let refused = |options| {
        let error = write_with(&impellers, options, 0).unwrap_err();
        assert_eq!(files(&medium), [""; 0]);
        error.to_string()
    };
    let two = || options(Version::Two);
    assert!(refused(SliceOptions { regions: 0, ..two() }).contains("regions: 0 are asked for"));
    assert!(refused(SliceOptions { regions: MAX_REGIONS + 1, ..two() }).contains("regions: 65537"));
    assert!(refused(SliceOptions { alignment: 7, ..two() }).contains("an alignment of 7"));
    assert!(refused(SliceOptions { note: vec![0; MAX_NOTE_LENGTH + 1], ..two() }).contains("note: 1048577"));
}

#[test]
fn a_parcel_fits_if_its_block_is_not_too_long() {
    for blobs in
        [&[&b""[..]][..], &[b"1"], &[b"1234567", b"", b"12345678"], &[&b"1"[..]; 100], &[&[1; 8][..]; 100]]
    {
        let mut builder = BlockBuilder::new(Kind::Blobs, 0);
        blobs.iter().for_each(|blob| builder.push(blob).unwrap());
        let parcel = Parcel::of(blobs).unwrap();
        assert!(fits_a_block(&parcel, builder.length()), "{blobs:?}");
        assert!(!fits_a_block(&parcel, builder.length() - 1), "{blobs:?}");
    }
}

/// Panics at its turns.
struct Panicking(std::sync::mpsc::Sender<String>);

impl Work for Panicking {
    fn turn(&mut self, order: Order) {
        panic!("at {order:?}");
    }

    fn panicked(&mut self, panic: &(dyn std::any::Any + Send)) {
        self.0.send(panic.downcast_ref::<String>().unwrap().clone()).unwrap();
    }
}

#[test]
fn a_panic_is_told_and_does_not_end_an_impeller() {
    let impeller = Impeller::start("impeller".to_owned(), 1_000).unwrap();
    let (told, tells) = std::sync::mpsc::channel();
    let lane = impeller.attach(Box::new(Panicking(told)));
    for _ in 0..3 {
        lane.order(Order::Seal, 0);
        assert_eq!(tells.recv().unwrap(), "at Seal");
    }
}
