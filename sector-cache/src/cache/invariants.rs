//! What holds of a cache between any two calls; for tests and fuzz targets.

#![allow(clippy::indexing_slicing, reason = "a panic is how a broken invariant shows")]

use std::vec;
use std::vec::Vec;

use super::SectorCache;
use crate::slot::sealed::{Place as _, Record as _};
use crate::slot::{Link, Word};

impl<L: Link> SectorCache<'_, L> {
    /// Checks the lists, the hash index and the count of used slots against each other. Looks at every slot.
    ///
    /// # Panics
    /// If they do not agree.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        assert_eq!(self.places.len(), self.slots(), "every slot has a place");
        assert_eq!(self.bytes.len(), self.slots() * self.sector_length, "every slot has a sector's bytes");
        let recency = self.list_from(self.first);
        let held = self.list_from(self.held);
        assert_eq!(recency.last().copied().unwrap_or(L::END), self.last, "`last` ends the recency list");
        self.check_membership(&recency, &held);
        self.check_words(&recency, &held);
        self.check_index();
    }

    /// The slots of a list, whose links agree in both directions.
    fn list_from(&self, start: usize) -> Vec<usize> {
        let mut list = Vec::new();
        let mut at = start;
        while at != L::END {
            let place = &self.places[at];
            // The `prev` of a list's start is whatever it was.
            if let Some(&before) = list.last() {
                assert_eq!(place.prev(), before, "slot {at} links back to the one that links to it");
            }
            list.push(at);
            assert!(list.len() <= self.slots(), "the list from slot {start} ends");
            at = place.next();
        }
        list
    }

    fn check_membership(&self, recency: &[usize], held: &[usize]) {
        let mut lists = vec![0; self.slots()];
        for &at in recency.iter().chain(held) {
            lists[at] += 1;
        }
        assert!(lists.iter().all(|&lists| lists == 1), "every slot is in exactly one list: {lists:?}");
    }

    fn check_words(&self, recency: &[usize], held: &[usize]) {
        assert!(held.iter().all(|&at| self.word(at).is_held()), "what is held has a flag that says so");
        assert!(!recency.iter().any(|&at| self.word(at).is_held()), "nothing else has such a flag");
        assert!(recency.is_sorted_by_key(|&at| self.word(at).is_free()), "free slots come last");
        let mut keys: Vec<_> = self.used_words().map(Word::key).collect();
        assert_eq!(keys.len(), self.used, "`used` counts the used slots");
        keys.sort_unstable();
        assert!(keys.is_sorted_by(|one, next| one < next), "no two slots hold the same sector");
        assert!(
            self.records.iter().all(|record| !record.word().is_free() || record.word() == Word::FREE),
            "a free slot has neither key nor flags"
        );
    }

    fn used_words(&self) -> impl Iterator<Item = Word> {
        self.records.iter().map(L::Record::word).filter(|word| !word.is_free())
    }

    /// Checks that every used slot is once in its bucket's chain, and no other slot in any.
    fn check_index(&self) {
        let mut chained = vec![false; self.slots()];
        for bucket in 0..self.slots() {
            L::visit(self.records, bucket, |at| {
                let key = self.word(at).key();
                assert!(!self.word(at).is_free(), "slot {at}, which is chained, is used");
                assert_eq!(self.bucket(key), bucket, "slot {at} is in its key's bucket");
                assert!(!chained[at], "slot {at} is chained once");
                chained[at] = true;
                let found = L::search(self.records, bucket, key, |word| word.key() == key);
                assert_eq!(found, Some(at), "slot {at} is found by its key");
                true
            });
        }
        let chained = chained.iter().filter(|&&chained| chained).count();
        assert_eq!(chained, self.used, "every used slot is chained");
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::slot::sealed::Index;
    use crate::{Eviction, SectorKey};

    type Damage = fn(&mut SectorCache<'_>);

    const NONE: usize = u16::MAX as usize;

    /// Six slots: 1 is the most recently used sector, then 0; 3 and 2 are pinned; two slots are free.
    fn in_every_state(memory: &mut [u8]) -> SectorCache<'_> {
        let mut cache = SectorCache::new(memory, 6, 1, Eviction::Lru).unwrap();
        for sector in 0..4 {
            cache.put(SectorKey::try_new(0, sector).unwrap(), &[0]).unwrap();
        }
        assert!([2, 3].into_iter().all(|sector| cache.pin(SectorKey::try_new(0, sector).unwrap())));
        cache
    }

    fn change_word(cache: &mut SectorCache<'_>, at: usize, change: impl FnOnce(Word) -> Word) {
        let word = cache.word(at);
        cache.records[at].set_word(change(word));
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes there and shows nothing that others do not")]
    fn every_damage_is_noticed() {
        let damages: [(&str, Damage); 14] = [
            ("a list that ends early", |cache| cache.places[cache.first].set_next(NONE)),
            ("a list that never ends", |cache| cache.places[cache.first].set_next(cache.first)),
            ("a list that misses its start", |cache| cache.first = cache.places[cache.first].next()),
            ("a list that knows another end", |cache| cache.last = cache.first),
            ("a link that is not returned", |cache| cache.places[cache.last].set_prev(cache.last)),
            ("held slots that are in no list", |cache| cache.held = NONE),
            ("a slot in two lists", |cache| cache.places[cache.last].set_next(cache.held)),
            ("a held flag in the recency list", |cache| {
                change_word(cache, cache.first, |word| word.with(Word::PINNED));
            }),
            ("no held flag in the held list", |cache| {
                change_word(cache, cache.held, |word| word.without(Word::PINNED));
            }),
            ("a free slot before a used one", |cache| cache.touch(cache.last)),
            ("a free slot with a flag", |cache| {
                change_word(cache, cache.last, |word| word.with(Word::DIRTY));
            }),
            ("two slots for a sector", |cache| {
                let second = cache.places[cache.first].next();
                let word = cache.word(second);
                change_word(cache, cache.first, |_| word);
            }),
            ("a wrong count", |cache| cache.used += 1),
            ("a sector that is not found", |cache| {
                let bucket = cache.bucket(cache.word(cache.first).key());
                <u16 as Index>::clear(cache.records, bucket);
            }),
        ];
        let mut memory = [0; 6 * 13];
        for (name, damage) in damages {
            let mut cache = in_every_state(&mut memory);
            cache.check_invariants();
            damage(&mut cache);
            let check = catch_unwind(AssertUnwindSafe(|| cache.check_invariants()));
            assert!(check.is_err(), "{name} goes unnoticed");
        }
    }
}
