//! What `docs/store.md` says of the defaults is so.

use super::*;

#[test]
#[cfg_attr(miri, ignore = "is about a document")]
fn the_defaults_are_those_of_the_document() {
    let options = StoreOptions::default();
    let marks = |marks: Marks| format!("{} % and {} %", marks.high, marks.low);
    let minutes = |time: Duration| format!("{} min", time.as_secs() / 60);
    let seconds = |time: Duration| format!("{} s", time.as_secs());
    let tender = options.tender.unwrap();
    let processors = std::thread::available_parallelism().unwrap();
    assert_eq!((options.regions, options.scanners), (processors.get(), processors));
    assert_eq!((options.memory_bytes, options.disk_bytes), (None, None));
    assert_eq!((options.access, options.verify), (crate::Access::Map, crate::Verify::Once));
    assert_eq!(options.impellers.queue_bytes, 8_388_608);
    let said = [
        ("spindles", "none".to_owned()),
        ("impellers.threads", format!("{} a spindle", options.impellers.threads)),
        ("impellers.queue_bytes", "8,388,608".to_owned()),
        ("regions", "as many as processors".to_owned()),
        ("scanners", "as many as processors".to_owned()),
        ("access", "`Map`".to_owned()),
        ("verify", "`Once`".to_owned()),
        ("memory_bytes", "the machine's or the control group's".to_owned()),
        ("memory_marks", marks(options.memory_marks)),
        ("disk_bytes", "what the slices have and what is free".to_owned()),
        ("disk_marks", marks(options.disk_marks)),
        ("times_to_live.evict", minutes(options.times_to_live.evict)),
        ("times_to_live.flush", minutes(options.times_to_live.flush)),
        ("times_to_live.erase", minutes(options.times_to_live.erase)),
        ("tender", format!("after {}, then every {}", seconds(tender.first), seconds(tender.every))),
        ("retries", options.retries.to_string()),
        ("heal_after", seconds(options.heal_after)),
        ("patience", seconds(options.patience)),
    ];
    assert_eq!(rows("## What there is to set"), said.map(|(option, default)| (option.to_owned(), default)));
}

#[test]
#[cfg(feature = "object-store")]
#[cfg_attr(miri, ignore = "is about a document")]
fn the_other_bounds_are_those_of_the_document() {
    use super::super::{objects, options, rubbish};
    assert_eq!((options::FILES_PART, objects::PIECE_BYTES), (2, 8_388_608));
    let said = [
        ("files of slices in memory", "half of those that the process may have open".to_owned()),
        ("attempts to remove what an opening could not", rubbish::ATTEMPTS.to_string()),
        ("regions that an `ObjectLoader` transfers at once", format!("{}, by `at_once`", objects::AT_ONCE)),
        ("bytes of its requests", "8,388,608".to_owned()),
    ];
    assert_eq!(rows("## What bounds it beside"), said.map(|(bound, value)| (bound.to_owned(), value)));
}

/// The first two cells of each row of the table below a heading.
fn rows(heading: &str) -> Vec<(String, String)> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/store.md");
    let document = std::fs::read_to_string(document).unwrap();
    document
        .lines()
        .skip_while(|line| *line != heading)
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            (cells.next().unwrap().trim_matches('`').to_owned(), cells.next().unwrap().to_owned())
        })
        .collect()
}
