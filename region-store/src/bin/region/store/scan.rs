//! `scan`.

use std::io::{self, BufWriter, Write as _};
use std::time::Instant;

use region_store::format::ManifestRegion;
use region_store::store::{ReadLock, Store};
use serde_json::json;

use super::arguments::Scan;
use crate::arguments::Framing;
use crate::bench::sum;
use crate::cat::write;
use crate::{Failure, grouped, say};

pub(super) fn run(store: &Store, scan: &Scan, json: bool) -> Result<(), Failure> {
    let began = Instant::now();
    let slice = store.read(scan.key)?;
    if let Some(framing) = scan.print {
        return print(&slice, framing);
    }
    let load_seconds = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let counted = slice.fold(|region| {
        let (mut blobs, mut bytes, mut total) = (0_u64, 0_u64, 0_u64);
        region.scan(|blob| {
            blobs += 1;
            bytes += blob.len() as u64;
            total = total.wrapping_add(sum(blob));
        })?;
        std::hint::black_box(total);
        Ok((blobs, bytes))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let blobs = counted.iter().map(|(blobs, _)| blobs).sum();
    let bytes = counted.iter().map(|(_, bytes)| bytes).sum();
    let rate = rate(bytes, seconds);
    if json {
        return say(json!({
            "slice": scan.key.to_string(), "blobs": blobs, "blob_bytes": bytes, "regions": counted.len(),
            "load_seconds": load_seconds, "scan_seconds": seconds, "scan_gb_s": rate,
        }));
    }
    let (key, blobs, bytes) = (scan.key, grouped(blobs), grouped(bytes));
    let load = format!("in memory after {load_seconds:.3} s");
    say(format!(
        "{key}: {blobs} blobs of {bytes} bytes in all; {load}, read in {seconds:.3} s, {rate:.2} GB/s"
    ))
}

#[allow(clippy::cast_precision_loss, reason = "it is a rate")]
fn rate(bytes: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { bytes as f64 / seconds / 1e9 } else { 0.0 }
}

/// Writes the blobs of one region after the other, each by the thread that the region is bound to.
fn print(slice: &ReadLock, framing: Framing) -> Result<(), Failure> {
    for &ManifestRegion { index, .. } in &slice.manifest().regions {
        let written = slice.fold(move |region| {
            if region.index() != index {
                return Ok(Ok(()));
            }
            let mut output = BufWriter::with_capacity(1 << 20, io::stdout().lock());
            for blob in region.blobs() {
                if let Err(error) = write(&mut output, blob?, framing) {
                    return Ok(Err(error));
                }
            }
            Ok(output.flush())
        })?;
        written.into_iter().collect::<io::Result<()>>()?;
    }
    Ok(())
}
