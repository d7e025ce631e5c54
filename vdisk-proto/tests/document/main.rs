//! `docs/protocol.md` says what the bytes are: its tables and examples are compared with what the crate does.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod examples;
mod tables;

use std::fs;
use std::path::Path;

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md")).unwrap()
}

#[test]
fn the_device_that_was_written_from_it_is_there() {
    let name = "vdisk-proto/tests/python/device.py";
    assert!(document().contains(name));
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).is_file());
}

/// What stands below a heading, up to the next one of its level or a higher one.
fn section(heading: &str) -> String {
    let document = document();
    let (_, after) = document.split_once(&format!("\n{heading}\n")).unwrap();
    let level = heading.split(' ').next().unwrap().len();
    let is_next = |line: &&str| (1..=level).any(|level| line.starts_with(&format!("{} ", "#".repeat(level))));
    after.lines().take_while(|line| !is_next(line)).map(|line| format!("{line}\n")).collect()
}

/// The bytes of each dump in a text: lines of an offset and what is there in hexadecimal, up to a `|`.
fn dumps(text: &str) -> Vec<Vec<u8>> {
    text.split("```text\noffset").skip(1).map(|dump| bytes_of(dump.split("```").next().unwrap())).collect()
}

fn bytes_of(dump: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in dump.lines().skip(1) {
        let mut words = line.split('|').next().unwrap().split_whitespace();
        let offset: usize = words.next().unwrap().parse().unwrap();
        assert_eq!(offset, bytes.len(), "{line}");
        bytes.extend(words.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    bytes
}

/// The rows of the table whose head has this cell, without their head; each a list of cells.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let mut lines = text.lines().skip_while(|line| !line.contains(&format!("| {head} |")));
    let rows: Vec<Vec<String>> =
        lines.by_ref().skip(2).take_while(|line| line.starts_with('|')).map(cells).collect();
    assert!(!rows.is_empty(), "there is no table of {head}");
    rows
}
