//! How evenly the multiplier spreads what disks make of keys: runs and strides.

use super::*;
use crate::Geometry;

/// What no chain exceeds while a program steps over disks, whatever the stride: measured for the multiplier in use.
const LONGEST_CHAIN: usize = 8;

const SLOT_COUNTS: [u32; 15] =
    [8, 32, 100, 128, 137, 256, 500, 800, 815, 1_024, 1_154, 2_000, 2_464, 4_096, 65_535];

/// The longest chain at any time while all these keys, each once, are put into a cache in turn.
fn longest_chain(slots: u32, keys: &[SectorKey]) -> usize {
    let slots = slots as usize;
    let mut memory = memory::<u16>(slots, 1);
    let cache = SectorCache::new(&mut memory, slots, 1, Eviction::Lru).unwrap();
    let mut chains = vec![0; slots];
    let mut longest = 0;
    for (at, &key) in keys.iter().enumerate() {
        if let Some(evicted) = at.checked_sub(slots) {
            chains[cache.bucket(keys[evicted])] -= 1;
        }
        let chain = &mut chains[cache.bucket(key)];
        *chain += 1;
        longest = longest.max(*chain);
    }
    longest
}

/// Every so many-th sector of every drive.
fn sixteen_drives(disk: Geometry, stride: u32) -> Vec<SectorKey> {
    let sectors = || (0..disk.sectors()).step_by(stride as usize);
    let drive = |drive| sectors().map(move |sector| SectorKey::try_new(drive, sector).unwrap());
    (0..Drive::COUNT).flat_map(drive).collect()
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there and shows nothing that others do not")]
fn strides_spread_over_the_buckets() {
    let disks = [Geometry::ALTAIR_8_INCH, Geometry::ALTAIR_MINIDISK, Geometry::IBM_3740];
    for stride in 1..=64 {
        let on_disks = disks.map(|disk| sixteen_drives(disk, stride));
        for slots in SLOT_COUNTS {
            let on_a_large_drive: Vec<_> = (0..2 * slots).map(|at| key(at * stride)).collect();
            for keys in on_disks.iter().chain([&on_a_large_drive]) {
                let chain = longest_chain(slots, keys);
                assert!(chain <= LONGEST_CHAIN, "a chain of {chain} in {slots} slots at stride {stride}");
            }
        }
    }
}
