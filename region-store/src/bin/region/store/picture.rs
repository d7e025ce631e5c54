//! What a store holds, for people.

mod gauge;
mod table;
mod wrap;

use console::Term;
use indicatif::BinaryBytes;
use region_store::store::{Marks, SnapState, SnapStatus, SpindleStatus, StoreOptions, StoreStatus};

use gauge::gauge;
pub(super) use table::of_slices;
use wrap::wrapped;

/// How wide what is printed may be.
pub(super) fn width() -> usize {
    Term::stdout().size_checked().map_or(80, |(_, columns)| usize::from(columns).max(20))
}

/// Disks, room, and the slices: all of them counted, those that are given in a table.
pub(super) fn of_store(
    status: &StoreStatus,
    options: &StoreOptions,
    snaps: &[SnapStatus],
    width: usize,
) -> String {
    let spindles = status.spindles.iter().map(|spindle| of_spindle(spindle, width));
    let rooms = [
        of_room("memory", status.memory_bytes, Some(status.memory_limit), options.memory_marks, width),
        of_room("disk", status.disk_bytes, status.disk_limit, options.disk_marks, width),
        String::new(),
        wrapped(&counts(status), 2, width),
    ];
    let table = (!snaps.is_empty()).then(|| format!("\n{}", of_slices(snaps, width)));
    let parts: Vec<String> = spindles.chain(rooms).chain(table).collect();
    parts.join("\n")
}

fn of_spindle(spindle: &SpindleStatus, width: usize) -> String {
    let name = wrapped(&format!("spindle {} at {}", spindle.name, spindle.folder.display()), 2, width);
    let used = BinaryBytes(spindle.bytes);
    let room = match (&spindle.missing, spindle.free_bytes) {
        (Some(why), _) => format!("  missing: {why}"),
        (None, None) => format!("  {used} of slices"),
        (None, Some(free)) => {
            let gauge = gauge(spindle.bytes, spindle.bytes.saturating_add(free), &[]);
            format!("  {gauge}  {used} of slices, {} free", BinaryBytes(free))
        }
    };
    format!("{name}\n{}", wrapped(&room, 2, width))
}

fn of_room(name: &str, used: u64, limit: Option<u64>, marks: Marks, width: usize) -> String {
    let room = match limit {
        None => format!("  {} of nobody knows how many", BinaryBytes(used)),
        Some(limit) => {
            let gauge = gauge(used, limit, &[marks.low, marks.high]);
            let (used, limit) = (BinaryBytes(used), BinaryBytes(limit));
            format!("  {gauge}  {used} of {limit}, marks at {} % and {} %", marks.low, marks.high)
        }
    };
    format!("{name}\n{}", wrapped(&room, 2, width))
}

fn counts(status: &StoreStatus) -> String {
    let states = SnapState::ALL.iter().zip(status.slices).filter(|&(_, count)| count > 0);
    let states: Vec<String> = states.map(|(state, count)| format!("{count} {state}")).collect();
    match status.slices.iter().sum::<usize>() {
        0 => "no slices".to_owned(),
        1 => format!("1 slice: {}", states.join(", ")),
        slices => format!("{slices} slices: {}", states.join(", ")),
    }
}
