//! What the crate's documentation promises and no other test shows.

use sector_cache::{
    CachedDisk, Eviction, Iter, NoReadAhead, SectorCache, SectorKey, WideSectorCache, WriteMode,
    mailbox::CardService,
};

fn key(drive: u8, sector: u32) -> SectorKey {
    SectorKey::try_new(drive, sector).expect("a drive and a sector in range")
}

#[test]
fn a_cache_can_be_sent_and_shared() {
    const fn send_and_sync<T: Send + Sync>() {}
    const {
        send_and_sync::<SectorCache<'_>>();
        send_and_sync::<WideSectorCache<'_>>();
        send_and_sync::<Iter<'_, '_>>();
        send_and_sync::<CachedDisk<'_, (), NoReadAhead>>();
        send_and_sync::<CardService<'_, ()>>();
        send_and_sync::<WriteMode>();
    }
}

#[test]
fn memory_costs_what_the_formula_says() {
    for (slots, length) in [(0, 1), (1, 512), (800, 137), (65_535, 4_096)] {
        assert_eq!(SectorCache::<'_, u16>::required_bytes(slots, length), Some(slots * (12 + length)));
        assert_eq!(WideSectorCache::required_bytes(slots, length), Some(slots * (24 + length)));
    }
    assert_eq!(SectorCache::<'_, u16>::slots_in(172_032, 137), 1_154);
    assert_eq!(SectorCache::<'_, u16>::required_bytes(1_154, 137), Some(171_946));
    assert!(size_of::<SectorCache<'_>>() <= 20 * size_of::<usize>());
    assert!(size_of::<WideSectorCache<'_>>() <= 20 * size_of::<usize>());
}

/// The key of all zeros comes to bucket 0, whatever the multiplier.
#[test]
fn narrow_memory_is_laid_out_as_documented() {
    let mut memory = [0xa5; 12 + 2];
    let mut cache = SectorCache::new(&mut memory, 1, 2, Eviction::Lru).unwrap();
    cache.put(key(0, 0), b"ab").unwrap();
    cache.mark_dirty(key(0, 0));
    let (record, rest) = memory.split_at(8);
    // Dirty, no follower, and the first of bucket 0.
    assert_eq!(record, [0x02, 0, 0, 0, 0xff, 0xff, 0, 0]);
    // Nothing before it (`prev` is anything) and nothing after; then the sector.
    assert_eq!(rest[2..], [0xff, 0xff, b'a', b'b']);
}

/// The other two flags, with the key of all ones.
#[test]
fn wide_memory_is_laid_out_as_documented() {
    const END: u32 = (1 << 26) - 1;
    let mut memory = [0xa5; 2 * (24 + 2)];
    let mut cache = WideSectorCache::wide(&mut memory, 2, 2, Eviction::Lru).unwrap();
    // Free slots are taken from the last on.
    cache.put(key(0, 0), b"ab").unwrap();
    cache.pin(key(0, 0));
    cache.begin_fill(key(15, 0x00ff_ffff)).unwrap().copy_from_slice(b"cd");
    let (records, rest) = memory.split_at(2 * 16);
    let (places, sectors) = rest.split_at(2 * 8);
    let numbers = |bytes: &[u8]| -> Vec<u32> {
        bytes.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number)).collect()
    };
    let (records, places) = (numbers(records), numbers(places));
    // Slot 0 is being filled, slot 1 is pinned. Each is the first of the other's bucket, with its key's tag: that of
    // all ones, and 0.
    assert_eq!(records[..4], [0x7fff_fffc, END, 1, END]);
    assert_eq!(records[4..], [0x8000_0000, END, 0b11_1011 << 26, END]);
    // Slot 0 comes before slot 1 among those that are held.
    assert_eq!(places[1..], [1, 0, END]);
    assert_eq!(sectors, b"cdab");
}
