//! The peers that come as crates.

use std::hash::BuildHasher;

use hashlink::LruCache as HashlinkCache;
use lru::LruCache;
use moka::sync::Cache as MokaCache;
use quick_cache::UnitWeighter;
use quick_cache::unsync::{Cache as QuickCache, DefaultLifecycle};
use schnellru::{ByLength, LruMap};

use crate::cache::{Cache, SectorBytes, packed_key};

/// Most crates lend from `get`, look without touching in `peek`, and differ in the name of insertion.
macro_rules! lending_peer {
    ($cache:ty, $insert:ident) => {
        impl<S: BuildHasher> Cache for $cache {
            type Key = u32;

            fn key(drive: u8, sector: u32) -> u32 {
                packed_key(drive, sector)
            }

            fn holds(&self, key: u32) -> bool {
                self.peek(&key).is_some()
            }

            #[inline(always)]
            fn read(&mut self, key: u32, out: &mut SectorBytes) -> bool {
                self.get(&key).map(|bytes| *out = *bytes).is_some()
            }

            #[inline(always)]
            fn lend(&mut self, key: u32) -> Option<&[u8]> {
                self.get(&key).map(|bytes| bytes.as_slice())
            }

            #[inline(always)]
            fn insert(&mut self, key: u32, bytes: &SectorBytes) {
                self.$insert(key, *bytes);
            }
        }
    };
}

lending_peer!(LruCache<u32, SectorBytes, S>, put);
lending_peer!(LruMap<u32, SectorBytes, ByLength, S>, insert);
lending_peer!(HashlinkCache<u32, SectorBytes, S>, insert);
lending_peer!(QuickCache<u32, SectorBytes, UnitWeighter, S, DefaultLifecycle<u32, SectorBytes>>, insert);

/// Shared between threads, so that it can only hand out copies.
impl<S: BuildHasher + Clone + Send + Sync + 'static> Cache for MokaCache<u32, SectorBytes, S> {
    type Key = u32;

    fn key(drive: u8, sector: u32) -> u32 {
        packed_key(drive, sector)
    }

    fn holds(&self, key: u32) -> bool {
        self.contains_key(&key)
    }

    #[inline(always)]
    fn read(&mut self, key: u32, out: &mut SectorBytes) -> bool {
        self.get(&key).map(|bytes| *out = bytes).is_some()
    }

    #[inline(always)]
    fn lend(&mut self, _: u32) -> Option<&[u8]> {
        None
    }

    #[inline(always)]
    fn insert(&mut self, key: u32, bytes: &SectorBytes) {
        MokaCache::insert(self, key, *bytes);
    }
}
