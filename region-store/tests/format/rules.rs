//! Every rule of the formats, and a file that breaks it and no other that is looked at before.

use std::sync::LazyLock;

use region_store::format::{self, Damage, Kind, Problem, RegionId, SEAL_LENGTH, Seal, Version, v1};

use crate::files::{File, header, mend, version_1};

/// A file, and the field and offset that its damage names.
pub(crate) struct Broken {
    pub(crate) file: Vec<u8>,
    pub(crate) field: &'static str,
    pub(crate) offset: u64,
}

const BLOCK: usize = 4_096;
const SECOND: usize = BLOCK + 96;
const INDEX: usize = SECOND + 64;
const SEAL: usize = INDEX + 96;

/// A region of two blocks: 68 and 52 bytes of blocks, 72 of index.
static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let blobs: [&[u8]; 3] = [b"alpha", b"", b"beta"];
    let file = File::new(header(32)).block(Kind::Blobs, &blobs).block(Kind::Blobs, &[b"gamma"]);
    let file = file.seal().bytes;
    assert_eq!(file.len(), SEAL + SEAL_LENGTH);
    file
});

/// The region with other bytes at one place.
fn changed(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = WHOLE.clone();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    file
}

/// The region with other numbers, and checksums over what it says then.
fn mended(numbers: &[(usize, u32)]) -> Vec<u8> {
    let mut file = WHOLE.clone();
    for (offset, number) in numbers {
        file[*offset..offset + 4].copy_from_slice(&number.to_le_bytes());
    }
    mend(&mut file);
    file
}

/// The region with a seal that says something else.
fn resealed(change: impl FnOnce(&mut Seal)) -> Vec<u8> {
    let mut file = WHOLE.clone();
    let mut seal = Seal::decode(&file[SEAL..], header(32).region_id, SEAL as u64).unwrap();
    change(&mut seal);
    file.truncate(SEAL);
    file.extend_from_slice(&seal.encode(header(32).region_id, SEAL as u64));
    file
}

/// The region with a gap before the seal, which is right otherwise.
fn with_gap() -> Vec<u8> {
    let mut file = resealed(|_| {});
    let mut seal = Seal::decode(&file[SEAL..], header(32).region_id, SEAL as u64).unwrap();
    file.truncate(SEAL);
    file.extend_from_slice(&[0; 32]);
    seal.file_length += 32;
    file.extend_from_slice(&seal.encode(header(32).region_id, SEAL as u64 + 32));
    file
}

/// A seal where the padding of the block before it should be.
fn without_padding() -> Vec<u8> {
    let mut file = File::new(header(4_096)).block(Kind::Blobs, &[b"gamma"]).journal(BLOCK + 56);
    let offset = file.len() as u64;
    let file_length = offset + SEAL_LENGTH as u64;
    let seal = Seal { index_offset: 0, blobs: 1, blob_bytes: 5, blocks: 1, file_length, blocks_checksum: 0 };
    file.extend_from_slice(&seal.encode(header(4_096).region_id, offset));
    file
}

/// In the order of `docs/region-format.md`.
pub(crate) fn broken() -> Vec<Broken> {
    let all = [version_1_rules(), header_rules(), seal_rules(), block_rules(), index_rules()];
    all.into_iter()
        .flatten()
        .map(|(file, field, offset)| Broken { file, field, offset: offset as u64 })
        .collect()
}

type Row = (Vec<u8>, &'static str, usize);

fn version_1_rules() -> Vec<Row> {
    let after_one = |rest: &[u8]| [version_1(&[b"one"]).as_slice(), rest].concat();
    vec![
        (vec![], "magic and version", 0),
        (vec![85], "magic and version", 0),
        (vec![84, 1], "magic", 0),
        (vec![85, 0], "version", 1),
        (vec![85, 3], "version", 1),
        (vec![85, 1, 0], "blob length", 2),
        (after_one(&[0, 0, 0]), "blob length", 9),
        (after_one(&[0xff, 0xff, 0xff, 0xff]), "blob length", 9),
        (after_one(&[0, 0, 0, 0x80, 1]), "blob length", 9),
        (after_one(&[1, 0, 0, 0]), "blob", 13),
        (after_one(&[0xff, 0xff, 0xff, 0x7f, 1]), "blob", 13),
        // A region of version 2 taken for one of version 1: its signature is a long length.
        (changed(1, &[1]), "blob", 6),
    ]
}

fn header_rules() -> Vec<Row> {
    vec![
        (vec![85, 2], "header", 0),
        (WHOLE[..4_095].to_vec(), "header", 0),
        (changed(1, &[3]), "version", 1),
        (changed(5, &[0x0a, 0x0a, 0x1a]), "signature", 2),
        (mended(&[(8, 8_192)]), "header length", 8),
        (changed(60, &[0xff]), "header checksum", 4_092),
        (changed(2_000, &[1]), "header checksum", 4_092),
        // Damage is not taken for a flag.
        (changed(12, &[1]), "header checksum", 4_092),
        (mended(&[(12, 0x8000_0000)]), "must-understand flags", 12),
        (mended(&[(20, 0)]), "alignment", 20),
        (mended(&[(20, 4)]), "alignment", 20),
        (mended(&[(20, 24)]), "alignment", 20),
        (mended(&[(20, 8_192)]), "alignment", 20),
    ]
}

fn seal_rules() -> Vec<Row> {
    let cut = |length: usize| WHOLE[..length].to_vec();
    vec![
        (cut(BLOCK), "seal", BLOCK),
        (cut(BLOCK + 63), "seal", BLOCK),
        (cut(SEAL + SEAL_LENGTH - 1), "seal tag", SEAL - 1),
        (changed(SEAL, &[0; SEAL_LENGTH]), "seal tag", SEAL),
        (changed(SEAL + 16, &[9]), "seal checksum", SEAL + 4),
        (changed(SEAL + 63, &[1]), "seal checksum", SEAL + 4),
        (mended(&[(SEAL + 40, 5_000)]), "file length", SEAL + 40),
        (with_gap(), "seal", SEAL),
        (resealed(|seal| seal.index_offset = SECOND as u64), "index offset", SEAL + 8),
        (resealed(|seal| seal.blobs = 3), "blobs", SEAL + 16),
        (resealed(|seal| seal.blob_bytes = u64::MAX), "blob bytes", SEAL + 24),
        (resealed(|seal| seal.blocks = 3), "blocks", SEAL + 32),
        (resealed(|seal| seal.blocks_checksum ^= 1), "blocks checksum", SEAL + 48),
    ]
}

fn block_rules() -> Vec<Row> {
    let kind = |number: u32| mended(&[(BLOCK + 28, number)]);
    // Length, blob count and length of the data, of which a huge block is consistent with itself.
    let lengths =
        |length, blobs, data| mended(&[(BLOCK + 8, length), (BLOCK + 12, blobs), (BLOCK + 24, data)]);
    let end = |number: usize, end| mended(&[(BLOCK + 40 + 16 + 4 * number, end)]);
    vec![
        (changed(BLOCK, &[0; 4]), "tag", BLOCK),
        (changed(INDEX, &[0; 4]), "tag", INDEX),
        (changed(SECOND, b"BLK1"), "tag", SECOND),
        (without_padding(), "block head", 8_192),
        (kind(2), "kind", BLOCK + 28),
        (kind(17), "kind", BLOCK + 28),
        (kind(0x7fff), "kind", BLOCK + 28),
        (kind(0x0001_0000), "block flags", BLOCK + 30),
        (lengths(69, 3, 17), "data length", BLOCK + 24),
        (lengths(67, 3, 16), "block length", BLOCK + 8),
        (lengths(u32::MAX, 3, 16), "block length", BLOCK + 8),
        (lengths(68, u32::MAX, 16), "block length", BLOCK + 8),
        (lengths(64, 0x4000_0002, 16), "block length", BLOCK + 8),
        (lengths(68, 3, 0xffff_fff8), "block length", BLOCK + 8),
        (lengths(1 << 31, 0, (1 << 31) - 40), "block length", BLOCK + 8),
        (lengths((1 << 31) - 8, 0, (1 << 31) - 48), "block", BLOCK),
        (lengths((1 << 31) - 4, (1 << 29) - 11, 0), "block", BLOCK),
        (lengths(352, 0, 312), "block", BLOCK),
        (changed(BLOCK + 40, b"A"), "block checksum", BLOCK + 4),
        (changed(BLOCK + 32, &[1]), "block checksum", BLOCK + 4),
        (changed(BLOCK + 45, &[1]), "block checksum", BLOCK + 4),
        (mended(&[(BLOCK + 16, 1)]), "first ordinal", BLOCK + 16),
        (mended(&[(SECOND + 20, 1)]), "first ordinal", SECOND + 16),
        (end(1, 7), "blob end", BLOCK + 60),
        (end(2, 17), "blob end", BLOCK + 64),
        (end(0, u32::MAX), "blob end", BLOCK + 56),
        (end(2, 8), "data length", BLOCK + 24),
        (lengths(64, 0, 24), "data length", BLOCK + 24),
    ]
}

fn index_rules() -> Vec<Row> {
    let lengths =
        |length, blobs, data| mended(&[(INDEX + 8, length), (INDEX + 12, blobs), (INDEX + 24, data)]);
    vec![
        (mended(&[(INDEX + 16, 5)]), "first ordinal", INDEX + 16),
        (lengths(68, 1, 24), "blob count", INDEX + 12),
        (lengths(64, 0, 24), "data length", INDEX + 24),
        (mended(&[(INDEX + 40, 4_097)]), "block offset", INDEX + 40),
        (mended(&[(INDEX + 60, 1)]), "block offset", INDEX + 56),
        (mended(&[(INDEX + 64, 2)]), "first ordinal", INDEX + 64),
        (lengths(56, 0, 16), "data length", INDEX + 24),
        (lengths(88, 0, 48), "data length", INDEX + 24),
    ]
}

#[test]
fn each_rule_is_named_by_field_and_offset() {
    assert!(format::check(&WHOLE).is_ok());
    for Broken { file, field, offset } in broken().into_iter().step_by(if cfg!(miri) { 8 } else { 1 }) {
        let damage = format::check(&file).unwrap_err();
        assert_eq!((damage.field, damage.offset), (field, offset), "{damage}");
        assert!(damage.to_string().starts_with(&format!("{field} at offset {offset}: ")));
    }
}

#[test]
fn what_is_newer_says_what_to_upgrade() {
    let newer =
        [changed(1, &[3]), mended(&[(12, 4)]), mended(&[(BLOCK + 28, 31)]), mended(&[(BLOCK + 28, 1 << 16)])];
    for (file, found) in newer.iter().zip([3, 4, 31, 1]) {
        let damage = format::check(file).unwrap_err();
        assert_eq!(damage.problem, Problem::Unsupported { found }, "{damage}");
        let advice = "is not known to this version of region-store; upgrade it to read the file";
        assert!(damage.to_string().ends_with(advice), "{damage}");
    }
}

#[test]
fn a_block_of_a_kind_that_may_be_skipped_is() {
    for number in [0x8000, 0xffff] {
        let skipped: [&[u8]; 2] = [b"not a blob", b""];
        let file = File::new(header(32))
            .block(Kind::Skippable(number), &skipped)
            .block(Kind::Blobs, &[b"alpha"])
            .block(Kind::Skippable(number), &skipped[..0])
            .block(Kind::JournalGroup, &[b"beta"])
            .seal();
        let summary = format::check(&file.bytes).unwrap();
        assert_eq!((summary.blobs, summary.blob_bytes, summary.blocks), (2, 9, 4));
    }
}

#[test]
fn a_stale_or_misplaced_block_does_not_pass() {
    // Three blocks of one length and shape, so that nothing but their place tells them apart.
    let file = File::new(header(32)).block::<&[u8]>(Kind::Skippable(0x8000), &[]);
    let file = file.block::<&[u8]>(Kind::Skippable(0x8000), &[]).seal().bytes;
    let mut swapped = file.clone();
    swapped.copy_within(BLOCK + 64..BLOCK + 128, BLOCK);
    let damage = format::check(&swapped).unwrap_err();
    assert_eq!((damage.field, damage.offset), ("block checksum", BLOCK as u64 + 4));

    let mut other = header(32);
    other.region_id = RegionId([7; 16]);
    let mut stale = file;
    stale[..BLOCK].copy_from_slice(&other.encode());
    let damage = format::check(&stale).unwrap_err();
    assert_eq!(damage.field, "seal checksum");
    let seal =
        Seal::decode(&stale[stale.len() - 64..], header(32).region_id, stale.len() as u64 - 64).unwrap();
    let seal_offset = stale.len() - 64;
    stale[seal_offset..].copy_from_slice(&seal.encode(other.region_id, seal_offset as u64));
    let damage = format::check(&stale).unwrap_err();
    assert_eq!((damage.field, damage.offset), ("block checksum", BLOCK as u64 + 4));
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn a_tail_of_zeros_passes_for_empty_blobs_in_version_1_and_never_in_version_2() {
    let blobs: [&[u8]; 2] = [b"alpha", b"beta"];
    let mut old = version_1(&blobs);
    old.extend_from_slice(&[0; 4 * 1_000]);
    let summary = format::check(&old).unwrap();
    assert_eq!((summary.version, summary.blobs, summary.blob_bytes), (Version::One, 1_002, 9));

    let new = File::new(header(32)).block(Kind::Blobs, &blobs).seal().bytes;
    for zeros in [1, 4, 32, 64, 4_000] {
        let mut longer = new.clone();
        longer.resize(new.len() + zeros, 0);
        let seal_offset = (longer.len() - SEAL_LENGTH) as u64;
        let damage = format::check(&longer).unwrap_err();
        assert_eq!((damage.field, damage.offset), ("seal tag", seal_offset), "{zeros} zeros");
    }
    // The last twelve are zeros anyway.
    for zeros in 13..new.len() - BLOCK {
        let mut torn = new.clone();
        torn[new.len() - zeros..].fill(0);
        assert!(format::check(&torn).is_err(), "{zeros} zeros");
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn a_file_cut_short_shows_unless_version_1_is_cut_between_blobs() {
    let blobs: [&[u8]; 4] = [b"alpha", b"", b"beta", b"x"];
    let old = version_1(&blobs);
    let borders = [2, 11, 15, 23, 28];
    for length in 0..=old.len() {
        assert_eq!(format::check(&old[..length]).is_ok(), borders.contains(&length), "{length} bytes");
    }
    let new = &*WHOLE;
    for length in 0..new.len() {
        let damage = format::check(&new[..length]).unwrap_err();
        assert!(damage.offset <= length.max(BLOCK) as u64, "{damage}: {length} bytes");
    }
}

#[test]
fn blobs_of_version_1_end_after_an_error() {
    let mut file = version_1(&[b"alpha"]);
    file.extend_from_slice(&[9, 0, 0, 0, 1, 0, 0, 0, b'x']);
    let mut blobs = v1::Blobs::new(&file).unwrap();
    assert_eq!(blobs.next(), Some(Ok(&b"alpha"[..])));
    assert_eq!(blobs.offset(), 11);
    let problem = Problem::Truncated { needed: 9, left: 5 };
    assert_eq!(blobs.next(), Some(Err(Damage { field: "blob", offset: 15, problem })));
    assert_eq!(blobs.next(), None);
}
