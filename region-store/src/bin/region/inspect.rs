//! `region inspect`.

use std::path::Path;

use region_store::format::{Header, Version};
use region_store::journal::Mode;
use region_store::salvage::{self, Found};
use serde_json::{Value, json};

use crate::arguments::Inspect;
use crate::{Failure, grouped, say};

pub(crate) fn run(inspect: &Inspect) -> Result<(), Failure> {
    let mut is_damaged = false;
    for file in &inspect.files {
        let length = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        match salvage::find(file, Mode::Force, |_| Ok(())) {
            Ok(found) => {
                is_damaged |= found.damage.is_some();
                say(if inspect.json {
                    as_json(file, length, &found).to_string()
                } else {
                    as_text(file, length, &found)
                })?;
            }
            // Told, and the others are looked at too.
            Err(error) => match Failure::from(error) {
                Failure::Damaged => is_damaged = true,
                failure => return Err(failure),
            },
        }
    }
    if is_damaged { Err(Failure::Damaged) } else { Ok(()) }
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
    match (found.version, found.is_sealed, &found.header) {
        (Version::One, ..) => ", which has no seal",
        (Version::Two, true, _) => ", sealed",
        (Version::Two, false, Some(header)) if header.alignment == region_store::journal::ALIGNMENT => {
            ", a journal"
        }
        (Version::Two, false, _) => ", not sealed",
    }
}

fn number(version: Version) -> u8 {
    match version {
        Version::One => 1,
        Version::Two => 2,
    }
}
