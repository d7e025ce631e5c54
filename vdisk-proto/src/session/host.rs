//! What a session needs of the device around it.

use sector_cache::mailbox::{self, MESSAGE_LENGTH, Request};
use sector_cache::{Drive, Link, SectorCache, SectorKey};

use super::Event;

/// The device around a session: its cache, its entropy, and whoever waits for sectors.
pub trait Host {
    /// The cache that is fed.
    type Cache: Cache;

    /// The cache that is fed.
    fn cache(&mut self) -> &mut Self::Cache;

    /// 64 bits that nobody can know before. A nonce is made of them, and must never repeat, across boots too: a seed
    /// that is the same at every boot is not good enough.
    fn random(&mut self) -> u64;

    /// A sector that was [asked for](super::Session::read) is here. It is in the cache too, if that takes it.
    fn arrived(&mut self, key: SectorKey, bytes: &[u8]);

    /// Something happened.
    fn told(&mut self, event: Event);
}

/// Where a device keeps the sectors that it read and wrote.
///
/// A cache may fail: its messages are lost, say. The session then knows of what it
/// [must not be asked](super::Session::trusts).
pub trait Cache {
    /// Holds the bytes of a sector from now on, or nothing of it. `false` if it may hold older bytes.
    fn fill(&mut self, key: SectorKey, bytes: &[u8]) -> bool;

    /// Drops a sector; `false` if it may be there still.
    fn remove(&mut self, key: SectorKey) -> bool;

    /// Drops everything; `false` if it may be there still.
    fn clear(&mut self) -> bool;

    /// Drops the sectors of a drive; `false` if they may be there still.
    fn forget(&mut self, _drive: Drive) -> bool {
        self.clear()
    }
}

/// A cache beside the session. Sectors of another length than its own are not kept.
impl<L: Link> Cache for SectorCache<'_, L> {
    fn fill(&mut self, key: SectorKey, bytes: &[u8]) -> bool {
        if self.put(key, bytes).is_err() {
            SectorCache::remove(self, key);
        }
        true
    }

    fn remove(&mut self, key: SectorKey) -> bool {
        SectorCache::remove(self, key);
        true
    }

    fn clear(&mut self) -> bool {
        SectorCache::clear(self);
        true
    }

    fn forget(&mut self, drive: Drive) -> bool {
        self.invalidate_drive(drive);
        true
    }
}

/// A cache behind a [mailbox], on another core, that serves one drive.
///
/// `send` puts a message into the mailbox, and says whether there was room. Sectors of other drives, of other lengths
/// than 137 bytes and beyond number 65,535 are not kept, since no message can name them.
#[derive(Debug)]
pub struct Mailbox<F> {
    drive: Drive,
    send: F,
}

impl<F: FnMut(&[u8]) -> bool> Mailbox<F> {
    /// The mailbox of a cache for that drive.
    pub const fn new(drive: Drive, send: F) -> Self {
        Self { drive, send }
    }

    /// Whether a message can name a sector. The cache is to be asked for no other: it would answer with whatever of its
    /// own has the same number, or the same last 16 bits of it.
    #[must_use]
    pub fn names(&self, key: SectorKey) -> bool {
        self.number(key).is_some()
    }

    fn send(&mut self, request: &Request<'_>) -> bool {
        let mut message = [0; MESSAGE_LENGTH];
        let length = request.encode(&mut message);
        message.get(..length).is_some_and(&mut self.send)
    }

    /// The number by which a message names a sector.
    fn number(&self, key: SectorKey) -> Option<u16> {
        if key.drive() == self.drive { u16::try_from(key.sector().number()).ok() } else { None }
    }
}

impl<F: FnMut(&[u8]) -> bool> Cache for Mailbox<F> {
    fn fill(&mut self, key: SectorKey, bytes: &[u8]) -> bool {
        let sector: Result<&[u8; mailbox::SECTOR_LENGTH], _> = bytes.try_into();
        match (self.number(key), sector) {
            (Some(sector), Ok(bytes)) => {
                self.send(&Request::Write { sector, drive: self.drive.number(), bytes })
            }
            _ => true,
        }
    }

    fn remove(&mut self, key: SectorKey) -> bool {
        // There is no message for that.
        !self.names(key)
    }

    fn clear(&mut self) -> bool {
        self.send(&Request::Clear)
    }

    fn forget(&mut self, drive: Drive) -> bool {
        drive != self.drive || self.clear()
    }
}
