//! The bytes of region files, without any I/O.
//!
//! There are two versions, told apart by the second byte. Each layout is described once, in its module:
//!
//! - [`v1`]: Burst's own. A header of two bytes, then blobs behind their lengths. No checksum and no seal.
//! - Version 2: a [`header`] page; [`block`]s of blobs, each with a checksum over its place and its bytes; in a region
//!   that is complete, an [`index`] of the blocks, and a [`seal`] that ends the file.
//! - [`manifest`]: not a region, but the file that makes the regions of a slice a whole.
//!
//! All numbers are little-endian. Decoding looks at nothing but the bytes it is given, copies none of them, and takes
//! time and memory that their length bounds, whatever they say. What is not as it should be is a [`Damage`] that names
//! the field and its offset in the file.
//!
//! [`check`] does all of it for a whole file in memory:
//!
//! ```
//! use region_store::format::{self, Version};
//!
//! let file = [0x55, 1, 3, 0, 0, 0, b'a', b'b', b'c', 0, 0, 0, 0];
//! let summary = format::check(&file)?;
//! assert_eq!((summary.version, summary.blobs, summary.blob_bytes), (Version::One, 2, 3));
//!
//! let torn = format::check(&file[..8]).unwrap_err();
//! assert_eq!(torn.to_string(), "blob at offset 6: 3 bytes are needed, 2 are left");
//! # Ok::<(), format::Damage>(())
//! ```

#![forbid(unsafe_code)]

pub mod block;
mod check;
mod checksum;
mod damage;
pub(crate) mod fields;
pub mod header;
pub mod index;
pub mod manifest;
pub mod seal;
#[cfg(test)]
pub(crate) mod tests;
pub mod v1;

pub use block::{BLOCK_HEAD_LENGTH, Block, BlockBuilder, BlockHead, Kind, MAX_BLOCK_LENGTH, TooLarge};
pub(crate) use check::Checker;
pub use check::{Summary, check};
pub use checksum::{Crc32c, crc32c};
pub use damage::{Damage, Problem};
pub use header::{HEADER_LENGTH, Header, RegionId};
pub use index::{Index, IndexEntry};
pub use manifest::{Manifest, ManifestRegion, SliceIdentity, SnapId};
pub use seal::{SEAL_LENGTH, Seal};

/// The first byte of every region file.
pub const MAGIC: u8 = 85;

/// Which of the two formats a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Blobs behind their lengths, and nothing else.
    One,
    /// Blocks with checksums.
    Two,
}

/// Tells the version of a file from its first two bytes.
///
/// # Errors
/// [`Damage`] if they are not those of a region file, or of one that is newer than this crate.
pub fn version_of(file: &[u8]) -> Result<Version, Damage> {
    let [magic, version] = *fields::chunk(file, 0, "magic and version")?;
    if magic != MAGIC {
        let expected = "85, with which every region file starts";
        return Err(Damage::new("magic", 0, Problem::Value { found: magic.into(), expected }));
    }
    match version {
        1 => Ok(Version::One),
        2 => Ok(Version::Two),
        0 => Err(Damage::new("version", 1, Problem::Value { found: 0, expected: "a version, 1 or 2" })),
        newer => Err(Damage::new("version", 1, Problem::Unsupported { found: newer.into() })),
    }
}
