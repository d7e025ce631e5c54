//! What is found in files that are cut, damaged, or long.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs;

use super::*;
use crate::format::tests::{sealed, telling_header, version_1};

/// What is found in a file of these bytes, and the blobs.
fn find_in(bytes: &[u8]) -> (Found, Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.region");
    fs::write(&path, bytes).unwrap();
    let mut blobs = Vec::new();
    let found = find(&path, Mode::Strict, |blob| {
        blobs.push(blob.to_vec());
        Ok(())
    });
    let found = found.unwrap();
    assert_eq!((found.blobs, found.blob_bytes), (blobs.len() as u64, blobs.concat().len() as u64));
    (found, blobs)
}

#[test]
fn blobs_of_version_1_are_found_however_long_they_are() {
    // As long as what is read at once, with and without their lengths, a little longer, and much.
    let piece = usize::try_from(PIECE).unwrap();
    for length in [0, 1, piece - 5, piece - 4, piece - 3, piece, piece + 1, 3 * piece] {
        let long = vec![7; length];
        let blobs = [b"a".to_vec(), long.clone(), b"b".to_vec(), long, b"c".to_vec()];
        let file = version_1(&blobs.each_ref().map(Vec::as_slice));
        let (found, read) = find_in(&file);
        assert!(found.damage.is_none() && read == blobs, "{length}: {found:?}");

        let (found, read) = find_in(&file[..file.len() - 1]);
        let damage = found.damage.unwrap();
        assert_eq!((damage.field, damage.offset), ("blob", file.len() as u64 - 1), "{length}");
        assert_eq!(damage.problem, crate::format::Problem::Truncated { needed: 1, left: 0 });
        assert!(read == blobs[..4], "{length}");
    }
}

#[test]
fn many_blobs_of_version_1_are_found_where_no_border_is_theirs() {
    let blobs: Vec<Vec<u8>> = (0..300_u32).map(|number| number.to_le_bytes().repeat(3_001)).collect();
    let file = version_1(&blobs.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert!(file.len() as u64 > 3 * PIECE);
    let (found, read) = find_in(&file);
    assert!(found.damage.is_none() && read == blobs, "{found:?}");
}

#[test]
fn a_region_that_ends_with_a_whole_block_has_no_damage() {
    let file = sealed(&telling_header(), &[&[b"one", b"two"], &[b"three"]]);
    let (found, blobs) = find_in(&file);
    assert_eq!((found.is_sealed, found.blocks, found.damage), (true, 2, None));
    assert_eq!(blobs, [&b"one"[..], b"two", b"three"]);
    // Without index and seal; then without the last byte of a block, too.
    let end = 4_096 + 2 * 64;
    let (found, blobs) = find_in(&file[..end]);
    assert_eq!((found.is_sealed, found.blocks, found.damage), (false, 2, None));
    assert_eq!(blobs.len(), 3);
    let (found, blobs) = find_in(&file[..end - 32]);
    assert_eq!((found.blocks, blobs.len()), (1, 2));
    assert_eq!(found.damage.unwrap().offset, 4_160);
}

#[test]
fn a_salvaged_region_says_of_itself_what_the_damaged_one_says() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from.region", "to.region"].map(|name| folder.path().join(name));
    let file = sealed(&telling_header(), &[&[b"one"], &[b"two"]]);
    fs::write(&from, &file[..file.len() - 1]).unwrap();
    let mut told = Vec::new();
    let (found, sealed) = salvage(&from, &to, Mode::Strict, |bytes| told.push(bytes)).unwrap();
    assert_eq!((found.blobs, sealed.blobs, told), (2, 2, vec![0, 3]));
    let region = crate::Region::open(&to).unwrap();
    let header = *region.header().unwrap();
    assert_ne!(header.region_id, telling_header().region_id);
    assert_eq!(Header { region_id: telling_header().region_id, ..header }, telling_header());
}
