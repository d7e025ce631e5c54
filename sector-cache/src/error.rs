use crate::SectorKey;

/// Why a call was refused. Nothing has changed when one of these is returned.
///
/// A sector that is not held is no error: the calls that look for one answer with an `Option` or a `bool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's mistake: a drive from 16 on, or a sector from 2^24 on.
    #[error("drives go from 0 to 15 and sectors from 0 to 16,777,215")]
    OutOfRange,
    /// The caller's mistake: the bytes given are not one sector.
    #[error("{actual} bytes were given, but a sector of this cache has {expected}")]
    WrongLength {
        /// The cache's sector length.
        expected: usize,
        /// The length of what was given.
        actual: usize,
    },
    /// The caller's mistake: there is no such cache.
    #[error(
        "sectors have 1 to 16,777,216 bytes, and a cache at most 65,535 slots, or 67,108,863 if it is wide"
    )]
    Unaddressable,
    /// The caller's mistake: the memory supplied is too short.
    #[error("{needed} bytes of memory are needed, {available} were supplied")]
    MemoryTooSmall {
        /// What `required_bytes` says.
        needed: usize,
        /// The length of the memory.
        available: usize,
    },
    /// Full: nothing may be evicted, because the cache never evicts or every slot is pinned or being filled.
    #[error("the cache is full and may evict nothing: unpin, remove or clear")]
    Full,
    /// Full: the sector named would have to go, and the device does not have its bytes yet.
    #[error("sector {0} is dirty: write it to its device and mark it clean first")]
    Dirty(SectorKey),
    /// The caller's mistake: the sector is being filled in place.
    #[error("the sector is being filled: finish or cancel that first")]
    Filling,
}
