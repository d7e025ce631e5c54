//! What may be left of what was done.

#![allow(clippy::cast_possible_truncation, reason = "lengths are small")]

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::{Call, CrashMedium, Fault, Trouble};
use crate::medium::{Medium, MediumFile};

const A: &str = "folder/a";
const B: &str = "folder/b";
const FOLDER: &str = "folder";

fn create(medium: &CrashMedium, path: &str) -> super::CrashFile {
    medium.create(Path::new(path)).unwrap()
}

fn sync_folder(medium: &CrashMedium) -> io::Result<()> {
    medium.sync_folder(Path::new(FOLDER))
}

fn bytes(medium: &CrashMedium, path: &str) -> Option<Vec<u8>> {
    let file = medium.open(Path::new(path)).ok()?;
    let mut bytes = vec![0; file.length().unwrap() as usize + 1];
    let read = file.read_full_at(&mut bytes, 0).unwrap();
    bytes.truncate(read);
    Some(bytes)
}

/// What a power cut now may leave of the files.
fn left(medium: &CrashMedium) -> BTreeSet<[Option<Vec<u8>>; 2]> {
    let now = medium.operations();
    medium.crashes(now.., 0..256).map(|crash| [A, B].map(|path| bytes(&crash.medium, path))).collect()
}

/// The one file, of which is left for sure that it is there.
fn left_of_a(medium: &CrashMedium) -> BTreeSet<Vec<u8>> {
    left(medium).into_iter().map(|[a, _]| a.unwrap()).collect()
}

fn named(medium: &CrashMedium) -> super::CrashFile {
    let file = create(medium, A);
    sync_folder(medium).unwrap();
    file
}

#[test]
fn what_is_synced_is_left_alone() {
    let medium = CrashMedium::new();
    let file = named(&medium);
    file.write_all_at(b"first", 0).unwrap();
    file.write_all_at(b"second", 3).unwrap();
    file.sync_data().unwrap();
    assert_eq!(left_of_a(&medium), BTreeSet::from([b"firsecond".to_vec()]));
    let descriptions: Vec<String> =
        medium.crashes(medium.operations().., 0..9).map(|crash| crash.to_string()).collect();
    assert_eq!(descriptions, ["power cut after 5 operations, all 0 kept that were not synced"]);
}

#[test]
fn what_is_not_synced_is_left_whole_gone_or_as_zeros() {
    let medium = CrashMedium::new();
    let file = named(&medium);
    file.write_all_at(b"ab", 0).unwrap();
    assert_eq!(left_of_a(&medium), [&b""[..], b"\0\0", b"ab"].map(<[u8]>::to_vec).into());
}

#[test]
fn writes_are_left_in_any_order_but_the_later_one_on_top() {
    let medium = CrashMedium::new();
    let file = named(&medium);
    file.write_all_at(b"....", 0).unwrap();
    file.sync_data().unwrap();
    file.write_all_at(b"11", 0).unwrap();
    file.write_all_at(b"22", 1).unwrap();
    let expected = [&b"...."[..], b"11..", b".22.", b"122."].map(<[u8]>::to_vec);
    assert_eq!(left_of_a(&medium), expected.into());
}

#[test]
fn a_write_tears_at_the_borders_of_512_bytes_of_the_file() {
    let medium = CrashMedium::new();
    let file = named(&medium);
    file.write_all_at(&[0; 1_536], 0).unwrap();
    file.sync_data().unwrap();
    file.write_all_at(&[1; 1_026], 511).unwrap();
    // The pieces: one byte, twice 512, one byte that makes the file grow.
    let left = left_of_a(&medium);
    for bytes in &left {
        let expected_length = if bytes.get(1_536).is_some() { 1_537 } else { 1_536 };
        assert_eq!(bytes.len(), expected_length);
        assert_eq!(bytes[..511], [0; 511]);
        for piece in [&bytes[512..1_024], &bytes[1_024..1_536]] {
            assert!(piece.iter().all(|byte| *byte == piece[0]), "a sector is old or new");
        }
    }
    let pieces: BTreeSet<_> =
        left.iter().map(|bytes| [511, 512, 1_024, 1_536].map(|at| bytes.get(at))).collect();
    assert_eq!(pieces.len(), 17, "any set of pieces, and zeros at the end");
}

#[test]
fn a_name_is_left_only_if_its_folder_was_synced() {
    let medium = CrashMedium::new();
    let file = create(&medium, A);
    file.write_all_at(b"ab", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(left(&medium), [[None, None], [Some(b"ab".to_vec()), None]].into());
    sync_folder(&medium).unwrap();
    assert_eq!(left(&medium), [[Some(b"ab".to_vec()), None]].into());

    medium.rename(Path::new(A), Path::new(B)).unwrap();
    assert_eq!(left(&medium), [[None, Some(b"ab".to_vec())], [Some(b"ab".to_vec()), None]].into());
    sync_folder(&medium).unwrap();
    medium.remove(Path::new(B)).unwrap();
    assert_eq!(left(&medium), [[None, None], [None, Some(b"ab".to_vec())]].into());
}

#[test]
fn an_older_file_may_be_gone_before_the_newer_one_is_there() {
    let medium = CrashMedium::new();
    named(&medium);
    create(&medium, B);
    medium.remove(Path::new(A)).unwrap();
    let there = Some(Vec::new());
    let all = [[None, None], [None, there.clone()], [there.clone(), None], [there.clone(), there]];
    assert_eq!(left(&medium), all.into());
}

#[test]
fn a_sync_that_failed_is_not_made_good_by_a_later_one() {
    let medium = CrashMedium::new();
    let file = named(&medium);
    file.write_all_at(b"....", 0).unwrap();
    file.sync_data().unwrap();
    file.write_all_at(b"11", 0).unwrap();
    medium.fail(Fault { call: Call::SyncData, number: 0, trouble: Trouble::InputOutput, lasting: false });
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
    file.write_all_at(b"22", 1).unwrap();
    file.sync_data().unwrap();
    assert_eq!(bytes(&medium, A).unwrap(), b"122.", "the page cache has it still");
    assert_eq!(left_of_a(&medium), [b".22.".to_vec(), b"122.".to_vec()].into());
    // Written again, it is there.
    file.write_all_at(b"1", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(left_of_a(&medium), [b"122.".to_vec()].into());

    medium.fail(Fault { call: Call::SyncFolder, number: 0, trouble: Trouble::InputOutput, lasting: false });
    create(&medium, B);
    sync_folder(&medium).unwrap_err();
    sync_folder(&medium).unwrap();
    assert_eq!(left(&medium).len(), 2, "the name of b is there or not");
}

#[test]
fn a_killed_process_leaves_all_that_it_wrote_and_the_power_may_still_fail() {
    let medium = CrashMedium::new();
    let file = named(&medium);
    file.write_all_at(b"ab", 0).unwrap();
    let written = medium.operations();
    file.write_all_at(b"cd", 2).unwrap();
    let killed = medium.killed(written);
    assert_eq!(bytes(&killed, A).unwrap(), b"ab");
    assert_eq!(left_of_a(&killed), [&b""[..], b"\0\0", b"ab"].map(<[u8]>::to_vec).into());
}

#[test]
fn cuts_are_made_where_they_are_asked_for() {
    let medium = CrashMedium::new();
    let file = named(&medium);
    file.write_all_at(b"ab", 0).unwrap();
    let cuts = |crashes: Vec<super::Crash>| crashes.iter().map(|crash| crash.cut).collect::<BTreeSet<_>>();
    assert_eq!(cuts(medium.crashes(.., 0..1).collect()), [0, 1, 2, 3].into());
    assert_eq!(cuts(medium.crashes(1..=2, 0..1).collect()), [1, 2].into());
    assert_eq!(cuts(medium.crashes(3.., 0..1).collect()), [3].into());
}

#[test]
fn calls_fail_when_it_is_their_turn() {
    let medium = CrashMedium::new();
    let file = named(&medium);
    medium.fail(Fault { call: Call::Write, number: 1, trouble: Trouble::NoSpace, lasting: false });
    file.write_all_at(b"ab", 0).unwrap();
    let error = file.write_all_at(b"cd", 2).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    file.write_all_at(b"ef", 4).unwrap();
    assert_eq!(medium.faults(), 1);

    medium.fail(Fault { call: Call::Any, number: 1, trouble: Trouble::InputOutput, lasting: true });
    file.sync_data().unwrap();
    file.sync_data().unwrap_err();
    medium.list(Path::new(FOLDER)).unwrap_err();
    assert_eq!(medium.faults(), 2);
    medium.repair();
    assert_eq!(medium.list(Path::new(FOLDER)).unwrap(), [Path::new(A)]);
}

#[test]
fn a_short_write_is_no_error_and_goes_on() {
    let medium = CrashMedium::new();
    let file = named(&medium);
    medium.fail(Fault { call: Call::Any, number: 0, trouble: Trouble::Short, lasting: true });
    let written: Vec<u8> = (0..3_000_u32).map(|at| at as u8).collect();
    assert_eq!(file.write_at(&written, 10).unwrap(), 1_024 - 10, "up to a border of a sector");
    file.write_all_at(&written, 0).unwrap();
    assert_eq!(bytes(&medium, A).unwrap()[..3_000], written);
    assert!(medium.faults() > 4);
    assert_eq!(file.write_at(b"0123456789", 0).unwrap(), 10, "a sector is not written by half");
}

#[test]
fn names_are_kept_apart() {
    let medium = CrashMedium::new();
    named(&medium);
    assert_eq!(medium.create(Path::new(A)).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(medium.open(Path::new(B)).unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(medium.remove(Path::new(B)).unwrap_err().kind(), io::ErrorKind::NotFound);
    let elsewhere = medium.rename(Path::new(A), Path::new("elsewhere/a")).unwrap_err();
    assert_eq!(elsewhere.kind(), io::ErrorKind::CrossesDevices);
    let to_read = medium.open(Path::new(A)).unwrap();
    assert_eq!(to_read.write_at(b"a", 0).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert!(medium.list(Path::new("elsewhere")).unwrap().is_empty());
}

#[test]
fn a_folder_that_is_not_synced_takes_along_what_is_in_it() {
    let medium = CrashMedium::new();
    medium.create_folder(Path::new(FOLDER)).unwrap();
    let file = named(&medium);
    file.write_all_at(b"synced", 0).unwrap();
    file.sync_data().unwrap();
    let synced = Some(b"synced".to_vec());
    assert_eq!(left(&medium), BTreeSet::from([[None, None], [synced.clone(), None]]));
    medium.sync_folder(Path::new(".")).unwrap();
    assert_eq!(left(&medium), BTreeSet::from([[synced, None]]));
}

#[test]
fn a_sync_of_all_covers_bytes_and_names() {
    let medium = CrashMedium::new();
    medium.create_folder(Path::new(FOLDER)).unwrap();
    create(&medium, A).write_all_at(b"a", 0).unwrap();
    create(&medium, B).write_all_at(b"b", 0).unwrap();
    medium.fail(Fault { call: Call::SyncAll, number: 0, trouble: Trouble::InputOutput, lasting: false });
    medium.sync_all(Path::new(FOLDER)).unwrap_err();
    medium.sync_all(Path::new(FOLDER)).unwrap();
    assert!(left(&medium).len() > 1, "after a sync that failed, nobody knows");

    let medium = CrashMedium::new();
    medium.create_folder(Path::new(FOLDER)).unwrap();
    create(&medium, A).write_all_at(b"a", 0).unwrap();
    create(&medium, B).write_all_at(b"b", 0).unwrap();
    medium.sync_all(Path::new(FOLDER)).unwrap();
    assert_eq!(left(&medium), BTreeSet::from([[Some(b"a".to_vec()), Some(b"b".to_vec())]]));
}
