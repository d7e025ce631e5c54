#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs::{self, OpenOptions as FileOptions};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;

use super::*;
use crate::format::index;
use crate::format::tests::{sealed, sealed_of, telling_header, version_1};
use crate::{Options, RegionWriter};

fn blobs() -> Vec<Vec<u8>> {
    (0..10_000_u32).map(|at| at.to_le_bytes().repeat(at as usize % 7)).collect()
}

/// Both versions of the same blobs, in a folder of their own.
fn both() -> (tempfile::TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let paths = [(Version::One, "1.region"), (Version::Two, "2.region")].map(|(version, name)| {
        let options = Options { version, block_bytes: 4_000, ..Options::default() };
        let path = folder.path().join(name);
        let mut writer = RegionWriter::create(&path, &options).unwrap();
        blobs().iter().for_each(|blob| writer.push(blob).unwrap());
        writer.seal().unwrap();
        path
    });
    (folder, paths)
}

fn all_options() -> impl Iterator<Item = OpenOptions> {
    [Verify::Always, Verify::Once, Verify::Never].into_iter().flat_map(|verify| {
        [Access::Map, Access::Read].map(|access| Region::options().verify(verify).access(access))
    })
}

#[test]
fn both_versions_are_read_in_every_way() {
    let (_folder, paths) = both();
    let blobs = blobs();
    for (path, options) in paths.iter().flat_map(|path| all_options().map(move |options| (path, options))) {
        let region = options.open(path).unwrap();
        let mut scanned = Vec::new();
        region.scan(|blob| scanned.push(blob.to_vec())).unwrap();
        assert!(scanned == blobs, "{path:?}, {options:?}");
        assert!(region.blobs().map(Result::unwrap).eq(&blobs));
        for ordinal in (0..blobs.len()).step_by(97).chain([4_095, 4_096, 9_999]) {
            assert_eq!(region.get(ordinal as u64).unwrap(), Some(&blobs[ordinal][..]));
        }
        assert_eq!(region.get(10_000).unwrap(), None);
        assert_eq!(region.get(u64::MAX).unwrap(), None);
        let bytes: u64 = blobs.iter().map(|blob| blob.len() as u64).sum();
        assert_eq!((region.len().unwrap(), region.blob_bytes().unwrap()), (10_000, bytes));
        let summary = region.verify(|done, total| assert!(done <= total)).unwrap();
        assert_eq!((summary.blobs, summary.blob_bytes, summary.version), (10_000, bytes, region.version()));
    }
}

#[test]
fn what_header_and_seal_say_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.region");
    let file = sealed(&telling_header(), &[&[b"one", b"two"]]);
    fs::write(&path, &file).unwrap();
    let region = Region::open(&path).unwrap();
    assert_eq!(region.header(), Some(&telling_header()));
    let seal = region.seal().unwrap();
    assert_eq!((seal.blobs, seal.blob_bytes, seal.blocks), (2, 6, 1));
    assert_eq!((seal.file_length, region.file_length()), (file.len() as u64, file.len() as u64));

    fs::write(&path, version_1(&[b"one"])).unwrap();
    let region = Region::open(&path).unwrap();
    assert_eq!((region.header(), region.seal()), (None, None));
}

#[test]
fn a_region_without_blobs_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.region");
    let header = telling_header();
    for (file, is_empty) in [
        (sealed(&header, &[]), true),
        (sealed(&header, &[&[b""]]), false),
        (version_1(&[]), true),
        (version_1(&[b""]), false),
    ] {
        fs::write(&path, file).unwrap();
        assert_eq!(Region::open(&path).unwrap().is_empty().unwrap(), is_empty);
    }
}

#[test]
fn blocks_of_kinds_that_nobody_knows_are_passed_by() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.region");
    let newer = (Kind::Skippable(0x8001), &[&b"newer"[..]][..]);
    let blocks = [(Kind::Blobs, &[&b"one"[..]][..]), newer, (Kind::Blobs, &[b"two"]), newer];
    fs::write(&path, sealed_of(&telling_header(), &blocks)).unwrap();
    let region = Region::open(&path).unwrap();
    let mut scanned = Vec::new();
    region.scan(|blob| scanned.push(blob.to_vec())).unwrap();
    assert_eq!(scanned, [b"one", b"two"]);
    scanned.clear();
    region.scan_parts(0..4, |blob| scanned.push(blob.to_vec())).unwrap();
    assert_eq!(scanned, [b"one", b"two"]);
    assert!(region.blobs().map(Result::unwrap).eq([b"one", b"two"]));
    assert_eq!(
        [0, 1, 2].map(|ordinal| region.get(ordinal).unwrap()),
        [Some(&b"one"[..]), Some(b"two"), None]
    );
    assert_eq!(region.verify(|_, _| ()).unwrap().blobs, 2);
}

#[test]
fn threads_share_a_scan_by_parts() {
    let (_folder, paths) = both();
    for path in &paths {
        let region = Region::open(path).unwrap();
        let parts = region.parts().unwrap();
        assert!(parts > 2);
        let lengths = std::thread::scope(|scope| {
            let threads: Vec<_> = [0..parts / 2, parts / 2..usize::MAX]
                .map(|parts| {
                    scope.spawn(|| {
                        let mut lengths = Vec::new();
                        region.scan_parts(parts, |blob| lengths.push(blob.len())).unwrap();
                        lengths
                    })
                })
                .into();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(lengths.into_iter().eq(blobs().iter().map(Vec::len)));
        region.scan_parts(parts..usize::MAX, |_| panic!("there are no more")).unwrap();
    }
}

#[test]
fn a_scan_breaks_off_where_it_is_told_to() {
    let (_folder, paths) = both();
    for region in paths.iter().map(|path| Region::open(path).unwrap()) {
        // In a part, at the end of one, at the start of one, and at the last blob.
        for last in [0, 100, 4_095, 4_096, 9_999] {
            let mut seen = Vec::new();
            let visit = |blob| {
                seen.push(blob);
                if seen.len() > last { ControlFlow::Break(last) } else { ControlFlow::Continue(()) }
            };
            assert_eq!(region.scan_until(visit).unwrap(), ControlFlow::Break(last));
            assert!(seen == blobs()[..=last], "they are lent for longer than the scan");
        }
        let mut left = 3;
        let visit = |_: &[u8]| {
            left -= 1;
            if left == 0 { ControlFlow::Break("third") } else { ControlFlow::Continue(()) }
        };
        assert_eq!(region.scan_parts_until(1..usize::MAX, visit).unwrap(), ControlFlow::Break("third"));
        let nobody_breaks = |_: &[u8]| ControlFlow::<()>::Continue(());
        assert_eq!(region.scan_until(nobody_breaks).unwrap(), ControlFlow::Continue(()));
        assert_eq!(region.scan_parts_until(1..2, nobody_breaks).unwrap(), ControlFlow::Continue(()));
    }
}

/// Changes a byte of a file.
fn damage(path: &Path, at: u64) {
    let file = FileOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn damage_is_found_as_often_as_is_asked_for() {
    let (_folder, [_, path]) = both();
    let offset = {
        Region::open(&path).unwrap().index(two(&Region::open(&path).unwrap())).unwrap().get(3).unwrap().offset
    };
    let open = |verify| Region::options().verify(verify).open(&path).unwrap();
    let (always, once, never) = (open(Verify::Always), open(Verify::Once), open(Verify::Never));
    let (scanned, verified) = (open(Verify::Once), open(Verify::Once));
    scanned.scan(|_| ()).unwrap();
    verified.verify(|_, _| ()).unwrap();
    always.scan(|_| ()).unwrap();
    damage(&path, offset + 50);
    for region in [&always, &once] {
        let error = region.scan(|_| ()).unwrap_err();
        let expected =
            format!("2.region: block checksum at offset {}: checksum mismatch (stored ", offset + 4);
        assert!(error.to_string().contains(&expected), "{error}");
        assert_eq!(region.blobs().filter(Result::is_err).count(), 1, "after an error there are no more");
        assert!(region.verify(|_, _| ()).is_err());
    }
    for region in [&scanned, &verified, &never] {
        region.scan(|_| ()).unwrap();
        assert!(region.verify(|_, _| ()).is_err(), "it reads anew, whatever the options");
    }
}

fn two(region: &Region) -> &Two {
    match &region.layout {
        Layout::Two(two) => two,
        Layout::One(_) => panic!("the region is of version 1"),
    }
}

#[test]
fn an_index_that_is_damaged_is_found_when_it_is_used_and_a_scan_needs_none() {
    let (_folder, [_, path]) = both();
    let seal = *Region::open(&path).unwrap().seal().unwrap();
    damage(&path, seal.index_offset + 40);
    let region = Region::open(&path).unwrap();
    assert_eq!(region.len().unwrap(), 10_000, "the seal says that");
    region.scan(|_| ()).unwrap();
    for error in [
        region.get(0).unwrap_err(),
        region.scan_parts(0..1, |_| ()).unwrap_err(),
        region.parts().unwrap_err(),
    ] {
        assert!(error.to_string().contains("block checksum"), "{error}");
    }
}

/// A file of two blocks with a blob each, whose index and seal are made anew, with right checksums.
fn with_index_and_seal(entries: &[IndexEntry], seal: impl FnOnce(&mut Seal)) -> Vec<u8> {
    let header = telling_header();
    let mut file = sealed(&header, &[&[b"one"], &[b"two"]]);
    let mut found =
        Seal::decode(&file[file.len() - 64..], header.region_id, (file.len() - 64) as u64).unwrap();
    seal(&mut found);
    file.truncate(4_096 + 2 * 64);
    let index = index::encode(entries, header.region_id, file.len() as u64, 2, header.alignment).unwrap();
    file.extend_from_slice(&index);
    let offset = file.len() as u64;
    found.file_length = offset + 64;
    file.extend_from_slice(&found.encode(header.region_id, offset));
    file
}

/// The index that the file has.
const TWO_BLOCKS: [IndexEntry; 2] =
    [IndexEntry { offset: 4_096, first_ordinal: 0 }, IndexEntry { offset: 4_160, first_ordinal: 1 }];

/// That an error names a field at an offset.
fn names(error: &Error, field: &str, offset: u64) -> bool {
    matches!(error, Error::Damaged { damage, .. } if damage.field == field && damage.offset == offset)
}

#[test]
fn a_seal_that_cannot_be_is_refused_and_its_field_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.region");
    fs::write(&path, with_index_and_seal(&TWO_BLOCKS, |_| ())).unwrap();
    assert_eq!(Region::open(&path).unwrap().parts().unwrap(), 2);
    // Two blocks of 64 bytes and an index of 96 before it.
    let seal_offset = 4_096 + 2 * 64 + 96;
    for index_offset in [seal_offset, seal_offset + 1, u64::MAX] {
        let file = with_index_and_seal(&TWO_BLOCKS, |seal| seal.index_offset = index_offset);
        fs::write(&path, file).unwrap();
        let error = Region::open(&path).unwrap_err();
        assert!(names(&error, "index offset", seal_offset + 8), "{error}");
    }
    for blocks in [4, u64::MAX] {
        fs::write(&path, with_index_and_seal(&TWO_BLOCKS, |seal| seal.blocks = blocks)).unwrap();
        let error = Region::open(&path).unwrap_err();
        assert!(names(&error, "blocks", seal_offset + 32), "{error}");
    }
}

#[test]
fn a_region_of_as_many_blocks_as_fit_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.region");
    fs::write(&path, sealed(&Header { alignment: 8, ..telling_header() }, &[&[], &[], &[]])).unwrap();
    assert_eq!(Region::open(&path).unwrap().parts().unwrap(), 3);
}

#[test]
fn an_index_that_is_not_of_its_blocks_is_found_where_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.region");
    let index_offset = 4_096 + 2 * 64;
    let [first, second] = TWO_BLOCKS;

    fs::write(&path, with_index_and_seal(&TWO_BLOCKS, |seal| seal.blocks = 3)).unwrap();
    let error = Region::open(&path).unwrap().parts().unwrap_err();
    assert!(names(&error, "data length", index_offset + 24), "{error}");
    assert!(error.to_string().contains("32 is not 16 x the seal's number of blocks"), "{error}");

    for wrong in [
        IndexEntry { first_ordinal: 2, ..second },
        IndexEntry { offset: first.offset, ..second },
        // The index itself, which has blobs as little as any other.
        IndexEntry { offset: index_offset, first_ordinal: 2 },
    ] {
        fs::write(&path, with_index_and_seal(&[first, wrong], |_| ())).unwrap();
        let region = Region::open(&path).unwrap();
        let lent = region.get(wrong.first_ordinal).map(drop).unwrap_err();
        for error in [lent, region.scan_parts(1..2, |_| ()).unwrap_err()] {
            assert!(names(&error, "first ordinal", wrong.offset + 16), "{error}");
        }
    }
}

#[test]
fn a_file_that_is_no_whole_region_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let whole = sealed(&telling_header(), &[&[b"one"]]);
    for (bytes, said) in [
        (&b""[..], "magic and version at offset 0: 2 bytes are needed, 0 are left"),
        (b"\x55", "magic and version"),
        (b"#!/bin/sh", "35 is not 85"),
        (b"\x55\x07", "upgrade it to read the file"),
        (&whole[..whole.len() - 1], "the region was not completed, or was cut"),
        (&[&whole[..], b"\0"].concat(), "the region was not completed, or was cut"),
        (&whole[..4_096], "seal at offset 4096: 64 bytes are needed, 0 are left"),
        (&whole[..100], "header at offset 0: 4096 bytes are needed, 100 are left"),
    ] {
        fs::write(&path, bytes).unwrap();
        for options in all_options() {
            let error = options.open(&path).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
    let missing = Region::open(folder.path().join("b")).unwrap_err();
    assert!(missing.to_string().contains("b: cannot open: No such file"), "{missing}");
    assert!(matches!(Region::open(folder.path()).unwrap_err(), Error::Io { .. }));
}

#[test]
fn a_region_that_was_read_survives_its_file() {
    let (_folder, paths) = both();
    for path in &paths {
        let region = Region::options().access(Access::Read).open(path).unwrap();
        FileOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
        assert!(region.blobs().map(Result::unwrap).eq(blobs()));
        let error = region.verify(|_, _| ()).unwrap_err();
        assert!(
            matches!(error, Error::Io { operation: "read", .. }),
            "plain reads tell, and nobody is killed: {error}"
        );
    }
}

#[test]
fn a_region_that_is_removed_or_replaced_stays_what_it_was_opened_as() {
    let (_folder, [path, other]) = both();
    let region = Region::open(&path).unwrap();
    fs::rename(&other, &path).unwrap();
    assert!(region.blobs().map(Result::unwrap).eq(blobs()));
    fs::remove_file(&path).unwrap();
    assert!(region.blobs().map(Result::unwrap).eq(blobs()));
}

#[test]
fn readers_share_a_lock_and_a_writer_excludes_them() {
    let (_folder, [path, _]) = both();
    let (_one, _two) = (Region::open(&path).unwrap(), Region::open(&path).unwrap());
    let file = File::open(&path).unwrap();
    assert!(matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
    drop((_one, _two));
    file.try_lock().unwrap();
    assert!(matches!(Region::open(&path).unwrap_err(), Error::Locked { .. }));
}

#[test]
#[cfg(target_os = "linux")]
fn a_lock_that_fails_is_told() {
    let error = lock(&os::tests::unusable(), Path::new("/")).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "lock", .. }), "{error}");
}

#[test]
fn version_1_that_is_torn_gives_what_is_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.region");
    let whole = version_1(&[b"one", b"two"]);
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let region = Region::open(&path).unwrap();
    let mut scanned = Vec::new();
    let error = region.scan(|blob| scanned.push(blob.to_vec())).unwrap_err();
    assert_eq!(scanned, [b"one"]);
    assert!(
        error.to_string().ends_with("1.region: blob at offset 13: 3 bytes are needed, 2 are left"),
        "{error}"
    );
    for error in
        [region.len().unwrap_err(), region.get(0).unwrap_err(), region.verify(|_, _| ()).unwrap_err()]
    {
        assert!(error.to_string().contains("blob at offset 13"), "{error}");
    }
}

#[test]
fn long_blobs_are_verified_by_their_lengths() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.region");
    let long = vec![7; 3 << 20];
    fs::write(&path, version_1(&[b"a", &long, b"b", &long])).unwrap();
    let summary = Region::open(&path).unwrap().verify(|_, _| ()).unwrap();
    assert_eq!((summary.blobs, summary.blob_bytes), (4, 2 + (6 << 20)));
    FileOptions::new().write(true).open(&path).unwrap().set_len(4 << 20).unwrap();
    let error = Region::open(&path).unwrap().verify(|_, _| ()).unwrap_err();
    assert!(error.to_string().contains("blob at offset"), "{error}");
}

/// Offsets that 32 bits do not hold. The file is mostly holes.
#[test]
#[cfg(target_pointer_width = "64")]
fn blocks_beyond_four_gigabytes_are_found() {
    use crate::format::{BlockBuilder, crc32c};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.region");
    let file = FileOptions::new().create_new(true).write(true).open(&path).unwrap();
    let header = telling_header();
    file.write_all_at(&header.encode(), 0).unwrap();
    let offsets = [4_096, 3 << 30, 9 << 30];
    let mut builder = BlockBuilder::new(Kind::Blobs, 0);
    let mut checksums = Vec::new();
    for (at, offset) in (0..).zip(offsets) {
        builder.push(format!("blob {at}").as_bytes()).unwrap();
        let block = builder.finish(header.region_id, offset, at, header.alignment);
        checksums.extend_from_slice(&block[4..8]);
        file.write_all_at(block, offset).unwrap();
        builder.clear();
    }
    let entries: Vec<_> =
        (0..).zip(offsets).map(|(at, offset)| IndexEntry { offset, first_ordinal: at }).collect();
    let index_offset = 10 << 30;
    let index = index::encode(&entries, header.region_id, index_offset, 3, header.alignment).unwrap();
    file.write_all_at(&index, index_offset).unwrap();
    let offset = index_offset + index.len() as u64;
    let (file_length, blocks_checksum) = (offset + SEAL_LENGTH as u64, crc32c(&checksums));
    let seal = Seal { index_offset, blobs: 3, blob_bytes: 18, blocks: 3, file_length, blocks_checksum };
    file.write_all_at(&seal.encode(header.region_id, offset), offset).unwrap();

    let region = Region::open(&path).unwrap();
    assert_eq!(region.get(2).unwrap(), Some(&b"blob 2"[..]));
    let mut blobs = Vec::new();
    region.scan_parts(0..3, |blob| blobs.push(blob.to_vec())).unwrap();
    assert_eq!(blobs, [b"blob 0", b"blob 1", b"blob 2"]);
    let error = region.verify(|_, _| ()).unwrap_err();
    assert!(error.to_string().contains("there is no index"), "blocks have to follow each other: {error}");
}

#[test]
#[ignore = "writes 3 GiB; .ci/test runs it"]
fn a_region_of_three_gigabytes_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.region");
    let blob: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let mut writer =
        RegionWriter::create(&path, &Options { expected_bytes: 3 << 30, ..Options::default() }).unwrap();
    (0..3_072).for_each(|_| writer.push(&blob).unwrap());
    let sealed = writer.seal().unwrap();
    assert!(sealed.file_length > 3 << 30);
    let region = Region::open(&path).unwrap();
    assert_eq!(region.get(3_071).unwrap(), Some(&blob[..]));
    let mut blobs = 0;
    region.scan(|scanned| blobs += u32::from(scanned == blob)).unwrap();
    assert_eq!(blobs, 3_072);
    assert_eq!(region.verify(|_, _| ()).unwrap().blob_bytes, 3 << 30);
}
