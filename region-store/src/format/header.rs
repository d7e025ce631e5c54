//! The header page of version 2, never rewritten.
//!
//! | Offset | Size | Field               | Rule |
//! |-------:|-----:|---------------------|------|
//! |      0 |    1 | magic               | 85 |
//! |      1 |    1 | version             | 2; newer is refused |
//! |      2 |    6 | signature           | `52 47 4e 0d 0a 1a`: damage by line-ending conversion shows |
//! |      8 |    4 | header length       | 4,096; another is refused |
//! |     12 |    4 | must-understand flags | none is known: any is refused |
//! |     16 |    4 | may-ignore flags    | |
//! |     20 |    4 | alignment           | of blocks: a power of two from 8 to 4,096; 32 for slices, 4,096 for journals |
//! |     24 |   16 | region id           | random |
//! |     40 |    8 | domain              | |
//! |     48 |    8 | view                | |
//! |     56 |    8 | generation clock    | |
//! |     64 |    4 | slice key           | |
//! |     68 |    4 | region index        | |
//! |     72 |    4 | region count        | |
//! |     76 |    4 |                     | 0, not looked at |
//! |     80 |    8 | creation time       | nanoseconds since 1970 |
//! |     88 |    8 | generation digest   | the writer's own |
//! |     96 | 3,996 |                    | 0, not looked at |
//! |  4,092 |    4 | header checksum     | CRC-32C of bytes 0 to 4,091 |
//!
//! What comes first is looked at first, but that the checksum comes before the flags: a damaged page is not taken for
//! one that is newer.

use super::fields::{at, put, u32_at, u64_at};
use super::{Damage, Problem, Version, crc32c, fields, version_of};

/// Bytes of the header page.
pub const HEADER_LENGTH: usize = 4_096;
/// How a file of version 2 starts.
pub const SIGNATURE: [u8; 8] = [super::MAGIC, 2, 0x52, 0x47, 0x4e, 0x0d, 0x0a, 0x1a];

const HEADER_LENGTH_AT: usize = 8;
const MUST_UNDERSTAND_AT: usize = 12;
const MAY_IGNORE_AT: usize = 16;
const ALIGNMENT_AT: usize = 20;
const REGION_ID_AT: usize = 24;
const DOMAIN_AT: usize = 40;
const VIEW_AT: usize = 48;
const GENERATION_CLOCK_AT: usize = 56;
const SLICE_KEY_AT: usize = 64;
const REGION_INDEX_AT: usize = 68;
const REGION_COUNT_AT: usize = 72;
const CREATED_AT: usize = 80;
const GENERATION_DIGEST_AT: usize = 88;
const CHECKSUM_AT: usize = HEADER_LENGTH - 4;

const _: () = assert!(HEADER_LENGTH_AT == SIGNATURE.len());
const _: () = assert!(DOMAIN_AT == REGION_ID_AT + size_of::<RegionId>());

/// What no two regions share. All checksums of a region start from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RegionId(pub [u8; 16]);

impl core::fmt::Display for RegionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What the header page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Flags that a reader may ignore.
    pub may_ignore: u32,
    /// Blocks, the index block and the seal start at multiples of it.
    pub alignment: u32,
    /// Which region this is.
    pub region_id: RegionId,
    /// The dataset's domain.
    pub domain: u64,
    /// Its view.
    pub view: u64,
    /// Its generation.
    pub generation_clock: u64,
    /// Which slice of it the region belongs to.
    pub slice_key: u32,
    /// Which region of the slice this is.
    pub region_index: u32,
    /// How many regions the slice has.
    pub region_count: u32,
    /// When it was created, in nanoseconds since 1970.
    pub created_ns: u64,
    /// The writer's own digest of the generation.
    pub generation_digest: u64,
}

/// Where the blocks of a slice's regions begin.
pub(crate) const SLICE_ALIGNMENT: u32 = 32;

/// A region of no slice, with the alignment of slices.
impl Default for Header {
    fn default() -> Self {
        Self {
            may_ignore: 0,
            alignment: SLICE_ALIGNMENT,
            region_id: RegionId::default(),
            domain: 0,
            view: 0,
            generation_clock: 0,
            slice_key: 0,
            region_index: 0,
            region_count: 0,
            created_ns: 0,
            generation_digest: 0,
        }
    }
}

impl Header {
    /// Decodes the page at the start of a file.
    ///
    /// # Errors
    /// [`Damage`] that names the first field that breaks a rule of the table above.
    pub fn decode(file: &[u8]) -> Result<Self, Damage> {
        if version_of(file)? != Version::Two {
            return Err(Damage::new("version", 1, Problem::Value { found: 1, expected: "version 2" }));
        }
        let page: &[u8; HEADER_LENGTH] = fields::chunk(file, 0, "header")?;
        if !page.starts_with(&SIGNATURE) {
            let problem = Problem::Value {
                found: u64::from_be_bytes(at(page, 0)) & 0xffff_ffff_ffff,
                expected: "the signature 52 47 4e 0d 0a 1a; was the file converted as text?",
            };
            return Err(Damage::new("signature", 2, problem));
        }
        let value = |field, offset: usize, expected| {
            let found = u64::from(u32_at(page, offset));
            Damage::new(field, offset as u64, Problem::Value { found, expected })
        };
        if u32_at(page, HEADER_LENGTH_AT) != 4_096 {
            return Err(value("header length", HEADER_LENGTH_AT, "4096"));
        }
        let stored = u32_at(page, CHECKSUM_AT);
        let computed = checksum(page);
        if stored != computed {
            let problem = Problem::Checksum { stored, computed };
            return Err(Damage::new("header checksum", CHECKSUM_AT as u64, problem));
        }
        let must_understand = u32_at(page, MUST_UNDERSTAND_AT);
        if must_understand != 0 {
            let problem = Problem::Unsupported { found: must_understand.into() };
            return Err(Damage::new("must-understand flags", MUST_UNDERSTAND_AT as u64, problem));
        }
        if !is_alignment(u32_at(page, ALIGNMENT_AT)) {
            return Err(value("alignment", ALIGNMENT_AT, "a power of two from 8 to 4096"));
        }
        Ok(Self {
            may_ignore: u32_at(page, MAY_IGNORE_AT),
            alignment: u32_at(page, ALIGNMENT_AT),
            region_id: RegionId(at(page, REGION_ID_AT)),
            domain: u64_at(page, DOMAIN_AT),
            view: u64_at(page, VIEW_AT),
            generation_clock: u64_at(page, GENERATION_CLOCK_AT),
            slice_key: u32_at(page, SLICE_KEY_AT),
            region_index: u32_at(page, REGION_INDEX_AT),
            region_count: u32_at(page, REGION_COUNT_AT),
            created_ns: u64_at(page, CREATED_AT),
            generation_digest: u64_at(page, GENERATION_DIGEST_AT),
        })
    }

    /// The page that says this.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut page = [0; HEADER_LENGTH];
        put(&mut page, 0, &SIGNATURE);
        put(&mut page, HEADER_LENGTH_AT, &4_096_u32.to_le_bytes());
        put(&mut page, MAY_IGNORE_AT, &self.may_ignore.to_le_bytes());
        put(&mut page, ALIGNMENT_AT, &self.alignment.to_le_bytes());
        put(&mut page, REGION_ID_AT, &self.region_id.0);
        put(&mut page, DOMAIN_AT, &self.domain.to_le_bytes());
        put(&mut page, VIEW_AT, &self.view.to_le_bytes());
        put(&mut page, GENERATION_CLOCK_AT, &self.generation_clock.to_le_bytes());
        put(&mut page, SLICE_KEY_AT, &self.slice_key.to_le_bytes());
        put(&mut page, REGION_INDEX_AT, &self.region_index.to_le_bytes());
        put(&mut page, REGION_COUNT_AT, &self.region_count.to_le_bytes());
        put(&mut page, CREATED_AT, &self.created_ns.to_le_bytes());
        put(&mut page, GENERATION_DIGEST_AT, &self.generation_digest.to_le_bytes());
        let checksum = checksum(&page);
        put(&mut page, CHECKSUM_AT, &checksum.to_le_bytes());
        page
    }
}

/// Whether blocks may be aligned to it: their data is padded to 8, and the first one follows the header page.
#[must_use]
pub const fn is_alignment(alignment: u32) -> bool {
    alignment.is_power_of_two() && alignment >= 8 && alignment <= 4_096
}

fn checksum(page: &[u8; HEADER_LENGTH]) -> u32 {
    crc32c(page.first_chunk::<CHECKSUM_AT>().map_or(&[], |bytes| bytes))
}
