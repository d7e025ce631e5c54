//! A cache as the benchmark drives it.

/// Bytes of a sector of an Altair disk.
pub(crate) const SECTOR_LENGTH: usize = 137;

/// One sector.
pub(crate) type SectorBytes = [u8; SECTOR_LENGTH];

/// What is measured of every cache.
pub(crate) trait Cache {
    /// How this cache names a sector; made before the clock starts.
    type Key: Copy;

    /// The key of a sector.
    fn key(drive: u8, sector: u32) -> Self::Key;

    /// Bytes that a counting allocator on the Rust side cannot see.
    fn bytes_outside_rust(&self) -> usize {
        0
    }

    /// Is the sector here? Does not count as a use.
    fn holds(&self, key: Self::Key) -> bool;

    /// Copies the sector out, if it is here.
    fn read(&mut self, key: Self::Key, out: &mut SectorBytes) -> bool;

    /// Lends the sector, if it is here and the cache can lend.
    fn lend(&mut self, key: Self::Key) -> Option<&[u8]>;

    /// Puts a sector in, evicting another if the cache is full.
    fn insert(&mut self, key: Self::Key, bytes: &SectorBytes);
}

/// The key that peers store: 4 bits of drive over 24 of sector.
pub(crate) fn packed_key(drive: u8, sector: u32) -> u32 {
    u32::from(drive) << 24 | sector
}
