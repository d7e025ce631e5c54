//! The cache: a hash index and an exact recency list over slots in the caller's memory.
//!
//! An insertion takes the last slot of the recency list, whatever that is.

mod index;
#[cfg(any(test, fuzzing))]
mod invariants;
mod iter;
mod lists;
mod memory;
#[cfg(test)]
mod model;
mod sectors;
#[cfg(test)]
mod tests;

use self::index::bucket_of;
pub use self::iter::{Entry, Iter};
use self::sectors::sector_in;
use crate::slot::sealed::{Place as _, Record as _};
use crate::slot::{Link, Word};
use crate::{Drive, Error, Sector, SectorKey, Stats};

/// What to do when a new sector comes and no slot is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eviction {
    /// The least recently used sector gives up its slot.
    #[default]
    Lru,
    /// Nothing does: the new sector is refused with [`Error::Full`]. For overlays, whose bytes exist nowhere else.
    Never,
}

/// What a successful `put` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sector was not held, and got a free slot.
    Inserted,
    /// The sector was held with other bytes.
    Replaced,
    /// The sector was held with the same bytes; it counts as used.
    Unchanged,
    /// The sector was not held, and got the slot of this one.
    Evicted(SectorKey),
}

/// An LRU cache of sectors in memory that the caller supplies, for up to 65,535 slots.
///
/// See the [crate's documentation](crate) for an example and for what it costs. Every call takes constant time but
/// those that say otherwise; nothing is ever allocated, moved or rehashed.
#[derive(Debug)]
pub struct SectorCache<'m, L: Link = u16> {
    /// As many as there are slots; so are the places, and the bytes are that many sectors.
    records: &'m mut [L::Record],
    places: &'m mut [L::Place],
    bytes: &'m mut [u8],
    /// Stands here because a Cortex-M4 loads two neighbours at once.
    hits: usize,
    sector_length: usize,
    /// Ends of the recency list, `END` if it is empty.
    first: usize,
    last: usize,
    /// The start of the list of pinned and filling slots, `END` if it is empty.
    ///
    /// The `prev` of a list's start is whatever it was: nothing looks at it.
    held: usize,
    /// Used slots.
    used: usize,
    /// The flag that a last slot has besides its own: if nothing may be evicted, every sector counts as dirty; else none.
    spared: u32,
    misses: usize,
    /// What evictions follow from: how often a slot was taken, and how often one was freed.
    claims: usize,
    releases: usize,
    unchanged: usize,
    refused: usize,
}

/// A [`SectorCache`] with links of 32 bits, for more than 65,535 slots: 24 bytes of bookkeeping a sector, not 12.
pub type WideSectorCache<'m> = SectorCache<'m, u32>;

impl<'m, L: Link> SectorCache<'m, L> {
    /// Slots in all.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.records.len()
    }

    /// Bytes a sector.
    #[must_use]
    pub const fn sector_length(&self) -> usize {
        self.sector_length
    }

    /// What has been counted since the cache was made.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        Stats {
            hits: self.hits,
            misses: self.misses,
            // A slot that was taken is used, or was freed, or was taken from another sector.
            evictions: self.claims.wrapping_sub(self.releases).wrapping_sub(self.used),
            unchanged: self.unchanged,
            refused: self.refused,
            used: self.used,
            slots: self.slots(),
        }
    }

    /// Lends the bytes of a sector, which becomes the most recently used.
    #[inline(always)]
    pub fn get(&mut self, key: SectorKey) -> Option<&[u8]> {
        if let Some(at) = self.look_up(key) {
            // Always so. Else the call ends as a miss does: for the compiler a jump, not a second outcome to compute.
            if let Some(bytes) = sector_in(self.bytes, at, self.sector_length) {
                return Some(bytes);
            }
        } else if self.held < self.slots() {
            return self.get_held(key);
        }
        self.misses = self.misses.wrapping_add(1);
        None
    }

    /// Apart, and all of the rest of the call: nothing is kept in registers for what is rare.
    #[cold]
    #[inline(never)]
    fn get_held(&mut self, key: SectorKey) -> Option<&[u8]> {
        let at = self.look_up_held(key)?;
        self.sector(at)
    }

    /// Copies the bytes of a sector, which becomes the most recently used, to `to`; `false` if it is not held.
    ///
    /// # Errors
    /// [`Error::WrongLength`], and nothing has changed.
    #[inline(always)]
    pub fn read(&mut self, key: SectorKey, to: &mut [u8]) -> Result<bool, Error> {
        self.check_length(to)?;
        if let Some(at) = self.find_plain(key) {
            if self.copy(at, to) {
                self.count_hit(at);
                return Ok(true);
            }
        } else if self.held < self.slots() {
            return Ok(self.read_held(key, to));
        }
        self.misses = self.misses.wrapping_add(1);
        Ok(false)
    }

    #[cold]
    #[inline(never)]
    fn read_held(&mut self, key: SectorKey, to: &mut [u8]) -> bool {
        self.look_up_held(key).is_some_and(|at| self.copy(at, to))
    }

    /// Lends the bytes of a sector and changes nothing: neither its recency nor the statistics.
    #[must_use]
    pub fn peek(&self, key: SectorKey) -> Option<&[u8]> {
        self.sector(self.find_visible(key)?)
    }

    /// Whether a sector is held and its bytes are there.
    #[must_use]
    pub fn contains(&self, key: SectorKey) -> bool {
        self.find_visible(key).is_some()
    }

    /// Makes a sector the most recently used, as a hit does, and counts nothing; `false` if it is not held.
    pub fn refresh(&mut self, key: SectorKey) -> bool {
        match self.find_plain(key) {
            Some(at) => {
                self.touch(at);
                true
            }
            None => self.contains(key),
        }
    }

    /// The sector that the next insertion would evict, with its bytes; `None` if it would evict nothing.
    #[must_use]
    pub fn victim(&self) -> Option<(SectorKey, &[u8])> {
        let last = self.last;
        let word = self.word(last);
        if word.is_free() || self.spared != 0 {
            return None;
        }
        Some((word.key(), self.sector(last)?))
    }

    /// Holds these bytes for a sector, which becomes the most recently used.
    ///
    /// A dirty sector stays dirty, a pinned one pinned.
    ///
    /// # Errors
    /// [`Error::WrongLength`]; [`Error::Filling`]; or, for a sector that is not held, [`Error::Full`] or
    /// [`Error::Dirty`].
    #[inline(always)]
    pub fn put(&mut self, key: SectorKey, bytes: &[u8]) -> Result<Outcome, Error> {
        self.check_length(bytes)?;
        let bucket = self.bucket(key);
        if bucket >= self.slots() {
            // There are no slots. Asked once, here, so that nobody has to ask again.
            return self.refuse();
        }
        if let Some(at) = self.find_new(key, bucket) {
            return self.replace(at, bytes).ok_or(Error::Filling);
        }
        let (at, outcome) = self.claim(key, bucket)?;
        self.write(at, bytes);
        Ok(outcome)
    }

    /// Holds other bytes for a sector that is held already; `None` if it is being filled.
    ///
    /// Apart, since most of what is put is new.
    #[inline(never)]
    fn replace(&mut self, at: usize, bytes: &[u8]) -> Option<Outcome> {
        let word = self.word(at);
        if word.any(Word::FILLING) {
            return None;
        }
        if !word.is_held() {
            self.touch(at);
        }
        if self.sector(at) == Some(bytes) {
            self.unchanged = self.unchanged.wrapping_add(1);
            return Some(Outcome::Unchanged);
        }
        self.write(at, bytes);
        Some(Outcome::Replaced)
    }

    /// As [`put`](Self::put), and hands the key and the bytes of the sector that is about to be evicted to `evicted`,
    /// if one is.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn put_with(
        &mut self,
        key: SectorKey,
        bytes: &[u8],
        evicted: impl FnOnce(SectorKey, &[u8]),
    ) -> Result<Outcome, Error> {
        self.check_length(bytes)?;
        if let Some((victim, held)) = self.displaced_by(key) {
            evicted(victim, held);
        }
        self.put(key, bytes)
    }

    /// The sector that `put` would evict for this one, with its bytes; `None` if it would evict nothing.
    #[must_use]
    pub fn displaced_by(&self, key: SectorKey) -> Option<(SectorKey, &[u8])> {
        if self.find(key).is_some() || self.word(self.last).any(Word::DIRTY) {
            return None;
        }
        self.victim()
    }

    /// Reserves a slot for a sector and lends it to be written in place.
    ///
    /// Nobody sees the sector, and nothing evicts it, until [`finish_fill`](Self::finish_fill) or
    /// [`cancel_fill`](Self::cancel_fill). The bytes lent are not cleared: they are some former sector's. A sector that
    /// is held already disappears until then, and for good if the fill is cancelled.
    ///
    /// # Errors
    /// [`Error::Filling`] if it is being filled already; [`Error::Dirty`] if the sector, or the one that would be
    /// evicted for it, is dirty; [`Error::Full`].
    pub fn begin_fill(&mut self, key: SectorKey) -> Result<&mut [u8], Error> {
        let at = match self.find(key) {
            Some(at) if self.word(at).any(Word::FILLING) => return Err(Error::Filling),
            Some(at) if self.word(at).any(Word::DIRTY) => return Err(Error::Dirty(key)),
            Some(at) => at,
            None => self.claim(key, self.bucket(key))?.0,
        };
        self.flag(at, Word::FILLING);
        self.sector_mut(at).ok_or(Error::Full)
    }

    /// Makes a sector visible whose slot was filled, as the most recently used; `false` if it was not being filled.
    pub fn finish_fill(&mut self, key: SectorKey) -> bool {
        let Some(at) = self.find_filling(key) else { return false };
        self.unflag(at, Word::FILLING);
        true
    }

    /// Gives up a fill and drops the sector; `false` if it was not being filled.
    pub fn cancel_fill(&mut self, key: SectorKey) -> bool {
        let Some(at) = self.find_filling(key) else { return false };
        self.release(at);
        true
    }

    /// Drops a sector, dirty or pinned or not, and lends its bytes a last time; `None` if it is not held.
    ///
    /// A sector that is being filled is dropped too, and has no bytes to lend.
    pub fn remove(&mut self, key: SectorKey) -> Option<&[u8]> {
        let at = self.find(key)?;
        let visible = self.word(at).is_visible();
        self.release(at);
        if visible { self.sector(at) } else { None }
    }

    /// Drops all sectors of a drive, dirty and pinned ones too, and says how many. Looks at every slot.
    pub fn invalidate_drive(&mut self, drive: Drive) -> usize {
        self.release_all(|key| key.drive() == drive)
    }

    /// Drops `count` sectors of a drive from `first` on, dirty and pinned ones too, and says how many were held.
    ///
    /// Looks up each, or looks at every slot if those are fewer.
    pub fn invalidate(&mut self, first: SectorKey, count: u32) -> usize {
        let start = first.sector().number();
        let end = start.saturating_add(count).min(Sector::COUNT);
        let range = start..end;
        if range.len() >= self.slots() {
            return self
                .release_all(|key| key.drive() == first.drive() && range.contains(&key.sector().number()));
        }
        let mut released = 0_usize;
        for number in range {
            let Ok(sector) = Sector::new(number) else { break };
            if let Some(at) = self.find(SectorKey::new(first.drive(), sector)) {
                self.release(at);
                released = released.wrapping_add(1);
            }
        }
        released
    }

    /// Drops everything, dirty and pinned sectors too. The statistics go on. Writes to every slot.
    pub fn clear(&mut self) {
        for at in 0..self.slots() {
            self.set_word(at, Word::FREE);
            L::clear(self.records, at);
        }
        let last = self.slots().checked_sub(1).unwrap_or(L::END);
        for (at, place) in self.places.iter_mut().enumerate() {
            place.set_prev(at.wrapping_sub(1));
            place.set_next(if at == last { L::END } else { at.wrapping_add(1) });
        }
        self.first = if last == L::END { L::END } else { 0 };
        self.last = last;
        self.held = L::END;
        self.releases = self.releases.wrapping_add(self.used);
        self.used = 0;
    }

    /// Keeps a sector from eviction until it is unpinned; `false` if it is not held.
    pub fn pin(&mut self, key: SectorKey) -> bool {
        self.find_visible(key).map(|at| self.flag(at, Word::PINNED)).is_some()
    }

    /// Allows a sector to be evicted again, as the most recently used; `false` if it is not held.
    pub fn unpin(&mut self, key: SectorKey) -> bool {
        self.find_visible(key).map(|at| self.unflag(at, Word::PINNED)).is_some()
    }

    /// Notes that the device does not have a sector's bytes yet; `false` if it is not held.
    ///
    /// Where the least recently used sector is dirty, nothing can be inserted: see [`Error::Dirty`].
    pub fn mark_dirty(&mut self, key: SectorKey) -> bool {
        self.find_visible(key).map(|at| self.set_word(at, self.word(at).with(Word::DIRTY))).is_some()
    }

    /// Notes that the device has a sector's bytes; `false` if it is not held.
    pub fn mark_clean(&mut self, key: SectorKey) -> bool {
        self.find_visible(key).map(|at| self.set_word(at, self.word(at).without(Word::DIRTY))).is_some()
    }

    /// Whether a sector is held and dirty.
    #[must_use]
    pub fn is_dirty(&self, key: SectorKey) -> bool {
        self.find_visible(key).is_some_and(|at| self.word(at).any(Word::DIRTY))
    }

    /// The sectors held, most recently used first; pinned ones come before all others, the one pinned last first.
    ///
    /// Reversed, it is the order in which to put them to make a cache that evicts in the same order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, 'm, L> {
        Iter::new(self)
    }

    #[inline(always)]
    pub(crate) fn check_length(&self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() == self.sector_length() {
            return Ok(());
        }
        Err(Error::WrongLength { expected: self.sector_length, actual: bytes.len() })
    }

    /// The slot of a sector that is neither pinned nor being filled, which becomes the most recently used; counted.
    #[inline(always)]
    fn look_up(&mut self, key: SectorKey) -> Option<usize> {
        let at = self.find_plain(key)?;
        self.count_hit(at);
        Some(at)
    }

    #[inline(always)]
    fn count_hit(&mut self, at: usize) {
        self.touch(at);
        self.hits = self.hits.wrapping_add(1);
    }

    /// The slot of a sector whose bytes are there; counted, as a miss too.
    #[inline(always)]
    fn look_up_held(&mut self, key: SectorKey) -> Option<usize> {
        let at = self.find_visible(key);
        let count = if at.is_some() { &mut self.hits } else { &mut self.misses };
        *count = count.wrapping_add(1);
        at
    }

    /// Takes the last slot for a sector that is not held, given its bucket, and makes it the most recently used.
    #[inline(always)]
    fn claim(&mut self, key: SectorKey, bucket: usize) -> Result<(usize, Outcome), Error> {
        let at = self.last;
        let records = &mut *self.records;
        let Some(record) = records.get(at) else { return self.refuse() };
        let word = record.word();
        // One test for the three exceptions: a cache that is full and goes on has none of them.
        let outcome = if word.with(self.spared).any(Word::FREE_OR_DIRTY) {
            if !word.is_free() {
                return if self.spared == 0 { Err(Error::Dirty(word.key())) } else { self.refuse() };
            }
            self.used = self.used.wrapping_add(1);
            Outcome::Inserted
        } else {
            L::remove(records, bucket_of(word.key(), records.len()), word.key(), at);
            Outcome::Evicted(word.key())
        };
        L::insert(records, bucket, key, at);
        self.touch_last(at);
        self.claims = self.claims.wrapping_add(1);
        Ok((at, outcome))
    }

    fn refuse<T>(&mut self) -> Result<T, Error> {
        self.refused = self.refused.wrapping_add(1);
        Err(Error::Full)
    }

    fn release_all(&mut self, doomed: impl Fn(SectorKey) -> bool) -> usize {
        let used_before = self.used;
        for at in 0..self.slots() {
            let word = self.word(at);
            if !word.is_free() && doomed(word.key()) {
                self.release(at);
            }
        }
        used_before.wrapping_sub(self.used)
    }

    #[inline(always)]
    fn word(&self, at: usize) -> Word {
        self.records.get(at).map_or(Word::FREE, L::Record::word)
    }

    fn set_word(&mut self, at: usize, word: Word) {
        if let Some(record) = self.records.get_mut(at) {
            record.set_word(word);
        }
    }
}
