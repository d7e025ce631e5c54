//! What the header page of a region says, in the structures of C.

use region_store::Region;
use region_store::format::{Header, RegionId, Version};

/// What the header page of version 2 says of a dataset that the file is a part of. The library looks at `id` and
/// `alignment`; the rest is yours.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RegionHeader {
    /// The dataset's domain.
    pub domain: u64,
    /// Its view.
    pub view: u64,
    /// Its generation.
    pub generation_clock: u64,
    /// A digest of the generation.
    pub generation_digest: u64,
    /// When it was created, in nanoseconds since 1970.
    pub created_ns: u64,
    /// Which slice of it the region belongs to.
    pub slice_key: u32,
    /// Which region of the slice this is.
    pub region_index: u32,
    /// How many regions the slice has.
    pub region_count: u32,
    /// Bytes to a multiple of which blocks start: a power of two from 8 to 4,096.
    pub alignment: u32,
    /// What no other region has. `region_create()` takes 16 zeros for a random one.
    pub id: [u8; 16],
}

/// What a region says of itself.
#[repr(C)]
pub struct RegionInfo {
    /// What the header page says; all zeros in version 1, which has none.
    pub header: RegionHeader,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Of the format: 1 or 2.
    pub version: u32,
    /// 1 if a seal shows that the file is as long as it was written; 0 in version 1, which has none.
    pub is_sealed: u8,
}

impl RegionHeader {
    pub(super) const fn of(header: &Header) -> Self {
        Self {
            domain: header.domain,
            view: header.view,
            generation_clock: header.generation_clock,
            generation_digest: header.generation_digest,
            created_ns: header.created_ns,
            slice_key: header.slice_key,
            region_index: header.region_index,
            region_count: header.region_count,
            alignment: header.alignment,
            id: header.region_id.0,
        }
    }

    pub(super) const fn to_header(self) -> Header {
        Header {
            may_ignore: 0,
            alignment: self.alignment,
            region_id: RegionId(self.id),
            domain: self.domain,
            view: self.view,
            generation_clock: self.generation_clock,
            slice_key: self.slice_key,
            region_index: self.region_index,
            region_count: self.region_count,
            created_ns: self.created_ns,
            generation_digest: self.generation_digest,
        }
    }
}

impl RegionInfo {
    pub(super) fn of(region: &Region) -> Self {
        let none = Header { alignment: 0, ..Header::default() };
        Self {
            header: RegionHeader::of(region.header().unwrap_or(&none)),
            file_bytes: region.file_length(),
            version: number(region.version()),
            is_sealed: u8::from(region.seal().is_some()),
        }
    }
}

pub(super) const fn number(version: Version) -> u32 {
    match version {
        Version::One => 1,
        Version::Two => 2,
    }
}

pub(super) const fn version(number: u32) -> Option<Version> {
    match number {
        1 => Some(Version::One),
        2 => Some(Version::Two),
        _ => None,
    }
}
