//! The seal of version 2, which ends the file. It starts at the first multiple of the alignment behind the index block.
//!
//! | Offset | Size | Field           | Rule |
//! |-------:|-----:|-----------------|------|
//! |      0 |    4 | seal tag        | `SEAL` |
//! |      4 |    4 | seal checksum   | CRC-32C of the region id, of the seal's offset in the file (`u64`), then of bytes 8 to 63 |
//! |      8 |    8 | index offset    | of the index block |
//! |     16 |    8 | blobs           | in the region |
//! |     24 |    8 | blob bytes      | without padding |
//! |     32 |    8 | blocks          | without the index |
//! |     40 |    8 | file length     | with the seal |
//! |     48 |    4 | blocks checksum | CRC-32C of the blocks' stored checksums (`u32`) in order, without the index |
//! |     52 |   12 |                 | 0, not looked at |
//!
//! A region is sealed if its seal checks and the length in it is the file's. Under a temporary name it is not, whatever
//! it holds.

use super::fields::{put, u32_at, u64_at};
use super::{Crc32c, Damage, HEADER_LENGTH, Problem, RegionId, fields};

/// How a seal starts.
pub const TAG: [u8; 4] = *b"SEAL";
/// Bytes of a seal.
pub const SEAL_LENGTH: usize = 64;

const CHECKSUM_AT: usize = 4;
const CHECKED_FROM: usize = 8;
const INDEX_OFFSET_AT: usize = 8;
const BLOBS_AT: usize = 16;
const BLOB_BYTES_AT: usize = 24;
const BLOCKS_AT: usize = 32;
const FILE_LENGTH_AT: usize = 40;
const BLOCKS_CHECKSUM_AT: usize = 48;

const _: () = assert!(SEAL_LENGTH == BLOCKS_CHECKSUM_AT + 4 + 12);

/// What a seal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Where the index block starts.
    pub index_offset: u64,
    /// Blobs in the region.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Blocks before the index.
    pub blocks: u64,
    /// Bytes of the file, the seal's too.
    pub file_length: u64,
    /// Over the blocks' checksums.
    pub blocks_checksum: u32,
}

impl Seal {
    /// Where the seal of a file belongs, though the file may be too short for one.
    pub(crate) fn offset_in(file: &[u8]) -> usize {
        file.len().saturating_sub(SEAL_LENGTH).max(HEADER_LENGTH)
    }

    /// Decodes the seal at `offset` of a file, which is that much and 64 bytes long.
    ///
    /// # Errors
    /// [`Damage`] if it does not check, or seals a file of another length.
    pub fn decode(bytes: &[u8], region_id: RegionId, offset: u64) -> Result<Self, Damage> {
        let seal: &[u8; SEAL_LENGTH] = fields::chunk(bytes, offset, "seal")?;
        if !seal.starts_with(&TAG) {
            let problem = Problem::Value {
                found: u32_at(seal, 0).into(),
                expected: "the tag of a seal, 1279346003 for SEAL: the region was not completed, or was cut",
            };
            return Err(Damage::new("seal tag", offset, problem));
        }
        let (stored, computed) = (u32_at(seal, CHECKSUM_AT), checksum(seal, region_id, offset));
        if stored != computed {
            let problem = Problem::Checksum { stored, computed };
            return Err(Damage::new("seal checksum", CHECKSUM_AT as u64, problem).beyond(offset));
        }
        let decoded = Self {
            index_offset: u64_at(seal, INDEX_OFFSET_AT),
            blobs: u64_at(seal, BLOBS_AT),
            blob_bytes: u64_at(seal, BLOB_BYTES_AT),
            blocks: u64_at(seal, BLOCKS_AT),
            file_length: u64_at(seal, FILE_LENGTH_AT),
            blocks_checksum: u32_at(seal, BLOCKS_CHECKSUM_AT),
        };
        if Some(decoded.file_length) != offset.checked_add(SEAL_LENGTH as u64) {
            let problem = Problem::Value { found: decoded.file_length, expected: "where the file ends" };
            return Err(Damage::new("file length", FILE_LENGTH_AT as u64, problem).beyond(offset));
        }
        Ok(decoded)
    }

    /// The bytes that say this, for the region and the place that they are for.
    #[must_use]
    pub fn encode(&self, region_id: RegionId, offset: u64) -> [u8; SEAL_LENGTH] {
        let mut seal = [0; SEAL_LENGTH];
        put(&mut seal, 0, &TAG);
        put(&mut seal, INDEX_OFFSET_AT, &self.index_offset.to_le_bytes());
        put(&mut seal, BLOBS_AT, &self.blobs.to_le_bytes());
        put(&mut seal, BLOB_BYTES_AT, &self.blob_bytes.to_le_bytes());
        put(&mut seal, BLOCKS_AT, &self.blocks.to_le_bytes());
        put(&mut seal, FILE_LENGTH_AT, &self.file_length.to_le_bytes());
        put(&mut seal, BLOCKS_CHECKSUM_AT, &self.blocks_checksum.to_le_bytes());
        let checksum = checksum(&seal, region_id, offset);
        put(&mut seal, CHECKSUM_AT, &checksum.to_le_bytes());
        seal
    }
}

fn checksum(seal: &[u8; SEAL_LENGTH], region_id: RegionId, offset: u64) -> u32 {
    let place = Crc32c::new().update(&region_id.0).update(&offset.to_le_bytes());
    place.update(seal.get(CHECKED_FROM..).unwrap_or_default()).value()
}
