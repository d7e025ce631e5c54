//! The two lists: every slot is in one of them.
//!
//! The recency list runs from the most recently used slot (`first`) to the least recently used and then the free ones
//! (`last`). Pinned slots and those being filled are in the other list (`held`), where eviction does not come.

use super::SectorCache;
use crate::SectorKey;
use crate::slot::sealed::{Neighbours, Record as _};
use crate::slot::{Link, Word};

impl<L: Link> SectorCache<'_, L> {
    /// Takes a slot, whose neighbours are given, out of the recency list.
    #[inline(always)]
    fn unlink(&mut self, at: usize, neighbours: Neighbours) {
        let Neighbours { mut prev, next } = neighbours;
        if at == self.first {
            self.first = next;
            // The start's own is whatever it was.
            prev = L::END;
        } else if let Some(record) = self.records.get_mut(prev) {
            record.set_next(next);
        }
        match self.records.get_mut(next) {
            Some(record) => record.set_prev(prev),
            None => self.last = prev,
        }
    }

    /// Takes a slot, whose neighbours are given, out of the list of those held.
    fn unlink_held(&mut self, at: usize, neighbours: Neighbours) {
        let Neighbours { prev, next } = neighbours;
        if at == self.held {
            self.held = next;
        } else if let Some(record) = self.records.get_mut(prev) {
            record.set_next(next);
        }
        if let Some(record) = self.records.get_mut(next) {
            record.set_prev(prev);
        }
    }

    /// Links a slot in as the most recently used.
    #[inline(always)]
    fn link_first(&mut self, at: usize) {
        let next = core::mem::replace(&mut self.first, at);
        match self.records.get_mut(next) {
            Some(record) => record.set_prev(at),
            None => self.last = at,
        }
        if let Some(record) = self.records.get_mut(at) {
            record.set_next(next);
        }
    }

    /// Links a slot in as the next to be taken.
    fn link_last(&mut self, at: usize) {
        let prev = core::mem::replace(&mut self.last, at);
        match self.records.get_mut(prev) {
            Some(record) => record.set_next(at),
            None => self.first = at,
        }
        if let Some(record) = self.records.get_mut(at) {
            record.set_prev(prev);
            record.set_next(L::END);
        }
    }

    /// Links a slot in with those that are held.
    fn link_held(&mut self, at: usize) {
        let next = core::mem::replace(&mut self.held, at);
        if let Some(record) = self.records.get_mut(next) {
            record.set_prev(at);
        }
        if let Some(record) = self.records.get_mut(at) {
            record.set_next(next);
        }
    }

    /// Makes a slot of the recency list, whose neighbours are given, the most recently used.
    #[inline(always)]
    pub(super) fn touch(&mut self, at: usize, neighbours: Neighbours) {
        let first = self.first;
        if at != first {
            self.unlink(at, neighbours);
            self.first = at;
            if let Some(record) = self.records.get_mut(first) {
                record.set_prev(at);
            }
            if let Some(record) = self.records.get_mut(at) {
                record.set_next(first);
            }
        }
    }

    /// Gives the last slot to a sector and makes it the first.
    #[inline(always)]
    pub(super) fn move_last_to_first(&mut self, at: usize, key: SectorKey) {
        let first = self.first;
        let Some(record) = self.records.get_mut(at) else { return };
        record.set_word(Word::holding(key));
        if at == first {
            return;
        }
        let prev = record.prev();
        record.set_next(first);
        if let Some(record) = self.records.get_mut(prev) {
            record.set_next(L::END);
        }
        if let Some(record) = self.records.get_mut(first) {
            record.set_prev(at);
        }
        self.last = prev;
        self.first = at;
    }

    /// Sets one of the flags that keep a slot from eviction.
    pub(super) fn flag(&mut self, at: usize, flag: u32) {
        let Some(record) = self.records.get_mut(at) else { return };
        let before = *record;
        record.set_word(before.word().with(flag));
        if !before.word().is_held() {
            self.unlink(at, Neighbours::of(&before));
            self.link_held(at);
        }
    }

    /// Clears one of them, and makes the slot the most recently used if it was the last.
    pub(super) fn unflag(&mut self, at: usize, flag: u32) {
        let Some(record) = self.records.get_mut(at) else { return };
        let before = *record;
        let word = before.word().without(flag);
        record.set_word(word);
        if before.word().is_held() && !word.is_held() {
            self.unlink_held(at, Neighbours::of(&before));
            self.link_first(at);
        }
    }

    /// Frees a slot: it becomes the last, and so the next to be taken.
    pub(super) fn release(&mut self, at: usize) {
        let Some(record) = self.records.get_mut(at) else { return };
        let before = *record;
        record.set_word(Word::FREE);
        let follower = self.follower(at).unwrap_or(L::END);
        self.unchain(at, before.word().key(), follower);
        if before.word().is_held() {
            self.unlink_held(at, Neighbours::of(&before));
        } else {
            self.unlink(at, Neighbours::of(&before));
        }
        self.link_last(at);
        self.used = self.used.wrapping_sub(1);
        self.releases = self.releases.wrapping_add(1);
    }
}
