//! A file of every released format, as it was written then.

use std::fs;
use std::path::PathBuf;

use region_store::format::{self, HEADER_LENGTH, Header, Kind, RegionId, Version};

use crate::files::{File, header, version_1};
use crate::script::blobs_of;

/// The path of a golden file.
pub(crate) fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/golden", name].iter().collect()
}

/// What is in a golden file.
pub(crate) fn read(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The regions.
pub(crate) const REGIONS: [&str; 6] = [
    "v1.region",
    "v1-empty.region",
    "v1-example.region",
    "v2.region",
    "v2-empty.region",
    "v2-example.region",
];
/// The journals, which have no seal.
pub(crate) const JOURNALS: [&str; 2] = ["v2-journal.region", "v2-journal-torn.region"];

/// Blobs of lengths around those at which padding changes, empty ones at either end.
fn blobs() -> Vec<Vec<u8>> {
    [0, 1, 7, 8, 9, 0, 0, 15, 16, 17, 40, 300, 0]
        .iter()
        .map(|&length| vec![b'a' + (length % 26) as u8; length])
        .collect()
}

const EXAMPLE: [&[u8]; 3] = [b"alpha", b"", b"beta"];

/// What each golden file was made of.
fn written(name: &str) -> Vec<u8> {
    let none: [&[u8]; 0] = [];
    let groups = || {
        let file = File::new(header(4_096)).block(Kind::JournalGroup, &[b"withdraw 5", b"deposits 5"]);
        file.block(Kind::JournalGroup, &[b""]).block(Kind::JournalGroup, &[vec![7; 5_000]])
    };
    match name {
        "v1.region" => version_1(&blobs()),
        "v1-example.region" => version_1(&EXAMPLE),
        "v1-empty.region" => version_1(&none),
        "v2.region" => {
            File::new(header(64))
                .block(Kind::Blobs, &blobs())
                .block(Kind::Blobs, &none)
                .block(Kind::Blobs, &[b""])
                .block(Kind::Skippable(0x8001), &[b"of no concern"])
                .block(Kind::JournalGroup, &blobs()[..5])
                .seal()
                .bytes
        }
        "v2-empty.region" => File::new(header(32)).seal().bytes,
        "v2-example.region" => {
            let region_id = RegionId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
            let header = Header { region_id, region_count: 1, ..Header::default() };
            File::new(header).block(Kind::Blobs, &EXAMPLE).block(Kind::Blobs, &[b"gamma"]).seal().bytes
        }
        "v2-journal.region" => groups().journal(HEADER_LENGTH + 6 * 4_096),
        "v2-journal-torn.region" => {
            let mut file = groups().journal(HEADER_LENGTH + 6 * 4_096);
            // The second page of the last group was not written.
            file[HEADER_LENGTH + 3 * 4_096..].fill(0);
            file
        }
        _ => panic!("{name} is not a golden file"),
    }
}

#[test]
fn golden_files_are_what_is_written() {
    for name in REGIONS.iter().chain(&JOURNALS) {
        assert!(read(name) == written(name), "{name} differs");
    }
}

#[test]
fn golden_files_are_read() {
    let whole = |name| {
        let summary = format::check(&read(name)).unwrap();
        (summary.version, summary.blobs, summary.blob_bytes, summary.blocks)
    };
    assert_eq!(whole("v1.region"), (Version::One, 13, 413, 0));
    assert_eq!(whole("v1-empty.region"), (Version::One, 0, 0, 0));
    assert_eq!(whole("v1-example.region"), (Version::One, 3, 9, 0));
    assert_eq!(whole("v2.region"), (Version::Two, 19, 438, 5));
    assert_eq!(whole("v2-empty.region"), (Version::Two, 0, 0, 0));
    assert_eq!(whole("v2-example.region"), (Version::Two, 4, 14, 2));

    assert_eq!(blobs_of(&read("v1.region")), blobs());
    let more = [vec![vec![]], blobs()[..5].to_vec()].concat();
    assert_eq!(blobs_of(&read("v2.region")), [blobs(), more].concat());
    assert_eq!(Header::decode(&read("v2.region")), Ok(header(64)));
}

#[test]
fn golden_journals_are_read_up_to_their_end() {
    for (name, groups) in [("v2-journal.region", 3), ("v2-journal-torn.region", 2)] {
        let file = read(name);
        let header = Header::decode(&file).unwrap();
        let mut offset = HEADER_LENGTH;
        let mut lengths = Vec::new();
        while let Some(block) = format::Block::decode(&file[offset..], offset as u64).unwrap() {
            if block.verify(header.region_id).is_err() {
                break;
            }
            assert_eq!(block.head().kind, Kind::JournalGroup);
            lengths.push(block.blobs().map(|blob| blob.unwrap().len()).collect::<Vec<_>>());
            offset += block.head().padded_length(header.alignment) as usize;
        }
        assert_eq!(lengths, [vec![10, 10], vec![0], vec![5_000]][..groups], "{name}");
    }
}

/// Not a test: makes the golden files of a new format. Those of a released one stay as they are.
#[test]
#[ignore = "writes files"]
fn write_golden_files_that_are_missing() {
    for name in REGIONS.iter().chain(&JOURNALS).filter(|name| !path(name).exists()) {
        fs::write(path(name), written(name)).unwrap();
    }
}
