//! What is said of what a store does by itself.

use std::io::Write as _;

use region_store::store::{Event, Leftover};

/// Says what is missing, and what is found that is no slice.
pub(super) fn hear(event: &Event) {
    match event {
        Event::SpindleMissing { name, why } => {
            note(&format!("the spindle {name} is missing, and what has a part on it cannot be had: {why}"));
        }
        Event::Removed(leftover) => note(&format!("removed {}", sentence(leftover))),
        Event::Kept(leftover) => note(&format!("left, though it is no slice: {}", sentence(leftover))),
        _ => {}
    }
}

/// Says how many slices were found, if any were.
pub(super) fn say_found(slices: usize) {
    match slices {
        0 => {}
        1 => note("found 1 slice"),
        slices => note(&format!("found {slices} slices")),
    }
}

fn sentence(leftover: &Leftover) -> String {
    let first = leftover.paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    match leftover.paths.len() {
        0 | 1 => format!("{first}: {}", leftover.why),
        paths => format!("{first} and {} more: {}", paths - 1, leftover.why),
    }
}

/// If nobody reads it, the store goes on.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "region: {text}");
}
