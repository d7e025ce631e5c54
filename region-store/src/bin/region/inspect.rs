//! `region inspect`.

use std::path::Path;

use region_store::Error;
use region_store::format::{Header, Version};
use region_store::journal::{ALIGNMENT, Mode};
use region_store::salvage::{self, Found};
use serde_json::{Value, json};

use crate::arguments::Inspect;
use crate::progress::{bar_of_file, by_blobs};
use crate::{DAMAGED, Failure, each, grouped, say};

pub(crate) fn run(inspect: &Inspect) -> Result<(), Failure> {
    each(&inspect.files, |file| {
        let length = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        let found = look_at(file, length)?;
        say(if inspect.json {
            as_json(file, length, &found).to_string()
        } else {
            as_text(file, length, &found)
        })?;
        if found.damage.is_some() { Err(Failure::Told(DAMAGED)) } else { Ok(()) }
    })
}

fn look_at(file: &Path, length: u64) -> Result<Found, Error> {
    let bar = bar_of_file(file, length);
    let (mut progress, mut bytes) = (by_blobs(&bar), 0);
    let found = salvage::find(file, Mode::Force, |blob| {
        progress(bytes);
        bytes += blob.len() as u64;
        Ok(())
    });
    bar.finish_and_clear();
    found
}

pub(crate) fn as_json(file: &Path, length: u64, found: &Found) -> Value {
    json!({
        "file": file.to_string_lossy(),
        "length": length,
        "version": number(found.version),
        "sealed": found.is_sealed,
        "blobs": found.blobs,
        "blob_bytes": found.blob_bytes,
        "blocks": found.blocks,
        "damage": found.damage.map(|damage| json!({
            "field": damage.field, "offset": damage.offset, "problem": damage.problem.to_string(),
        })),
        "header": found.header.as_ref().map(header_as_json),
    })
}

fn header_as_json(header: &Header) -> Value {
    json!({
        "region_id": header.region_id.to_string(),
        "alignment": header.alignment,
        "domain": header.domain,
        "view": header.view,
        "generation_clock": header.generation_clock,
        "slice_key": header.slice_key,
        "region_index": header.region_index,
        "region_count": header.region_count,
        "created_ns": header.created_ns,
        "generation_digest": header.generation_digest,
    })
}

fn as_text(file: &Path, length: u64, found: &Found) -> String {
    let mut lines = vec![format!("{}", file.display())];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<12}{value}"));
    line("length", grouped(length));
    line("version", format!("{}{}", number(found.version), completeness(found)));
    if let Some(header) = &found.header {
        line("region id", header.region_id.to_string());
        line("alignment", grouped(header.alignment.into()));
        line(
            "dataset",
            format!("domain {}, view {}, generation {}", header.domain, header.view, header.generation_clock),
        );
        let place =
            format!("slice {}, region {} of {}", header.slice_key, header.region_index, header.region_count);
        line("place", place);
        line("blocks", grouped(found.blocks));
    }
    line("blobs", grouped(found.blobs));
    line("blob bytes", grouped(found.blob_bytes));
    if let Some(damage) = found.damage {
        line("damage", damage.to_string());
    }
    lines.join("\n")
}

fn completeness(found: &Found) -> &'static str {
    match found.version {
        Version::One => ", which has no seal",
        Version::Two if found.is_sealed => ", sealed",
        Version::Two if is_unfinished(found) => ", not sealed",
        Version::Two => ", a journal",
    }
}

/// Whether it is a region that was not completed, which a journal never is.
pub(crate) fn is_unfinished(found: &Found) -> bool {
    !found.is_sealed && found.header.is_some_and(|header| header.alignment != ALIGNMENT)
}

fn number(version: Version) -> u8 {
    match version {
        Version::One => 1,
        Version::Two => 2,
    }
}
