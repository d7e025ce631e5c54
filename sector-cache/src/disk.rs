//! A disk with a cache in front of it.

#[cfg(test)]
mod tests;

use crate::slot::Link;
use crate::{Error, NoReadAhead, Outcome, ReadAhead, SectorCache, SectorKey, Span};

/// Something that sectors are read from and written to, one at a time: a card, an image file, a server.
pub trait BlockDevice {
    /// What goes wrong.
    type Error;

    /// Reads a sector. On failure `bytes` may hold anything.
    ///
    /// # Errors
    /// The device's own.
    fn read(&mut self, key: SectorKey, bytes: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes a sector. On failure the device may hold the old bytes, the new ones, or neither.
    ///
    /// # Errors
    /// The device's own.
    fn write(&mut self, key: SectorKey, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Told of a miss before its reads: the sectors of `span` will be wanted, in its order, but for those that the
    /// cache has. A device that waits for a round trip asks for all of them at once here.
    fn announce(&mut self, span: &Span) {
        let _ = span;
    }
}

/// When a write reaches the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteMode {
    /// Before `write` returns.
    #[default]
    Through,
    /// At the next flush, or when the sector would be evicted.
    Back,
}

/// Why a [`CachedDisk`] could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError<E> {
    /// The cache refused: a wrong length, most likely.
    #[error(transparent)]
    Cache(#[from] Error),
    /// The device could not read this sector. Nothing is held for it.
    #[error("the device could not read sector {0}: {1}")]
    Read(SectorKey, E),
    /// The device could not write this sector.
    ///
    /// A write that went through has left nothing of it in the cache; one that was held back is dirty still.
    #[error("the device could not write sector {0}: {1}")]
    Write(SectorKey, E),
}

/// Cache-aside: reads come from the cache or else from the device, and then stay in the cache.
///
/// ```
/// use sector_cache::*;
///
/// struct Image(Vec<u8>);
///
/// impl BlockDevice for Image {
///     type Error = core::convert::Infallible;
///
///     fn read(&mut self, key: SectorKey, bytes: &mut [u8]) -> Result<(), Self::Error> {
///         let start = key.sector().number() as usize * 137;
///         bytes.copy_from_slice(&self.0[start..start + 137]);
///         Ok(())
///     }
///
///     fn write(&mut self, key: SectorKey, bytes: &[u8]) -> Result<(), Self::Error> {
///         let start = key.sector().number() as usize * 137;
///         self.0[start..start + 137].copy_from_slice(bytes);
///         Ok(())
///     }
/// }
///
/// let disk = Geometry::ALTAIR_8_INCH;
/// let mut memory = vec![0; SectorCache::<u16>::required_bytes(800, 137).unwrap()];
/// let cache = SectorCache::new(&mut memory, 800, 137, Eviction::Lru)?;
/// let mut disk = CachedDisk::new(cache, Image(vec![0xe5; 337_568]), WholeTrack(disk), WriteMode::Through);
///
/// let mut sector = [0; 137];
/// disk.read(SectorKey::try_new(1, 40)?, &mut sector)?; // the device reads sectors 40 to 63, then 32 to 39
/// disk.read(SectorKey::try_new(1, 32)?, &mut sector)?;
/// assert_eq!(disk.cache().stats().hits, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CachedDisk<'m, D, P = NoReadAhead, L: Link = u16> {
    cache: SectorCache<'m, L>,
    device: D,
    read_ahead: P,
    mode: WriteMode,
}

impl<'m, D: BlockDevice, P: ReadAhead, L: Link> CachedDisk<'m, D, P, L> {
    /// Puts `cache` in front of `device`. What the cache holds already counts as the device's bytes, and what is dirty
    /// in it as still to be written.
    pub const fn new(cache: SectorCache<'m, L>, device: D, read_ahead: P, mode: WriteMode) -> Self {
        Self { cache, device, read_ahead, mode }
    }

    /// The cache, to look at.
    pub const fn cache(&self) -> &SectorCache<'m, L> {
        &self.cache
    }

    /// The cache, to pin, invalidate or clear. What is put there must be the device's bytes, or be marked dirty.
    pub const fn cache_mut(&mut self) -> &mut SectorCache<'m, L> {
        &mut self.cache
    }

    /// The device.
    pub const fn device(&self) -> &D {
        &self.device
    }

    /// The device, to change. What changes behind the cache must be invalidated in it.
    pub const fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// Takes the two apart again. What is dirty stays dirty in the cache: [`flush`](Self::flush) first.
    pub fn into_parts(self) -> (SectorCache<'m, L>, D) {
        (self.cache, self.device)
    }

    /// Reads a sector into `bytes`.
    ///
    /// On a miss the device is asked for the sectors that the read-ahead policy names, the wanted one first. If another
    /// one fails, or if a dirty sector that has to make room cannot be written, reading ahead ends there and the read
    /// succeeds: what is dirty stays so, and the next `write` or `flush` tells.
    ///
    /// # Errors
    /// [`DiskError::Cache`] if `bytes` is not one sector long; [`DiskError::Read`] if the device failed, with nothing
    /// held for the sector.
    pub fn read(&mut self, key: SectorKey, bytes: &mut [u8]) -> Result<(), DiskError<D::Error>> {
        if self.cache.read(key, bytes)? {
            return Ok(());
        }
        let mut span = self.read_ahead.span(key);
        if span.count() > 1 {
            // No more than there are slots for, else the last ones would push out the first. Pinned ones come first.
            let pinned = self.cache.iter().take_while(|entry| entry.pinned).count();
            span = span.at_most(self.cache.slots().wrapping_sub(pinned));
        }
        self.device.announce(&span);
        self.device.read(key, bytes).map_err(|error| DiskError::Read(key, error))?;
        self.fill_ahead(&span);
        // Last, so that it is the most recently used.
        let _kept = self.hold(key, bytes);
        Ok(())
    }

    /// Writes a sector.
    ///
    /// In the mode [`WriteMode::Through`] it goes to the device, then into the cache, so that a write which fails
    /// evicts nothing. In the mode [`WriteMode::Back`] it goes into the cache and is dirty there, unless the same bytes
    /// were held clean; where the cache has no slot for it, it goes to the device.
    ///
    /// # Errors
    /// [`DiskError::Cache`] if `bytes` is not one sector long; [`DiskError::Write`] if the device failed: to write this
    /// sector, of which the cache then holds nothing, or, in the mode `Back`, a dirty one that had to make room, which
    /// stays dirty.
    pub fn write(&mut self, key: SectorKey, bytes: &[u8]) -> Result<(), DiskError<D::Error>> {
        self.cache.check_length(bytes)?;
        if self.mode == WriteMode::Back
            && let Some(outcome) = self.hold(key, bytes)?
        {
            if outcome != Outcome::Unchanged {
                self.cache.mark_dirty(key);
            }
            return Ok(());
        }
        if let Err(error) = self.device.write(key, bytes) {
            self.cache.remove(key);
            return Err(DiskError::Write(key, error));
        }
        // A sector that is held takes the new bytes in any case; only a new one may find no room.
        let _kept = self.hold(key, bytes);
        self.cache.mark_clean(key);
        Ok(())
    }

    /// Writes every dirty sector to the device, in ascending order of drive and sector, and says how many.
    ///
    /// Looks at every slot for the first 32 of them. If there are more, it looks up the sectors that follow, one by one,
    /// until as many as there are slots were not dirty, and goes on from there in the same way.
    ///
    /// # Errors
    /// [`DiskError::Write`] at the first sector that the device refuses; that one and those after it stay dirty.
    pub fn flush(&mut self) -> Result<usize, DiskError<D::Error>> {
        let mut flushed = 0_usize;
        let mut from = 0;
        loop {
            let mut batch = Batch::default();
            for entry in self.cache.iter().filter(|entry| entry.dirty && entry.key.bits() >= from) {
                batch.offer(entry.key);
            }
            for key in batch.keys() {
                self.clean(key)?;
                flushed = flushed.wrapping_add(1);
            }
            let Some(last) = batch.highest() else { return Ok(flushed) };
            from = last.bits().wrapping_add(1);
            flushed = flushed.wrapping_add(self.flush_on(&mut from)?);
        }
    }

    /// Writes the dirty sectors from `from` on, and moves that behind them, until as many sectors as there are slots
    /// were not dirty: for what those lookups cost, a look at every slot finds the next ones. Says how many it wrote.
    ///
    /// Sectors that were written together lie together. Without this, a flush of many takes the square of the time.
    fn flush_on(&mut self, from: &mut u32) -> Result<usize, DiskError<D::Error>> {
        let mut flushed = 0_usize;
        let mut in_vain = 0_usize;
        while in_vain < self.cache.slots() && *from <= SectorKey::MASK {
            let key = SectorKey::from_bits(*from);
            if self.cache.is_dirty(key) {
                self.clean(key)?;
                flushed = flushed.wrapping_add(1);
            } else {
                in_vain = in_vain.wrapping_add(1);
            }
            *from = from.wrapping_add(1);
        }
        Ok(flushed)
    }

    /// Puts bytes into the cache, writing the dirty sector that has to make room if there is one; `None` if nothing can
    /// make room.
    fn hold(&mut self, key: SectorKey, bytes: &[u8]) -> Result<Option<Outcome>, DiskError<D::Error>> {
        match self.cache.put(key, bytes) {
            Err(Error::Dirty(victim)) => {
                self.clean(victim)?;
                Ok(self.cache.put(key, bytes).ok())
            }
            other => Ok(other.ok()),
        }
    }

    /// Writes a dirty sector to the device.
    fn clean(&mut self, key: SectorKey) -> Result<(), DiskError<D::Error>> {
        if let Some(bytes) = self.cache.peek(key) {
            self.device.write(key, bytes).map_err(|error| DiskError::Write(key, error))?;
            self.cache.mark_clean(key);
        }
        Ok(())
    }

    /// Reads what a span names beyond its wanted sector, as far as that works. What the cache has of it is used, too:
    /// whoever wanted the one will want the others.
    fn fill_ahead(&mut self, span: &Span) {
        for key in span.keys().skip(1) {
            if !self.cache.refresh(key) && !self.fill(key) {
                break;
            }
        }
    }

    /// Reads a sector from the device into a slot of its own; `false` if that did not work.
    fn fill(&mut self, key: SectorKey) -> bool {
        if let Some((victim, _)) = self.cache.victim()
            && self.cache.is_dirty(victim)
            && self.clean(victim).is_err()
        {
            return false;
        }
        let Ok(slot) = self.cache.begin_fill(key) else { return false };
        if self.device.read(key, slot).is_err() {
            self.cache.cancel_fill(key);
            return false;
        }
        self.cache.finish_fill(key)
    }
}

/// The lowest keys of those offered, in ascending order: what a flush can sort without memory of its own.
#[derive(Default)]
struct Batch {
    keys: [Option<SectorKey>; 32],
}

impl Batch {
    fn offer(&mut self, mut key: SectorKey) {
        if self.highest().is_some_and(|highest| highest < key) {
            return;
        }
        for slot in &mut self.keys {
            match slot {
                Some(held) if *held < key => {}
                Some(held) => core::mem::swap(held, &mut key),
                None => {
                    *slot = Some(key);
                    return;
                }
            }
        }
    }

    fn keys(&self) -> impl Iterator<Item = SectorKey> {
        self.keys.iter().copied().flatten()
    }

    /// The last of a batch that is full: without it, there were no more.
    fn highest(&self) -> Option<SectorKey> {
        let [.., highest] = self.keys;
        highest
    }
}
