//! Which sectors are asked for, and what is written to them.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use sector_cache::Geometry;
use vdisk_proto::codec::legacy::SECTOR_LENGTH;

/// The disk of version 1.
pub(crate) const LEGACY_DISK: Geometry = Geometry::ALTAIR_8_INCH;

/// Where a sector of it starts in the image.
pub(crate) fn offset(sector: u32) -> u32 {
    sector.wrapping_mul(LEGACY_DISK.sector_length().into())
}

const _: () = assert!(LEGACY_DISK.sector_length() as usize == SECTOR_LENGTH);

/// Numbers that follow from a seed (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    /// One for each device of a seed.
    pub(crate) const fn new(seed: u64, device: u64) -> Self {
        Self(seed ^ device.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// One that is less than `bound`; 0 if there is none.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        // Less than a bound that is a `u32`.
        u32::try_from(self.next() % u64::from(bound.max(1))).unwrap_or_default()
    }
}

/// What nobody can know before.
pub(crate) fn entropy() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// What a write of a stamp puts into a sector: another for each sector and stamp.
pub(crate) fn fill(sector: u32, stamp: u64, bytes: &mut [u8]) {
    let pattern = stamp.to_le_bytes().into_iter().chain(sector.to_le_bytes());
    for (byte, made_up) in bytes.iter_mut().zip(pattern.cycle()) {
        *byte = made_up;
    }
}

/// The same for a sector of version 1.
pub(crate) fn made_up(sector: u32, stamp: u64) -> [u8; SECTOR_LENGTH] {
    let mut bytes = [0; SECTOR_LENGTH];
    fill(sector, stamp, &mut bytes);
    bytes
}

/// Whether a sector has what a write of that stamp put there.
pub(crate) fn is(sector: u32, stamp: u64, bytes: &[u8]) -> bool {
    let [a, b, c, d, e, f, g, h] = stamp.to_le_bytes();
    let [i, j, k, l] = sector.to_le_bytes();
    let pattern = [a, b, c, d, e, f, g, h, i, j, k, l];
    bytes.chunks(pattern.len()).all(|chunk| pattern.starts_with(chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_up_is_known_again() {
        let bytes = made_up(7, 9);
        assert!(is(7, 9, &bytes) && !is(8, 9, &bytes) && !is(7, 10, &bytes));
        for at in 0..bytes.len() {
            let mut damaged = bytes;
            damaged[at] ^= 1;
            assert!(!is(7, 9, &damaged), "{at}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_numbers_each_time_and_every_device_others() {
        let numbers = |seed, device| {
            let mut random = Random::new(seed, device);
            [(); 4].map(|()| random.below(2_464))
        };
        assert_eq!(numbers(1, 1), numbers(1, 1));
        assert_ne!(numbers(1, 1), numbers(1, 2));
        assert_ne!(numbers(1, 1), numbers(2, 1));
        assert_eq!(Random::new(1, 1).below(0), 0);
    }
}
