//! A slice: a dataset that the threads of its disks write, scanned before it is on them and once more when it is.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::Instant;

use platter_examples::grouped;
use region_store::format::SnapId;
use region_store::slice::{ImpellerOptions, Impellers, Scanners, Slice, SliceOptions, SliceWriter, Spindle};
use region_store::{OpenOptions, Parcel};

const PARCELS: u32 = 300;
const BLOBS_A_PARCEL: u32 = 1_000;
const BLOB_LENGTH: u32 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", run(PARCELS)?);
    Ok(())
}

fn run(parcels: u32) -> Result<String, Box<dyn Error>> {
    let mut report = String::new();
    let folder = tempfile::tempdir()?;
    // On a machine with two disks, each would be on one of them.
    let spindles = ["d1", "d2"].map(|name| Spindle::new(name, folder.path().join(name)));
    spindles.iter().try_for_each(|spindle| fs::create_dir(&spindle.folder))?;
    let impellers = Impellers::start(spindles.to_vec(), ImpellerOptions::default())?;
    let scanners = Scanners::start_pinned(thread::available_parallelism()?)?;

    let began = Instant::now();
    let snap_id = SnapId::random()?;
    let options = SliceOptions { snap_id, regions: 4, results_first: true, ..SliceOptions::default() };
    let writer = SliceWriter::new(&impellers, options);
    writer.open_for_writes()?;
    for number in 0..parcels {
        writer.queue(parcel(number)?)?;
    }
    writer.wait_for_writes()?;
    writeln!(
        report,
        "{} blobs are written after {:.1?}",
        grouped(writer.written()?.blobs()),
        began.elapsed()
    )?;

    // The page cache has them, and the impellers sync.
    let sums = writer.written()?.fold(&scanners, |region| sum(|visit| region.scan(visit)))?;
    let provisional: u64 = sums.provisional().iter().sum();
    writeln!(report, "they sum up to {} after {:.1?}, provisionally", grouped(provisional), began.elapsed())?;

    writer.close()?;
    let durable: u64 = sums.durable()?.iter().sum();
    writeln!(report, "and to {} after {:.1?}, whatever happens now", grouped(durable), began.elapsed())?;

    let slice = Slice::open(&spindles, snap_id, OpenOptions::default())?.ok_or("the slice is not there")?;
    let sums = slice.fold(&scanners, |region| sum(|visit| region.scan(visit)))?;
    writeln!(
        report,
        "{} files on {} disks sum up to {}",
        slice.regions().len(),
        spindles.len(),
        grouped(sums.iter().sum())
    )?;
    Ok(report)
}

fn parcel(number: u32) -> Result<Parcel, Box<dyn Error>> {
    let blob = number.to_le_bytes().repeat(BLOB_LENGTH as usize / 4);
    Ok(Parcel::of(std::iter::repeat_n(&blob, BLOBS_A_PARCEL as usize))?)
}

/// Sums up the first bytes of all blobs.
fn sum(scan: impl FnOnce(&mut dyn FnMut(&[u8])) -> region_store::Result<()>) -> region_store::Result<u64> {
    let mut sum = 0;
    scan(&mut |blob| sum += blob.first().copied().map_or(0, u64::from))?;
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_scanned_before_it_is_durable_is_what_is_scanned_after() {
        let report = run(9).unwrap();
        assert!(report.starts_with("9,000 blobs are written after "), "{report}");
        // 1,000 times 0 to 8.
        assert_eq!(report.matches(" to 36,000").count(), 3, "{report}");
    }
}
