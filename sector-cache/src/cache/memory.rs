//! A cache is made: what it needs of the caller's memory, and what lies where in that.

use super::{Eviction, SectorCache, WideSectorCache};
use crate::Error;
use crate::slot::{Link, Word};

/// Sector numbers have 24 bits, and so have sector lengths.
const MOST_SECTOR_LENGTH: usize = 1 << 24;

impl<'m> SectorCache<'m> {
    /// Makes an empty cache of `slots` sectors of `sector_length` bytes in `memory`.
    ///
    /// # Errors
    /// [`Error::Unaddressable`] for more than 65,535 slots or a sector length of 0, and
    /// [`Error::MemoryTooSmall`] if `memory` is shorter than [`required_bytes`](Self::required_bytes).
    #[inline(always)]
    pub fn new(
        memory: &'m mut [u8],
        slots: usize,
        sector_length: usize,
        eviction: Eviction,
    ) -> Result<Self, Error> {
        Self::lay_out(memory, slots, sector_length, eviction)
    }
}

impl<'m> WideSectorCache<'m> {
    /// Makes an empty wide cache; see [`SectorCache::new`].
    ///
    /// # Errors
    /// As [`SectorCache::new`], but for 67,108,863 slots.
    pub fn wide(
        memory: &'m mut [u8],
        slots: usize,
        sector_length: usize,
        eviction: Eviction,
    ) -> Result<Self, Error> {
        Self::lay_out(memory, slots, sector_length, eviction)
    }
}

impl<'m, L: Link> SectorCache<'m, L> {
    /// How many bytes of memory such a cache takes; `None` if that cannot be.
    #[must_use]
    pub const fn required_bytes(slots: usize, sector_length: usize) -> Option<usize> {
        if slots > L::END || sector_length == 0 || sector_length > MOST_SECTOR_LENGTH {
            return None;
        }
        slots.checked_mul(L::SLOT_BYTES.saturating_add(sector_length))
    }

    /// How many slots fit into that many bytes of memory; 0 if there can be no such sectors.
    #[must_use]
    pub const fn slots_in(bytes: usize, sector_length: usize) -> usize {
        if sector_length == 0 || sector_length > MOST_SECTOR_LENGTH {
            return 0;
        }
        let fitting = bytes / L::SLOT_BYTES.saturating_add(sector_length);
        if fitting < L::END { fitting } else { L::END }
    }

    #[inline(always)]
    fn lay_out(
        memory: &'m mut [u8],
        slots: usize,
        sector_length: usize,
        eviction: Eviction,
    ) -> Result<Self, Error> {
        let needed = Self::required_bytes(slots, sector_length).ok_or(Error::Unaddressable)?;
        let too_small = Error::MemoryTooSmall { needed, available: memory.len() };
        let bookkeeping = slots.wrapping_mul(L::SLOT_BYTES);
        let (bookkeeping, rest) = memory.split_at_mut_checked(bookkeeping).ok_or(too_small)?;
        let (records, places) = L::split(bookkeeping, slots).ok_or(too_small)?;
        let bytes = rest.get_mut(..slots.wrapping_mul(sector_length)).ok_or(too_small)?;
        let mut cache = Self {
            records,
            places,
            bytes,
            sector_length,
            first: L::END,
            last: L::END,
            held: L::END,
            used: 0,
            spared: if eviction == Eviction::Never { Word::DIRTY } else { 0 },
            hits: 0,
            misses: 0,
            claims: 0,
            releases: 0,
            unchanged: 0,
            refused: 0,
        };
        cache.clear();
        Ok(cache)
    }
}
