//! The hash index: as many buckets as slots, each a chain of slots.

mod narrow;
mod wide;

use super::SectorCache;
use crate::SectorKey;
use crate::slot::{Link, Word};

impl<L: Link> SectorCache<'_, L> {
    #[inline(always)]
    pub(super) fn bucket(&self, key: SectorKey) -> usize {
        bucket_of(key, self.records.len())
    }

    /// The slot that holds a sector or is being filled with it.
    #[inline(always)]
    pub(super) fn find(&self, key: SectorKey) -> Option<usize> {
        self.search(key, |word| word.key() == key)
    }

    /// The same for a sector that is probably not held, given its bucket.
    #[inline(always)]
    pub(super) fn find_new(&self, key: SectorKey, bucket: usize) -> Option<usize> {
        L::search_new(self.records, bucket, key, |word| word.key() == key)
    }

    /// The slot of a sector that is neither pinned nor being filled, as nearly all are.
    #[inline(always)]
    pub(super) fn find_plain(&self, key: SectorKey) -> Option<usize> {
        self.search(key, |word| word.is_plainly(key))
    }

    /// The slot of a sector whose bytes are there.
    #[inline(always)]
    pub(super) fn find_visible(&self, key: SectorKey) -> Option<usize> {
        self.find(key).filter(|&at| self.word(at).is_visible())
    }

    /// The slot of a sector whose bytes are not there yet.
    pub(super) fn find_filling(&self, key: SectorKey) -> Option<usize> {
        self.find(key).filter(|&at| self.word(at).any(Word::FILLING))
    }

    #[inline(always)]
    fn search(&self, key: SectorKey, found: impl Fn(Word) -> bool) -> Option<usize> {
        L::search(self.records, self.bucket(key), key, found)
    }
}

/// The bucket of a key among so many.
#[inline(always)]
pub(super) fn bucket_of(key: SectorKey, buckets: usize) -> usize {
    let scaled = u64::from(hash(key)).wrapping_mul(buckets as u64);
    (scaled >> 32) as usize
}

/// Where a mispredicted branch costs more than looking at a slot too many, and a call more than a few moves. A
/// microcontroller has no predictor to please, and little room for code. With `in_order` a host does as it does, for
/// `.ci/test`.
pub(super) const OUT_OF_ORDER: bool = cfg!(not(any(target_os = "none", in_order)));

/// Spreads keys over 32 bits, which are then scaled to the number of buckets.
///
/// Keys of disks come in runs and strides. Where the golden ratio, 0x9e37_79b1, makes chains of 12 slots for some of
/// the strides up to 64, since it is all but periodic in Fibonacci numbers, this one makes none above 8: the test
/// `strides_spread_over_the_buckets`.
#[inline(always)]
const fn hash(key: SectorKey) -> u32 {
    key.bits().wrapping_mul(0xbb3a_93c5)
}
