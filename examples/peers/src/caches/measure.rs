//! Fills one cache, then times what is asked of it.

use std::hint::black_box;
use std::time::Instant;

use crate::allocation::counted;
use crate::cache::{Cache, SECTOR_LENGTH, SectorBytes};
use crate::workload::{Place, Workload};

/// What is timed, in this order, on one cache.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    HitCopied,
    HitLent,
    Insert,
    Zipf,
    Scan,
}

impl Operation {
    pub(crate) const ALL: [Self; 5] = [Self::HitCopied, Self::HitLent, Self::Insert, Self::Zipf, Self::Scan];

    /// As in arguments and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HitCopied => "hit_copy",
            Self::HitLent => "hit_lent",
            Self::Insert => "insert",
            Self::Zipf => "zipf",
            Self::Scan => "scan",
        }
    }

    /// For people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::HitCopied => "hit, 137 bytes copied out",
            Self::HitLent => "hit, lent",
            Self::Insert => "insert with eviction",
            Self::Zipf => "zipf 0.99 over 4x the slots: get, insert on a miss",
            Self::Scan => "scan of 1.5x the slots: get, insert on a miss",
        }
    }
}

/// One cache in one round.
pub(crate) struct Sample {
    /// Allocated and live when full; `None` for the floor.
    pub(crate) bytes_per_sector: Option<f64>,
    /// Nanoseconds an operation, in the order of `Operation::ALL`; `None` if not asked for or not offered.
    pub(crate) nanoseconds: [Option<f64>; Operation::ALL.len()],
}

/// Times one cache from new: every round builds its caches again, so that none keeps a lucky place in memory.
pub(crate) fn measure<C: Cache>(
    workload: &Workload,
    operations: &[Operation],
    build: impl FnOnce() -> C,
) -> Sample {
    let held = keys::<C>(&workload.held);
    let (mut cache, bytes) = counted(|| {
        let mut cache = build();
        for &key in &held {
            cache.insert(key, &[0x5a; SECTOR_LENGTH]);
        }
        cache
    });
    let bytes = bytes + cache.bytes_outside_rust();
    Sample {
        bytes_per_sector: Some(bytes as f64 / f64::from(workload.slots)),
        nanoseconds: Operation::ALL.map(|operation| {
            operations.contains(&operation).then(|| time(&mut cache, workload, operation)).flatten()
        }),
    }
}

/// Times the floor: a copy out of a random place in a plain array of as many sectors.
pub(crate) fn measure_floor(workload: &Workload, operations: &[Operation]) -> Sample {
    let sectors = vec![[0x5a; SECTOR_LENGTH]; workload.slots as usize];
    Sample {
        bytes_per_sector: None,
        nanoseconds: Operation::ALL.map(|operation| {
            (operation == Operation::HitCopied && operations.contains(&operation))
                .then(|| per_operation(workload.hit_slots.len(), || copy_all(&sectors, &workload.hit_slots)))
        }),
    }
}

fn time<C: Cache>(cache: &mut C, workload: &Workload, operation: Operation) -> Option<f64> {
    match operation {
        Operation::HitCopied => {
            let keys = held_keys(cache, &workload.hits);
            Some(per_operation(keys.len(), || assert_eq!(read_all(cache, &keys), keys.len())))
        }
        Operation::HitLent => {
            let keys = held_keys(cache, &workload.hits);
            cache.lend(*keys.first()?)?;
            Some(per_operation(keys.len(), || lend_all(cache, &keys)))
        }
        Operation::Insert => {
            let keys = keys::<C>(&workload.newcomers);
            Some(per_operation(keys.len(), || insert_all(cache, &keys)))
        }
        Operation::Zipf => {
            let keys = keys::<C>(&workload.zipf);
            let (warm_up, timed) = keys.split_at(keys.len() / 2);
            read_or_insert_all(cache, warm_up);
            Some(per_operation(timed.len(), || read_or_insert_all(cache, timed)))
        }
        Operation::Scan => {
            let keys = keys::<C>(&workload.scan);
            Some(per_operation(keys.len(), || read_or_insert_all(cache, &keys)))
        }
    }
}

fn keys<C: Cache>(places: &[Place]) -> Vec<C::Key> {
    places.iter().map(|&(drive, sector)| C::key(drive, sector)).collect()
}

/// Those that the cache holds: a cache that is not exact LRU may have refused some.
fn held_keys<C: Cache>(cache: &C, places: &[Place]) -> Vec<C::Key> {
    keys::<C>(places).into_iter().filter(|&key| cache.holds(key)).collect()
}

fn per_operation(count: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e9 / count as f64
}

// The loops stay out of line, so that each is compiled alone, whatever stands around it.

#[inline(never)]
fn copy_all(sectors: &[SectorBytes], slots: &[u32]) {
    let mut out = [0; SECTOR_LENGTH];
    for &slot in slots {
        out = sectors[slot as usize];
        black_box(&mut out);
    }
    black_box(out);
}

#[inline(never)]
fn read_all<C: Cache>(cache: &mut C, keys: &[C::Key]) -> usize {
    let mut out = [0; SECTOR_LENGTH];
    let mut hits = 0;
    for &key in keys {
        hits += usize::from(cache.read(key, &mut out));
        black_box(&mut out);
    }
    hits
}

#[inline(never)]
fn lend_all<C: Cache>(cache: &mut C, keys: &[C::Key]) {
    for &key in keys {
        // One byte is looked at: a reader of the sector would bring in its cache line too.
        black_box(cache.lend(key).map(|bytes| bytes[0]));
    }
}

#[inline(never)]
fn insert_all<C: Cache>(cache: &mut C, keys: &[C::Key]) {
    let bytes = [0xa5; SECTOR_LENGTH];
    for &key in keys {
        cache.insert(key, black_box(&bytes));
    }
}

#[inline(never)]
fn read_or_insert_all<C: Cache>(cache: &mut C, keys: &[C::Key]) {
    let mut out = [0; SECTOR_LENGTH];
    let bytes = [0xa5; SECTOR_LENGTH];
    for &key in keys {
        if !cache.read(key, &mut out) {
            cache.insert(key, black_box(&bytes));
        }
        black_box(&mut out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uthash::UthashCache;
    use sector_cache::{Eviction, SectorCache};

    const SLOTS: u32 = 97;

    /// Which accesses were hits.
    fn hits<C: Cache>(mut cache: C, workload: &Workload) -> Vec<bool> {
        let mut out = [0; SECTOR_LENGTH];
        let mut access = |key, number: usize| {
            let bytes = [number.to_le_bytes()[0]; SECTOR_LENGTH];
            assert_eq!(cache.holds(key), cache.lend(key).is_some());
            let hit = cache.read(key, &mut out);
            if !hit {
                cache.insert(key, &bytes);
            }
            assert!(cache.lend(key).is_some_and(|held| held == if hit { out } else { bytes }));
            hit
        };
        let keys = keys::<C>(&workload.zipf).into_iter().enumerate();
        keys.map(|(number, key)| access(key, number)).collect()
    }

    #[test]
    fn those_compared_with_are_exact_lrus_and_so_are_we() {
        let workload = Workload::new(SLOTS, 20_000);
        let ours = SectorCache::<u16>::required_bytes(SLOTS as usize, SECTOR_LENGTH).expect("few slots");
        let mut memory = vec![0; ours];
        let ours =
            SectorCache::new(&mut memory, SLOTS as usize, SECTOR_LENGTH, Eviction::Lru).expect("it fits");
        let ours = hits(ours, &workload);
        assert!(ours.contains(&true) && ours.contains(&false));
        let slots = std::num::NonZeroUsize::new(SLOTS as usize).expect("not zero");
        assert_eq!(ours, hits(lru::LruCache::new(slots), &workload));
        assert_eq!(ours, hits(hashlink::LruCache::new(slots.get()), &workload));
        assert_eq!(ours, hits(UthashCache::new(SLOTS), &workload));
        let limit = schnellru::ByLength::new(SLOTS);
        assert_eq!(ours, hits(schnellru::LruMap::<u32, SectorBytes>::new(limit), &workload));
    }
}
