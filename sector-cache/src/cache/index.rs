//! The hash index: as many buckets as slots, or twice as many, each a chain of slots.

use super::SectorCache;
use super::lists::Neighbours;
use crate::SectorKey;
use crate::slot::sealed::{Chain, Record as _};
use crate::slot::{Link, Word};

impl<L: Link> SectorCache<'_, L> {
    #[inline(always)]
    pub(super) fn bucket(&self, key: SectorKey) -> usize {
        let buckets = (self.chains.len() as u64).wrapping_mul(L::HEADS as u64);
        let scaled = u64::from(key.bits().wrapping_mul(MULTIPLIER)).wrapping_mul(buckets);
        (scaled >> 32) as usize
    }

    /// The slot that comes first in a bucket, or `END`; `None` if there are no slots.
    #[inline(always)]
    pub(super) fn head(&self, bucket: usize) -> Option<usize> {
        self.chains.get(bucket / L::HEADS).map(|chain| chain.head(bucket % L::HEADS))
    }

    #[inline(always)]
    pub(super) fn set_head(&mut self, bucket: usize, at: usize) {
        if let Some(chain) = self.chains.get_mut(bucket / L::HEADS) {
            chain.set_head(bucket % L::HEADS, at);
        }
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
        self.walk(self.head(self.bucket(key))?, found)
    }

    /// Searches a chain from its head on.
    #[inline(always)]
    pub(super) fn walk(&self, head: usize, found: impl Fn(Word) -> bool) -> Option<(usize, Neighbours)> {
        let mut at = head;
        if OUT_OF_ORDER && self.slots() <= FEW_SLOTS {
            at = self.step(at, &found);
        }
        loop {
            let record = self.records.get(at)?;
            if found(record.word()) {
                return Some((at, Neighbours::of::<L>(record)));
            }
            at = self.chains.get(at)?.follower();
        }
    }

    /// From a slot that is not the one looked for to its follower, without a branch.
    #[inline(always)]
    fn step(&self, at: usize, found: impl Fn(Word) -> bool) -> usize {
        // There is a slot, since there is a bucket; past the end of a chain the last one stands in.
        let near = at.min(self.slots().wrapping_sub(1));
        let follower = self.chains.get(near).map_or(L::END, L::Chain::follower);
        core::hint::select_unpredictable(found(self.word(near)) | (near != at), at, follower)
    }

    /// Puts a slot at the start of a bucket.
    #[inline(always)]
    pub(super) fn chain(&mut self, at: usize, bucket: usize) {
        let Some(follower) = self.head(bucket) else { return };
        self.set_head(bucket, at);
        if let Some(chain) = self.chains.get_mut(at) {
            chain.set_follower(follower);
        }
    }

    /// Takes a slot, whose follower is given, out of its key's bucket.
    #[inline(always)]
    pub(super) fn unchain(&mut self, at: usize, key: SectorKey, follower: usize) {
        let bucket = self.bucket(key);
        let Some(head) = self.head(bucket) else { return };
        let mut before = head;
        if OUT_OF_ORDER {
            // The first or the second: without a branch that tells them apart.
            let Some(chain) = self.chains.get_mut(head) else { return };
            if (head == at) | (chain.follower() == at) {
                chain.set_follower(follower);
                return self.set_head(bucket, core::hint::select_unpredictable(head == at, follower, head));
            }
        } else if head == at {
            return self.set_head(bucket, follower);
        }
        while let Some(chain) = self.chains.get_mut(before) {
            before = chain.follower();
            if before == at {
                return chain.set_follower(follower);
            }
        }
    }
}

/// Where a mispredicted branch costs more than looking at a slot too many. A microcontroller has no predictor to please.
const OUT_OF_ORDER: bool = cfg!(not(target_os = "none"));

/// So many slots' bookkeeping lies in the first or second cache of a processor. Beyond, waiting for a slot's record costs
/// more than a mispredicted branch, behind which the processor would fetch the sector already.
const FEW_SLOTS: usize = 8_192;

/// Spreads keys over the buckets: the product's 32 bits, scaled to the number of buckets.
///
/// Keys of disks come in runs and strides. Where the golden ratio, 0x9e37_79b1, makes chains of 12 slots for some of
/// the strides up to 64, since it is all but periodic in Fibonacci numbers, this one makes none above 8: the test
/// `strides_spread_over_the_buckets`.
const MULTIPLIER: u32 = 0xbb3a_93c5;
