//! What goes into a segment of the journal, and what becomes of a store whose segments cannot be had.

use std::format;
use std::path::Path;
use std::vec;
use std::vec::Vec;

use region_store::journal::{Mode, recover};
use region_store::medium::{Call, CrashMedium, Fault, Medium as _, MediumFile as _, Trouble};

use super::super::record::Journalled;
use super::super::{FileStoreError, FileStoreOptions, log};
use super::changes::replace;
use super::machine::{FOLDER, channels, drive, medium, open, open_with, options, segments};
use super::overlay::{commit, entry, group, legacy, sector};
use crate::codec::{Channel, Status};
use crate::store::{Author, Entry, Group, Record, Session, Store as _};

/// A session that a channel is given.
fn session(channel: Channel) -> Group {
    let session = Session { session: 1, nonce: 7, largest_frame: 500, floor: 1, growth: 0 };
    Group { entries: [Entry { channel, record: Record::Session(session) }].into(), refused: vec![] }
}

fn fail(medium: &CrashMedium, call: Call, trouble: Trouble) {
    medium.fail(Fault { call, number: 0, trouble, lasting: false });
}

/// The records of the first segment behind its checkpoint.
fn records(medium: &CrashMedium) -> Vec<Journalled> {
    let recovered = recover(medium, &log::path(Path::new(FOLDER), 1), Mode::Strict).unwrap();
    let blobs = recovered.groups().flat_map(|group| group.blobs());
    let records = blobs.map(|blob| Journalled::decode(blob).unwrap());
    records.skip_while(|record| !matches!(record, Journalled::Opening(_))).skip(1).collect()
}

#[test]
fn a_record_may_fill_a_segment_and_be_no_longer() {
    // Of a block 40 bytes are its head, and up to 4,096 may be behind it; of a session's record, 72 with 12 of its own.
    for (segment_bytes, expected) in [(4_136 + 84, None), (4_136 + 83, Some(Status::Busy))] {
        let store = open_with(&medium(), &FileStoreOptions { segment_bytes, ..options() }).unwrap();
        assert_eq!(commit(&store, session(channels()[0])), expected, "{segment_bytes}");
    }
}

#[test]
fn of_a_group_that_is_too_long_for_a_segment_the_start_is_kept() {
    let medium = medium();
    let store = open(&medium).unwrap();
    let entries = (1..9).map(|sequence| entry(0, 1, sequence, 16)).collect();
    let mut group = Group { entries, refused: vec![] };
    store.write_group(&mut group).unwrap();
    store.sync(&group).unwrap();
    let kept = (0..8).take_while(|index| group.refusal(*index).is_none()).count();
    assert!((1..8).contains(&kept), "{kept}");
    assert_eq!(group.refusal(kept), Some(Some(Status::Busy)));
    assert!(
        (kept..8).all(|index| group.refusal(index).is_some()),
        "the session goes on where it was refused"
    );
    for crash in medium.crashes(medium.operations().., 0..4) {
        assert_eq!(sector(&open(&crash.medium).unwrap(), 0, 1), kept as u8, "{crash}");
    }
}

#[test]
fn a_segment_says_once_which_file_writes_are_for() {
    let medium = medium();
    let store = open(&medium).unwrap();
    let mut both = group(1, 2, 1);
    both.entries.extend(group(1, 2, 2).entries);
    assert_eq!((commit(&store, both), commit(&store, group(1, 2, 3))), (None, None));
    let records = records(&medium);
    assert!(matches!(records[0], Journalled::Image { channel: Some(_), .. }));
    assert!(records[1..].iter().all(|record| matches!(record, Journalled::Write(..))));
    assert_eq!(records.len(), 4);
}

#[test]
fn a_change_that_a_group_tells_of_is_not_told_again_for_a_write_behind_it() {
    let medium = medium();
    let store = open(&medium).unwrap();
    assert_eq!(commit(&store, group(1, 2, 1)), None);
    replace(&medium, 9);
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
    let record = Record::Changed { drive: drive(2), generation: 500 };
    let mut both = Group { entries: [Entry { channel: channels()[1], record }].into(), refused: vec![] };
    both.entries.extend(legacy(1, 2, 12).entries);
    if let Record::Write(write) = &mut both.entries[1].record {
        write.author = Author::Legacy { generation: 501 };
    }
    assert_eq!(commit(&store, both), None);
    for crash in medium.crashes(medium.operations().., 0..4) {
        let store = open(&crash.medium).unwrap();
        assert_eq!((sector(&store, 1, 2), store.notices()), (12, &[][..]), "{crash}");
        assert_eq!(store.ledgers()[0].1.images[2], 501, "{crash}");
    }
}

/// Whether a segment is there, with its checkpoint.
fn is_opened(medium: &CrashMedium, number: u64) -> bool {
    let recovered = recover(medium, &log::path(Path::new(FOLDER), number), Mode::Strict);
    recovered.is_ok_and(|recovered| {
        let mut blobs = recovered.groups().flat_map(|group| group.blobs());
        blobs.any(|blob| matches!(Journalled::decode(blob), Ok(Journalled::Opening(_))))
    })
}

#[test]
fn what_an_older_segment_says_last_of_a_template_counts_no_more() {
    let medium = medium();
    let store = open(&medium).unwrap();
    assert_eq!(commit(&store, session(channels()[0])), None);
    medium.remove(&Path::new(FOLDER).join("templates/b.dsk")).unwrap();
    assert_eq!(store.changed_images(), [(channels()[0], drive(1))]);
    let record = Record::Changed { drive: drive(1), generation: 500 };
    let entries = [Entry { channel: channels()[0], record }].into();
    assert_eq!(commit(&store, Group { entries, refused: vec![] }), None);
    let told = medium.operations();
    for sequence in 10..20 {
        assert_eq!(commit(&store, group(1, 2, sequence)), None);
    }
    let mut met = 0;
    for crash in medium.crashes(told.., 0..1) {
        if is_opened(&crash.medium, 1) && is_opened(&crash.medium, 2) {
            met += 1;
            let store = open(&crash.medium).unwrap();
            assert_eq!((store.ledgers()[0].1.images[1], store.notices()), (500, &[][..]), "{crash}");
        }
    }
    assert!(met > 0);
}

#[test]
fn all_channels_fit_into_the_last_segment() {
    let medium = medium();
    let store = open(&medium).unwrap();
    for number in 0..300 {
        let channel = Channel::new(&format!("c{number}")).unwrap();
        assert_eq!(commit(&store, session(channel)), None);
    }
    let ledgers = store.ledgers();
    assert_eq!(ledgers.len(), 300);
    store.close().unwrap();
    assert_eq!(open(&medium).unwrap().ledgers(), ledgers);
}

#[test]
fn a_store_that_ends_well_leaves_one_short_segment_and_each_has_an_id_of_its_own() {
    let medium = medium();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let store = open(&medium).unwrap();
        assert_eq!(commit(&store, group(1, 2, 11)), None);
        store.close().unwrap();
        let segments = segments(&medium);
        assert_eq!(segments.len(), 1);
        let length = medium.open(&segments[0]).unwrap().length().unwrap();
        assert!(length < options().segment_bytes, "{length}");
        ids.push(recover(&medium, &segments[0], Mode::Strict).unwrap().header().unwrap().region_id);
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
}

#[test]
fn a_journal_that_cannot_be_listed_is_not_taken_for_empty() {
    let medium = medium();
    assert_eq!(commit(&open(&medium).unwrap(), group(1, 2, 11)), None);
    fail(&medium, Call::List, Trouble::InputOutput);
    let error = open(&medium).unwrap_err();
    assert!(matches!(error, FileStoreError::Io { operation: "list", .. }), "{error}");
}

#[test]
fn a_first_segment_that_has_no_room_is_tried_as_a_shorter_one() {
    let medium = medium();
    fail(&medium, Call::Allocate, Trouble::NoSpace);
    let store = open(&medium).unwrap();
    assert_eq!(medium.faults(), 1);
    assert_eq!((commit(&store, group(1, 2, 11)), sector(&store, 1, 2)), (None, 11));
}

#[test]
fn a_first_segment_that_fails_is_told() {
    let medium = medium();
    fail(&medium, Call::Allocate, Trouble::InputOutput);
    open(&medium).unwrap_err();
    assert_eq!(medium.faults(), 1);
}

#[test]
fn a_store_ends_where_an_old_segment_cannot_go() {
    for call in [Call::SyncAll, Call::Remove] {
        let medium = medium();
        let store = open(&medium).unwrap();
        fail(&medium, call, Trouble::InputOutput);
        let failed = (10..50).any(|sequence| {
            let mut group = group(1, 2, sequence);
            store.write_group(&mut group).and_then(|()| store.sync(&group)).is_err()
        });
        assert!(failed && medium.faults() == 1, "{call:?}");
    }
}
