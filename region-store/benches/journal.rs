//! Microseconds until a group is durable, beside the writes alone: `cargo bench -p region-store --bench journal`.
//!
//! The floor, `pwrite + fdatasync`, writes as many bytes to a file that was laid out in the same way. The two take
//! turns, so that a disturbance of the disk meets both alike.

use std::fs;
use std::path::Path;
use std::time::Instant;

use region_store::format::{Header, RegionId};
use region_store::journal::{ALIGNMENT, Journal, JournalOptions};
use region_store::medium::{Disk, Medium, MediumFile};

const ROUNDS: usize = 300;
/// Blobs of a group, and bytes of a blob: a sector with its mark, a burst of them, and a full group.
const GROUPS: [(usize, usize); 3] = [(1, 160), (100, 160), (6_000, 160)];

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journal");
    fs::create_dir_all(&folder)?;
    println!(
        "{:<24}{:>20}{:>20}{:>9}",
        "us, fastest and median", "pwrite + fdatasync", "append + sync", "ratio"
    );
    for (blobs, blob_bytes) in GROUPS {
        measure(&folder, blobs, blob_bytes)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn measure(folder: &Path, blobs: usize, blob_bytes: usize) -> Result<()> {
    let alignment = ALIGNMENT as usize;
    let length = (40 + blobs * (blob_bytes + 4)).next_multiple_of(alignment);
    let capacity = alignment + (ROUNDS + 1) * length;

    let (raw_path, journal_path) = (folder.join("raw"), folder.join("journal"));
    let header = Header { region_id: RegionId([7; 16]), ..Header::default() };
    let options = JournalOptions { capacity_bytes: capacity as u64, header };
    let mut journal = Journal::create(&Disk, &journal_path, &options)?;
    // Laid out alike: it is one, too.
    Journal::create(&Disk, &raw_path, &options)?;
    let raw = Disk.open_to_write(&raw_path)?;

    let block = vec![0xa5; length];
    let blob = vec![0xa5; blob_bytes];
    let (mut raw_us, mut journal_us) = (Vec::new(), Vec::new());
    // The first round is not counted.
    for round in 0..=ROUNDS {
        let offset = (alignment + round * length) as u64;
        let mut write = || -> Result<()> {
            let start = Instant::now();
            raw.write_all_at(&block, offset)?;
            raw.sync_data()?;
            raw_us.push(start.elapsed().as_secs_f64() * 1e6);
            Ok(())
        };
        let mut append = || -> Result<()> {
            let start = Instant::now();
            let position = journal.append(std::iter::repeat_n(blob.as_slice(), blobs))?;
            journal.sync()?;
            journal_us.push(start.elapsed().as_secs_f64() * 1e6);
            assert_eq!(position.offset, offset, "both write the same places");
            Ok(())
        };
        // Whoever comes second finds the disk awake.
        if round % 2 == 0 {
            write()?;
            append()?;
        } else {
            append()?;
            write()?;
        }
    }
    let ([raw_fastest, raw_median], [fastest, median]) = (spread(&mut raw_us), spread(&mut journal_us));
    let name = format!("{blobs} x {blob_bytes} B = {} KiB", length / 1_024);
    println!(
        "{name:<24}{raw_fastest:>11.0}{raw_median:>9.0}{fastest:>11.0}{median:>9.0}{:>9.2}",
        median / raw_median
    );
    fs::remove_file(&raw_path)?;
    fs::remove_file(&journal_path)?;
    Ok(())
}

/// The fastest and the median, without the first.
fn spread(microseconds: &mut [f64]) -> [f64; 2] {
    let counted = microseconds.get_mut(1..).unwrap_or_default();
    counted.sort_unstable_by(f64::total_cmp);
    [0, counted.len() / 2].map(|at| counted.get(at).copied().unwrap_or(f64::NAN))
}
