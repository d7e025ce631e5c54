//! `region bench`.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fs, process};

use region_store::format::{Header, RegionId, Version};
use region_store::{Options, Region, RegionWriter, Verify};
use serde_json::json;

use crate::arguments::Bench;
use crate::interrupt::{self, INTERRUPTED};
use crate::progress::bar_of_file;
use crate::{Failure, REFUSED, grouped, say};

/// How many blobs are looked up.
const LOOKUPS: u64 = 100_000;

/// Seconds, but for the lookup.
struct Times {
    write: f64,
    open_us: f64,
    lengths: f64,
    bytes: f64,
    verified: f64,
    lookup_us: f64,
}

pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    let path = bench.folder.join(format!(".region-bench-{}.region", process::id()));
    let mut unfinished = path.clone().into_os_string();
    unfinished.push(".part");
    // In this order, so that one that is given its name meanwhile goes as well.
    let names = [PathBuf::from(unfinished), path.clone()];
    let stop = move || {
        names.iter().for_each(|name| drop(fs::remove_file(name)));
        process::exit(INTERRUPTED.into())
    };
    interrupt::during(stop, || run_at(&path, bench))?.0
}

/// The same with a region of that name, if nobody interrupts it.
fn run_at(path: &Path, bench: &Bench) -> Result<(), Failure> {
    let blobs = (bench.bytes / bench.blob_length).max(1);
    let bytes = blobs * bench.blob_length;
    for version in [Version::One, Version::Two] {
        let name = if version == Version::One { "version 1" } else { "version 2" };
        let file = Removed(path.to_owned());
        let times = measure(&file.0, version, blobs, bench.blob_length)?;
        let rate = |seconds: f64| bytes as f64 / seconds / 1e9;
        if bench.json {
            say(json!({
                "format": name, "blobs": blobs, "blob_length": bench.blob_length,
                "durable_write_gb_s": rate(times.write), "open_us": times.open_us,
                "scan_lengths_gb_s": rate(times.lengths), "scan_bytes_gb_s": rate(times.bytes),
                "scan_verified_gb_s": rate(times.verified), "lookup_us": times.lookup_us,
            }))?;
            continue;
        }
        say(format!("{name}: {} blobs of {} bytes", grouped(blobs), grouped(bench.blob_length)))?;
        say(format!("  durable write             {:8.2} GB/s", rate(times.write)))?;
        say(format!("  open to first blob        {:8.1} us", times.open_us))?;
        say(format!("  scan of lengths           {:8.2} GB/s", rate(times.lengths)))?;
        say(format!("  scan of bytes             {:8.2} GB/s", rate(times.bytes)))?;
        if version == Version::Two {
            say(format!("  scan of bytes, verified   {:8.2} GB/s", rate(times.verified)))?;
        }
        say(format!("  lookup of a blob          {:8.3} us", times.lookup_us))?;
    }
    Ok(())
}

/// A file that goes when this does.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn measure(path: &Path, version: Version, blobs: u64, blob_length: u64) -> Result<Times, Failure> {
    let id =
        RegionId::random().map_err(|error| Failure::Other(REFUSED, format!("no random bytes: {error}")))?;
    let options =
        Options { version, header: Header { region_id: id, ..Header::default() }, ..Options::default() };
    let blob = vec![0xa5; usize::try_from(blob_length).unwrap_or(usize::MAX)];
    let progress = bar_of_file(path, blobs * blob_length);
    let write = timed(|| {
        let mut writer = RegionWriter::create(path, &options)?;
        for at in 0..blobs {
            writer.push(&blob)?;
            if at.is_multiple_of(65_536) {
                progress.set_position(at * blob_length);
            }
        }
        writer.seal().map(|_| ())
    })?;
    progress.finish_and_clear();
    let open = timed(|| Region::open(path)?.blobs().next().transpose().map(|_| ()))?;
    let region = Region::options().verify(Verify::Never).open(path)?;
    let verifying = Region::options().verify(Verify::Always).open(path)?;
    // The first pass makes the pages known to the process.
    scan(&region, sum)?;
    scan(&verifying, sum)?;
    let lengths = timed(|| scan(&region, |blob| blob.len() as u64))?;
    let bytes = timed(|| scan(&region, sum))?;
    let verified = timed(|| scan(&verifying, sum))?;
    let lookup = timed(|| {
        let mut ordinal = 0_u64;
        for _ in 0..LOOKUPS {
            ordinal = ordinal.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            black_box(region.get((ordinal >> 20) % blobs)?.map(<[u8]>::len));
        }
        Ok(())
    })?;
    Ok(Times {
        write,
        open_us: open * 1e6,
        lengths,
        bytes,
        verified,
        lookup_us: lookup * 1e6 / LOOKUPS as f64,
    })
}

fn timed(work: impl FnOnce() -> region_store::Result<()>) -> Result<f64, Failure> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

/// Adds up what `value` makes of the blobs.
fn scan(region: &Region, value: impl Fn(&[u8]) -> u64) -> region_store::Result<()> {
    let mut total = 0_u64;
    region.scan(|blob| total = total.wrapping_add(value(blob)))?;
    black_box(total);
    Ok(())
}

/// Reads every byte.
pub(crate) fn sum(blob: &[u8]) -> u64 {
    let (words, rest) = blob.as_chunks();
    let words = words.iter().fold(0_u64, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
    rest.iter().fold(words, |sum, byte| sum.wrapping_add(u64::from(*byte)))
}
