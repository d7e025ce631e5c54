//! The cache that is judged.

use sector_cache::{Link, SectorCache, SectorKey};

use crate::cache::{Cache, SectorBytes};

impl<L: Link> Cache for SectorCache<'_, L> {
    type Key = SectorKey;

    fn key(drive: u8, sector: u32) -> SectorKey {
        SectorKey::try_new(drive, sector).expect("the workload stays within 16 drives and 24 bits")
    }

    fn holds(&self, key: SectorKey) -> bool {
        self.contains(key)
    }

    #[inline(always)]
    fn read(&mut self, key: SectorKey, out: &mut SectorBytes) -> bool {
        self.read(key, out).expect("it is a sector long")
    }

    #[inline(always)]
    fn lend(&mut self, key: SectorKey) -> Option<&[u8]> {
        self.get(key)
    }

    #[inline(always)]
    fn insert(&mut self, key: SectorKey, bytes: &SectorBytes) {
        self.put(key, bytes).expect("nothing is pinned or dirty");
    }
}
