//! On the machine's own files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::string::ToString as _;
use std::vec;

use bytes::Bytes;
use region_store::medium::Disk;

use super::super::{FileStore, FileStoreError, FileStoreOptions, Notice};
use super::machine::{channels, drive, options};
use crate::codec::{Channel, Run, Status};
use crate::store::{Author, Entry, Group, Record, Session, Store, Write};
use sector_cache::Geometry;

const GEOMETRY: Geometry = Geometry::ALTAIR_8_INCH;

pub(super) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("templates")).unwrap();
    fs::write(folder.path().join("templates/b.dsk"), image(1)).unwrap();
    folder
}

fn image(fill: u8) -> vec::Vec<u8> {
    vec![fill; GEOMETRY.bytes() as usize]
}

/// Puts an image in the place of another, as people do.
pub(super) fn put(folder: &Path, name: &str, fill: u8) {
    fs::write(folder.join("new"), image(fill)).unwrap();
    fs::rename(folder.join("new"), folder.join(name)).unwrap();
}

pub(super) fn open(folder: &Path) -> Result<FileStore, FileStoreError> {
    FileStore::open(Disk, folder, &options(), 1_000)
}

pub(super) fn session() -> Record {
    Record::Session(Session { session: 1, nonce: 1, largest_frame: 500, floor: 1, growth: 0 })
}

pub(super) fn write(sector: u32, fill: u8) -> Record {
    let run = Run::new(GEOMETRY, sector, 1).unwrap();
    let author = Author::Session { session: 1, sequence: 1 };
    Record::Write(Write { drive: drive(1), run, bytes: Bytes::from(vec![fill; 137]), author })
}

pub(super) fn commit<const N: usize>(store: &FileStore, records: [Record; N]) -> Option<Status> {
    commit_of(store, channels()[0], records)
}

pub(super) fn commit_of<const N: usize>(
    store: &FileStore,
    channel: Channel,
    records: [Record; N],
) -> Option<Status> {
    let entries = records.map(|record| Entry { channel, record }).into();
    let mut group = Group { entries, refused: vec![] };
    store.write_group(&mut group).unwrap();
    store.sync(&group).unwrap();
    group.refusal(N - 1).flatten()
}

pub(super) fn sector(store: &FileStore, number: u64) -> Result<u8, Status> {
    let mut bytes = [0; 137];
    store.read(channels()[0], drive(1), number * 137, &mut bytes).map(|()| bytes[9])
}

#[test]
fn a_folder_has_one_store() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("lock is locked: another server serves this folder"), "{error}");
    store.close().unwrap();
    open(folder.path()).unwrap();
}

#[test]
fn a_channel_gets_its_own_copy_when_it_writes() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    assert_eq!(sector(&store, 5), Ok(1));
    let own = folder.path().join("channels/a/b.dsk");
    assert!(!own.exists());
    assert_eq!(commit(&store, [session(), write(5, 9)]), None);
    assert_eq!((sector(&store, 5), sector(&store, 6)), (Ok(9), Ok(1)));
    let bytes = fs::read(own).unwrap();
    assert_eq!((bytes.len(), bytes[5 * 137], bytes[6 * 137]), (337_568, 9, 1));
    store.close().unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!((sector(&store, 5), store.ledgers()[0].1.mark), (Ok(9), 1));
}

#[test]
fn a_file_that_is_read_only_is_a_drive_that_is() {
    let folder = folder();
    let path = folder.path().join("templates/b.dsk");
    fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
    let store = open(folder.path()).unwrap();
    assert!(store.image(channels()[0], drive(1)).unwrap().is_read_only);
    assert_eq!(commit(&store, [session(), write(5, 9)]), Some(Status::ReadOnly));
    assert_eq!(sector(&store, 5), Ok(1));
}

#[test]
fn a_folder_that_is_read_only_serves_reads() {
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let store = open(folder.path()).unwrap();
    assert!(store.image(channels()[0], drive(1)).unwrap().is_read_only);
    assert_eq!(commit(&store, [session(), write(5, 9)]), Some(Status::ReadOnly));
    assert_eq!((sector(&store, 5), store.ledgers().len()), (Ok(1), 1));
    assert!(!folder.path().join("journal").exists());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_folder_that_is_read_only_may_have_nothing_to_recover() {
    let folder = folder();
    commit(&open(folder.path()).unwrap(), [session(), write(5, 9)]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let error = open(folder.path()).unwrap_err();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(error, FileStoreError::ReadOnlyJournal { .. }), "{error}");
    open(folder.path()).unwrap().close().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!((sector(&store, 5), store.ledgers()[0].1.current()), (Ok(9), Some(1)));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_file_of_another_length_is_no_drive() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("channels/a")).unwrap();
    fs::write(folder.path().join("channels/a/b.dsk"), [0; 100]).unwrap();
    let no_drive = |length| {
        let path = folder.path().join("channels/a/b.dsk");
        [Notice::NoDrive { path, length }]
    };
    let store = open(folder.path()).unwrap();
    assert_eq!(store.notices(), no_drive(100));
    assert_eq!(store.image(channels()[0], drive(1)), None);
    assert_eq!(sector(&store, 0), Err(Status::UnknownDrive));
    assert_eq!(store.new_notices(), [], "it is said once");
    drop(store);
    // Also of one that comes later.
    put(folder.path(), "channels/a/b.dsk", 3);
    let store = open(folder.path()).unwrap();
    assert_eq!((sector(&store, 0), store.new_notices()), (Ok(3), vec![]));
    for length in [300_000, 300_001] {
        fs::write(folder.path().join("new"), vec![0; length]).unwrap();
        fs::rename(folder.path().join("new"), folder.path().join("channels/a/b.dsk")).unwrap();
        store.changed_images();
        let expected = if length == 300_000 { no_drive(300_000).to_vec() } else { vec![] };
        assert_eq!(store.new_notices(), expected);
    }
    drop(store);
    fs::write(folder.path().join("templates/c.dsk"), [0; 100]).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("c.dsk: an image of 100 bytes") && error.contains("337,568"), "{error}");
}

#[test]
fn a_journal_that_is_damaged_before_its_end_is_refused_and_may_be_forced() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, [session(), write(5, 9)]);
    commit(&store, [write(6, 9)]);
    drop(store);
    let segment = super::super::log::path(folder.path(), 1);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[8_192 + 50] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("offset 8192") && error.contains("recover --force"), "{error}");
    let options = FileStoreOptions { mode: region_store::journal::Mode::Force, ..options() };
    let store = FileStore::open(Disk, folder.path(), &options, 1_000).unwrap();
    assert!(matches!(store.notices(), [Notice::Forced { .. }]));
}

#[test]
fn an_image_that_is_replaced_under_the_store_is_noticed() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, [session(), write(5, 9)]);
    assert_eq!(store.changed_images(), []);
    put(folder.path(), "channels/a/b.dsk", 3);
    assert_eq!(store.changed_images(), [(channels()[0], drive(1))]);
    assert_eq!((sector(&store, 5), store.changed_images()), (Ok(3), vec![]));
    fs::write(folder.path().join("new"), image(4)).unwrap();
    store.replace(Some(channels()[0]), drive(1), &folder.path().join("new")).unwrap();
    assert_eq!((sector(&store, 5), store.changed_images().len()), (Ok(4), 1));
    fs::write(folder.path().join("new"), [1; 3]).unwrap();
    let error = store.replace(None, drive(1), &folder.path().join("new")).unwrap_err();
    assert!(matches!(error, FileStoreError::Length { length: 3, .. }));
}

#[test]
fn an_image_that_is_replaced_while_no_server_runs_is_kept() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, [session(), write(5, 9)]);
    drop(store);
    let own = folder.path().join("channels/a/b.dsk");
    put(folder.path(), "channels/a/b.dsk", 3);
    let store = open(folder.path()).unwrap();
    assert_eq!(sector(&store, 5), Ok(3));
    let ledger = &store.ledgers()[0].1;
    assert_eq!((ledger.current(), ledger.generation(drive(1))), (None, 1_000));
    let [Notice::ImageChanged { path, copy }] = store.notices() else { panic!("{:?}", store.notices()) };
    assert_eq!(path, &own);
    let copy = fs::read(copy).unwrap();
    assert_eq!((copy.len(), copy[5 * 137], copy[6 * 137]), (337_568, 9, 3));
}

#[test]
fn a_sector_that_is_edited_while_no_server_runs_is_kept() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, [session(), write(5, 9), write(6, 9)]);
    drop(store);
    let own = folder.path().join("channels/a/b.dsk");
    let mut bytes = fs::read(&own).unwrap();
    bytes[5 * 137..6 * 137].fill(77);
    // The power cut lost this one.
    bytes[6 * 137..7 * 137].fill(1);
    fs::write(&own, bytes).unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!((sector(&store, 5), sector(&store, 6)), (Ok(77), Ok(9)));
    assert_eq!((store.notices().len(), store.ledgers()[0].1.current()), (1, None));
    drop(store);
    let store = open(folder.path()).unwrap();
    assert_eq!((sector(&store, 5), store.notices()), (Ok(77), &[][..]));
}

#[test]
fn what_is_changed_after_a_clean_end_is_noticed() {
    let folder = folder();
    let close = |store: FileStore| store.close().unwrap();
    let store = open(folder.path()).unwrap();
    commit(&store, [session()]);
    close(store);

    // Nobody changed anything.
    let store = open(folder.path()).unwrap();
    assert_eq!((store.notices(), store.ledgers()[0].1.current()), (&[][..], Some(1)));
    close(store);

    // The template that the channel reads.
    put(folder.path(), "templates/b.dsk", 2);
    let store = open(folder.path()).unwrap();
    assert_eq!((store.notices().len(), store.ledgers()[0].1.current()), (1, None));
    assert_eq!(store.ledgers()[0].1.images[1], 1_000);
    commit(&store, [session(), write(5, 9)]);
    close(store);

    // Its own image.
    put(folder.path(), "channels/a/b.dsk", 3);
    let store = open(folder.path()).unwrap();
    assert_eq!((sector(&store, 5), store.ledgers()[0].1.current()), (Ok(3), None));
    assert_eq!(store.ledgers()[0].1.images[1], 1_001);
    close(store);
    fs::remove_file(folder.path().join("channels/a/b.dsk")).unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!((sector(&store, 5), store.ledgers()[0].1.images[1]), (Ok(2), 1_002));
}
