//! Journals on media of every kind.

#![allow(clippy::cast_possible_truncation, reason = "lengths are small")]

mod crashes;
mod machine;
mod recovery;

use std::io;
use std::path::Path;

use super::{
    ALIGNMENT, Journal, JournalOptions, MAX_CAPACITY_BYTES, MAX_GROUP_LENGTH, Mode, Position, Recovered,
    Tail, recover,
};
use crate::format::{Header, RegionId};
use crate::medium::{Call, CrashMedium, Fault, Medium, MediumFile, Trouble};
use crate::{Error, Result};

const PATH: &str = "journal/1.region";
/// Bytes of a page, as the formats count them.
const PAGE: u64 = ALIGNMENT as u64;

fn path() -> &'static Path {
    Path::new(PATH)
}

/// So many pages, the header's included.
fn options(pages: u64) -> JournalOptions {
    options_of(pages, RegionId([7; 16]))
}

fn options_of(pages: u64, region_id: RegionId) -> JournalOptions {
    JournalOptions {
        capacity_bytes: pages * PAGE,
        header: Header { region_id, created_ns: 1, ..Header::default() },
    }
}

fn create(medium: &CrashMedium, pages: u64) -> Journal<CrashMedium> {
    Journal::create(medium, path(), &options(pages)).unwrap()
}

/// Appends a group of one blob and syncs it.
fn put<M: Medium>(journal: &mut Journal<M>, blob: &[u8]) -> Position {
    let position = journal.append([blob]).unwrap();
    journal.sync().unwrap();
    position
}

fn groups(recovered: &Recovered) -> Vec<Vec<Vec<u8>>> {
    recovered.groups().map(|group| group.blobs().map(<[u8]>::to_vec).collect()).collect()
}

/// The groups as one blob each.
fn blobs(recovered: &Recovered) -> Vec<Vec<u8>> {
    groups(recovered).concat()
}

fn read<M: Medium>(medium: &M) -> Result<Recovered> {
    recover(medium, path(), Mode::Strict)
}

#[test]
fn what_was_appended_is_recovered() {
    let medium = CrashMedium::new();
    let mut journal = create(&medium, 16);
    assert_eq!(journal.path(), path());
    assert_eq!(journal.id(), RegionId([7; 16]));
    let long = vec![b'x'; 5_000];
    let first = journal.append([&b"one"[..], b"", &long]).unwrap();
    journal.sync().unwrap();
    let second = put(&mut journal, b"two");
    assert_eq!(first, Position { first_ordinal: 0, offset: PAGE });
    assert_eq!(second, Position { first_ordinal: 3, offset: 3 * PAGE });
    assert_eq!(journal.blobs(), 4);
    assert_eq!(journal.room(), 12 * PAGE);

    let recovered = read(&medium).unwrap();
    assert_eq!(groups(&recovered), [vec![b"one".to_vec(), Vec::new(), long], vec![b"two".to_vec()]]);
    assert_eq!(recovered.tail(), Tail::Clean);
    assert_eq!(recovered.path(), path());
    let header = recovered.header().unwrap();
    assert_eq!((header.alignment, header.created_ns), (ALIGNMENT, 1));
    let places: Vec<_> = recovered.groups().map(|group| (group.first_ordinal(), group.offset())).collect();
    assert_eq!(places, [(0, PAGE), (3, 3 * PAGE)]);
}

#[test]
fn a_group_is_one_write_and_a_sync_one_sync() {
    let medium = CrashMedium::new();
    let mut journal = create(&medium, 16);
    let before = medium.operations();
    journal.append([&[1; 5_000][..], &[2; 5_000]]).unwrap();
    assert_eq!(medium.operations(), before + 1);
    journal.sync().unwrap();
    assert_eq!(medium.operations(), before + 2);
    journal.sync().unwrap();
    assert_eq!(medium.operations(), before + 2, "there is nothing to sync");
}

#[test]
fn a_new_journal_is_zeros_behind_its_header() {
    let medium = CrashMedium::new();
    create(&medium, 600);
    let file = medium.open(path()).unwrap();
    assert_eq!(file.length().unwrap(), 600 * PAGE);
    let mut bytes = vec![1; 599 * PAGE as usize];
    assert_eq!(file.read_full_at(&mut bytes, PAGE).unwrap(), bytes.len());
    assert!(bytes.iter().all(|byte| *byte == 0));
    let states: Vec<_> = medium.crashes(medium.operations().., 0..4).collect();
    assert_eq!(states.len(), 1, "nothing about it is unsure");
    assert_eq!(read(&states[0].medium).unwrap().tail(), Tail::Clean);
}

#[test]
fn mistakes_change_nothing() {
    let medium = CrashMedium::new();
    for bytes in [0, PAGE, 2 * PAGE + 1, (1 << 30) + PAGE, u64::MAX] {
        let options = JournalOptions { capacity_bytes: bytes, ..options(2) };
        let error = Journal::create(&medium, path(), &options).unwrap_err();
        assert!(matches!(error, Error::Capacity { bytes: refused, .. } if refused == bytes), "{error}");
    }
    assert_eq!(medium.operations(), 0);

    let mut journal = create(&medium, 4);
    let before = medium.operations();
    assert!(matches!(journal.append([]), Err(Error::EmptyGroup)));
    let too_long = vec![0; MAX_GROUP_LENGTH as usize];
    let error = journal.append([&too_long[..]]).unwrap_err();
    assert!(matches!(error, Error::GroupTooLong { limit: MAX_GROUP_LENGTH }), "{error}");
    assert_eq!(medium.operations(), before);
    put(&mut journal, b"one");
    journal.append([&b"two"[..]]).unwrap();
    assert!(matches!(journal.append([&b"three"[..]]), Err(Error::InFlight { .. })));
    journal.sync().unwrap();
    assert_eq!(blobs(&read(&medium).unwrap()), [b"one", b"two"]);
}

#[test]
fn a_full_journal_refuses_and_keeps_what_it_has() {
    let medium = CrashMedium::new();
    let mut journal = create(&medium, 4);
    put(&mut journal, b"one");
    assert_eq!(journal.room(), 2 * PAGE);
    // With an empty blob, a head of 40 bytes and two lengths of 4 it fills the room to the byte.
    let longest = vec![1; 2 * PAGE as usize - 48];
    let error = journal.append([&longest[..], b"", b""]).unwrap_err();
    assert!(matches!(error, Error::JournalFull { needed: 12_288, room: 8_192, .. }), "{error}");
    journal.append([&longest[..], b""]).unwrap();
    journal.sync().unwrap();
    assert_eq!(journal.room(), 0);
    let error = journal.append([&b""[..]]).unwrap_err();
    assert!(matches!(error, Error::JournalFull { needed: 4_096, room: 0, .. }), "{error}");
    assert_eq!(blobs(&read(&medium).unwrap()), [b"one".to_vec(), longest, Vec::new()]);
}

#[test]
fn the_longest_group_is_recovered() {
    let medium = CrashMedium::new();
    let mut journal = create(&medium, 1_024);
    assert_eq!(journal.room(), u64::from(MAX_GROUP_LENGTH));
    // With an empty blob, a head of 40 bytes and two lengths of 4.
    let longest = vec![1; MAX_GROUP_LENGTH as usize - 48];
    journal.append([&longest[..], b""]).unwrap();
    journal.sync().unwrap();
    assert_eq!(journal.room(), u64::from(MAX_GROUP_LENGTH));
    put(&mut journal, b"");
    let recovered = read(&medium).unwrap();
    assert_eq!(groups(&recovered), [vec![longest, Vec::new()], vec![Vec::new()]]);

    let next = Path::new("journal/2.region");
    recovered.continue_in(&medium, next, &options(1_024)).unwrap();
    assert_eq!(groups(&recover(&medium, next, Mode::Strict).unwrap()), groups(&recovered));
}

#[test]
fn a_journal_is_not_created_over_a_file() {
    let medium = CrashMedium::new();
    let mut journal = create(&medium, 4);
    put(&mut journal, b"one");
    let error = Journal::create(&medium, path(), &options(4)).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert!(error.to_string().contains(PATH), "{error}");
    assert_eq!(blobs(&read(&medium).unwrap()), [b"one"]);
}

#[test]
fn nothing_is_tried_again_after_a_failure() {
    for call in [Call::Write, Call::SyncData] {
        let medium = CrashMedium::new();
        let mut journal = create(&medium, 4);
        put(&mut journal, b"one");
        medium.fail(Fault { call, number: 0, trouble: Trouble::InputOutput, lasting: false });
        let error = journal.append([&b"two"[..]]).and_then(|_| journal.sync()).unwrap_err();
        let Error::Io { path: failed, operation, source } = &error else { panic!("{error}") };
        assert_eq!(failed, path());
        assert_eq!(*operation, if call == Call::Write { "write" } else { "sync" });
        assert_eq!(source.raw_os_error(), Some(5));
        assert_eq!(medium.faults(), 1);

        let before = medium.operations();
        for _ in 0..2 {
            assert!(matches!(journal.append([&b"three"[..]]), Err(Error::JournalFailed { .. })));
            assert!(matches!(journal.sync(), Err(Error::JournalFailed { .. })));
        }
        assert_eq!(medium.operations(), before, "the medium was not asked again");
    }
}

#[test]
fn a_journal_that_cannot_be_created_leaves_no_file() {
    let calls = [Call::Create, Call::Allocate, Call::Write, Call::SyncData, Call::SyncFolder];
    for call in calls {
        let medium = CrashMedium::new();
        medium.fail(Fault { call, number: 0, trouble: Trouble::NoSpace, lasting: true });
        let error = Journal::create(&medium, path(), &options(4)).unwrap_err();
        let Error::Io { path: failed, source, .. } = &error else { panic!("{error}") };
        assert!(
            failed == path() || call == Call::SyncFolder && *failed == path().parent().unwrap(),
            "{error}"
        );
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        assert_eq!(medium.list(Path::new("journal")).unwrap(), Vec::<&Path>::new());
        medium.repair();
        create(&medium, 4);
    }
}

#[test]
fn short_writes_are_completed() {
    let medium = CrashMedium::new();
    medium.fail(Fault { call: Call::Any, number: 0, trouble: Trouble::Short, lasting: true });
    let mut journal = create(&medium, 4);
    put(&mut journal, b"one");
    put(&mut journal, b"two");
    assert!(medium.faults() > 10);
    assert_eq!(blobs(&read(&medium).unwrap()), [b"one", b"two"]);
}

#[test]
fn a_journal_goes_on_in_a_new_file() {
    let medium = CrashMedium::new();
    let mut journal = create(&medium, 1_600);
    let mut expected = Vec::new();
    // More than one group takes.
    for number in 0..5 {
        let blob = vec![number; 400_000];
        put(&mut journal, &blob);
        expected.push(blob);
        put(&mut journal, &[number]);
        expected.push(vec![number]);
    }
    let next = Path::new("journal/2.region");
    let options = options_of(1_600, RegionId([8; 16]));
    let mut continued = read(&medium).unwrap().continue_in(&medium, next, &options).unwrap();
    assert_eq!(continued.blobs(), 10);
    put(&mut continued, b"more");
    expected.push(b"more".to_vec());
    let recovered = recover(&medium, next, Mode::Strict).unwrap();
    assert_eq!(blobs(&recovered), expected);
    assert_eq!(recovered.groups().count(), 4, "groups are put together");
    assert_eq!(blobs(&read(&medium).unwrap()).len(), 10, "the old file is as it was");

    let error = read(&medium).unwrap().continue_in(&medium, next, &options).unwrap_err();
    assert!(matches!(error, Error::Exists { path } if path == next));
}

#[test]
fn groups_that_fill_a_block_go_on_together() {
    let medium = CrashMedium::new();
    let mut journal = create(&medium, 1_024);
    // With a head of 40 bytes and a length of 4 each, they are as long as the longest group.
    put(&mut journal, &vec![1; MAX_GROUP_LENGTH as usize / 2 - 48]);
    put(&mut journal, &vec![2; MAX_GROUP_LENGTH as usize / 2 - 40]);
    let next = Path::new("journal/2.region");
    read(&medium).unwrap().continue_in(&medium, next, &options(1_024)).unwrap();
    let continued = recover(&medium, next, Mode::Strict).unwrap();
    assert_eq!(groups(&continued), [blobs(&read(&medium).unwrap())]);
}

#[cfg(unix)]
#[test]
fn journals_of_the_disk_are_alike() {
    use crate::medium::Disk;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.region");
    let medium = CrashMedium::new();
    let mut in_memory = create(&medium, 600);
    let mut on_disk = Journal::create(&Disk, &path, &options(600)).unwrap();
    for length in [0, 1, 4_048, 4_049, 100_000] {
        assert_eq!(put(&mut on_disk, &vec![3; length]), put(&mut in_memory, &vec![3; length]));
    }
    let recovered = recover(&Disk, &path, Mode::Strict).unwrap();
    assert_eq!(groups(&recovered), groups(&read(&medium).unwrap()));
    assert_eq!(recovered.tail(), Tail::Clean);

    let bytes = std::fs::read(&path).unwrap();
    let mut expected = vec![0; bytes.len() + 1];
    let length = medium.open(super::tests::path()).unwrap().read_full_at(&mut expected, 0).unwrap();
    assert!(bytes == expected[..length], "the files are the same");
}
