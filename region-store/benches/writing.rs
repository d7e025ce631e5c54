//! GB/s until a region is on the disk, beside the bytes alone: `cargo bench -p region-store --bench writing`.
//!
//! The floor, `pwrite + fdatasync`, writes a file of as many bytes in pieces of 1 MiB, from memory that is ready. The
//! two and version 1 take turns, so that a disturbance of the disk meets all alike. A name given as an argument is that
//! of a folder to write in.

#![allow(clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use region_store::format::{Header, RegionId, Version};
use region_store::medium::{Disk, Medium, MediumFile};
use region_store::{Options, RegionWriter};

const ROUNDS: usize = 7;
const BYTES: usize = 400_000_000;
const BLOB_LENGTHS: [usize; 2] = [200, 2_000];
const PIECE: usize = 1 << 20;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let named = std::env::args_os().skip(1).find(|argument| argument != "--bench").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into()).join("writing");
    fs::create_dir_all(&folder)?;
    println!(
        "{:<12}{:>20}{:>12}{:>12}{:>22}",
        "GB/s, median", "pwrite + fdatasync", "version 1", "version 2", "version 2 to floor"
    );
    let data: Vec<u8> = (0..=250).cycle().take(PIECE + BLOB_LENGTHS[1]).collect();
    for blob_length in BLOB_LENGTHS {
        measure(&folder, &data, blob_length)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn measure(folder: &Path, data: &[u8], blob_length: usize) -> Result<()> {
    let mut seconds = [const { Vec::new() }; 3];
    let mut ratios = Vec::new();
    // The first round is not counted.
    for round in 0..=ROUNDS {
        let times = [
            timed(folder, |path| write_bare(path, data))?,
            timed(folder, |path| write_region(path, data, blob_length, Version::One))?,
            timed(folder, |path| write_region(path, data, blob_length, Version::Two))?,
        ];
        if round > 0 {
            seconds.iter_mut().zip(times).for_each(|(seconds, time)| seconds.push(time));
            ratios.push(times[0] / times[2]);
        }
    }
    let [bare, one, two] = seconds.map(|mut seconds| BYTES as f64 / median(&mut seconds) / 1e9);
    println!(
        "{:<12}{bare:>20.2}{one:>12.2}{two:>12.2}{:>22.2}",
        format!("{blob_length} B"),
        median(&mut ratios)
    );
    Ok(())
}

fn write_bare(path: &Path, data: &[u8]) -> Result<()> {
    let file = Disk.create(path)?;
    for offset in (0..BYTES).step_by(PIECE) {
        file.write_all_at(&data[..PIECE.min(BYTES - offset)], offset as u64)?;
    }
    Ok(file.sync_data()?)
}

fn write_region(path: &Path, data: &[u8], blob_length: usize, version: Version) -> Result<()> {
    let header = Header { region_id: RegionId([7; 16]), ..Header::default() };
    let mut writer = RegionWriter::create(path, &Options { version, header, ..Options::default() })?;
    for at in 0..BYTES / blob_length {
        let start = at * blob_length % PIECE;
        writer.push(&data[start..start + blob_length])?;
    }
    writer.seal()?;
    Ok(())
}

/// Seconds to write a file. To remove it takes as long again, and is not counted.
fn timed(folder: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<f64> {
    let path = folder.join("file");
    let start = Instant::now();
    write(&path)?;
    let seconds = start.elapsed().as_secs_f64();
    fs::remove_file(&path)?;
    Disk.sync_folder(folder)?;
    Ok(seconds)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
