//! Slices in stores of objects: from one worker to another, through whatever goes wrong between them.

mod damage;
mod faults;
mod faulty;

use std::num::NonZeroUsize;

use futures_util::TryStreamExt as _;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt as _};

use self::faulty::{Fault, Faulty};
use super::*;
use crate::format::{SnapId, Version};
use crate::medium::MediumFile as _;
use crate::region::OpenOptions;
use crate::slice::{Impellers, Slice, SliceOptions, SliceWriter};

/// Where the objects of the first slice are.
const FOLDER: &str = "a/b/1/2/1/3_0000000000000004";

/// A loader whose requests are small.
fn loader(objects: &Arc<Faulty>) -> ObjectLoader {
    let mut loader = ObjectLoader::new(Arc::clone(objects) as Arc<dyn ObjectStore>, "a/b").unwrap();
    loader.piece_bytes = 700;
    loader
}

/// A store that tries once, and again whenever it is asked.
fn worker() -> Fixture {
    Fixture::open(&medium(), StoreOptions { retries: 0, heal_after: Duration::ZERO, ..options() }).unwrap()
}

/// A store of objects with the first slice.
fn published() -> Arc<Faulty> {
    let objects = Arc::new(Faulty::default());
    publish(&objects).unwrap();
    objects
}

fn publish(objects: &Arc<Faulty>) -> Result<()> {
    loader(objects).publish(&worker().store.load(identity(1), Blobs::new()).unwrap())
}

/// Loads the first slice, checks its blobs, and forgets it; or says why that failed.
fn load(worker: &Fixture, objects: &Arc<Faulty>) -> std::result::Result<(), String> {
    load_by(worker, loader(objects))
}

fn load_by(worker: &Fixture, loader: ObjectLoader) -> std::result::Result<(), String> {
    let lock = worker.store.load(identity(1), Arc::new(loader)).map_err(|error| error.to_string())?;
    check(&lock);
    drop(lock);
    assert_eq!(worker.store.erase(&Filter::default()).done.len(), 1);
    Ok(())
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn bytes_of(objects: &Faulty, path: &ObjectPath) -> Vec<u8> {
    wait(async { objects.inner.get(path).await.unwrap().bytes().await.unwrap() }).to_vec()
}

fn put(objects: &Faulty, path: &ObjectPath, bytes: &[u8]) {
    wait(objects.inner.put(path, bytes.to_vec().into())).unwrap();
}

fn paths(objects: &dyn ObjectStore) -> Vec<ObjectPath> {
    let mut listed = wait(objects.list(None).try_collect::<Vec<_>>()).unwrap();
    listed.sort_by(|one, two| one.location.cmp(&two.location));
    listed.into_iter().map(|meta| meta.location).collect()
}

#[test]
fn objects_are_where_the_table_says_and_what_the_files_are() {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    let lock = fixture.store.load(identity(1), Blobs::new()).unwrap();
    let objects = Arc::new(Faulty::default());
    loader(&objects).publish(&lock).unwrap();
    let snap_id = lock.manifest().snap_id;
    let region =
        |index: u32| (format!("{snap_id}_000{index}.region"), format!("{snap_id}_000{index}.region"));
    let mut expected = vec![region(0), region(1), region(2)];
    expected.push(("manifest".to_owned(), format!("{snap_id}.slice")));
    for (name, file) in &expected {
        let paths = ["d1", "d10"].map(|folder| Path::new(folder).join(file));
        let path = paths.iter().find(|path| medium.open(path).is_ok()).unwrap();
        let bytes = super::bytes_of(&medium, path);
        assert_eq!(bytes_of(&objects, &format!("{FOLDER}/{name}").into()), bytes, "{name}");
    }
    assert_eq!(paths(&*objects).len(), expected.len());
}

#[test]
fn workers_share_a_slice() {
    let objects = published();
    load(&worker(), &objects).unwrap();
    let error = worker().store.load(later(1), Arc::new(loader(&objects))).unwrap_err().to_string();
    let said = "slice 1/2/1 is not published, there is no a/b/1/2/1/4_0000000000000004/manifest: publish it";
    assert!(error.contains(said), "{error}");
}

#[test]
fn a_folder_is_a_store_of_objects() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let lock = worker().store.load(identity(1), Blobs::new()).unwrap();
    ObjectLoader::open(&url).unwrap().publish(&lock).unwrap();
    let mut in_parts = ObjectLoader::open(&url).unwrap();
    in_parts.piece_bytes = 1_000;
    in_parts.publish(&lock).unwrap();
    load_by(&worker(), ObjectLoader::open(&url).unwrap()).unwrap();
    assert!(folder.path().join("1/2/1/3_0000000000000004/manifest").is_file());
}

#[test]
fn a_url_that_is_no_store_is_refused_by_name() {
    for (url, said) in [
        ("file:///nowhere/at/all", "nowhere"),
        ("no url", "relative URL without a base"),
        ("ftp://somewhere/else", "Unable to recognise URL"),
    ] {
        let error = ObjectLoader::open(url).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{url} is no store of objects: ")), "{error}");
        assert!(error.contains(said) && error.ends_with("with the feature s3"), "{error}");
    }
}

#[test]
fn a_slice_without_blobs_is_a_manifest() {
    let nothing = |_: &Load<'_>| -> std::result::Result<(), LoadError> { Ok(()) };
    let objects = Arc::new(Faulty::default());
    let lock = worker().store.load(identity(1), Arc::new(nothing)).unwrap();
    loader(&objects).publish(&lock).unwrap();
    assert_eq!(paths(&*objects), [ObjectPath::from(format!("{FOLDER}/manifest"))]);
    let worker = worker();
    worker.store.load(identity(1), Arc::new(loader(&objects))).unwrap();
    assert_eq!(worker.state(1), SnapState::NoData);
}

/// Blobs of all lengths, of which one is longer than a request and than a parcel.
fn long_and_short() -> Vec<Vec<u8>> {
    let lengths = (0..300_usize).map(|at| at * 37 % 1_000).chain([0, 3 << 20, 5, 0]);
    lengths.enumerate().map(|(at, length)| at.to_le_bytes()[..1].repeat(length)).collect()
}

/// A slice that is written without a store, of two regions.
fn written(medium: &CrashMedium, version: Version, blobs: &[Vec<u8>]) -> Slice {
    let impellers = Impellers::start_on(medium.clone(), spindles(), options().impellers).unwrap();
    let slice = SliceOptions {
        snap_id: SnapId([5; 16]),
        identity: identity(1),
        regions: 2,
        version,
        ..SliceOptions::default()
    };
    let writer = SliceWriter::new(&impellers, slice);
    writer.open_for_writes().unwrap();
    for some in blobs.chunks(100) {
        writer.queue(Parcel::of(some).unwrap()).unwrap();
    }
    writer.wait_for_writes().unwrap();
    writer.close().unwrap();
    Slice::open_on(medium, &spindles(), SnapId([5; 16]), OpenOptions::default()).unwrap().unwrap()
}

#[test]
fn slices_of_both_versions_come_over_whole() {
    for version in [Version::One, Version::Two] {
        let medium = medium();
        let mut expected = long_and_short();
        let slice = written(&medium, version, &expected);
        let objects = Arc::new(Faulty::default());
        let mut loader = loader(&objects);
        loader.piece_bytes = 100_000;
        loader.publish_slice(&slice).unwrap();
        let lock = worker().store.load(identity(1), Arc::new(loader)).unwrap();
        let found = lock.fold(|region| {
            let mut found = Vec::new();
            region.scan(|blob| found.push(blob.to_vec()))?;
            Ok(found)
        });
        let mut found: Vec<_> = found.unwrap().into_iter().flatten().collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert!(found == expected, "{version:?}");
    }
}

#[test]
fn progress_begins_with_nothing_and_ends_with_all() {
    let objects = Arc::new(Faulty::default());
    let lock = worker().store.load(identity(1), Blobs::new()).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = || {
        let told = Arc::clone(&told);
        loader(&objects).progress(move |done, of| told.lock().unwrap().push((done, of)))
    };
    let of = lock.manifest().file_bytes();
    let check = || {
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!((told.first(), told.last()), (Some(&(0, of)), Some(&(of, of))));
        assert!(told.len() > 10 && told.is_sorted(), "{told:?}");
    };
    telling().publish(&lock).unwrap();
    check();
    load_by(&worker(), telling()).unwrap();
    check();
}

#[test]
fn so_many_regions_are_transferred_at_once_and_no_more() {
    for at_once in [1, 2, 3] {
        let objects = published();
        load_by(&worker(), loader(&objects).at_once(NonZeroUsize::new(at_once).unwrap())).unwrap();
        assert_eq!(objects.most_at_once(), at_once);
    }
}

#[test]
fn of_two_that_are_published_the_later_one_holds_and_the_earlier_one_can_be_read_on() {
    let objects = published();
    let before = paths(&*objects);
    publish(&objects).unwrap();
    load(&worker(), &objects).unwrap();
    let after = paths(&*objects);
    // The manifest is one.
    assert_eq!((before.len(), after.len()), (4, 7));
    assert!(before.iter().all(|path| after.contains(path)));
}

#[test]
fn what_does_not_fit_is_not_fetched() {
    let objects = published();
    let regions = paths(&*objects).into_iter().filter(|path| path.filename() != Some("manifest"));
    let file_bytes: u64 = regions.map(|path| bytes_of(&objects, &path).len() as u64).sum();
    let small = StoreOptions { memory_bytes: Some(file_bytes - 1), retries: 0, ..options() };
    let worker = Fixture::open(&medium(), small).unwrap();
    objects.set(None);
    let error = load(&worker, &objects).unwrap_err();
    assert!(error.contains("bytes of memory are needed"), "{error}");
    assert_eq!(objects.calls(), 1);
}

#[test]
fn a_loader_can_be_dropped_by_a_task() {
    let loader = loader(&published());
    wait(async move { drop(loader) });
}
