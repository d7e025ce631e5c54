//! The most that any cache could do which fetches nothing but what it is asked for.

use std::collections::{BTreeSet, HashMap};

use crate::{Access, Operation};

/// The most reads that a cache of `slots` sectors can answer by itself, whichever sectors it gives up (Belady's MIN).
///
/// It knows the future, and keeps those sectors that are read again soonest; a sector that is not read before it is
/// written anew, or never again, is not kept. A write needs no fetch: what was written can be kept as well as what was
/// read.
#[must_use]
pub fn most_hits(accesses: &[Access], slots: usize) -> u64 {
    let next_reads = next_reads(accesses);
    // The sectors kept, each as the moment of its next read: it names the sector, and orders them at once.
    let mut kept = BTreeSet::new();
    let mut hits = 0;
    for (now, next_read) in next_reads.into_iter().enumerate() {
        hits += u64::from(kept.remove(&now));
        kept.extend(next_read);
        if kept.len() > slots {
            kept.pop_last();
        }
    }
    hits
}

/// For each access, when its sector is accessed next, if that is a read.
fn next_reads(accesses: &[Access]) -> Vec<Option<usize>> {
    let mut next_access = HashMap::new();
    let mut next_reads: Vec<Option<usize>> = (0..accesses.len())
        .rev()
        .zip(accesses.iter().rev())
        .map(|(now, access)| {
            let read_at = (access.operation == Operation::Read).then_some(now);
            next_access.insert((access.drive, access.sector), read_at).flatten()
        })
        .collect();
    next_reads.reverse();
    next_reads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trace;
    use proptest::prelude::*;

    fn hits(session: &[u8], slots: usize) -> u64 {
        most_hits(Trace::parse(session).unwrap().accesses(), slots)
    }

    #[test]
    fn what_is_read_soonest_is_kept() {
        // With two slots the third sector is best not kept at all; LRU would hit nothing.
        let rounds = b"R 1 1\nR 1 2\nR 1 3\nR 1 1\nR 1 2\nR 1 3\n";
        assert_eq!([0, 1, 2, 3].map(|slots| hits(rounds, slots)), [0, 1, 2, 3]);
    }

    #[test]
    fn a_write_brings_its_sector_along_and_ends_the_use_of_the_old_bytes() {
        assert_eq!(hits(b"W 1 1 a\nR 1 1\n", 1), 1);
        // Sector 1 need not be kept from its read to its write, so one slot is enough for both hits.
        assert_eq!(hits(b"R 1 1\nR 1 2\nR 1 2\nW 1 1 a\nR 1 1\n", 1), 2);
    }

    #[test]
    fn drives_are_told_apart() {
        assert_eq!(hits(b"R 1 1\nR 2 1\n", 9), 0);
    }

    /// Tries to keep each sector, and to give up each.
    fn brute_force(accesses: &[Access], held: &BTreeSet<u16>, slots: usize) -> u64 {
        let Some((access, rest)) = accesses.split_first() else { return 0 };
        let hit = access.operation == Operation::Read && held.contains(&access.sector);
        let mut with = held.clone();
        with.insert(access.sector);
        let choices = with.iter().map(|given_up| {
            let mut held = with.clone();
            held.remove(given_up);
            held
        });
        let choices = choices.chain((with.len() <= slots).then(|| with.clone()));
        let best = choices.map(|held| brute_force(rest, &held, slots)).max();
        u64::from(hit) + best.unwrap_or(0)
    }

    fn access() -> impl Strategy<Value = Access> {
        (0_u16..4, prop::bool::weighted(0.7)).prop_map(|(sector, reads)| Access {
            drive: 1,
            sector,
            operation: if reads { Operation::Read } else { Operation::Write { hash: 1 } },
        })
    }

    proptest! {
        #[test]
        fn nobody_does_better_and_somebody_does_as_well(
            accesses in prop::collection::vec(access(), 0..7),
            slots in 0_usize..4,
        ) {
            prop_assert_eq!(most_hits(&accesses, slots), brute_force(&accesses, &BTreeSet::new(), slots));
        }
    }
}
