mod memory;
mod strides;

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::model::Setup;
use super::*;

/// Memory for a cache, full of what no cache would write there.
fn memory<L: Link>(slots: usize, sector_length: usize) -> Vec<u8> {
    vec![0xaa; SectorCache::<L>::required_bytes(slots, sector_length).unwrap()]
}

/// A sector of drive B.
fn key(sector: u32) -> SectorKey {
    SectorKey::try_new(1, sector).unwrap()
}

/// Bytes that no other sector has, if there are three or more.
fn bytes(sector: u32, sector_length: usize) -> Vec<u8> {
    let number = sector.to_le_bytes();
    let salts = (0..=u8::MAX).cycle().take(sector_length);
    salts.zip(number[..3].iter().cycle()).map(|(salt, part)| salt ^ part).collect()
}

fn put_all<L: Link>(cache: &mut SectorCache<'_, L>, sectors: impl IntoIterator<Item = u32>) {
    for sector in sectors {
        let bytes = bytes(sector, cache.sector_length());
        cache.put(key(sector), &bytes).unwrap();
    }
}

/// The sectors held, in iteration order.
fn sectors<L: Link>(cache: &SectorCache<'_, L>) -> Vec<u32> {
    cache.iter().map(|entry| entry.key.sector().number()).collect()
}

#[test]
fn a_single_slot_passes_from_sector_to_sector() {
    let mut memory = memory::<u16>(1, 4);
    let mut cache = SectorCache::new(&mut memory, 1, 4, Eviction::Lru).unwrap();
    assert_eq!(cache.victim(), None);
    put_all(&mut cache, [1]);
    assert_eq!(cache.put(key(1), &[9; 4]), Ok(Outcome::Replaced));
    assert_eq!(cache.victim(), Some((key(1), &[9; 4][..])));
    assert_eq!(cache.put(key(2), &[2; 4]), Ok(Outcome::Evicted(key(1))));
    assert!(cache.pin(key(2)));
    assert_eq!(cache.victim(), None);
    assert_eq!(cache.put(key(3), &[3; 4]), Err(Error::Full));
    cache.check_invariants();
    assert_eq!(cache.remove(key(2)), Some(&[2; 4][..]));
    assert_eq!(cache.put(key(3), &[3; 4]), Ok(Outcome::Inserted));
    cache.check_invariants();
}

#[test]
fn put_says_what_happened() {
    let mut memory = memory::<u16>(2, 3);
    let mut cache = SectorCache::new(&mut memory, 2, 3, Eviction::Lru).unwrap();
    assert_eq!(cache.put(key(1), b"one"), Ok(Outcome::Inserted));
    assert_eq!(cache.put(key(2), b"two"), Ok(Outcome::Inserted));
    // Both count as used, so that 2 is the older one afterwards.
    assert_eq!(cache.put(key(2), b"new"), Ok(Outcome::Replaced));
    assert_eq!(cache.put(key(1), b"one"), Ok(Outcome::Unchanged));
    assert_eq!(cache.put(key(3), b"3rd"), Ok(Outcome::Evicted(key(2))));
    assert_eq!(cache.put(key(3), b"four"), Err(Error::WrongLength { expected: 3, actual: 4 }));
    assert_eq!(cache.put(key(4), b""), Err(Error::WrongLength { expected: 3, actual: 0 }));
    assert_eq!((cache.peek(key(3)), cache.peek(key(1))), (Some(&b"3rd"[..]), Some(&b"one"[..])));
    assert_eq!(cache.stats(), Stats { evictions: 1, unchanged: 1, used: 2, slots: 2, ..Stats::default() });
}

#[test]
fn an_evicted_sector_is_handed_over_with_its_bytes() {
    let mut memory = memory::<u16>(2, 3);
    let mut cache = SectorCache::new(&mut memory, 2, 3, Eviction::Lru).unwrap();
    let mut evicted = Vec::new();
    for (sector, bytes) in [(1, b"one"), (2, b"two"), (1, b"uno"), (3, b"3rd"), (4, b"4th")] {
        cache.put_with(key(sector), bytes, |key, bytes| evicted.push((key, bytes.to_vec()))).unwrap();
    }
    assert_eq!(evicted, [(key(2), b"two".to_vec()), (key(1), b"uno".to_vec())]);
}

#[test]
fn nothing_is_handed_over_if_nothing_is_evicted() {
    let never = |_, _: &[u8]| panic!("nothing is evicted");
    let mut memory = memory::<u16>(1, 3);
    let mut cache = SectorCache::new(&mut memory, 1, 3, Eviction::Lru).unwrap();
    put_all(&mut cache, [1]);
    let wrong_length = Err(Error::WrongLength { expected: 3, actual: 1 });
    assert_eq!(cache.put_with(key(2), b"2", never), wrong_length);
    cache.mark_dirty(key(1));
    assert_eq!(cache.put_with(key(2), b"two", never), Err(Error::Dirty(key(1))));
    cache.pin(key(1));
    assert_eq!(cache.put_with(key(2), b"two", never), Err(Error::Full));
    assert_eq!(cache.peek(key(1)), Some(&*bytes(1, 3)));
}

#[test]
fn a_sector_is_read_into_memory_of_its_length() {
    let mut memory = memory::<u16>(3, 3);
    let mut cache = SectorCache::new(&mut memory, 3, 3, Eviction::Lru).unwrap();
    put_all(&mut cache, [1, 2, 3]);
    let mut room = [0; 3];
    assert_eq!((cache.read(key(1), &mut room), &room[..]), (Ok(true), &*bytes(1, 3)));
    assert_eq!((cache.read(key(9), &mut room), &room[..]), (Ok(false), &*bytes(1, 3)));
    assert_eq!(sectors(&cache), [1, 3, 2]);
    let before = cache.stats();
    assert_eq!((before.hits, before.misses), (1, 1));
    for actual in [0, 2, 4] {
        let refused = cache.read(key(2), &mut vec![0; actual]);
        assert_eq!(refused, Err(Error::WrongLength { expected: 3, actual }));
    }
    assert_eq!((cache.stats(), sectors(&cache)), (before, vec![1, 3, 2]));
    assert!(cache.pin(key(2)));
    assert_eq!((cache.read(key(2), &mut room), &room[..]), (Ok(true), &*bytes(2, 3)));
}

#[test]
fn bytes_go_in_and_out_whole_whatever_their_number() {
    for length in (1..=64).chain([137, 4096]) {
        let mut memory = memory::<u16>(2, length);
        let mut cache = SectorCache::new(&mut memory, 2, length, Eviction::Lru).unwrap();
        put_all(&mut cache, [7, 8]);
        for sector in [7, 8] {
            let mut out = vec![0; length + 2];
            assert_eq!(cache.read(key(sector), &mut out[1..=length]), Ok(true));
            assert_eq!(out, [vec![0], bytes(sector, length), vec![0]].concat());
        }
    }
}

#[test]
fn looking_changes_nothing() {
    let mut memory = memory::<u16>(3, 3);
    let mut cache = SectorCache::new(&mut memory, 3, 3, Eviction::Lru).unwrap();
    put_all(&mut cache, [1, 2, 3]);
    let before = cache.stats();
    assert_eq!(cache.peek(key(1)), Some(&*bytes(1, 3)));
    assert_eq!(cache.peek(key(9)), None);
    assert!(cache.contains(key(1)) && !cache.contains(key(9)) && !cache.is_dirty(key(1)));
    assert_eq!(cache.victim(), Some((key(1), &*bytes(1, 3))));
    assert_eq!((cache.stats(), sectors(&cache)), (before, vec![3, 2, 1]));
}

#[test]
fn a_sector_is_filled_in_place_unseen() {
    let mut memory = memory::<u16>(2, 3);
    let mut cache = SectorCache::new(&mut memory, 2, 3, Eviction::Lru).unwrap();
    cache.begin_fill(key(1)).unwrap().copy_from_slice(b"one");
    assert_eq!(cache.get(key(1)), None);
    assert_eq!((cache.peek(key(1)), cache.iter().next()), (None, None));
    assert!(!cache.contains(key(1)) && !cache.pin(key(1)) && !cache.unpin(key(1)));
    assert!(!cache.mark_dirty(key(1)) && !cache.mark_clean(key(1)));
    assert_eq!(cache.put(key(1), b"uno"), Err(Error::Filling));
    assert_eq!(cache.begin_fill(key(1)), Err(Error::Filling));
    assert_eq!(cache.stats().used, 1);
    put_all(&mut cache, [2, 3]);
    assert!(!cache.contains(key(2)), "what is being filled is not evicted in its stead");
    assert!(cache.finish_fill(key(1)));
    assert!(!cache.finish_fill(key(1)) && !cache.cancel_fill(key(1)));
    assert_eq!((cache.peek(key(1)), sectors(&cache)), (Some(&b"one"[..]), vec![1, 3]));
    cache.check_invariants();
}

#[test]
fn a_cancelled_fill_leaves_nothing() {
    let mut memory = memory::<u16>(2, 3);
    let mut cache = SectorCache::new(&mut memory, 2, 3, Eviction::Lru).unwrap();
    put_all(&mut cache, [1, 2]);
    cache.begin_fill(key(3)).unwrap().fill(3);
    assert!(!cache.contains(key(1)), "the least recently used sector made room");
    // One that is held disappears for the time of its fill.
    cache.begin_fill(key(2)).unwrap().fill(2);
    assert_eq!(cache.peek(key(2)), None);
    assert_eq!(cache.put(key(4), b"444"), Err(Error::Full));
    assert!(cache.cancel_fill(key(3)) && cache.cancel_fill(key(2)));
    assert_eq!((cache.iter().next(), cache.stats().used), (None, 0));
    assert_eq!(cache.put(key(3), b"333"), Ok(Outcome::Inserted));
    cache.check_invariants();
}

#[test]
fn a_fill_is_refused_where_bytes_would_be_lost() {
    let mut memory = memory::<u16>(1, 3);
    let mut cache = SectorCache::new(&mut memory, 1, 3, Eviction::Lru).unwrap();
    put_all(&mut cache, [1]);
    cache.mark_dirty(key(1));
    assert_eq!(cache.begin_fill(key(1)), Err(Error::Dirty(key(1))));
    assert_eq!(cache.begin_fill(key(2)), Err(Error::Dirty(key(1))));
    assert_eq!(cache.peek(key(1)), Some(&*bytes(1, 3)));
    assert!(cache.mark_clean(key(1)) && cache.pin(key(1)));
    assert_eq!(cache.begin_fill(key(2)), Err(Error::Full));
    assert!(cache.begin_fill(key(1)).is_ok() && cache.finish_fill(key(1)));
    assert!(cache.iter().next().unwrap().pinned, "a pinned sector that is filled again stays pinned");
    cache.check_invariants();
}

#[test]
fn a_sector_that_is_being_filled_can_be_dropped() {
    let mut memory = memory::<u16>(3, 3);
    let mut cache = SectorCache::new(&mut memory, 3, 3, Eviction::Lru).unwrap();
    let begin = |cache: &mut SectorCache<'_>| cache.begin_fill(key(1)).map(|_| ()).unwrap();
    begin(&mut cache);
    assert_eq!(cache.remove(key(1)), None, "there are no bytes to lend");
    begin(&mut cache);
    assert_eq!(cache.invalidate(key(0), 2), 1);
    begin(&mut cache);
    assert_eq!(cache.invalidate_drive(Drive::B), 1);
    begin(&mut cache);
    cache.clear();
    assert!(!cache.finish_fill(key(1)));
    assert_eq!(cache.stats().used, 0);
    cache.check_invariants();
}

#[test]
fn pinned_sectors_stay() {
    let mut memory = memory::<u16>(3, 3);
    let mut cache = SectorCache::new(&mut memory, 3, 3, Eviction::Lru).unwrap();
    put_all(&mut cache, [1, 2, 3]);
    assert!(cache.pin(key(1)) && cache.pin(key(1)) && !cache.pin(key(9)));
    put_all(&mut cache, 10..20);
    assert_eq!(sectors(&cache), [1, 19, 18]);
    assert!(cache.pin(key(18)) && cache.pin(key(19)));
    assert_eq!(cache.victim(), None);
    assert_eq!(cache.put(key(20), b"new"), Err(Error::Full));
    assert_eq!(cache.begin_fill(key(20)), Err(Error::Full));
    assert_eq!(cache.put(key(18), b"new"), Ok(Outcome::Replaced));
    assert_eq!(cache.get(key(1)), Some(&*bytes(1, 3)));
    assert_eq!(sectors(&cache), [19, 18, 1], "use does not move what is pinned");
    assert_eq!(cache.stats().refused, 2);
    cache.check_invariants();

    assert!(cache.unpin(key(18)) && cache.unpin(key(1)) && cache.unpin(key(1)) && !cache.unpin(key(9)));
    assert_eq!(sectors(&cache), [19, 1, 18], "what is unpinned is the most recently used");
    assert_eq!(cache.put(key(20), b"new"), Ok(Outcome::Evicted(key(18))));
    cache.check_invariants();
}

#[test]
fn an_overlay_never_evicts() {
    let mut memory = memory::<u16>(2, 3);
    let mut cache = SectorCache::new(&mut memory, 2, 3, Eviction::Never).unwrap();
    put_all(&mut cache, [1, 2]);
    assert_eq!(cache.put(key(3), b"3rd"), Err(Error::Full));
    assert_eq!(cache.begin_fill(key(3)), Err(Error::Full));
    cache.mark_dirty(key(1));
    assert_eq!(cache.put(key(3), b"3rd"), Err(Error::Full));
    assert_eq!(cache.victim(), None);
    assert_eq!(cache.put(key(1), b"new"), Ok(Outcome::Replaced));
    assert_eq!((cache.stats().refused, cache.stats().evictions), (3, 0));
    cache.remove(key(2));
    assert_eq!(cache.put(key(3), b"3rd"), Ok(Outcome::Inserted));
    assert_eq!(sectors(&cache), [3, 1]);
    cache.check_invariants();
}

#[test]
fn a_dirty_sector_is_not_evicted_but_named() {
    let mut memory = memory::<u16>(2, 3);
    let mut cache = SectorCache::new(&mut memory, 2, 3, Eviction::Lru).unwrap();
    put_all(&mut cache, [1, 2]);
    assert!(cache.mark_dirty(key(1)) && cache.is_dirty(key(1)) && !cache.mark_dirty(key(9)));
    assert_eq!(cache.put(key(3), b"3rd"), Err(Error::Dirty(key(1))));
    assert_eq!(cache.put(key(1), b"new"), Ok(Outcome::Replaced));
    assert!(cache.is_dirty(key(1)), "it stays dirty with new bytes");
    assert_eq!(cache.put(key(3), b"3rd"), Ok(Outcome::Evicted(key(2))));
    assert!(cache.mark_clean(key(1)) && !cache.is_dirty(key(1)) && !cache.mark_clean(key(9)));
    assert_eq!(cache.put(key(4), b"4th"), Ok(Outcome::Evicted(key(1))));
    put_all(&mut cache, [1]);
    assert!(!cache.is_dirty(key(1)), "it comes back clean");
    assert_eq!(cache.stats().refused, 0);
}

#[test]
fn iteration_goes_both_ways_and_meets_in_the_middle() {
    let mut memory = memory::<u16>(8, 3);
    let mut cache = SectorCache::new(&mut memory, 8, 3, Eviction::Lru).unwrap();
    put_all(&mut cache, 0..7);
    cache.get(key(2)).unwrap();
    assert!(cache.pin(key(4)) && cache.pin(key(0)) && cache.mark_dirty(key(6)));
    cache.begin_fill(key(3)).unwrap();
    let order = [0, 4, 2, 6, 5, 1];
    assert_eq!(sectors(&cache), order);
    for entry in &cache {
        let sector = entry.key.sector().number();
        assert_eq!(entry.bytes, bytes(sector, 3));
        assert_eq!((entry.pinned, entry.dirty), (matches!(sector, 0 | 4), sector == 6));
    }
    for from_front in 0..=order.len() {
        let mut iter = cache.iter();
        let mut seen: Vec<_> = iter.by_ref().take(from_front).collect();
        let mut back: Vec<_> = iter.by_ref().rev().collect();
        assert_eq!((iter.next(), iter.next_back()), (None, None));
        back.reverse();
        seen.append(&mut back);
        assert_eq!(seen.iter().map(|entry| entry.key.sector().number()).collect::<Vec<_>>(), order);
    }
}

#[test]
fn a_warm_start_evicts_in_the_same_order() {
    let mut memories = [memory::<u16>(50, 3), memory::<u16>(50, 3)];
    let [old, new] = &mut memories;
    let mut old = SectorCache::new(old, 50, 3, Eviction::Lru).unwrap();
    put_all(&mut old, 0..70);
    (20..70).step_by(7).for_each(|sector| assert!(old.get(key(sector)).is_some()));
    let mut new = SectorCache::new(new, 50, 3, Eviction::Lru).unwrap();
    for entry in old.iter().rev() {
        new.put(entry.key, entry.bytes).unwrap();
    }
    assert!(old.iter().eq(new.iter()));
    for sector in 100..150 {
        assert_eq!(old.put(key(sector), &bytes(sector, 3)), new.put(key(sector), &bytes(sector, 3)));
    }
}

#[test]
fn remove_lends_the_bytes_a_last_time() {
    let mut memory = memory::<u16>(3, 3);
    let mut cache = SectorCache::new(&mut memory, 3, 3, Eviction::Lru).unwrap();
    put_all(&mut cache, [1, 2, 3]);
    assert!(cache.mark_dirty(key(2)) && cache.pin(key(3)));
    for sector in [2, 3] {
        assert_eq!(cache.remove(key(sector)), Some(&*bytes(sector, 3)));
        assert_eq!(cache.remove(key(sector)), None);
        assert!(!cache.contains(key(sector)));
        cache.check_invariants();
    }
    put_all(&mut cache, [2, 3]);
    assert!(cache.iter().all(|entry| !entry.dirty && !entry.pinned), "flags go with the sector");
    assert_eq!(cache.stats(), Stats { used: 3, slots: 3, ..Stats::default() });
}

/// A cache of 40 slots with sectors 0 to 9 of drives A and B and the last one of either, some dirty or pinned.
fn on_two_drives(memory: &mut [u8]) -> SectorCache<'_> {
    let mut cache = SectorCache::new(memory, 40, 3, Eviction::Lru).unwrap();
    for sector in (0..10).chain([Sector::COUNT - 1]) {
        for drive in [0, 1] {
            let key = SectorKey::try_new(drive, sector).unwrap();
            cache.put(key, &bytes(sector, 3)).unwrap();
            assert!(sector % 4 != 1 || cache.mark_dirty(key));
            assert!(sector % 3 != 1 || cache.pin(key));
        }
    }
    cache
}

#[test]
fn a_drive_is_invalidated_alone() {
    let mut memory = memory::<u16>(40, 3);
    let mut cache = on_two_drives(&mut memory);
    assert_eq!(cache.invalidate_drive(Drive::B), 11);
    assert_eq!(cache.invalidate_drive(Drive::B), 0);
    assert_eq!(cache.stats().used, 11);
    assert!(cache.iter().all(|entry| entry.key.drive() == Drive::A));
    cache.check_invariants();
}

#[test]
fn a_range_is_invalidated_sector_by_sector_or_slot_by_slot() {
    // Ranges of fewer sectors than there are slots are looked up, others looked for.
    for (first, count, dropped) in [
        (3, 0, 0),
        (3, 4, 4),
        (0, 39, 10),
        (0, 40, 10),
        (8, 1_000, 2),
        (10, 1 << 23, 0),
        (0, u32::MAX, 11),
        (Sector::COUNT - 1, 1, 1),
        (Sector::COUNT - 1, u32::MAX, 1),
    ] {
        let mut memory = memory::<u16>(40, 3);
        let mut cache = on_two_drives(&mut memory);
        assert_eq!(cache.invalidate(key(first), count), dropped, "{count} from {first} on");
        assert_eq!(cache.stats().used, 22 - dropped);
        let range = first..first.saturating_add(count);
        assert!(
            cache.iter().all(|entry| {
                entry.key.drive() == Drive::A || !range.contains(&entry.key.sector().number())
            })
        );
        cache.check_invariants();
    }
}

#[test]
fn everything_is_dropped_but_the_statistics() {
    let mut memory = memory::<u16>(40, 3);
    let mut cache = on_two_drives(&mut memory);
    cache.get(key(0)).unwrap();
    cache.begin_fill(key(77)).unwrap();
    cache.clear();
    assert_eq!((cache.iter().next(), cache.victim()), (None, None));
    assert_eq!(cache.stats(), Stats { hits: 1, slots: 40, ..Stats::default() });
    cache.check_invariants();
    put_all(&mut cache, 0..60);
    assert_eq!(sectors(&cache), (20..60).rev().collect::<Vec<_>>());
}

#[test]
fn statistics_count_what_they_say() {
    let mut memory = memory::<u16>(2, 3);
    let mut cache = SectorCache::new(&mut memory, 2, 3, Eviction::Lru).unwrap();
    assert_eq!(cache.stats(), Stats { slots: 2, ..Stats::default() });
    put_all(&mut cache, [1, 1, 2, 3]);
    cache.get(key(3));
    cache.get(key(2));
    cache.get(key(1));
    cache.begin_fill(key(4)).unwrap();
    cache.begin_fill(key(5)).unwrap();
    assert_eq!(cache.put(key(6), b"six"), Err(Error::Full));
    let expected = Stats { hits: 2, misses: 1, evictions: 3, unchanged: 1, refused: 1, used: 2, slots: 2 };
    assert_eq!(cache.stats(), expected);
}

proptest! {
    #[test]
    fn a_cache_does_as_the_model_does(
        setup in any::<[u8; 4]>(),
        operations in prop::collection::vec(any::<[u8; 4]>(), 0..if cfg!(miri) { 40 } else { 400 }),
    ) {
        Setup::decode(setup).run(operations);
    }
}
