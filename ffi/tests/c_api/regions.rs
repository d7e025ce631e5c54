//! Regions that a program in C writes are read in Rust, and the other way round.

use std::path::Path;

use region_store::format::Version;
use region_store::{Options, Region, RegionWriter};

use crate::language::{self, C99, CPP17, Language, assert_success};

const BLOBS: u64 = 13;
const LENGTHS: [usize; 4] = [0, 1, 137, 1 << 20];

#[test]
fn regions_are_exchanged_with_c99() {
    exchange(&C99);
}

#[test]
fn regions_are_exchanged_with_cpp17() {
    exchange(&CPP17);
}

fn exchange(language: &Language) {
    let Some(compiler) = language.compiler() else { return };
    let source = language::package().join("tests/regions/exchange.c");
    let program = compiler.compile(&source, "exchange", &[]);
    let folder = tempfile::tempdir().expect("there is room for a folder");
    for (version, number) in [(Version::One, "1"), (Version::Two, "2")] {
        let (of_c, of_rust) = (folder.path().join("c.region"), folder.path().join("rust.region"));
        for (order, path) in [("write", &of_c), ("read", &of_rust)] {
            if order == "read" {
                write(path, version);
            }
            let path = path.to_str().expect("a scratch folder is UTF-8");
            let run = language::run(&program, &[order, path, number, &BLOBS.to_string()]);
            assert_success(&run, &source);
        }
        read(&of_c, version);
        for path in [of_c, of_rust] {
            std::fs::remove_file(path).expect("it is there");
        }
    }
}

fn write(path: &Path, version: Version) {
    let options = Options { version, ..Options::default() };
    let mut writer = RegionWriter::create(path, &options).expect("there is room for a region");
    for ordinal in 0..BLOBS {
        writer.push(&blob(ordinal)).expect("there is room for a blob");
    }
    writer.seal().expect("there is a disk");
}

fn read(path: &Path, version: Version) {
    let region = Region::open(path).expect("it is a region");
    assert_eq!(region.version(), version);
    assert!(region.blobs().map(|blob| blob.expect("it is whole")).eq((0..BLOBS).map(blob)));
    let summary = region.verify(|_, _| ()).expect("it is whole");
    assert_eq!(summary.blobs, BLOBS);
}

/// As `length_of` and `blob_of` in `tests/c/region.h` say.
fn blob(ordinal: u64) -> Vec<u8> {
    let ordinal = usize::try_from(ordinal).expect("it is small");
    let length = LENGTHS.iter().copied().cycle().nth(ordinal).expect("it repeats for ever");
    let start = ordinal * 31 % 4_096;
    let byte = |at: usize| u8::try_from((at * 7 + at / 251) % 256).expect("it is below 256");
    (start..start + length).map(byte).collect()
}
