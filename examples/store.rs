//! A store of slices: a worker loads one from a folder that another worker shares, scans it, and lets go of it.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use platter_examples::grouped;
use region_store::Parcel;
use region_store::format::SliceIdentity;
use region_store::slice::Spindle;
use region_store::store::{Event, Filter, Load, LoadError, ObjectLoader, Store, StoreOptions};

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", run()?);
    Ok(())
}

fn run() -> Result<String, Box<dyn Error>> {
    let mut report = String::new();
    let folder = tempfile::tempdir()?;
    let path = |name| folder.path().join(name);
    ["first", "second", "shared"].into_iter().try_for_each(|name| fs::create_dir(path(name)))?;
    let identity = SliceIdentity { domain: 7, view: 1, slice_key: 3, ..SliceIdentity::default() };
    // A bucket would be s3://BUCKET/PREFIX.
    let shared = Arc::new(ObjectLoader::open(&format!("file://{}", path("shared").display()))?);

    let (first, _) = open(&path("first"))?;
    shared.publish(&first.load(identity, Arc::new(source))?)?;

    let (second, heard) = open(&path("second"))?;
    for _ in 0..2 {
        let slice = second.load(identity, shared.clone())?;
        let lengths = slice.fold(|region| {
            let mut bytes = 0;
            region.scan(|blob| bytes += blob.len() as u64)?;
            Ok(bytes)
        })?;
        let bytes = lengths.iter().sum();
        writeln!(report, "{} blobs have {} bytes", grouped(slice.blobs()), grouped(bytes))?;
        drop(slice);
        second.evict(&Filter::default());
    }
    drop(second);
    report.push_str("What happened:\n");
    // Until nobody is left who could say more.
    for event in heard {
        writeln!(report, "  {}", told(&event))?;
    }
    Ok(report)
}

/// A store with one disk, and what is heard of it.
fn open(folder: &Path) -> Result<(Store, Receiver<Event>), Box<dyn Error>> {
    let (hears, heard) = channel();
    let spindles = vec![Spindle::new("d1", folder)];
    let options = StoreOptions { spindles, ..StoreOptions::default() };
    let store = Store::open_with(options, move |event: &Event| drop(hears.send(event.clone())))?;
    Ok((store, heard))
}

/// Where the first worker has its slices from.
fn source(load: &Load<'_>) -> Result<(), LoadError> {
    for number in 0..1_000_u32 {
        load.queue(Parcel::of([number.to_string()])?)?;
    }
    Ok(())
}

fn told(event: &Event) -> String {
    match event {
        Event::Loading { key, .. } => format!("slice {key} is got from where it is shared"),
        Event::Loaded { key, was_on_disk: false, .. } => format!("slice {key} is on disk and in memory"),
        Event::Loaded { key, .. } => format!("slice {key} is in memory again, from disk"),
        Event::Evicted { key } => format!("slice {key} is no more in memory"),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_worker_loads_once_and_scans_twice() {
        let report = run().unwrap();
        assert!(report.starts_with(&"1,000 blobs have 2,890 bytes\n".repeat(2)), "{report}");
        for (happened, times) in [
            ("slice 7/1/3 is got from where it is shared", 1),
            ("slice 7/1/3 is on disk and in memory", 1),
            ("slice 7/1/3 is in memory again, from disk", 1),
            ("slice 7/1/3 is no more in memory", 2),
        ] {
            assert_eq!(report.matches(happened).count(), times, "{report}");
        }
    }
}
