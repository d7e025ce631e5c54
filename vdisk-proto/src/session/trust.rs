//! What of a cache that may miss messages is not to be believed.

use sector_cache::{Drive, SectorKey};

use super::Cache;

/// How many sectors can be bypassed one by one; one more, and all are until the cache is cleared.
const BYPASSED: usize = 16;

/// Knows which sectors of the cache may be old, and feeds it accordingly.
#[derive(Debug)]
pub(super) struct Trust {
    /// Whether anything may be in the cache: nothing is trusted until it was cleared.
    needs_clear: bool,
    /// Sectors whose newest bytes the cache missed. No other order than that of the failures.
    bypassed: [Option<SectorKey>; BYPASSED],
}

impl Trust {
    /// That of a device which boots: the cache may have run on, and hold what somebody else has changed since.
    pub(super) const fn at_boot() -> Self {
        Self { needs_clear: true, bypassed: [None; BYPASSED] }
    }

    /// That of one which believes what it finds.
    #[cfg(feature = "defects")]
    pub(super) const fn blind() -> Self {
        Self { needs_clear: false, bypassed: [None; BYPASSED] }
    }

    pub(super) fn trusts(&self, key: SectorKey) -> bool {
        !self.needs_clear && !self.bypassed.contains(&Some(key))
    }

    pub(super) const fn needs_clear(&self) -> bool {
        self.needs_clear
    }

    /// Clears the cache if that is due; whether it is usable.
    pub(super) fn settle(&mut self, cache: &mut impl Cache) -> bool {
        if self.needs_clear {
            self.clear(cache);
        }
        !self.needs_clear
    }

    pub(super) fn clear(&mut self, cache: &mut impl Cache) {
        self.needs_clear = !cache.clear();
        self.bypassed = [None; BYPASSED];
    }

    /// Drops a drive from the cache.
    pub(super) fn forget(&mut self, cache: &mut impl Cache, drive: Drive) {
        if !cache.forget(drive) {
            self.needs_clear = true;
            return;
        }
        for place in self.bypassed.iter_mut().filter(|place| place.is_some_and(|key| key.drive() == drive)) {
            *place = None;
        }
    }

    /// Gives the cache the newest bytes of a sector.
    pub(super) fn fill(&mut self, cache: &mut impl Cache, key: SectorKey, bytes: &[u8]) {
        if !self.settle(cache) {
            return;
        }
        if cache.fill(key, bytes) {
            self.restore(key);
        } else {
            self.bypass(key);
        }
    }

    /// Drops a sector from the cache.
    pub(super) fn remove(&mut self, cache: &mut impl Cache, key: SectorKey) {
        if !cache.remove(key) {
            self.bypass(key);
        }
    }

    fn restore(&mut self, key: SectorKey) {
        for place in self.bypassed.iter_mut().filter(|place| **place == Some(key)) {
            *place = None;
        }
    }

    fn bypass(&mut self, key: SectorKey) {
        if self.bypassed.contains(&Some(key)) {
            return;
        }
        match self.bypassed.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(key),
            None => self.needs_clear = true,
        }
    }
}

#[cfg(test)]
mod tests;
