//! Iteration over what a cache holds.

use super::SectorCache;
use crate::SectorKey;
use crate::slot::sealed::{Layout, Place as _};
use crate::slot::{Link, Word};

/// A sector that is held, as iteration shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Which sector.
    pub key: SectorKey,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Whether the device does not have these bytes yet.
    pub dirty: bool,
    /// Whether it may not be evicted.
    pub pinned: bool,
}

/// Iterates over the sectors held; see [`SectorCache::iter`].
#[derive(Clone, Debug)]
pub struct Iter<'a, 'm, L: Link = u16> {
    cache: &'a SectorCache<'m, L>,
    held: Run,
    recency: Run,
}

/// What is left of a list: from one slot to another, or nothing if `next` is `END`.
#[derive(Clone, Debug)]
struct Run {
    next: usize,
    back: usize,
}

impl<'a, 'm, L: Link> Iter<'a, 'm, L> {
    pub(super) fn new(cache: &'a SectorCache<'m, L>) -> Self {
        // The list of those held has no end of its own, since nothing else needs it.
        let mut back = cache.held;
        while let Some(place) = cache.places.get(back)
            && place.next() != L::END
        {
            back = place.next();
        }
        Self {
            cache,
            held: Run { next: cache.held, back },
            recency: Run { next: cache.first, back: cache.last },
        }
    }

    /// A slot's sector, if it has one and its bytes are there.
    fn entry(&self, at: usize) -> Option<Entry<'a>> {
        let word = self.cache.word(at);
        let bytes = self.cache.sector(at)?;
        word.is_visible().then_some(Entry {
            key: word.key(),
            bytes,
            dirty: word.any(Word::DIRTY),
            pinned: word.any(Word::PINNED),
        })
    }
}

impl Run {
    fn take_next<L: Layout>(&mut self, places: &[L::Place]) -> Option<usize> {
        let at = self.next;
        let place = places.get(at)?;
        self.next = if at == self.back { L::END } else { place.next() };
        Some(at)
    }

    fn take_back<L: Layout>(&mut self, places: &[L::Place]) -> Option<usize> {
        places.get(self.next)?;
        let at = self.back;
        if at == self.next {
            self.next = L::END;
        } else {
            self.back = places.get(at)?.prev();
        }
        Some(at)
    }
}

impl<'a, L: Link> Iterator for Iter<'a, '_, L> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let places = &*self.cache.places;
        loop {
            let at = self.held.take_next::<L>(places).or_else(|| self.recency.take_next::<L>(places))?;
            if let Some(entry) = self.entry(at) {
                return Some(entry);
            }
        }
    }
}

impl<L: Link> DoubleEndedIterator for Iter<'_, '_, L> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let places = &*self.cache.places;
        loop {
            let at = self.recency.take_back::<L>(places).or_else(|| self.held.take_back::<L>(places))?;
            if let Some(entry) = self.entry(at) {
                return Some(entry);
            }
        }
    }
}

impl<L: Link> core::iter::FusedIterator for Iter<'_, '_, L> {}

impl<'a, 'm, L: Link> IntoIterator for &'a SectorCache<'m, L> {
    type Item = Entry<'a>;
    type IntoIter = Iter<'a, 'm, L>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
