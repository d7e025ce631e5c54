//! The manifest of a slice: what makes its region files a whole.
//!
//! A file of its own, written last of all and never rewritten, one on each spindle of the slice. All of them say the same.
//!
//! | Offset | Size | Field             | Rule |
//! |-------:|-----:|-------------------|------|
//! |      0 |    6 | manifest signature | `53 4c 43 0d 0a 1a`: damage by line-ending conversion shows |
//! |      6 |    2 | manifest version  | 1; newer is refused |
//! |      8 |    4 | manifest length   | of the whole file, at most 16 MiB |
//! |     12 |    4 | must-understand flags | none is known: any is refused |
//! |     16 |   16 | snap id           | |
//! |     32 |    8 | domain            | |
//! |     40 |    8 | view              | |
//! |     48 |    8 | generation clock  | |
//! |     56 |    8 | generation digest | the writer's own |
//! |     64 |    8 | creation time     | nanoseconds since 1970 |
//! |     72 |    4 | slice key         | |
//! |     76 |    4 | region count      | how many regions the slice was written over, those that got no blob included |
//! |     80 |    4 | listed regions    | those that have blobs: at most the region count |
//! |     84 |    4 | spindles          | at most 4,096 |
//! |     88 |    4 | note length       | |
//! |     92 |    4 |                   | 0, not looked at |
//! |     96 |  ... | regions           | 64 bytes each, by the table below |
//! |    ... |  ... | spindle names     | each a `u16` of its length, 1 to 255, and UTF-8, no two of them the same |
//! |    ... |  ... | note              | the writer's own |
//! |    end - 4 | 4 | manifest checksum | CRC-32C of all bytes before it |
//!
//! A region, from its own start:
//!
//! | Offset | Size | Field             | Rule |
//! |-------:|-----:|-------------------|------|
//! |      0 |    4 | region index      | ascending, less than the region count |
//! |      4 |    4 | region's spindle  | the number of its name, from 0 on |
//! |      8 |    4 | region's version  | of its format: 1 or 2 |
//! |     12 |    4 | region's checksum | in version 2 the blocks checksum of its seal; in version 1 the CRC-32C of the file |
//! |     16 |   16 | region id         | zeros in version 1 |
//! |     32 |    8 | region's length   | of the file |
//! |     40 |    8 | region's blobs    | |
//! |     48 |    8 | blob bytes        | without padding |
//! |     56 |    8 | blocks            | 0 in version 1 |
//!
//! The checksum is looked at right after the version and the length, so that a damaged manifest is not taken for one that is
//! newer.

use super::fields::{at, put, u16_at, u32_at, u64_at};
use super::{Crc32c, Damage, Problem, RegionId, Version, fields};

/// How a manifest starts.
pub const SIGNATURE: [u8; 6] = [0x53, 0x4c, 0x43, 0x0d, 0x0a, 0x1a];
/// The most bytes of a manifest. A file that is longer is none.
pub const MAX_MANIFEST_LENGTH: usize = 16 << 20;
/// The most spindles of a slice.
pub const MAX_SPINDLES: usize = 4_096;
/// The most bytes of a spindle's name.
pub const MAX_SPINDLE_NAME_LENGTH: usize = 255;

const VERSION: u16 = 1;
const VERSION_AT: usize = 6;
const LENGTH_AT: usize = 8;
const MUST_UNDERSTAND_AT: usize = 12;
const SNAP_ID_AT: usize = 16;
const DOMAIN_AT: usize = 32;
const VIEW_AT: usize = 40;
const GENERATION_CLOCK_AT: usize = 48;
const GENERATION_DIGEST_AT: usize = 56;
const CREATED_AT: usize = 64;
const SLICE_KEY_AT: usize = 72;
const REGION_COUNT_AT: usize = 76;
const REGIONS_AT: usize = 80;
const SPINDLES_AT: usize = 84;
const NOTE_LENGTH_AT: usize = 88;
const HEAD_LENGTH: usize = 96;

const REGION_SPINDLE_AT: usize = 4;
const REGION_VERSION_AT: usize = 8;
const REGION_CHECKSUM_AT: usize = 12;
const REGION_ID_AT: usize = 16;
const REGION_LENGTH_AT: usize = 32;
const REGION_BLOBS_AT: usize = 40;
const REGION_BLOB_BYTES_AT: usize = 48;
const REGION_BLOCKS_AT: usize = 56;
/// Bytes that a manifest has for each region.
pub const REGION_ENTRY_LENGTH: usize = 64;

const NAME_PREFIX_LENGTH: usize = 2;
const CHECKSUM_LENGTH: usize = 4;

const _: () = assert!(VERSION_AT == SIGNATURE.len() && DOMAIN_AT == SNAP_ID_AT + size_of::<SnapId>());
const _: () = assert!(HEAD_LENGTH == NOTE_LENGTH_AT + 8 && REGION_ENTRY_LENGTH == REGION_BLOCKS_AT + 8);

/// What no two writings of a slice share. The names of its files begin with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapId(pub [u8; 16]);

impl core::fmt::Display for SnapId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which dataset a slice is of, and which generation of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SliceIdentity {
    /// The dataset's domain.
    pub domain: u64,
    /// Its view.
    pub view: u64,
    /// Its generation.
    pub generation_clock: u64,
    /// The writer's own digest of the generation.
    pub generation_digest: u64,
    /// Which slice of it this is.
    pub slice_key: u32,
}

/// What a manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Which writing of the slice this is.
    pub snap_id: SnapId,
    /// What the slice is of.
    pub identity: SliceIdentity,
    /// When it was created, in nanoseconds since 1970.
    pub created_ns: u64,
    /// How many regions it was written over.
    pub region_count: u32,
    /// The names of the spindles that it was written over.
    pub spindles: Vec<String>,
    /// Those regions that have blobs, by their index.
    pub regions: Vec<ManifestRegion>,
    /// The writer's own.
    pub note: Vec<u8>,
}

/// What a manifest says of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestRegion {
    /// Which region of the slice it is.
    pub index: u32,
    /// The number of its spindle's name.
    pub spindle: u32,
    /// Its format.
    pub version: Version,
    /// In version 2 the blocks' checksum, in version 1 the CRC-32C of the file.
    pub checksum: u32,
    /// Zeros in version 1.
    pub region_id: RegionId,
    /// Bytes of the file.
    pub file_length: u64,
    /// Blobs in it.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Blocks that they are in; 0 in version 1.
    pub blocks: u64,
}

/// What cannot be said in a manifest: too many spindles, regions or bytes of a note, or a name that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a manifest has at most {MAX_MANIFEST_LENGTH} bytes and {MAX_SPINDLES} spindles, and a spindle a name of 1 to {MAX_SPINDLE_NAME_LENGTH} bytes \
    that no other one has"
)]
pub struct Unspeakable;

impl Manifest {
    /// Decodes a whole file.
    ///
    /// # Errors
    /// [`Damage`] that names the first field, in the order of the checks, that breaks a rule of the tables above.
    pub fn decode(file: &[u8]) -> Result<Self, Damage> {
        let head: &[u8; HEAD_LENGTH] = fields::chunk(file, 0, "manifest")?;
        check_head(head, file)?;
        let mut rest = Rest { bytes: checked(file), offset: 0 };
        rest.take(HEAD_LENGTH as u64, "manifest")?;
        let region_count = u32_at(head, REGION_COUNT_AT);
        let (listed, spindles) = (u32_at(head, REGIONS_AT), u32_at(head, SPINDLES_AT));
        if listed > region_count {
            let expected = "at most the region count";
            return Err(value("listed regions", REGIONS_AT as u64, listed.into(), expected));
        }
        if spindles as usize > MAX_SPINDLES {
            return Err(value("spindles", SPINDLES_AT as u64, spindles.into(), "at most 4,096"));
        }
        let regions = decode_regions(&mut rest, listed, region_count, spindles)?;
        let spindles = decode_names(&mut rest, spindles)?;
        let note = rest.take(u32_at(head, NOTE_LENGTH_AT).into(), "note")?.to_vec();
        if !rest.bytes.is_empty() {
            let found = u64::from(u32_at(head, NOTE_LENGTH_AT));
            return Err(value(
                "note length",
                NOTE_LENGTH_AT as u64,
                found,
                "what is left before the checksum",
            ));
        }
        Ok(Self {
            snap_id: SnapId(at(head, SNAP_ID_AT)),
            identity: SliceIdentity {
                domain: u64_at(head, DOMAIN_AT),
                view: u64_at(head, VIEW_AT),
                generation_clock: u64_at(head, GENERATION_CLOCK_AT),
                generation_digest: u64_at(head, GENERATION_DIGEST_AT),
                slice_key: u32_at(head, SLICE_KEY_AT),
            },
            created_ns: u64_at(head, CREATED_AT),
            region_count,
            spindles,
            regions,
            note,
        })
    }

    /// The bytes that say this.
    ///
    /// # Errors
    /// [`Unspeakable`]. That the regions are in order and on spindles that are there is for the caller to see to.
    pub fn encode(&self) -> Result<Vec<u8>, Unspeakable> {
        let length = self.length().filter(|&length| length <= MAX_MANIFEST_LENGTH).ok_or(Unspeakable)?;
        if self.spindles.len() > MAX_SPINDLES {
            return Err(Unspeakable);
        }
        if !self.spindles.iter().enumerate().all(|(number, name)| is_name(name, self.spindles.get(..number)))
        {
            return Err(Unspeakable);
        }
        // None of them is more than the length.
        let count = |counted: usize| u32::try_from(counted).map_err(|_| Unspeakable);
        let mut file = vec![0; HEAD_LENGTH];
        put(&mut file, 0, &SIGNATURE);
        put(&mut file, VERSION_AT, &VERSION.to_le_bytes());
        put(&mut file, LENGTH_AT, &count(length)?.to_le_bytes());
        put(&mut file, SNAP_ID_AT, &self.snap_id.0);
        put(&mut file, DOMAIN_AT, &self.identity.domain.to_le_bytes());
        put(&mut file, VIEW_AT, &self.identity.view.to_le_bytes());
        put(&mut file, GENERATION_CLOCK_AT, &self.identity.generation_clock.to_le_bytes());
        put(&mut file, GENERATION_DIGEST_AT, &self.identity.generation_digest.to_le_bytes());
        put(&mut file, CREATED_AT, &self.created_ns.to_le_bytes());
        put(&mut file, SLICE_KEY_AT, &self.identity.slice_key.to_le_bytes());
        put(&mut file, REGION_COUNT_AT, &self.region_count.to_le_bytes());
        put(&mut file, REGIONS_AT, &count(self.regions.len())?.to_le_bytes());
        put(&mut file, SPINDLES_AT, &count(self.spindles.len())?.to_le_bytes());
        put(&mut file, NOTE_LENGTH_AT, &count(self.note.len())?.to_le_bytes());
        self.regions.iter().for_each(|region| file.extend_from_slice(&region.encode()));
        for name in &self.spindles {
            file.extend_from_slice(&u16::try_from(name.len()).map_err(|_| Unspeakable)?.to_le_bytes());
            file.extend_from_slice(name.as_bytes());
        }
        file.extend_from_slice(&self.note);
        let checksum = Crc32c::new().update(&file).value();
        file.extend_from_slice(&checksum.to_le_bytes());
        Ok(file)
    }

    /// How many blobs the slice has.
    #[must_use]
    pub fn blobs(&self) -> u64 {
        self.regions.iter().fold(0, |sum, region| sum.saturating_add(region.blobs))
    }

    /// How many bytes they have.
    #[must_use]
    pub fn blob_bytes(&self) -> u64 {
        self.regions.iter().fold(0, |sum, region| sum.saturating_add(region.blob_bytes))
    }

    /// How many bytes the region files have.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.regions.iter().fold(0, |sum, region| sum.saturating_add(region.file_length))
    }

    fn length(&self) -> Option<usize> {
        let regions = self.regions.len().checked_mul(REGION_ENTRY_LENGTH)?;
        let names = self
            .spindles
            .iter()
            .try_fold(0, |sum: usize, name| sum.checked_add(NAME_PREFIX_LENGTH)?.checked_add(name.len()))?;
        (HEAD_LENGTH + CHECKSUM_LENGTH).checked_add(regions)?.checked_add(names)?.checked_add(self.note.len())
    }
}

impl ManifestRegion {
    fn decode(entry: &[u8], offset: u64) -> Result<Self, Damage> {
        let version = match u32_at(entry, REGION_VERSION_AT) {
            1 => Version::One,
            2 => Version::Two,
            other => {
                return Err(value(
                    "region's version",
                    offset + REGION_VERSION_AT as u64,
                    other.into(),
                    "1 or 2",
                ));
            }
        };
        Ok(Self {
            index: u32_at(entry, 0),
            spindle: u32_at(entry, REGION_SPINDLE_AT),
            version,
            checksum: u32_at(entry, REGION_CHECKSUM_AT),
            region_id: RegionId(at(entry, REGION_ID_AT)),
            file_length: u64_at(entry, REGION_LENGTH_AT),
            blobs: u64_at(entry, REGION_BLOBS_AT),
            blob_bytes: u64_at(entry, REGION_BLOB_BYTES_AT),
            blocks: u64_at(entry, REGION_BLOCKS_AT),
        })
    }

    fn encode(&self) -> [u8; REGION_ENTRY_LENGTH] {
        let version: u32 = match self.version {
            Version::One => 1,
            Version::Two => 2,
        };
        let mut entry = [0; REGION_ENTRY_LENGTH];
        put(&mut entry, 0, &self.index.to_le_bytes());
        put(&mut entry, REGION_SPINDLE_AT, &self.spindle.to_le_bytes());
        put(&mut entry, REGION_VERSION_AT, &version.to_le_bytes());
        put(&mut entry, REGION_CHECKSUM_AT, &self.checksum.to_le_bytes());
        put(&mut entry, REGION_ID_AT, &self.region_id.0);
        put(&mut entry, REGION_LENGTH_AT, &self.file_length.to_le_bytes());
        put(&mut entry, REGION_BLOBS_AT, &self.blobs.to_le_bytes());
        put(&mut entry, REGION_BLOB_BYTES_AT, &self.blob_bytes.to_le_bytes());
        put(&mut entry, REGION_BLOCKS_AT, &self.blocks.to_le_bytes());
        entry
    }
}

/// What is not decoded yet.
struct Rest<'a> {
    bytes: &'a [u8],
    offset: u64,
}

impl<'a> Rest<'a> {
    fn take(&mut self, length: u64, field: &'static str) -> Result<&'a [u8], Damage> {
        let split = usize::try_from(length).ok().and_then(|length| self.bytes.split_at_checked(length));
        let Some((taken, bytes)) = split else {
            let problem = Problem::Truncated { needed: length, left: self.bytes.len() as u64 };
            return Err(Damage::new(field, self.offset, problem));
        };
        self.bytes = bytes;
        self.offset += length;
        Ok(taken)
    }
}

fn check_head(head: &[u8; HEAD_LENGTH], file: &[u8]) -> Result<(), Damage> {
    if !head.starts_with(&SIGNATURE) {
        let found = u64::from(u32_at(head, 0));
        return Err(value(
            "manifest signature",
            0,
            found,
            "the start of a manifest, 222514259, with 2586 behind it",
        ));
    }
    match u16_at(head, VERSION_AT) {
        VERSION => {}
        0 => return Err(value("manifest version", VERSION_AT as u64, 0, "a version, 1")),
        newer => {
            let problem = Problem::Unsupported { found: newer.into() };
            return Err(Damage::new("manifest version", VERSION_AT as u64, problem));
        }
    }
    let length = u64::from(u32_at(head, LENGTH_AT));
    if length != file.len() as u64 || file.len() > MAX_MANIFEST_LENGTH {
        return Err(value("manifest length", LENGTH_AT as u64, length, "the file's, at most 16 MiB"));
    }
    let covered = checked(file);
    let (stored, computed) = (u32_at(file, covered.len()), Crc32c::new().update(covered).value());
    if stored != computed {
        let problem = Problem::Checksum { stored, computed };
        return Err(Damage::new("manifest checksum", covered.len() as u64, problem));
    }
    match u32_at(head, MUST_UNDERSTAND_AT) {
        0 => Ok(()),
        flags => {
            let problem = Problem::Unsupported { found: flags.into() };
            Err(Damage::new("must-understand flags", MUST_UNDERSTAND_AT as u64, problem))
        }
    }
}

/// What the checksum is of.
fn checked(file: &[u8]) -> &[u8] {
    file.split_last_chunk::<CHECKSUM_LENGTH>().map_or(&[], |(covered, _)| covered)
}

fn decode_regions(
    rest: &mut Rest<'_>,
    listed: u32,
    region_count: u32,
    spindles: u32,
) -> Result<Vec<ManifestRegion>, Damage> {
    let mut offset = rest.offset;
    let entries = rest.take(u64::from(listed) * REGION_ENTRY_LENGTH as u64, "regions")?;
    let mut regions: Vec<ManifestRegion> = Vec::with_capacity(entries.len() / REGION_ENTRY_LENGTH);
    for entry in entries.chunks_exact(REGION_ENTRY_LENGTH) {
        let region = ManifestRegion::decode(entry, offset)?;
        if region.index >= region_count || regions.last().is_some_and(|last| last.index >= region.index) {
            let expected = "more than the one before, and less than the region count";
            return Err(value("region index", offset, region.index.into(), expected));
        }
        if region.spindle >= spindles {
            let at = offset + REGION_SPINDLE_AT as u64;
            return Err(value(
                "region's spindle",
                at,
                region.spindle.into(),
                "less than the number of spindles",
            ));
        }
        regions.push(region);
        offset += REGION_ENTRY_LENGTH as u64;
    }
    Ok(regions)
}

fn decode_names(rest: &mut Rest<'_>, spindles: u32) -> Result<Vec<String>, Damage> {
    let mut names = Vec::new();
    for _ in 0..spindles {
        let offset = rest.offset;
        let length = u16_at(rest.take(NAME_PREFIX_LENGTH as u64, "spindle name")?, 0);
        let bytes = rest.take(length.into(), "spindle name")?;
        match core::str::from_utf8(bytes) {
            Ok(name) if is_name(name, Some(&names)) => names.push(name.to_owned()),
            _ => {
                let expected = "the length of a name in UTF-8, 1 to 255 bytes, that no other spindle has";
                return Err(value("spindle name", offset, length.into(), expected));
            }
        }
    }
    Ok(names)
}

/// Whether a spindle can be called so behind those that have names already.
fn is_name(name: &str, others: Option<&[String]>) -> bool {
    let is_taken = others.unwrap_or_default().iter().any(|other| other == name);
    (1..=MAX_SPINDLE_NAME_LENGTH).contains(&name.len()) && !is_taken
}

fn value(field: &'static str, offset: u64, found: u64, expected: &'static str) -> Damage {
    Damage::new(field, offset, Problem::Value { found, expected })
}
