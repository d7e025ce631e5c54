//! The bytes of the sectors, one after the other in the order of the slots.

use super::SectorCache;
use super::index::OUT_OF_ORDER;
use crate::slot::Link;

impl<L: Link> SectorCache<'_, L> {
    #[inline(always)]
    pub(super) fn sector(&self, at: usize) -> Option<&[u8]> {
        sector_in(self.bytes, at, self.sector_length)
    }

    #[inline(always)]
    pub(super) fn sector_mut(&mut self, at: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(range_of(at, self.sector_length)?)
    }

    /// Copies a slot's bytes out, of which there are as many; `false` if there is no such slot.
    #[inline(always)]
    pub(super) fn copy(&self, at: usize, to: &mut [u8]) -> bool {
        // Of the length of `to`, so that no second check stands between the bytes and the copy.
        sector_in(self.bytes, at, to.len()).map(|from| copy_blocks(from, to)).is_some()
    }

    /// Copies a whole sector's bytes into a slot.
    #[inline(always)]
    pub(super) fn write(&mut self, at: usize, from: &[u8]) {
        if let Some(to) = range_of(at, from.len()).and_then(|range| self.bytes.get_mut(range)) {
            copy_blocks(from, to);
        }
    }
}

/// A slot's sector among all of them.
#[inline(always)]
pub(super) fn sector_in(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(range_of(at, length)?)
}

/// Where a slot's sector lies among all of them.
///
/// Always somewhere: `at` is a slot's number, and the length of all slots' bytes fits in a `usize`. That it is checked
/// spares the check that the range ends behind its start.
#[inline(always)]
fn range_of(at: usize, length: usize) -> Option<core::ops::Range<usize>> {
    let start = at.wrapping_mul(length);
    Some(start..start.checked_add(length)?)
}

/// Copies bytes to as many others.
///
/// By blocks, the last of which may overlap the one before: where the compiler knows the length, as that of an array,
/// this takes neither a call nor a branch.
#[inline(always)]
fn copy_blocks(from: &[u8], to: &mut [u8]) {
    if !OUT_OF_ORDER || from.len() < BLOCK {
        return to.copy_from_slice(from);
    }
    for (from, to) in from.as_chunks::<BLOCK>().0.iter().zip(to.as_chunks_mut::<BLOCK>().0) {
        *to = *from;
    }
    if let (Some(from), Some(to)) = (from.last_chunk::<BLOCK>(), to.last_chunk_mut::<BLOCK>()) {
        *to = *from;
    }
}

/// What the host's processors move at once.
const BLOCK: usize = 16;
