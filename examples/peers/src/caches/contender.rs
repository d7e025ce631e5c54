//! Who is measured, with which hasher, and who counts as an exact LRU.

use std::num::NonZeroUsize;

use platter_peers::Role;
use quick_cache::UnitWeighter;
use quick_cache::unsync::{Cache as QuickCache, DefaultLifecycle};
use rustc_hash::FxBuildHasher;
use schnellru::{ByLength, LruMap};
use sector_cache::{Eviction, SectorCache, WideSectorCache};

use crate::cache::{SECTOR_LENGTH, SectorBytes};
use crate::measure::{Operation, Sample, measure, measure_floor};
use crate::uthash::UthashCache;
use crate::workload::Workload;

/// Builds, fills and times one cache.
type Run = fn(&Workload, &[Operation]) -> Sample;

/// One cache with one hasher. Of the variants of a name, the better one stands for it.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) hasher: &'static str,
    /// The exact LRUs are the peers; another policy is only shown.
    pub(crate) role: Role,
    pub(crate) run: Run,
}

/// All of them, in the order of a round.
pub(crate) const ALL: [Contender; 13] = [
    Contender { name: "memcpy", hasher: "", role: Role::Floor, run: measure_floor },
    Contender { name: "sector-cache", hasher: "", role: Role::Ours, run: measure_ours },
    Contender {
        name: "lru",
        hasher: "default",
        role: Role::Peer,
        run: |workload, operations| measure(workload, operations, || lru::LruCache::new(capacity(workload))),
    },
    Contender {
        name: "lru",
        hasher: "fx",
        role: Role::Peer,
        run: |workload, operations| {
            measure(workload, operations, || lru::LruCache::with_hasher(capacity(workload), FxBuildHasher))
        },
    },
    Contender {
        name: "schnellru",
        hasher: "default",
        role: Role::Peer,
        run: |workload, operations| {
            measure(workload, operations, || LruMap::<u32, SectorBytes>::new(ByLength::new(workload.slots)))
        },
    },
    Contender {
        name: "schnellru",
        hasher: "fx",
        role: Role::Peer,
        run: |workload, operations| {
            measure(workload, operations, || {
                LruMap::with_hasher(ByLength::new(workload.slots), FxBuildHasher)
            })
        },
    },
    Contender {
        name: "hashlink",
        hasher: "default",
        role: Role::Peer,
        run: |workload, operations| {
            measure(workload, operations, || hashlink::LruCache::new(workload.slots as usize))
        },
    },
    Contender {
        name: "hashlink",
        hasher: "fx",
        role: Role::Peer,
        run: |workload, operations| {
            measure(workload, operations, || {
                hashlink::LruCache::with_hasher(workload.slots as usize, FxBuildHasher)
            })
        },
    },
    Contender {
        name: "uthash",
        hasher: "default",
        role: Role::Peer,
        run: |workload, operations| measure(workload, operations, || UthashCache::new(workload.slots)),
    },
    Contender {
        name: "quick_cache",
        hasher: "default",
        role: Role::Other,
        run: |workload, operations| {
            measure(workload, operations, || QuickCache::new(workload.slots as usize))
        },
    },
    Contender {
        name: "quick_cache",
        hasher: "fx",
        role: Role::Other,
        run: |workload, operations| {
            measure(workload, operations, || {
                let slots = workload.slots;
                let lifecycle = DefaultLifecycle::default();
                QuickCache::with(slots as usize, slots.into(), UnitWeighter, FxBuildHasher, lifecycle)
            })
        },
    },
    Contender {
        name: "moka",
        hasher: "default",
        role: Role::Other,
        run: |workload, operations| {
            measure(workload, operations, || moka::sync::Cache::new(workload.slots.into()))
        },
    },
    Contender {
        name: "moka",
        hasher: "fx",
        role: Role::Other,
        run: |workload, operations| {
            measure(workload, operations, || {
                let builder = moka::sync::Cache::builder().max_capacity(workload.slots.into());
                builder.build_with_hasher(FxBuildHasher)
            })
        },
    },
];

/// The narrow links as far as they reach, the wide ones above.
fn measure_ours(workload: &Workload, operations: &[Operation]) -> Sample {
    let slots = workload.slots as usize;
    let mut memory = Vec::new();
    let memory = &mut memory;
    match SectorCache::<u16>::required_bytes(slots, SECTOR_LENGTH) {
        Some(bytes) => measure(workload, operations, || {
            *memory = vec![0; bytes];
            SectorCache::new(memory, slots, SECTOR_LENGTH, Eviction::Lru).expect("it fits")
        }),
        None => measure(workload, operations, || {
            let bytes = WideSectorCache::required_bytes(slots, SECTOR_LENGTH).expect("wide links reach");
            *memory = vec![0; bytes];
            SectorCache::wide(memory, slots, SECTOR_LENGTH, Eviction::Lru).expect("it fits")
        }),
    }
}

fn capacity(workload: &Workload) -> NonZeroUsize {
    NonZeroUsize::new(workload.slots as usize).expect("the arguments ask for one slot or more")
}
