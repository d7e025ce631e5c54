//! The committed header is what cbindgen makes of the sources, laid out as a manual.

mod manual;

use std::{env, fs, path::Path};

#[test]
fn header_is_what_the_sources_say() {
    let header = package().join("../include/sector_cache.h");
    let generated = generated();

    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&header, &generated).expect("the header can be written");
    }
    let committed = fs::read_to_string(&header).unwrap_or_default();
    assert!(
        committed == generated,
        "include/sector_cache.h has drifted: run UPDATE_HEADER=1 cargo test -p sector-cache-ffi --test header"
    );
}

#[test]
fn header_has_no_long_lines() {
    let header = generated();
    let long: Vec<&str> = header.lines().filter(|line| line.chars().count() > manual::WIDTH).collect();
    assert!(long.is_empty(), "longer than {} columns: {long:#?}", manual::WIDTH);
}

/// The bytes of the mailbox are described where they are read and written, and the header has the same words.
#[test]
fn header_has_the_table_of_the_mailbox() {
    let definition = package().join("../sector-cache/src/mailbox.rs");
    let definition = fs::read_to_string(definition).expect("it is there");
    let (_, table) = definition.split_once("//! | Offset").expect("it starts with a table");
    let (table, _) = table.split_once("//!\n//! | Service").expect("another follows");
    let table = format!("//! | Offset{table}").replace("//!", " *");
    assert!(generated().contains(&table), "not in the header:\n{table}");
}

fn generated() -> String {
    let mut generated = Vec::new();
    cbindgen::generate(package()).expect("cbindgen reads the sources").write(&mut generated);
    manual::lay_out(&String::from_utf8(generated).expect("a header is text"))
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
