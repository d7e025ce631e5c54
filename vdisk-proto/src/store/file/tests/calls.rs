//! How often a store calls its medium, how many files it has open, and how much its journal takes.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::vec;
use std::vec::Vec;

use bytes::Bytes;
use region_store::medium::{Disk, DiskFile, Identity, Medium, MediumFile};
use sector_cache::{Drive, Geometry};

use super::super::{FileStore, FileStoreOptions};
use super::machine::options;
use crate::codec::{Channel, Run};
use crate::store::{Author, Entry, Group, Record, Session, Store as _, Write};

const GEOMETRY: Geometry = Geometry::ALTAIR_MINIDISK;

/// The machine's files, and what is asked of them.
#[derive(Clone, Debug, Default)]
struct Counting(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Whatever it is.
    calls: AtomicUsize,
    writes: AtomicUsize,
    syncs: AtomicUsize,
    /// Files that are open, and at most.
    open: AtomicUsize,
    most_open: AtomicUsize,
}

/// What was asked since it was asked for last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    calls: usize,
    writes: usize,
    syncs: usize,
}

#[derive(Debug)]
struct CountingFile {
    file: DiskFile,
    counts: Arc<Counts>,
}

impl Counting {
    fn call(&self) -> &Disk {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        &Disk
    }

    fn opened(&self, file: DiskFile) -> CountingFile {
        let open = self.0.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.most_open.fetch_max(open, Ordering::Relaxed);
        CountingFile { file, counts: Arc::clone(&self.0) }
    }

    fn asked(&self) -> Asked {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        Asked { calls: take(&self.0.calls), writes: take(&self.0.writes), syncs: take(&self.0.syncs) }
    }
}

impl CountingFile {
    fn call(&self) -> &DiskFile {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        &self.file
    }
}

impl Drop for CountingFile {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Medium for Counting {
    type File = CountingFile;

    fn create(&self, path: &Path) -> io::Result<CountingFile> {
        Ok(self.opened(self.call().create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<CountingFile> {
        Ok(self.opened(self.call().open(path)?))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<CountingFile> {
        Ok(self.opened(self.call().open_to_write(path)?))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.call().create_folder(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.call().remove_folder(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.call().identity(path)
    }

    fn sync_all(&self, folder: &Path) -> io::Result<()> {
        self.0.syncs.fetch_add(1, Ordering::Relaxed);
        self.call().sync_all(folder)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<Option<u64>> {
        self.call().free_bytes(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call().rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call().remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.call().list(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.syncs.fetch_add(1, Ordering::Relaxed);
        self.call().sync_folder(folder)
    }
}

impl MediumFile for CountingFile {
    fn allocate(&self, length: u64) -> io::Result<()> {
        self.call().allocate(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.counts.writes.fetch_add(1, Ordering::Relaxed);
        self.call().write_at(bytes, offset)
    }

    fn start_write_back(&self, offset: u64, length: u64) -> io::Result<()> {
        self.call().start_write_back(offset, length)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.call().try_lock()
    }

    fn identity(&self) -> io::Result<Identity> {
        self.call().identity()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.counts.syncs.fetch_add(1, Ordering::Relaxed);
        self.call().sync_data()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.call().read_at(bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        self.call().length()
    }
}

/// A folder with a template, and a store of it.
fn open(options: &FileStoreOptions) -> (tempfile::TempDir, Counting, FileStore<Counting>) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("templates")).unwrap();
    fs::write(folder.path().join("templates/b.dsk"), vec![7; GEOMETRY.bytes() as usize]).unwrap();
    let medium = Counting::default();
    let store = FileStore::open(medium.clone(), folder.path(), options, 1_000).unwrap();
    (folder, medium, store)
}

fn channel(number: u32) -> Channel {
    Channel::new(&std::format!("{number}")).unwrap()
}

fn session(number: u32) -> Entry {
    let session = Session { session: 1, nonce: 1, largest_frame: 500, floor: 1, growth: 0 };
    Entry { channel: channel(number), record: Record::Session(session) }
}

fn write(number: u32, sector: u32, fill: u8) -> Entry {
    let run = Run::new(GEOMETRY, sector, 1).unwrap();
    let author = Author::Session { session: 1, sequence: 1 };
    let write = Write { drive: Drive::B, run, bytes: Bytes::from(vec![fill; run.bytes()]), author };
    Entry { channel: channel(number), record: Record::Write(write) }
}

fn commit(store: &FileStore<Counting>, entries: impl IntoIterator<Item = Entry>) {
    let mut group = Group { entries: entries.into_iter().collect(), refused: vec![] };
    store.write_group(&mut group).unwrap();
    store.sync(&group).unwrap();
    assert!(group.refused.is_empty());
}

#[test]
fn a_group_is_one_write_and_one_sync_beside_its_images() {
    let options =
        FileStoreOptions { segment_bytes: 4 << 20, allocates_aside: false, ..FileStoreOptions::default() };
    let (_folder, medium, store) = open(&options);
    for fill in [1, 2] {
        medium.asked();
        commit(&store, (0..20).map(|number| write(number, 3, fill)));
    }
    // For each write: whether the image is still there, what it replaces, it is written, and how the image is then.
    let expected = Asked { calls: 4 * 20 + 2, writes: 20 + 1, syncs: 1 };
    assert_eq!(medium.asked(), expected);

    // However many channels there are.
    for hundred in 1..30 {
        commit(&store, (hundred * 100..(hundred + 1) * 100).map(session));
    }
    medium.asked();
    commit(&store, (0..20).map(|number| write(number, 3, 9)));
    assert_eq!(medium.asked(), expected);
    // The bytes are there already: what is journalled is the mark.
    commit(&store, (0..20).map(|number| write(number, 3, 9)));
    assert_eq!(medium.asked(), Asked { calls: 2 * 20 + 2, writes: 1, syncs: 1 });
    // Once a group is enough.
    commit(&store, (0..20).map(|sector| write(1, sector, 11)));
    assert_eq!(medium.asked(), Asked { calls: 1 + 3 * 20 + 2, ..expected });
}

#[test]
fn a_read_is_one_call_or_none_of_a_channel_that_never_wrote() {
    let (_folder, medium, store) = open(&options());
    commit(&store, [write(1, 3, 9)]);
    let mut bytes = [0; 137];
    for (number, calls) in [(1, 1), (2, 0)] {
        store.image(channel(number), Drive::B).unwrap();
        medium.asked();
        store.image(channel(number), Drive::B).unwrap();
        store.read(channel(number), Drive::B, 3 * 137, &mut bytes).unwrap();
        assert_eq!(medium.asked(), Asked { calls, writes: 0, syncs: 0 });
    }
}

#[test]
fn a_folder_that_is_read_only_is_neither_written_nor_synced() {
    let (folder, medium, store) = open(&options());
    commit(&store, [write(1, 3, 9)]);
    store.close().unwrap();
    let permit = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    permit(0o555);
    medium.asked();
    let opened = FileStore::open(medium.clone(), folder.path(), &options(), 1);
    permit(0o755);
    opened.unwrap();
    let Asked { writes, syncs, .. } = medium.asked();
    assert_eq!((writes, syncs), (0, 0));
}

#[test]
fn no_more_files_are_open_than_are_allowed() {
    let (folder, medium, store) = open(&FileStoreOptions { open_files: 4, ..options() });
    for fill in [1, 2] {
        for number in 0..12 {
            commit(&store, [write(number, 3, fill)]);
        }
    }
    drop(store);
    // The lock, two segments, and what is copied or opened in the place of another.
    let most = medium.0.most_open.load(Ordering::Relaxed);
    assert!(most <= 4 + 3 + 2, "{most}");
    assert_eq!(medium.0.open.load(Ordering::Relaxed), 0);
    // Recovery, too.
    FileStore::open(medium.clone(), folder.path(), &FileStoreOptions { open_files: 4, ..options() }, 1)
        .unwrap();
    assert_eq!(medium.0.most_open.load(Ordering::Relaxed), most);
}

#[test]
fn a_journal_takes_two_segments_however_much_is_written() {
    let options = FileStoreOptions { segment_bytes: 128 << 10, ..options() };
    let (folder, _, store) = open(&options);
    let mut most = 0;
    for number in 0..150 {
        commit(&store, [write(1, number % 16, number as u8)]);
        let segments = fs::read_dir(folder.path().join("journal")).unwrap();
        most = most.max(segments.map(|segment| segment.unwrap().metadata().unwrap().len()).sum());
    }
    // Each with its header and room for a checkpoint; a third while one takes the place of another.
    assert!(!super::super::log::path(folder.path(), 3).exists(), "it was written often enough");
    assert!((2 * options.segment_bytes..3 * options.segment_bytes).contains(&most), "{most}");
}
