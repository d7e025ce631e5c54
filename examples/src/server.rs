//! The server behind the cache, which counts.

use std::collections::HashMap;
use std::convert::Infallible;

use sector_cache::{BlockDevice, SectorKey, Span};

use crate::replay::SECTOR_LENGTH;

/// One sector.
pub(crate) type SectorBytes = [u8; SECTOR_LENGTH];

/// The bytes that stand for a recorded hash: made up, but different for every sector and hash.
pub(crate) fn made_up(sector: u32, hash: u64) -> SectorBytes {
    let pattern = hash.to_le_bytes().into_iter().chain(sector.to_le_bytes());
    let mut bytes = [0; SECTOR_LENGTH];
    for (byte, made_up) in bytes.iter_mut().zip(pattern.cycle()) {
        *byte = made_up;
    }
    bytes
}

/// What a sector that was never written is taken to have as its hash.
pub(crate) const UNWRITTEN: u64 = 0;

/// Holds every sector there is, and answers a whole span for one request.
#[derive(Default)]
pub(crate) struct Server {
    written: HashMap<SectorKey, SectorBytes>,
    /// Round trips that the CPU waited for.
    pub(crate) requests: u64,
    /// Sectors that came with them.
    pub(crate) fetched: u64,
}

impl BlockDevice for Server {
    type Error = Infallible;

    fn announce(&mut self, _: &Span) {
        self.requests += 1;
    }

    fn read(&mut self, key: SectorKey, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fetched += 1;
        let unwritten = || made_up(key.sector().number(), UNWRITTEN);
        bytes.copy_from_slice(&self.written.get(&key).copied().unwrap_or_else(unwritten));
        Ok(())
    }

    fn write(&mut self, key: SectorKey, bytes: &[u8]) -> Result<(), Infallible> {
        let bytes = bytes.try_into().expect("the cache writes whole sectors");
        self.written.insert(key, bytes);
        Ok(())
    }
}
