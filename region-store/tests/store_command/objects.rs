//! What is loaded from where it was published.

use std::fs;
use std::process::{Child, Command};
use std::sync::Arc;

use region_store::Parcel;
use region_store::format::SliceIdentity;
use region_store::slice::Spindle;
use region_store::store::{Load, LoadError, ObjectLoader, Store, StoreOptions};

use crate::{Disks, interrupt, sorted, wait_for};

/// Publishes a generation of slice 1/2/3 in a folder of its own, and tells its URL.
fn publish(disks: &Disks, clock: u64) -> String {
    let (folder, url) = (disks.path("objects"), format!("file://{}", disks.path("objects").display()));
    let theirs = disks.path(&format!("theirs {clock}"));
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir(&theirs).unwrap();
    let spindles = vec![Spindle::new("d1", theirs)];
    let store = Store::open(StoreOptions { spindles, regions: 2, ..StoreOptions::default() }).unwrap();
    let loader = move |load: &Load<'_>| -> Result<(), LoadError> {
        let blob = |number| format!("{clock} {number}");
        (0..4).try_for_each(|number| Ok(load.queue(Parcel::of([blob(number)])?)?))
    };
    let identity =
        SliceIdentity { domain: 1, view: 2, slice_key: 3, generation_clock: clock, generation_digest: 0xa1 };
    ObjectLoader::open(&url).unwrap().publish(&store.load(identity, Arc::new(loader)).unwrap()).unwrap();
    url
}

#[test]
fn a_slice_is_loaded_from_where_it_was_published() {
    let disks = Disks::new();
    let url = publish(&disks, 7);
    let load =
        |generation, code| disks.run(&["load", "1/2/3", "--from", &url, "--generation", generation], code);
    let (_, error) = load("7", 3);
    assert!(error.contains("is not published, there is no 1/2/3/7_0000000000000000/manifest"), "{error}");
    let (out, _) = load("7#a1", 0);
    assert!(out.starts_with("1/2/3: loaded, 4 blobs of 12 bytes in all, 3 regions,"), "{out}");
    let printed = || {
        let printed = disks.run(&["scan", "1/2/3", "--print"], 0).0;
        sorted(&printed).join(",")
    };
    assert_eq!(printed(), "7 0,7 1,7 2,7 3");
    assert_eq!(disks.json(&["search"])["slices"][0]["generation"]["digest"], 0xa1);
    // It gives way to nothing but what is there.
    assert!(load("8#a1", 3).1.contains("is not published"));
    assert_eq!(printed(), "7 0,7 1,7 2,7 3");
    publish(&disks, 8);
    load("8#a1", 0);
    assert_eq!(printed(), "8 0,8 1,8 2,8 3");
    let (_, error) = disks.run(&["load", "1/2/4", "--from", "file:///no/such/folder"], 3);
    assert!(error.contains("file:///no/such/folder is no store of objects"), "{error}");
}

/// The manifest or a region is a pipe into which nobody writes, so that the load waits for ever.
#[test]
#[cfg(target_os = "linux")]
fn a_load_that_waits_for_objects_can_be_interrupted() {
    for waits_for in ["manifest", ".region"] {
        let disks = Disks::new();
        let url = publish(&disks, 7);
        let published = fs::read_dir(disks.path("objects/1/2/3/7_00000000000000a1")).unwrap();
        let mut paths = published.map(|entry| entry.unwrap().path());
        let object = paths.find(|path| path.to_string_lossy().ends_with(waits_for)).unwrap();
        fs::remove_file(&object).unwrap();
        assert!(Command::new("mkfifo").arg(&object).status().unwrap().success());
        let child = disks.interruptible(&["load", "1/2/3", "--from", &url, "--generation", "7#a1"]);
        wait_for("the load waits", || match waits_for {
            // One makes the requests, and one waits for the pipe.
            "manifest" => threads(&child, "objects") == 2,
            _ => !disks.files("d1").is_empty(),
        });
        let (_, error) = interrupt(child);
        assert!(
            error.contains("the load of slice 1/2/3 was interrupted, and nothing of it is left"),
            "{waits_for}: {error}"
        );
        assert!(disks.files("d1").is_empty() && disks.files("d2").is_empty());
    }
}

/// How many threads of a process have a name.
#[cfg(target_os = "linux")]
fn threads(process: &Child, name: &str) -> usize {
    let threads = fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
    let names = threads.filter_map(|thread| fs::read_to_string(thread.unwrap().path().join("comm")).ok());
    names.filter(|found| found.trim_end() == name).count()
}
