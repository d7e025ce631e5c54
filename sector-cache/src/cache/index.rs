//! The hash index: as many buckets as slots, each a chain of slots.

mod narrow;
mod wide;

use super::SectorCache;
use crate::SectorKey;
use crate::slot::sealed::Neighbours;
use crate::slot::{Link, Word};

impl<L: Link> SectorCache<'_, L> {
    #[inline(always)]
    pub(super) fn bucket(&self, key: SectorKey) -> usize {
        let scaled = u64::from(hash(key)).wrapping_mul(self.chains.len() as u64);
        (scaled >> 32) as usize
    }

    /// The slot that holds a sector or is being filled with it.
    #[inline(always)]
    pub(super) fn find(&self, key: SectorKey) -> Option<usize> {
        self.find_plain(key).map(|(at, _)| at).or_else(|| self.find_held(key))
    }

    /// The same, if the bytes are there.
    #[inline(always)]
    pub(super) fn find_visible(&self, key: SectorKey) -> Option<usize> {
        self.find(key).filter(|&at| self.word(at).is_visible())
    }

    pub(super) fn find_filling(&self, key: SectorKey) -> Option<usize> {
        self.find_held(key).filter(|&at| self.word(at).any(Word::FILLING))
    }

    /// The slot of a sector that is neither pinned nor being filled, as nearly all are, and its neighbours.
    #[inline(always)]
    pub(super) fn find_plain(&self, key: SectorKey) -> Option<(usize, Neighbours)> {
        self.search(key, |word| word.is_plainly(key))
    }

    /// The same for a sector that is probably not held, given its bucket.
    #[inline(always)]
    pub(super) fn find_plain_new(&self, key: SectorKey, bucket: usize) -> Option<(usize, Neighbours)> {
        L::search_new(self.records, self.chains, bucket, key, |word| word.is_plainly(key))
    }

    /// The slot of a sector that is pinned or being filled.
    #[inline(always)]
    pub(super) fn find_held(&self, key: SectorKey) -> Option<usize> {
        if self.held < self.slots() { self.search_held(key) } else { None }
    }

    #[cold]
    #[inline(never)]
    fn search_held(&self, key: SectorKey) -> Option<usize> {
        self.search(key, |word| word.key() == key).map(|(at, _)| at)
    }

    #[inline(always)]
    fn search(&self, key: SectorKey, found: impl Fn(Word) -> bool) -> Option<(usize, Neighbours)> {
        L::search(self.records, self.chains, self.bucket(key), key, found)
    }

    /// Puts a slot into its key's bucket.
    #[inline(always)]
    pub(super) fn chain(&mut self, at: usize, key: SectorKey, bucket: usize) {
        L::insert(self.records, self.chains, bucket, key, at);
    }

    /// What comes after a slot in its bucket; `None` if there is no such slot.
    #[inline(always)]
    pub(super) fn follower(&self, at: usize) -> Option<usize> {
        L::follower(self.records, self.chains, at)
    }

    /// Takes a slot, whose follower is given, out of its key's bucket.
    #[inline(always)]
    pub(super) fn unchain(&mut self, at: usize, key: SectorKey, follower: usize) {
        let bucket = self.bucket(key);
        L::remove(self.records, self.chains, bucket, key, at, follower);
    }
}

/// Where a mispredicted branch costs more than looking at a slot too many. A microcontroller has no predictor to please.
const OUT_OF_ORDER: bool = cfg!(not(target_os = "none"));

/// Spreads keys over 32 bits, which are then scaled to the number of buckets.
///
/// Keys of disks come in runs and strides. Where the golden ratio, 0x9e37_79b1, makes chains of 12 slots for some of
/// the strides up to 64, since it is all but periodic in Fibonacci numbers, this one makes none above 8: the test
/// `strides_spread_over_the_buckets`.
#[inline(always)]
const fn hash(key: SectorKey) -> u32 {
    key.bits().wrapping_mul(0xbb3a_93c5)
}
