//! Plays a session against a cache, as the emulator in the field does.
//!
//! The emulator runs on one core, the cache on another; a mailbox lies between them, and the server is far away:
//!
//! ```text
//! CPU -- read --> emulator -- mailbox --> cache     a read message, and its answer
//!                     |  on a miss
//!                     +-- request --> server        one round trip; the CPU waits
//!                     |  for each sector that came
//!                     +-- mailbox --> cache         a fill message
//! CPU -- write -> emulator -- mailbox --> cache     a write message; the server gets it without a wait
//! ```

use std::collections::HashMap;
use std::time::Duration;

use sector_cache::{
    CachedDisk, DiskError, Error, Eviction, Geometry, NextSectors, ReadAhead, SectorCache, SectorKey, Span,
    WholeTrack, WriteMode,
};

use crate::server::{Server, UNWRITTEN, made_up};
use crate::{Access, Operation};

/// Bytes of a sector of an Altair disk.
pub const SECTOR_LENGTH: usize = 137;

/// The cache memory of the firmware: its 192 KiB less 24 KiB for code, stack and mailbox.
const FIRMWARE_MEMORY: usize = 172_032;

/// The slots of the cache that firmware has today.
pub const FIRMWARE_SLOTS: usize = 800;

/// What firmware does today: one sector a request, least recently used goes first.
pub const FIRMWARE_TODAY: Setup = Setup { slots: FIRMWARE_SLOTS, policy: Policy::None };

/// How many sectors Platter fits into the firmware's memory.
#[must_use]
pub const fn slots_that_fit() -> usize {
    SectorCache::<'_, u16>::slots_in(FIRMWARE_MEMORY, SECTOR_LENGTH)
}

/// What to play a session against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Sectors that the cache has room for, up to 65,535.
    pub slots: usize,
    /// What is fetched on a miss.
    pub policy: Policy,
}

/// What is fetched on a miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The sector missed.
    None,
    /// Its whole track.
    WholeTrack,
    /// The sector missed and so many that follow on its track.
    Next(u16),
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Reads of the CPU.
    pub reads: u64,
    /// Reads that the cache answered.
    pub hits: u64,
    /// Writes of the CPU.
    pub writes: u64,
    /// Round trips to the server that the CPU waited for.
    pub requests: u64,
    /// Sectors that came with them.
    pub fetched: u64,
}

impl Tally {
    /// Messages between the two cores: two for each read, one for each write and for each sector that came.
    #[must_use]
    pub fn mailbox_messages(&self) -> u64 {
        2 * self.reads + self.writes + self.fetched
    }

    /// How long the CPU waits if every request takes `delay`.
    #[must_use]
    pub fn wait(&self, delay: Duration) -> Duration {
        let requests = u32::try_from(self.requests).unwrap_or(u32::MAX);
        delay.saturating_mul(requests)
    }
}

/// What came of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// What was counted.
    pub tally: Tally,
    /// The sectors that the cache held at the end, the last used first.
    pub held: Vec<u32>,
}

/// Plays the accesses of one drive, and checks that every read brings what was last written.
///
/// # Errors
/// [`Error::Unaddressable`] if there is no cache of so many slots.
///
/// # Panics
/// If a read brings other bytes: the cache is broken.
pub fn play(accesses: &[Access], setup: Setup) -> Result<Played, Error> {
    let bytes = SectorCache::<'_, u16>::required_bytes(setup.slots, SECTOR_LENGTH).unwrap_or(0);
    let mut memory = vec![0; bytes];
    let cache = SectorCache::new(&mut memory, setup.slots, SECTOR_LENGTH, Eviction::Lru)?;
    let read_ahead = PolicyOnDisk { policy: setup.policy, geometry: geometry(accesses)? };
    let mut disk = CachedDisk::new(cache, Server::default(), read_ahead, WriteMode::Through);

    let mut tally = Tally::default();
    let mut hashes = HashMap::new();
    let mut sector_bytes = [0; SECTOR_LENGTH];
    for access in accesses {
        let sector = u32::from(access.sector);
        let key = SectorKey::try_new(access.drive, sector)?;
        match access.operation {
            Operation::Read => {
                tally.reads += 1;
                disk.read(key, &mut sector_bytes).map_err(refusal)?;
                let hash = hashes.get(&key).copied().unwrap_or(UNWRITTEN);
                assert_eq!(
                    sector_bytes,
                    made_up(sector, hash),
                    "sector {key} has other bytes than were written"
                );
            }
            Operation::Write { hash } => {
                tally.writes += 1;
                hashes.insert(key, hash);
                disk.write(key, &made_up(sector, hash)).map_err(refusal)?;
            }
        }
    }

    tally.hits = disk.cache().stats().hits as u64;
    tally.requests = disk.device().requests;
    tally.fetched = disk.device().fetched;
    let held = disk.cache().iter().map(|entry| entry.key.sector().number()).collect();
    Ok(Played { tally, held })
}

/// The server never fails, so that only the cache can refuse.
fn refusal(error: DiskError<std::convert::Infallible>) -> Error {
    match error {
        DiskError::Cache(error) => error,
        other => unreachable!("the server does not fail: {other}"),
    }
}

/// The Altair's 8-inch disk, with more tracks if the session goes beyond its last one.
fn geometry(accesses: &[Access]) -> Result<Geometry, Error> {
    let usual = Geometry::ALTAIR_8_INCH;
    let last_sector = accesses.iter().map(|access| access.sector).max().unwrap_or(0);
    let tracks = last_sector / usual.sectors_per_track() + 1;
    Geometry::new(tracks.max(usual.tracks()), usual.sectors_per_track(), usual.sector_length())
}

/// A policy, and where its tracks begin and end.
struct PolicyOnDisk {
    policy: Policy,
    geometry: Geometry,
}

impl ReadAhead for PolicyOnDisk {
    fn span(&self, missed: SectorKey) -> Span {
        let geometry = self.geometry;
        match self.policy {
            Policy::None => Span::single(missed),
            Policy::WholeTrack => WholeTrack(geometry).span(missed),
            Policy::Next(count) => NextSectors { count, geometry }.span(missed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Trace, most_hits};
    use proptest::prelude::*;

    fn tally(session: &[u8], slots: usize, policy: Policy) -> Tally {
        played(session, slots, policy).tally
    }

    fn played(session: &[u8], slots: usize, policy: Policy) -> Played {
        play(&Trace::parse(session).unwrap().of_drive(1), Setup { slots, policy }).unwrap()
    }

    #[test]
    fn the_least_recently_used_sector_makes_room() {
        // 1 miss, 2 miss, 1 hit, 3 evicts 2, 1 hit, 2 evicts 3.
        let session = b"R 1 1\nR 1 2\nR 1 1\nR 1 3\nR 1 1\nR 1 2\n";
        let played = played(session, 2, Policy::None);
        assert_eq!(played.tally, Tally { reads: 6, hits: 2, writes: 0, requests: 4, fetched: 4 });
        assert_eq!(played.held, [2, 1]);
    }

    #[test]
    fn a_track_comes_with_one_request() {
        // Sector 5 brings track 0, sector 31 is part of it, 32 brings track 1.
        let tally = tally(b"R 1 5\nR 1 31\nR 1 32\n", 64, Policy::WholeTrack);
        assert_eq!(tally, Tally { reads: 3, hits: 1, writes: 0, requests: 2, fetched: 64 });
    }

    #[test]
    fn the_next_sectors_come_with_one_request_and_wrap_inside_the_track() {
        // Sector 30 brings 30, 31, 0, 1 and 2; 3 brings 3 to 7; 7 is a hit.
        let tally = tally(b"R 1 30\nR 1 2\nR 1 3\nR 1 7\n", 64, Policy::Next(4));
        assert_eq!(tally, Tally { reads: 4, hits: 2, writes: 0, requests: 2, fetched: 10 });
    }

    #[test]
    fn what_is_held_already_is_not_fetched() {
        let tally = tally(b"W 1 7 a\nR 1 0\nR 1 7\n", 64, Policy::WholeTrack);
        assert_eq!(tally, Tally { reads: 2, hits: 1, writes: 1, requests: 1, fetched: 31 });
    }

    #[test]
    fn a_write_waits_for_nothing_and_is_read_back() {
        let tally = tally(b"W 1 7 a\nR 1 7\nW 1 7 b\nR 1 7\n", 1, Policy::None);
        assert_eq!(tally, Tally { reads: 2, hits: 2, writes: 2, requests: 0, fetched: 0 });
    }

    #[test]
    fn other_drives_are_elsewhere() {
        assert_eq!(tally(b"R 0 7\nW 2 7 a\nR 15 7\n", 8, Policy::WholeTrack), Tally::default());
    }

    #[test]
    fn a_larger_disk_has_tracks_too() {
        let tally = tally(b"R 1 65535\nR 1 65504\n", 64, Policy::WholeTrack);
        assert_eq!((tally.hits, tally.fetched), (1, 32));
    }

    #[test]
    fn messages_and_waiting_follow_from_the_counts() {
        let tally = Tally { reads: 10, hits: 7, writes: 4, requests: 3, fetched: 20 };
        assert_eq!(tally.mailbox_messages(), 2 * 10 + 4 + 20);
        assert_eq!(tally.wait(Duration::from_millis(50)), Duration::from_millis(150));
    }

    #[test]
    fn a_cache_that_cannot_be_is_refused() {
        let setup = Setup { slots: 65_536, policy: Policy::None };
        assert!(play(&[], setup).is_err());
    }

    fn access() -> impl Strategy<Value = Access> {
        (0_u16..96, prop::option::weighted(0.3, 0_u64..3)).prop_map(|(sector, hash)| Access {
            drive: 1,
            sector,
            operation: hash.map_or(Operation::Read, |hash| Operation::Write { hash }),
        })
    }

    proptest! {
        #[test]
        fn every_read_is_a_hit_or_a_request_and_none_beats_the_optimum(
            accesses in prop::collection::vec(access(), 0..60),
            slots in 0_usize..80,
            ahead in 0_u16..40,
        ) {
            for policy in [Policy::None, Policy::WholeTrack, Policy::Next(ahead)] {
                let Played { tally, held } = play(&accesses, Setup { slots, policy }).unwrap();
                prop_assert_eq!(tally.hits + tally.requests, tally.reads);
                prop_assert!(tally.fetched >= tally.requests);
                prop_assert!(held.len() <= slots);
                if policy == Policy::None {
                    prop_assert!(tally.hits <= most_hits(&accesses, slots));
                    prop_assert_eq!(tally.fetched, tally.requests);
                }
            }
        }
    }
}
