#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod crashes;
mod gate;
mod provisional;
mod reading;
mod turns;
mod writing;

use std::path::Path;

use super::*;
use crate::error::{Error, Result};
use crate::format::{Manifest, SliceIdentity, SnapId, Version};
use crate::medium::{CrashMedium, Medium};
use crate::parcel::Parcel;
use crate::region::{OpenOptions, Verify};

const ID: SnapId = SnapId([3; 16]);

/// Two of them, of which one has a name that the other's begins with.
fn spindles() -> Vec<Spindle> {
    vec![Spindle::new("d1", "d1"), Spindle::new("d10", "d10")]
}

fn impellers_of<M: Medium>(medium: &M, threads: usize, queue_bytes: u64) -> Impellers<M> {
    Impellers::start_on(medium.clone(), spindles(), ImpellerOptions { threads, queue_bytes }).unwrap()
}

/// Four regions, of which the last is on the second disk.
fn options(version: Version) -> SliceOptions {
    let identity =
        SliceIdentity { domain: 1, view: 2, generation_clock: 3, generation_digest: 4, slice_key: 5 };
    SliceOptions {
        snap_id: ID,
        identity,
        created_ns: 6,
        regions: 4,
        version,
        note: b"note".to_vec(),
        ..SliceOptions::default()
    }
}

/// Blobs of many lengths, some empty, no two of the others the same.
fn blobs(parcel: u8) -> Vec<Vec<u8>> {
    (0..3_usize).map(|blob| vec![parcel; usize::from(parcel) * blob * 97 % 1_200]).collect()
}

fn parcel(number: u8) -> Parcel {
    Parcel::of(blobs(number)).unwrap()
}

/// All blobs of so many parcels, sorted.
fn expected(parcels: u8) -> Vec<Vec<u8>> {
    let mut all: Vec<_> = (0..parcels).flat_map(blobs).collect();
    all.sort_unstable();
    all
}

fn write_with<M: Medium>(impellers: &Impellers<M>, options: SliceOptions, parcels: u8) -> Result<Manifest> {
    let writer = SliceWriter::new(impellers, options);
    writer.open_for_writes()?;
    (0..parcels).try_for_each(|number| writer.queue(parcel(number)))?;
    writer.wait_for_writes()?;
    writer.close()
}

fn write<M: Medium>(medium: &M, version: Version, parcels: u8) -> Result<Manifest> {
    write_with(&impellers_of(medium, 2, 1 << 20), options(version), parcels)
}

fn open<M: Medium>(medium: &M) -> Result<Option<Slice>> {
    Slice::open_on(medium, &spindles(), ID, OpenOptions::default().verify(Verify::Always))
}

/// All blobs of a slice, sorted.
fn read(slice: &Slice) -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    slice.scan(|blob| all.push(blob.to_vec()))?;
    all.sort_unstable();
    Ok(all)
}

/// What is in the folders.
fn files(medium: &CrashMedium) -> Vec<String> {
    let paths = ["d1", "d10"].iter().flat_map(|folder| medium.list(Path::new(folder)).unwrap());
    paths.map(|path| path.to_str().unwrap().to_owned()).collect()
}
