//! What is damaged in a store of objects.

use super::*;
use crate::format::{self, Header, Manifest, SEAL_LENGTH, Seal};

/// Whether a slice is refused of which an object is other than it was. It says which, and what to do.
fn is_refused(worker: &Fixture, objects: &Arc<Faulty>, path: &ObjectPath, bytes: &[u8]) -> bool {
    let before = bytes_of(objects, path);
    put(objects, path, bytes);
    let loaded = load(worker, objects);
    put(objects, path, &before);
    if let Err(error) = &loaded {
        let says = format!("its loader failed: {path}: ");
        assert!(error.contains(&says) && error.ends_with(": publish slice 1/2/1 again"), "{error}");
    }
    loaded.is_err()
}

#[test]
fn a_wrong_bit_anywhere_is_found_or_harmless() {
    let (objects, worker) = (published(), worker());
    let mut harmless = 0;
    for path in paths(&*objects) {
        let is_manifest = path.filename() == Some("manifest");
        let bytes = bytes_of(&objects, &path);
        // The header page has one checksum, and is mostly zeros.
        let header = if is_manifest { 0 } else { format::HEADER_LENGTH };
        for at in (0..header).step_by(97).chain((header..bytes.len()).step_by(5)) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            let is_damage = is_manifest || format::check(&damaged).is_err();
            assert_eq!(is_refused(&worker, &objects, &path, &damaged), is_damage, "{path} at {at}");
            harmless += usize::from(!is_damage);
        }
    }
    // There is padding, and it is not looked at.
    assert!((1..50).contains(&harmless), "{harmless}");
    load(&worker, &objects).unwrap();
}

#[test]
fn an_object_of_another_length_is_refused() {
    let (objects, worker) = (published(), worker());
    for path in paths(&*objects) {
        let bytes = bytes_of(&objects, &path);
        for length in [0, 1, 50, bytes.len() - 64, bytes.len() - 1] {
            if length == 0 {
                // Of nothing, nothing can be got, and so nothing is said of its length.
                put(&objects, &path, b"");
                load(&worker, &objects).unwrap_err();
                put(&objects, &path, &bytes);
            } else {
                assert!(is_refused(&worker, &objects, &path, &bytes[..length]), "{path} of {length}");
            }
        }
        assert!(is_refused(&worker, &objects, &path, &[&bytes[..], b"\0"].concat()), "{path}");
    }
}

#[test]
fn a_region_that_is_missing_or_anothers_is_refused() {
    let (objects, worker) = (published(), worker());
    let regions = paths(&*objects);
    for (at, path) in regions.iter().enumerate().take(3) {
        let bytes = bytes_of(&objects, path);
        let other = bytes_of(&objects, &regions[(at + 1) % 3]);
        assert!(is_refused(&worker, &objects, path, &other));
        wait(objects.inner.delete(path)).unwrap();
        let error = load(&worker, &objects).unwrap_err();
        assert!(
            error.contains(&format!("its loader failed: {path}: cannot get bytes 0 to 700 of")),
            "{error}"
        );
        assert!(error.ends_with(": publish slice 1/2/1 again"), "{error}");
        put(&objects, path, &bytes);
    }
    load(&worker, &objects).unwrap();
}

#[test]
fn a_whole_region_of_another_writing_is_refused() {
    let (objects, others, worker) = (published(), published(), worker());
    let others: Vec<_> = paths(&*others).iter().map(|path| bytes_of(&others, path)).collect();
    for path in paths(&*objects).iter().filter(|path| path.filename() != Some("manifest")) {
        let length = bytes_of(&objects, path).len();
        let other = others.iter().find(|other| other.len() == length).unwrap();
        assert!(is_refused(&worker, &objects, path, other));
    }
}

#[test]
fn a_seal_that_counts_wrongly_is_refused_though_the_manifest_agrees() {
    let (objects, worker) = (published(), worker());
    let path = ObjectPath::from(format!("{FOLDER}/manifest"));
    let mut manifest = Manifest::decode(&bytes_of(&objects, &path)).unwrap();
    let region = ObjectPath::from(format!("{FOLDER}/{}_0000.region", manifest.snap_id));
    let mut bytes = bytes_of(&objects, &region);
    let (id, at) = (Header::decode(&bytes).unwrap().region_id, bytes.len() - SEAL_LENGTH);
    let seal = Seal::decode(&bytes[at..], id, at as u64).unwrap();
    bytes[at..].copy_from_slice(&Seal { blobs: seal.blobs + 1, ..seal }.encode(id, at as u64));
    manifest.regions[0].blobs += 1;
    put(&objects, &path, &manifest.encode().unwrap());
    assert!(is_refused(&worker, &objects, &region, &bytes));
}

#[test]
fn a_manifest_of_another_slice_is_refused() {
    let (objects, worker) = (published(), worker());
    let manifest = bytes_of(&objects, &format!("{FOLDER}/manifest").into());
    put(&objects, &"a/b/1/2/1/4_0000000000000004/manifest".into(), &manifest);
    let error = worker.store.load(later(1), Arc::new(loader(&objects))).unwrap_err().to_string();
    let said = "4_0000000000000004/manifest: its identity is not what the manifest of its slice says";
    assert!(error.contains(said), "{error}");
}

#[test]
fn a_wrong_bit_in_version_1_is_found() {
    let slice = written(&medium(), Version::One, &long_and_short());
    let objects = Arc::new(Faulty::default());
    let mut whole = loader(&objects);
    whole.piece_bytes = 1 << 20;
    whole.publish_slice(&slice).unwrap();
    let worker = worker();
    for path in paths(&*objects).iter().filter(|path| path.filename() != Some("manifest")) {
        let bytes = bytes_of(&objects, path);
        for at in [0, 1, 2, 5, 100, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            put(&objects, path, &damaged);
            let mut loader = loader(&objects);
            loader.piece_bytes = 1 << 20;
            let error = load_by(&worker, loader).unwrap_err();
            assert!(error.contains(path.as_ref()), "{error}");
        }
        put(&objects, path, &bytes);
    }
}

#[test]
fn what_is_damaged_on_disk_is_not_published() {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    let lock = fixture.store.load(identity(1), Blobs::new()).unwrap();
    let region = files(&medium).into_iter().find(|path| path.ends_with("_0001.region")).unwrap();
    let file = medium.open_to_write(Path::new(&region)).unwrap();
    file.write_all_at(&[0xff; 8], 4_200).unwrap();
    let objects = Arc::new(Faulty::default());
    let error = loader(&objects).publish(&lock).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(!paths(&*objects).contains(&format!("{FOLDER}/manifest").into()));
}
