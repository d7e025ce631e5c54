//! `docs/region-format.md` says what the bytes are.

use std::fs;
use std::path::Path;

use crate::golden;
use crate::rules::broken;

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/region-format.md")).unwrap()
}

#[test]
#[cfg_attr(miri, ignore = "is about a document")]
fn the_examples_are_the_bytes_of_the_golden_files() {
    let document = document();
    for name in ["v1-example.region", "v2-example.region"] {
        let (_, after) = document.split_once(&format!("`region-store/tests/golden/{name}`")).unwrap();
        let (_, dump) = after.split_once("```text\n").unwrap();
        let (dump, _) = dump.split_once("```").unwrap();
        assert!(bytes_of(dump) == golden::read(name), "{name} is not what the document shows");
    }
}

/// The bytes of a dump: lines of an offset and what is there in hexadecimal, up to a `|`. In between are zeros.
fn bytes_of(dump: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in dump.lines().skip(1).filter(|line| !line.is_empty()) {
        let mut words = line.split('|').next().unwrap().split_whitespace();
        let offset: usize = words.next().unwrap().parse().unwrap();
        assert!(offset >= bytes.len(), "{line}");
        bytes.resize(offset, 0);
        bytes.extend(words.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    bytes
}

#[test]
#[cfg_attr(miri, ignore = "is about a document")]
fn each_rule_is_in_the_order_of_checks() {
    let document = document();
    let (_, order) = document.split_once("## The order of checks").unwrap();
    for broken in broken() {
        let field = format!("\n| {} | ", broken.field);
        assert!(order.contains(&field), "{} is not in the order of checks", broken.field);
    }
}

#[test]
#[cfg_attr(miri, ignore = "is about a document")]
fn the_tables_are_those_of_the_sources() {
    let document = document();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/format");
    for name in ["v1", "header", "block", "index", "seal", "manifest"] {
        let source = fs::read_to_string(sources.join(name).with_extension("rs")).unwrap();
        let tables = tables_of(&source);
        assert!(!tables.is_empty(), "{name} has a table");
        for table in tables {
            assert!(document.contains(&table), "a table of {name} is another in the document:\n{table}");
        }
    }
}

/// The tables in a module's documentation.
fn tables_of(source: &str) -> Vec<String> {
    let rows = source.lines().map(|line| line.strip_prefix("//! ").filter(|row| row.starts_with('|')));
    let rows: Vec<Option<&str>> = rows.collect();
    let tables = rows.split(|row| row.is_none()).filter(|table| !table.is_empty());
    tables.map(|table| table.iter().flatten().flat_map(|row| [row, "\n"]).collect()).collect()
}

#[test]
#[cfg(unix)]
#[cfg_attr(miri, ignore = "is about a document")]
fn the_longest_block_of_a_journal_is_told() {
    let bytes = region_store::journal::MAX_GROUP_LENGTH;
    assert_eq!(bytes, 1_048_576);
    assert!(document().contains("at most 1,048,576\nbytes with its padding"));
}
