//! The two lists: every slot is in one of them.
//!
//! The recency list runs from the most recently used slot (`first`) to the least recently used and then the free ones
//! (`last`). Pinned slots and those being filled are in the other list (`held`), where eviction does not come.

use super::SectorCache;
use crate::slot::sealed::{Place as _, Record as _};
use crate::slot::{Link, Word};

impl<L: Link> SectorCache<'_, L> {
    /// Takes a slot out of the recency list.
    #[inline(always)]
    fn unlink(&mut self, at: usize) {
        let Some(place) = self.places.get(at) else { return };
        let (mut prev, next) = (place.prev(), place.next());
        if at == self.first {
            self.first = next;
            // The start's own is whatever it was.
            prev = L::END;
        } else if let Some(place) = self.places.get_mut(prev) {
            place.set_next(next);
        }
        match self.places.get_mut(next) {
            Some(place) => place.set_prev(prev),
            None => self.last = prev,
        }
    }

    /// Links a slot in as the most recently used.
    #[inline(always)]
    fn link_first(&mut self, at: usize) {
        let next = core::mem::replace(&mut self.first, at);
        match self.places.get_mut(next) {
            Some(place) => place.set_prev(at),
            None => self.last = at,
        }
        if let Some(place) = self.places.get_mut(at) {
            place.set_next(next);
        }
    }

    /// Links a slot in as the next to be taken.
    fn link_last(&mut self, at: usize) {
        let prev = core::mem::replace(&mut self.last, at);
        match self.places.get_mut(prev) {
            Some(place) => place.set_next(at),
            None => self.first = at,
        }
        if let Some(place) = self.places.get_mut(at) {
            place.set_prev(prev);
            place.set_next(L::END);
        }
    }

    /// Makes a slot of the recency list the most recently used.
    #[inline(always)]
    pub(super) fn touch(&mut self, at: usize) {
        let first = self.first;
        if at == first {
            return;
        }
        let places = &mut *self.places;
        let Some(place) = places.get_mut(at) else { return };
        let (prev, next) = (place.prev(), place.next());
        place.set_next(first);
        if let Some(place) = places.get_mut(prev) {
            place.set_next(next);
        }
        match places.get_mut(next) {
            Some(place) => place.set_prev(prev),
            None => self.last = prev,
        }
        if let Some(place) = places.get_mut(first) {
            place.set_prev(at);
        }
        self.first = at;
    }

    /// Makes the last slot of the recency list the first.
    #[inline(always)]
    pub(super) fn touch_last(&mut self, at: usize) {
        let (places, first) = (&mut *self.places, self.first);
        self.first = at;
        if let Some(place) = places.get_mut(first) {
            place.set_prev(at);
        }
        let Some(place) = places.get_mut(at) else { return };
        place.set_next(first);
        // If it is the only one, it is its own `prev` now.
        let prev = place.prev();
        if let Some(place) = places.get_mut(prev) {
            place.set_next(L::END);
        }
        self.last = prev;
    }

    /// Takes a slot out of the list of those held.
    fn unlink_held(&mut self, at: usize) {
        let Some(place) = self.places.get(at) else { return };
        let (prev, next) = (place.prev(), place.next());
        // The `prev` of the start is whatever it was.
        if at == self.held {
            self.held = next;
        } else if let Some(place) = self.places.get_mut(prev) {
            place.set_next(next);
        }
        if let Some(place) = self.places.get_mut(next) {
            place.set_prev(prev);
        }
    }

    /// Links a slot in with those that are held.
    fn link_held(&mut self, at: usize) {
        let next = core::mem::replace(&mut self.held, at);
        if let Some(place) = self.places.get_mut(next) {
            place.set_prev(at);
        }
        if let Some(place) = self.places.get_mut(at) {
            place.set_next(next);
        }
    }

    /// Sets one of the flags that keep a slot from eviction.
    pub(super) fn flag(&mut self, at: usize, flag: u32) {
        let Some(record) = self.records.get_mut(at) else { return };
        let before = record.word();
        record.set_word(before.with(flag));
        if !before.is_held() {
            self.unlink(at);
            self.link_held(at);
        }
    }

    /// Clears one of them, and makes the slot the most recently used if it was the last.
    pub(super) fn unflag(&mut self, at: usize, flag: u32) {
        let Some(record) = self.records.get_mut(at) else { return };
        let before = record.word();
        let word = before.without(flag);
        record.set_word(word);
        if before.is_held() && !word.is_held() {
            self.unlink_held(at);
            self.link_first(at);
        }
    }

    /// Frees a slot: it becomes the last, and so the next to be taken.
    pub(super) fn release(&mut self, at: usize) {
        let word = self.word(at);
        L::remove(self.records, self.bucket(word.key()), word.key(), at);
        self.set_word(at, Word::FREE);
        if word.is_held() {
            self.unlink_held(at);
        } else {
            self.unlink(at);
        }
        self.link_last(at);
        self.used = self.used.wrapping_sub(1);
        self.releases = self.releases.wrapping_add(1);
    }
}
