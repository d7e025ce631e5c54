//! More slices than files may be open.

use super::*;

const SLICES: u32 = 1_000;
/// A half of them is for slices in memory, each of which has one.
const MOST_OPEN_FILES: u64 = 40;
const MOST_HOT: usize = 20;

/// A region a slice.
fn of_one_region() -> StoreOptions {
    StoreOptions { regions: 1, ..options() }
}

fn hot(fixture: &Fixture) -> Vec<u32> {
    let mut hot: Vec<_> = fixture.store.search(&"state=hot".parse().unwrap());
    hot.sort_by_key(|status| status.key);
    hot.iter().map(|status| status.key.slice_key).collect()
}

#[test]
fn a_thousand_slices_survive_a_restart_with_few_files_open() {
    let medium = medium();
    medium.set_most_open_files(Some(MOST_OPEN_FILES));
    let all: Vec<u32> = (0..SLICES).collect();
    let last = &all[all.len() - MOST_HOT..];
    let fixture = Fixture::open(&medium, of_one_region()).unwrap();
    let loader = Blobs::new();
    for slice_key in &all {
        check(&fixture.store.load(identity(*slice_key), loader.clone()).unwrap());
    }
    assert_eq!((hot(&fixture), loader.loads()), (last.to_vec(), all.len()));
    assert_eq!(fixture.store.status().slices, [MOST_HOT, all.len() - MOST_HOT, 0, 0, 0, 0]);
    drop(fixture);
    wait_until("all files are closed", || medium.open_files() == 0);

    let fixture = Fixture::open(&medium, of_one_region()).unwrap();
    assert_eq!(fixture.store.status().slices, [0, all.len(), 0, 0, 0, 0]);
    for slice_key in &all {
        check(&fixture.store.read(key(*slice_key)).unwrap());
    }
    assert_eq!(hot(&fixture), last);
    // Those that are held stay, and beside them there is no room.
    let held: Vec<_> = last.iter().map(|slice_key| fixture.store.read(key(*slice_key)).unwrap()).collect();
    for refused in [fixture.store.read(key(0)), fixture.store.load(identity(SLICES), loader)] {
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("1 open files are needed, others have 20 of 20"), "{error}");
    }
    held.iter().for_each(check);
    drop(held);
    check(&fixture.store.read(key(0)).unwrap());
    println!("{} files were open at most", medium.most_opened());
    assert!(medium.most_opened() <= MOST_OPEN_FILES);
}

#[test]
fn a_slice_of_as_many_regions_as_may_be_takes_no_more_files_than_that() {
    let medium = medium();
    medium.set_most_open_files(Some(MOST_OPEN_FILES));
    let fixture = Fixture::open(&medium, StoreOptions { regions: MOST_HOT, ..options() }).unwrap();
    let a_blob_a_region = Arc::new(|load: &Load<'_>| -> std::result::Result<(), LoadError> {
        (0..MOST_HOT).try_for_each(|_| Ok(load.queue(Parcel::of(["blob"])?)?))
    });
    let slice = fixture.store.load(identity(0), a_blob_a_region).unwrap();
    assert_eq!(slice.manifest().regions.len(), MOST_HOT);
    // Half of them are the slice's, and the others for what is opened for a moment, and for the program around.
    let most_opened = medium.most_opened();
    assert!(most_opened < MOST_OPEN_FILES * 3 / 4, "{most_opened} files were open at most");
}
