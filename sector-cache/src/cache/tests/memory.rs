//! Caches of every size, in memory of every length.

use super::*;

fn check_churn<L: Link>(mut cache: SectorCache<'_, L>) {
    let slots = u32::try_from(cache.slots()).unwrap();
    let length = cache.sector_length();
    for sector in 0..2 * slots {
        let outcome = cache.put(key(sector), &bytes(sector, length)).unwrap();
        match sector.checked_sub(slots) {
            Some(oldest) => assert_eq!(outcome, Outcome::Evicted(key(oldest))),
            None => assert_eq!(outcome, Outcome::Inserted),
        }
    }
    cache.check_invariants();
    for sector in 0..slots {
        assert!(!cache.contains(key(sector)));
        assert_eq!(cache.get(key(slots + sector)), Some(&*bytes(slots + sector, length)));
    }
    cache.check_invariants();
    let stats = cache.stats();
    assert_eq!((stats.used, stats.hits, stats.evictions), (cache.slots(), cache.slots(), cache.slots()));
}

fn check_no_slots<L: Link>(mut cache: SectorCache<'_, L>) {
    assert_eq!(cache.put(key(0), &[0; 4]), Err(Error::Full));
    assert_eq!(cache.put_with(key(0), &[0; 4], |_, _| panic!("nothing is evicted")), Err(Error::Full));
    assert_eq!(cache.begin_fill(key(0)), Err(Error::Full));
    assert_eq!(cache.get(key(0)), None);
    assert_eq!(cache.remove(key(0)), None);
    assert_eq!((cache.peek(key(0)), cache.victim()), (None, None));
    assert!(!cache.pin(key(0)) && !cache.mark_dirty(key(0)) && !cache.finish_fill(key(0)));
    assert_eq!((cache.invalidate(key(0), u32::MAX), cache.invalidate_drive(Drive::B)), (0, 0));
    cache.clear();
    assert_eq!(cache.iter().next(), None);
    assert_eq!(cache.stats(), Stats { misses: 1, refused: 3, ..Stats::default() });
    cache.check_invariants();
}

#[test]
fn a_cache_without_slots_works_and_holds_nothing() {
    check_no_slots(SectorCache::new(&mut [], 0, 4, Eviction::Lru).unwrap());
    check_no_slots(SectorCache::new(&mut [], 0, 4, Eviction::Never).unwrap());
    check_no_slots(SectorCache::wide(&mut [], 0, 4, Eviction::Lru).unwrap());
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there and shows nothing that others do not")]
fn any_number_of_slots_works() {
    for slots in [1, 2, 3, 5, 7, 31, 100, 137, 815, 1_000, 1_154] {
        check_churn(SectorCache::new(&mut memory::<u16>(slots, 5), slots, 5, Eviction::Lru).unwrap());
        check_churn(SectorCache::wide(&mut memory::<u32>(slots, 5), slots, 5, Eviction::Lru).unwrap());
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there and shows nothing that others do not")]
fn the_most_narrow_slots_work_and_wide_ones_go_on() {
    check_churn(SectorCache::new(&mut memory::<u16>(65_535, 3), 65_535, 3, Eviction::Lru).unwrap());
    check_churn(SectorCache::wide(&mut memory::<u32>(70_000, 3), 70_000, 3, Eviction::Lru).unwrap());
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there and shows nothing that others do not")]
fn any_sector_length_works() {
    for length in [1, 128, 137, 256, 512, 4_096] {
        check_churn(SectorCache::new(&mut memory::<u16>(10, length), 10, length, Eviction::Lru).unwrap());
        check_churn(SectorCache::wide(&mut memory::<u32>(10, length), 10, length, Eviction::Lru).unwrap());
    }
}

#[test]
fn the_memory_needs_no_alignment_and_what_follows_is_left_alone() {
    let needed = SectorCache::<u16>::required_bytes(33, 7).unwrap();
    for offset in 0..8 {
        let mut memory = vec![0xaa; needed + 16];
        check_churn(SectorCache::new(&mut memory[offset..], 33, 7, Eviction::Lru).unwrap());
        assert!(memory[..offset].iter().chain(&memory[offset + needed..]).all(|&byte| byte == 0xaa));
    }
}

#[test]
fn too_little_memory_is_refused() {
    for (slots, length) in [(1, 1), (3, 137), (1_154, 137)] {
        let needed = SectorCache::<u16>::required_bytes(slots, length).unwrap();
        assert_eq!(needed, slots * (12 + length));
        assert!(SectorCache::new(&mut vec![0; needed], slots, length, Eviction::Lru).is_ok());
        for available in [0, slots, needed - length, needed - 1] {
            let refused = SectorCache::new(&mut vec![0; available], slots, length, Eviction::Lru).err();
            assert_eq!(refused, Some(Error::MemoryTooSmall { needed, available }));
        }
    }
    let refused = SectorCache::wide(&mut [0; 24], 1, 1, Eviction::Lru).err();
    assert_eq!(refused, Some(Error::MemoryTooSmall { needed: 25, available: 24 }));
}

#[test]
fn what_cannot_be_addressed_is_refused() {
    let most_length = 1 << 24;
    for (slots, length) in
        [(65_536, 1), (usize::MAX, 1), (1, 0), (0, 0), (0, most_length + 1), (1, usize::MAX)]
    {
        assert_eq!(SectorCache::<u16>::required_bytes(slots, length), None);
        assert_eq!(SectorCache::new(&mut [], slots, length, Eviction::Lru).err(), Some(Error::Unaddressable));
    }
    assert_eq!(WideSectorCache::required_bytes(usize::MAX, most_length), None);
    assert_eq!(WideSectorCache::wide(&mut [], 1, 0, Eviction::Lru).err(), Some(Error::Unaddressable));
    assert_eq!(WideSectorCache::required_bytes(65_536, 1), Some(65_536 * 25));
    assert_eq!(SectorCache::<u16>::required_bytes(0, most_length), Some(0));
}

#[test]
fn as_many_slots_are_said_to_fit_as_do() {
    assert_eq!(SectorCache::<u16>::slots_in(172_032, 137), 1_154);
    assert_eq!(SectorCache::<u16>::slots_in(148, 137), 0);
    assert_eq!(SectorCache::<u16>::slots_in(usize::MAX, 1), 65_535);
    let most_length = 1 << 24;
    assert_eq!(SectorCache::<u16>::slots_in(2 * (12 + most_length), most_length), 2);
    for length in [0, most_length + 1, usize::MAX] {
        assert_eq!(SectorCache::<u16>::slots_in(usize::MAX, length), 0, "{length} bytes");
    }
    assert_eq!(WideSectorCache::slots_in(161 * 70_000, 137), 70_000);
    assert_eq!(WideSectorCache::slots_in(161 * 70_000 - 1, 137), 69_999);
}
