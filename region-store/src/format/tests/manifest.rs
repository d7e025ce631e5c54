//! The manifest, by literal bytes both ways, and each rule of its tables.

use proptest::prelude::*;

use super::super::manifest::{
    MAX_MANIFEST_LENGTH, MAX_SPINDLES, Manifest, ManifestRegion, SliceIdentity, SnapId, Unspeakable,
};
use super::tables::hex;
use super::*;

/// One in which every field has another value.
fn telling_manifest() -> Manifest {
    let first = ManifestRegion {
        index: 1,
        spindle: 1,
        version: Version::Two,
        checksum: 0xa1a2_a3a4,
        region_id: RegionId(*b"region id number"),
        file_length: 0xb1b2_b3b4_b5b6_b7b8,
        blobs: 0xc1,
        blob_bytes: 0xd1,
        blocks: 0xe1,
    };
    let second = ManifestRegion {
        index: 3,
        spindle: 0,
        version: Version::One,
        region_id: RegionId::default(),
        blocks: 0,
        ..first
    };
    Manifest {
        snap_id: SnapId(*b"0123456789abcdef"),
        identity: SliceIdentity {
            domain: 0x1112_1314_1516_1718,
            view: 0x2122_2324_2526_2728,
            generation_clock: 0x3132_3334_3536_3738,
            generation_digest: 0x4142_4344_4546_4748,
            slice_key: 0x5152_5354,
        },
        created_ns: 0x6162_6364_6566_6768,
        region_count: 4,
        spindles: vec!["d1".to_owned(), "d10".to_owned()],
        regions: vec![first, second],
        note: b"note".to_vec(),
    }
}

fn telling_bytes() -> Vec<u8> {
    let mut bytes = hex("534c430d0a1a 0100  f8000000 00000000  30313233343536373839616263646566
        1817161514131211 2827262524232221 3837363534333231 4847464544434241 6867666564636261
        54535251 04000000  02000000 02000000  04000000 00000000
        01000000 01000000 02000000 a4a3a2a1  726567696f6e206964206e756d626572
        b8b7b6b5b4b3b2b1 c100000000000000 d100000000000000 e100000000000000
        03000000 00000000 01000000 a4a3a2a1  00000000000000000000000000000000
        b8b7b6b5b4b3b2b1 c100000000000000 d100000000000000 0000000000000000
        0200 6431  0300 643130  6e6f7465");
    bytes[8] = u8::try_from(bytes.len() + 4).unwrap();
    bytes.extend_from_slice(&crc32c(&bytes).to_le_bytes());
    bytes
}

/// The bytes with others in a place, and a checksum that is right.
fn changed(at: usize, to: &[u8]) -> Vec<u8> {
    let mut bytes = telling_bytes();
    bytes[at..at + to.len()].copy_from_slice(to);
    resealed(bytes)
}

fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let covered = bytes.len() - 4;
    let checksum = crc32c(&bytes[..covered]).to_le_bytes();
    bytes[covered..].copy_from_slice(&checksum);
    bytes
}

#[test]
fn a_manifest_lists_regions_and_spindles() {
    let manifest = telling_manifest();
    assert_eq!(manifest.encode().unwrap(), telling_bytes());
    assert_eq!(Manifest::decode(&telling_bytes()), Ok(manifest.clone()));
    assert_eq!((manifest.blobs(), manifest.blob_bytes()), (2 * 0xc1, 2 * 0xd1));
    assert_eq!(manifest.file_bytes(), u64::MAX, "a sum that is too much ends there");

    let empty = Manifest { spindles: vec!["one".to_owned()], ..Manifest::default() };
    assert_eq!(Manifest::decode(&empty.encode().unwrap()), Ok(empty));
}

#[test]
fn each_rule_is_checked() {
    let broken = [
        ("manifest signature", changed(3, b"\n")),
        ("manifest version", changed(6, &[0, 0])),
        ("manifest version", changed(6, &[2, 0])),
        ("manifest length", changed(8, &[1])),
        ("must-understand flags", changed(12, &[1])),
        ("listed regions", changed(80, &[5])),
        ("spindles", changed(84, &4_097_u32.to_le_bytes())),
        ("note length", changed(88, &[3])),
        ("note", changed(88, &[5])),
        ("note", changed(88, &[0xff; 4])),
        ("region index", changed(96, &[4])),
        ("region index", changed(160, &[1])),
        ("region's spindle", changed(100, &[2])),
        ("region's version", changed(104, &[0])),
        ("region's version", changed(104, &[3])),
        ("spindle name", changed(224, &[0])),
        ("spindle name", changed(226, &[0xff])),
        ("spindle name", changed(228, &[0xff, 0xff])),
        ("spindle name", changed(224, &[2, 0, b'd', b'1', 2, 0, b'd', b'1'])),
    ];
    for (number, (field, bytes)) in broken.iter().enumerate() {
        let damage = Manifest::decode(bytes).expect_err(field);
        assert_eq!(damage.field, *field, "{number}: {damage}");
    }
    let newer = Manifest::decode(&changed(6, &[2, 0])).unwrap_err();
    assert!(newer.to_string().contains("upgrade"), "{newer}");
    // As many regions as are listed, and no bytes behind the head.
    let mut head = telling_bytes()[..100].to_vec();
    head[8..12].copy_from_slice(&100_u32.to_le_bytes());
    assert_eq!(Manifest::decode(&resealed(head)).unwrap_err().field, "regions");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (at, to, field) in [
        (160, 1, "region index"),
        (164, 2, "region's spindle"),
        (168, 3, "region's version"),
        (224, 0, "spindle name"),
        (228, 0, "spindle name"),
    ] {
        let damage = Manifest::decode(&changed(at, &[to])).unwrap_err();
        assert_eq!((damage.field, damage.offset), (field, at as u64));
    }
}

#[test]
#[cfg_attr(miri, ignore = "16 MiB and their checksums take too long")]
fn a_manifest_may_be_as_long_as_it_may_and_have_as_many_spindles() {
    let spindles: Vec<String> = (0..MAX_SPINDLES).map(|number| number.to_string()).collect();
    let manifest = Manifest { spindles, ..Manifest::default() };
    assert_eq!(Manifest::decode(&manifest.encode().unwrap()), Ok(manifest));

    // Beside a note, a head of 96 bytes and a checksum of 4.
    let note = vec![7; MAX_MANIFEST_LENGTH - 100];
    let mut bytes = Manifest { note: note.clone(), ..Manifest::default() }.encode().unwrap();
    assert_eq!(bytes.len(), MAX_MANIFEST_LENGTH);
    assert!(Manifest::decode(&bytes).is_ok_and(|manifest| manifest.note == note));
    bytes.push(0);
    let length = u32::try_from(bytes.len()).unwrap();
    bytes[8..12].copy_from_slice(&length.to_le_bytes());
    bytes[88..92].copy_from_slice(&(length - 100).to_le_bytes());
    assert_eq!(Manifest::decode(&resealed(bytes)).unwrap_err().field, "manifest length");
}

#[test]
fn a_snap_id_is_told_in_hexadecimal() {
    assert_eq!(SnapId(*b"0123456789abcdef").to_string(), "30313233343536373839616263646566");
}

#[test]
fn what_a_manifest_cannot_say_is_refused() {
    let spindles = |names: &[&str]| Manifest {
        spindles: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Manifest::default()
    };
    let long = "n".repeat(256);
    assert!(spindles(&["d1", "d10", &long[1..]]).encode().is_ok());
    for names in [&["d1", "d1"][..], &[""], &[&long]] {
        assert_eq!(spindles(names).encode(), Err(Unspeakable));
    }
    let many: Vec<String> = (0..=MAX_SPINDLES).map(|number| number.to_string()).collect();
    assert_eq!(Manifest { spindles: many, ..Manifest::default() }.encode(), Err(Unspeakable));
    let note = vec![0; MAX_MANIFEST_LENGTH];
    assert_eq!(Manifest { note, ..Manifest::default() }.encode(), Err(Unspeakable));
}

#[test]
fn every_bit_and_every_length_is_checked() {
    let bytes = telling_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Manifest::decode(&damaged).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(Manifest::decode(&bytes[..length]).is_err(), "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 2_000 }) })]

    /// Whatever passes the checksum is decoded without a panic, and is what its encoding says.
    #[test]
    fn any_bytes_are_decoded_or_refused(changes in prop::collection::vec((12_usize..244, any::<u8>()), 1..6)) {
        let mut bytes = telling_bytes();
        for (at, byte) in changes {
            let end = bytes.len() - 5;
            bytes[at.min(end)] = byte;
        }
        let bytes = resealed(bytes);
        if let Ok(manifest) = Manifest::decode(&bytes) {
            let again = manifest.encode().map(|bytes| Manifest::decode(&bytes));
            prop_assert_eq!(again, Ok(Ok(manifest)));
        }
    }
}
