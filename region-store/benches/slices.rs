//! GB/s until a slice is on the disk, beside the bytes alone, and how much sooner its blobs can be scanned than that:
//! `cargo bench -p region-store --bench slices`.
//!
//! The floor, `pwrite + fdatasync`, writes as many files of as many bytes by as many threads, in pieces of 1 MiB, from
//! memory that is ready. A result is a sum over all bytes. One way wants results first: it scans what is written and has the
//! syncs follow. The other closes the slice, opens it and scans. They take turns. A name given as an argument is that of a folder to write in.

#![allow(clippy::indexing_slicing)]

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use region_store::format::SnapId;
use region_store::medium::{Disk, Medium, MediumFile};
use region_store::slice::{ImpellerOptions, Impellers, Scanners, Slice, SliceOptions, SliceWriter, Spindle};
use region_store::{OpenOptions, Parcel};

const ROUNDS: usize = 7;
const BYTES: usize = 400_000_000;
const BLOB_LENGTHS: [usize; 2] = [200, 2_000];
const PIECE: usize = 1 << 20;
const PARCEL: usize = 256 << 10;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Seconds until something.
#[derive(Clone, Copy)]
struct Times {
    result: f64,
    durable: f64,
}

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let named = std::env::args_os().skip(1).find(|argument| argument != "--bench").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into()).join("slices");
    fs::create_dir_all(&folder)?;
    println!("{:<8}{:>36}{:>36}", "", "GB/s until durable", "early, to closing first");
    println!(
        "{:<8}{:>20}{:>8}{:>8}{:>12}{:>12}{:>12}",
        "median", "pwrite + fdatasync", "slice", "ratio", "result", "durable", "the same"
    );
    println!("{:<8}{:>48}{:>12}{:>12}", "", "to result", "to result", "to durable");
    for blob_length in BLOB_LENGTHS {
        measure(&folder, blob_length)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn measure(folder: &Path, blob_length: usize) -> Result<()> {
    let threads = thread::available_parallelism()?;
    let (parcel, scanners) = (parcel(blob_length)?, Scanners::start(threads)?);
    let mut columns = [const { Vec::new() }; 6];
    // The first round is not counted.
    for round in 0..=ROUNDS {
        let bare = write_bare(folder, threads)?;
        let closed = write_slice(folder, &parcel, &scanners, false)?;
        let early = write_slice(folder, &parcel, &scanners, true)?;
        if round > 0 {
            let row = [
                BYTES as f64 / bare / 1e9,
                BYTES as f64 / closed.durable / 1e9,
                bare / closed.durable,
                early.result / closed.result,
                early.durable / closed.result,
                early.durable / closed.durable,
            ];
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
    }
    let [bare, slice, ratio, result, durable, same] = columns.map(|mut column| median(&mut column));
    let blobs = format!("{blob_length} B");
    println!("{blobs:<8}{bare:>20.2}{slice:>8.2}{ratio:>8.2}{result:>12.2}{durable:>12.2}{same:>12.2}");
    Ok(())
}

fn parcel(blob_length: usize) -> Result<Parcel> {
    let mut slots = Vec::new();
    for number in 0..PARCEL / blob_length {
        slots.extend_from_slice(&u32::try_from(blob_length)?.to_le_bytes());
        slots.extend((0..=250).cycle().skip(number % 251).take(blob_length));
    }
    Ok(Parcel::raw(slots.into())?)
}

fn write_bare(folder: &Path, threads: NonZeroUsize) -> Result<f64> {
    let data = vec![7; PIECE];
    let paths: Vec<_> = (0..threads.get()).map(|number| folder.join(number.to_string())).collect();
    let start = Instant::now();
    thread::scope(|scope| {
        let write = |path: &PathBuf| -> std::io::Result<()> {
            let file = Disk.create(path)?;
            let bytes = BYTES / threads.get();
            for offset in (0..bytes).step_by(PIECE) {
                file.write_all_at(&data[..PIECE.min(bytes - offset)], offset as u64)?;
            }
            file.sync_data()
        };
        let writing: Vec<_> = paths.iter().map(|path| scope.spawn(move || write(path))).collect();
        writing.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
    })?;
    let seconds = start.elapsed().as_secs_f64();
    clear(folder)?;
    Ok(seconds)
}

fn write_slice(folder: &Path, parcel: &Parcel, scanners: &Scanners, is_early: bool) -> Result<Times> {
    let spindles = vec![Spindle::new("d1", folder)];
    let impellers = Impellers::start(spindles.clone(), ImpellerOptions::default())?;
    let snap_id = SnapId::random()?;
    let start = Instant::now();
    let seconds = || start.elapsed().as_secs_f64();
    let options = SliceOptions { snap_id, results_first: is_early, ..SliceOptions::default() };
    let writer = SliceWriter::new(&impellers, options);
    writer.open_for_writes()?;
    for _ in 0..BYTES / usize::try_from(parcel.blob_bytes())? {
        writer.queue(parcel.clone())?;
    }
    writer.wait_for_writes()?;
    let times = if is_early {
        let sums = writer.written()?.fold(scanners, |region| {
            let mut sum = 0;
            region.scan(|blob| sum += sum_of(blob))?;
            Ok(sum)
        })?;
        let result = seconds();
        writer.close()?;
        sums.durable()?;
        Times { result, durable: seconds() }
    } else {
        writer.close()?;
        let durable = seconds();
        let slice = Slice::open(&spindles, snap_id, OpenOptions::default())?.ok_or("it is not there")?;
        slice.fold(scanners, |region| {
            let mut sum = 0;
            region.scan(|blob| sum += sum_of(blob))?;
            Ok(sum)
        })?;
        Times { result: seconds(), durable }
    };
    drop(writer);
    clear(folder)?;
    Ok(times)
}

fn sum_of(blob: &[u8]) -> u64 {
    std::hint::black_box(blob.iter().map(|&byte| u64::from(byte)).sum())
}

/// To remove files takes as long as to write them, and is not counted.
fn clear(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(Disk.sync_folder(folder)?)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
