//! A table of slices.

use indicatif::{BinaryBytes, FormattedDuration};
use region_store::store::{Generation, SnapStatus};

use super::wrap::wrapped;
use crate::grouped;

/// What is in a column.
struct Column {
    title: &'static str,
    /// Whether its cells end below each other, as numbers do.
    is_right: bool,
    cell: fn(&SnapStatus) -> String,
}

/// The first ones matter most: where a table would be too wide, the last ones are left out.
const COLUMNS: [Column; 8] = [
    Column { title: "slice", is_right: false, cell: |snap| snap.key.to_string() },
    Column { title: "state", is_right: false, cell: |snap| snap.state.to_string() },
    Column { title: "blobs", is_right: true, cell: |snap| grouped(snap.blobs) },
    Column { title: "bytes", is_right: true, cell: |snap| BinaryBytes(snap.blob_bytes).to_string() },
    Column { title: "idle", is_right: true, cell: |snap| FormattedDuration(snap.idle).to_string() },
    Column { title: "readers", is_right: true, cell: |snap| snap.readers.to_string() },
    Column { title: "regions", is_right: true, cell: |snap| snap.regions.to_string() },
    Column { title: "generation", is_right: false, cell: |snap| of_generation(snap.generation) },
];

const GAP: &str = "  ";

/// A line a slice, and behind those that failed, why.
pub(in super::super) fn of_slices(snaps: &[SnapStatus], width: usize) -> String {
    let mut lines: Vec<String> = vec![String::new(); snaps.len() + 1];
    for column in &COLUMNS {
        let cells: Vec<String> =
            [column.title.to_owned()].into_iter().chain(snaps.iter().map(column.cell)).collect();
        let longest = cells.iter().map(String::len).max().unwrap_or_default();
        let is_first = lines.iter().all(String::is_empty);
        let taken = lines.first().map_or(0, String::len);
        if !is_first && taken + GAP.len() + longest > width {
            break;
        }
        for (line, cell) in lines.iter_mut().zip(cells) {
            let gap = if is_first { "" } else { GAP };
            line.push_str(gap);
            line.push_str(&if column.is_right {
                format!("{cell:>longest$}")
            } else {
                format!("{cell:<longest$}")
            });
        }
    }
    let failures = [None].into_iter().chain(snaps.iter().map(|snap| snap.failure.as_ref()));
    let lines: Vec<String> = lines
        .iter()
        .zip(failures)
        .map(|(line, failure)| {
            let line = wrapped(line.trim_end(), 2, width);
            match failure {
                None => line,
                Some(failure) => format!("{line}\n{}", wrapped(&format!("  {failure}"), 2, width)),
            }
        })
        .collect();
    lines.join("\n")
}

/// Its clock, and its digest if it has one.
fn of_generation(generation: Generation) -> String {
    if generation.digest == 0 { generation.clock.to_string() } else { generation.to_string() }
}
