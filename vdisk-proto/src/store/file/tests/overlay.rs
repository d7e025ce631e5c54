//! Images that cannot be written to though the journal has the write, and disks that are full.

use bytes::Bytes;
use region_store::journal::Mode;
use region_store::medium::{Call, CrashMedium, Fault, MediumFile as _, Trouble};
use std::path::Path;
use std::vec;
use std::vec::Vec;

use super::machine::{FOLDER, IMAGE, channels, drive, medium, open, open_with, options, segments};
use crate::codec::{Run, Status};
use crate::store::file::{FileStore, FileStoreError, FileStoreOptions, log};
use crate::store::{Author, Entry, Group, Record, Store, Write};
use region_store::medium::Medium as _;

pub(super) fn group(channel: usize, number: u8, sequence: u32) -> Group {
    Group { entries: [entry(channel, number, sequence, 1)].into(), refused: vec![] }
}

/// The same by a device of version 1.
pub(super) fn legacy(channel: usize, number: u8, fill: u32) -> Group {
    let mut group = group(channel, number, fill);
    if let Record::Write(write) = &mut group.entries[0].record {
        write.author = Author::Legacy { generation: 1 };
    }
    group
}

/// A write of so many sectors from the third on.
pub(super) fn entry(channel: usize, number: u8, sequence: u32, count: u16) -> Entry {
    let run = Run::new(IMAGE.geometry, 3, count).unwrap();
    let author = Author::Session { session: 1, sequence };
    let bytes = Bytes::from(vec![sequence as u8; run.bytes()]);
    Entry {
        channel: channels()[channel],
        record: Record::Write(Write { drive: drive(number), run, bytes, author }),
    }
}

/// Writes, and says what became of it.
pub(super) fn commit(store: &FileStore<CrashMedium>, mut group: Group) -> Option<Status> {
    store.write_group(&mut group).unwrap();
    store.sync(&group).unwrap();
    group.refusal(0).flatten()
}

pub(super) fn sector(store: &FileStore<CrashMedium>, channel: usize, number: u8) -> u8 {
    let mut bytes = [0; 137];
    store.read(channels()[channel], drive(number), 3 * 137, &mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == bytes[0]));
    bytes[0]
}

/// A store that has lost the second write to channel b's drive C.
fn failed(medium: &CrashMedium) -> FileStore<CrashMedium> {
    let store = open(medium).unwrap();
    assert_eq!(commit(&store, group(1, 2, 11)), None);
    // The first write is the journal's.
    medium.fail(Fault { call: Call::Write, number: 1, trouble: Trouble::InputOutput, lasting: false });
    assert_eq!(commit(&store, group(1, 2, 12)), None);
    assert_eq!(medium.faults(), 1);
    store
}

#[test]
fn reads_show_it_and_the_drive_takes_no_more() {
    let medium = medium();
    let store = failed(&medium);
    assert_eq!(sector(&store, 1, 2), 12);
    assert_eq!(commit(&store, group(1, 2, 13)), Some(Status::IoError));
    assert_eq!(commit(&store, group(1, 1, 14)), None, "others do");
    assert_eq!((sector(&store, 1, 2), sector(&store, 1, 1)), (12, 14));
    assert_eq!(store.changed_images(), [], "nobody else changed it");
    drop(store);
    let store = open(&medium).unwrap();
    assert_eq!(commit(&store, group(1, 2, 15)), None, "a new start brings it into the image");
    assert_eq!(sector(&store, 1, 2), 15);
}

#[test]
fn its_segment_stays_until_the_journal_is_as_large_as_it_may_be() {
    let medium = medium();
    let store = failed(&medium);
    let refused: Vec<_> = (20..60).map(|sequence| commit(&store, group(0, 1, sequence))).collect();
    let accepted = refused.iter().take_while(|status| status.is_none()).count();
    assert!((5..39).contains(&accepted), "{accepted}");
    assert!(refused[accepted..].iter().all(|status| *status == Some(Status::Busy)));
    assert_eq!((sector(&store, 0, 1), sector(&store, 1, 2)), (19 + accepted as u8, 12));
    // The next one is there, too.
    let in_use = segments(&medium).len() as u64 - 1;
    assert_eq!(in_use * options().segment_bytes, options().journal_bytes);

    for crash in medium.crashes(medium.operations().., 0..8) {
        let store = open(&crash.medium).unwrap();
        assert_eq!((sector(&store, 0, 1), sector(&store, 1, 2)), (19 + accepted as u8, 12), "{crash}");
    }

    let image = medium.create(Path::new("new.dsk")).unwrap();
    image.write_all_at(&vec![7; IMAGE.geometry.bytes() as usize], 0).unwrap();
    store.replace(Some(channels()[1]), drive(2), Path::new("new.dsk")).unwrap();
    assert_eq!(sector(&store, 1, 2), 7);
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
    assert_eq!(commit(&store, group(1, 2, 61)), None, "the new image takes writes, and nothing is pinned");
    store.close().unwrap();
    let journal = medium.list(&Path::new(FOLDER).join("journal")).unwrap();
    assert_eq!(journal.len(), 1);
    assert_eq!(sector(&open(&medium).unwrap(), 1, 2), 61);
}

#[test]
fn segments_below_the_one_that_is_needed_go() {
    let medium = medium();
    let store = failed(&medium);
    (20..26).for_each(|sequence| assert_eq!(commit(&store, group(0, 1, sequence)), None));
    let image = medium.create(Path::new("new.dsk")).unwrap();
    image.write_all_at(&vec![7; IMAGE.geometry.bytes() as usize], 0).unwrap();
    store.replace(Some(channels()[1]), drive(2), Path::new("new.dsk")).unwrap();
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
    // The new image fails as well, in a later segment.
    assert_eq!(commit(&store, group(1, 2, 61)), None);
    medium.fail(Fault { call: Call::Write, number: 1, trouble: Trouble::InputOutput, lasting: false });
    assert_eq!(commit(&store, group(1, 2, 62)), None);
    assert_eq!(medium.faults(), 1);
    (30..36).for_each(|sequence| assert_eq!(commit(&store, group(0, 1, sequence)), None));
    assert!(medium.open(&log::path(Path::new(FOLDER), 1)).is_err());
    for crash in medium.crashes(medium.operations().., 0..4) {
        let store = open(&crash.medium).unwrap();
        assert_eq!((sector(&store, 0, 1), sector(&store, 1, 2)), (35, 62), "{crash}");
    }
}

#[test]
fn a_write_after_a_refused_group_says_which_file_it_is_for() {
    let mut met = 0;
    for count in 1..39 {
        let medium = medium();
        let store = failed(&medium);
        if (0..count).any(|number| commit(&store, group(1, 1, 20 + number)).is_some()) {
            break;
        }
        // It is too long for what is left of the segment, and a next one is too much for the journal.
        let entries = (1..4).map(|sequence| entry(0, 1, sequence, 16)).collect();
        if commit(&store, Group { entries, refused: vec![] }) != Some(Status::Busy) {
            continue;
        }
        if commit(&store, group(0, 1, 9)).is_none() {
            met += 1;
            for crash in medium.crashes(medium.operations().., 0..8) {
                assert_eq!(sector(&open(&crash.medium).unwrap(), 0, 1), 9, "{count} before: {crash}");
            }
        }
    }
    assert!(met > 0);
}

#[test]
fn recovery_goes_on_without_an_image_that_fails() {
    let medium = medium();
    let store = open(&medium).unwrap();
    assert_eq!(commit(&store, group(1, 2, 11)), None);
    drop(store);
    // The first write is the journal's.
    medium.fail(Fault { call: Call::Write, number: 1, trouble: Trouble::InputOutput, lasting: false });
    let store = open(&medium).unwrap();
    assert_eq!((medium.faults(), sector(&store, 1, 2)), (1, 11));
    assert_eq!(commit(&store, group(1, 2, 12)), Some(Status::IoError));
    assert_eq!(commit(&store, group(0, 1, 13)), None);
    for crash in medium.crashes(medium.operations().., 0..8) {
        let store = open(&crash.medium).unwrap();
        assert_eq!((sector(&store, 1, 2), sector(&store, 0, 1)), (11, 13), "{crash}");
        assert_eq!(commit(&store, group(1, 2, 14)), None, "{crash}");
    }
}

#[test]
fn a_segment_that_is_missing_is_named() {
    let medium = medium();
    let store = failed(&medium);
    (20..35).for_each(|sequence| assert_eq!(commit(&store, group(0, 1, sequence)), None));
    drop(store);
    let missing = log::path(Path::new(FOLDER), 2);
    medium.remove(&missing).unwrap();
    let error = open(&medium).unwrap_err();
    assert!(matches!(&error, FileStoreError::SegmentMissing { path } if *path == missing), "{error}");
    let options = FileStoreOptions { mode: Mode::Force, ..options() };
    let store = open_with(&medium, &options).unwrap();
    assert_eq!(sector(&store, 0, 1), 34, "by force, the others are taken");
}

#[test]
fn a_thread_makes_segments_and_is_gone_with_the_store() {
    let medium = medium();
    let options = FileStoreOptions { allocates_aside: true, ..options() };
    let open = || open_with(&medium, &options).unwrap();
    let segments = || segments(&medium).len();
    for round in 1..4 {
        let store = open();
        for sequence in round * 50..round * 50 + 40 {
            assert_eq!(commit(&store, group(1, 2, sequence)), None);
        }
        assert_eq!(sector(&store, 1, 2), (round * 50 + 39) as u8);
        if round == 2 {
            store.close().unwrap();
            assert_eq!(segments(), 1);
        } else {
            drop(store);
            assert_eq!(segments(), 2, "the next one is whole, and nobody makes more");
        }
    }
    medium.fail(Fault { call: Call::Allocate, number: 1, trouble: Trouble::NoSpace, lasting: true });
    let store = open();
    let refused: Vec<_> = (1..40).map(|sequence| commit(&store, group(1, 2, sequence))).collect();
    assert_eq!(refused.last(), Some(&Some(Status::DiskFull)));
    medium.repair();
    assert_eq!((commit(&store, group(1, 2, 77)), sector(&store, 1, 2)), (None, 77));
}

#[test]
fn below_the_reserve_there_are_no_new_images() {
    let medium = medium();
    let store = open(&medium).unwrap();
    let reserve = FileStoreOptions::default().reserve_bytes;
    medium.set_free_bytes(Some(reserve + IMAGE.geometry.bytes() - 1));
    assert_eq!(commit(&store, group(0, 1, 1)), Some(Status::DiskFull));
    for sequence in 1..40 {
        assert_eq!(
            commit(&store, group(1, 2, sequence)),
            None,
            "the journal goes on, and images that are there"
        );
    }
    assert_eq!((sector(&store, 0, 1), sector(&store, 1, 2)), (1, 39));
    medium.set_free_bytes(Some(reserve + IMAGE.geometry.bytes()));
    assert_eq!(commit(&store, group(0, 1, 2)), None);
    medium.set_free_bytes(Some(0));
    assert_eq!(commit(&store, group(0, 1, 3)), None, "it is there now");
}

#[test]
fn a_store_opens_on_a_full_disk_and_takes_writes_when_there_is_room() {
    let medium = medium();
    let store = open(&medium).unwrap();
    assert_eq!(commit(&store, group(1, 2, 11)), None);
    drop(store);
    medium.set_free_bytes(Some(0));
    let store = open(&medium).unwrap();
    assert_eq!(sector(&store, 1, 2), 11);
    assert_eq!(commit(&store, group(1, 2, 12)), Some(Status::DiskFull));
    for crash in medium.crashes(medium.operations().., 0..2) {
        assert_eq!(sector(&open(&crash.medium).unwrap(), 1, 2), 11, "{crash}");
    }
    medium.set_free_bytes(None);
    assert_eq!((commit(&store, group(1, 2, 13)), sector(&store, 1, 2)), (None, 13));
    medium.set_free_bytes(Some(0));
    assert_eq!(commit(&store, group(1, 2, 14)), None);
    store.close().unwrap();
}

#[test]
fn no_allocation_that_fails_ends_a_store() {
    for (call, lasting) in
        [Call::Create, Call::Allocate].into_iter().flat_map(|call| [(call, false), (call, true)])
    {
        for number in 0.. {
            let medium = medium();
            let store = open(&medium).unwrap();
            medium.fail(Fault { call, number, trouble: Trouble::NoSpace, lasting });
            let mut accepted = [1, 2];
            for sequence in 10..50 {
                let (channel, drive) = if sequence % 2 == 0 { (0, 1) } else { (1, 2) };
                match commit(&store, group(channel, drive, sequence)) {
                    None => accepted[channel] = sequence as u8,
                    Some(status) => assert_eq!(status, Status::DiskFull),
                }
                assert_eq!([sector(&store, 0, 1), sector(&store, 1, 2)], accepted);
            }
            if medium.faults() == 0 {
                assert!(number > 3, "{call:?}");
                break;
            }
            medium.repair();
            for crash in medium.crashes(medium.operations().., 0..2) {
                let store = open(&crash.medium).unwrap();
                assert_eq!(
                    [sector(&store, 0, 1), sector(&store, 1, 2)],
                    accepted,
                    "{call:?} {number}: {crash}"
                );
            }
            for sequence in 60..80 {
                let refused =
                    [group(0, 1, sequence), group(1, 2, sequence)].map(|group| commit(&store, group));
                assert_eq!(refused, [None, None], "{call:?} {number}");
            }
            store.close().unwrap();
        }
    }
}

#[test]
fn a_full_disk_refuses_writes_and_goes_on_reading() {
    let medium = medium();
    let store = open(&medium).unwrap();
    medium.fail(Fault { call: Call::Allocate, number: 0, trouble: Trouble::NoSpace, lasting: true });
    assert_eq!(commit(&store, group(0, 1, 1)), Some(Status::DiskFull), "there is no room for its image");
    assert_eq!(sector(&store, 0, 1), 1);
    let refused: Vec<_> = (1..40).map(|sequence| commit(&store, group(1, 2, sequence))).collect();
    let accepted = refused.iter().take_while(|status| status.is_none()).count();
    assert!((5..39).contains(&accepted), "two segments were there: {accepted}");
    assert!(refused[accepted..].iter().all(|status| *status == Some(Status::DiskFull)));
    assert_eq!(sector(&store, 1, 2), accepted as u8);
    medium.repair();
    assert_eq!(commit(&store, group(1, 2, 77)), None);
    assert_eq!((commit(&store, group(0, 1, 78)), sector(&store, 0, 1)), (None, 78));
}
