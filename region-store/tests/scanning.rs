//! A scan of everything goes from block to block and asks no index, and still ends only where the seal says.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use region_store::format::{Header, RegionId, SEAL_LENGTH, Seal};
use region_store::{Error, Options, Region, RegionWriter, Verify};
use tempfile::TempDir;

const ID: RegionId = RegionId([7; 16]);
const BLOBS: u64 = 500;

/// A sealed region of several blocks.
fn written(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("00.region");
    let header = Header { region_id: ID, ..Header::default() };
    let options = Options { header, block_bytes: 1 << 10, ..Options::default() };
    let mut writer = RegionWriter::create(&path, &options).unwrap();
    for number in 0..BLOBS {
        writer.push(&number.to_le_bytes()).unwrap();
    }
    writer.seal().unwrap();
    path
}

fn seal_of(path: &Path) -> Seal {
    *Region::open(path).unwrap().seal().unwrap()
}

/// Puts another seal, with a right checksum, in its place.
fn reseal(path: &Path, seal: Seal) {
    let mut file = fs::read(path).unwrap();
    let offset = file.len() - SEAL_LENGTH;
    file[offset..].copy_from_slice(&seal.encode(ID, offset as u64));
    fs::write(path, file).unwrap();
}

fn scanned(region: &Region) -> Result<u64, Error> {
    let mut blobs = 0_u64;
    region.scan(|blob| {
        assert_eq!(blob, blobs.to_le_bytes());
        blobs += 1;
    })?;
    Ok(blobs)
}

#[test]
fn a_scan_needs_no_index_and_a_lookup_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    let index = usize::try_from(seal_of(&path).index_offset).unwrap();
    let mut file = fs::read(&path).unwrap();
    file[index + 48] ^= 1;
    fs::write(&path, file).unwrap();

    let region = Region::open(&path).unwrap();
    assert_eq!(scanned(&region).unwrap(), BLOBS);
    assert_eq!(region.blobs().map(Result::unwrap).count() as u64, BLOBS);
    assert!(matches!(region.get(0), Err(Error::Damaged { .. })));
    assert!(matches!(region.parts(), Err(Error::Damaged { .. })));
}

#[test]
fn parts_in_order_are_a_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    for verify in [Verify::Always, Verify::Once, Verify::Never] {
        let region = Region::options().verify(verify).open(&path).unwrap();
        let parts = region.parts().unwrap();
        assert!(parts > 2);
        for _ in 0..2 {
            let mut blobs = 0_u64;
            for part in 0..parts {
                let part = region.scan_parts(part..part + 1, |blob| {
                    assert_eq!(blob, blobs.to_le_bytes());
                    blobs += 1;
                });
                part.unwrap();
            }
            assert_eq!((blobs, scanned(&region).unwrap()), (BLOBS, BLOBS));
        }
    }
}

#[test]
fn a_scan_is_not_silently_short_or_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    let seal = seal_of(&path);
    for blobs in [0, BLOBS - 1, BLOBS + 1] {
        reseal(&path, Seal { blobs, ..seal });
        let region = Region::open(&path).unwrap();
        assert!(matches!(scanned(&region), Err(Error::Damaged { .. })), "{blobs}");
        assert!(region.blobs().last().unwrap().is_err(), "{blobs}");
    }
}

#[test]
fn a_seal_that_counts_more_blocks_than_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    let seal = seal_of(&path);
    for blocks in [seal.index_offset / 40 + 1, u64::MAX] {
        reseal(&path, Seal { blocks, ..seal });
        let error = Region::open(&path).unwrap_err();
        assert!(matches!(&error, Error::Damaged { damage, .. } if damage.field == "blocks"), "{error}");
    }
}
