//! What is trusted beside what a cache really holds.

use std::collections::{BTreeMap, BTreeSet};
use std::vec;

use super::*;

/// A cache of bytes that may be deaf.
#[derive(Default)]
struct Shelf {
    held: BTreeMap<SectorKey, u8>,
    is_deaf: bool,
}

impl Shelf {
    fn unless_deaf(&mut self, change: impl FnOnce(&mut BTreeMap<SectorKey, u8>)) -> bool {
        if !self.is_deaf {
            change(&mut self.held);
        }
        !self.is_deaf
    }
}

impl Cache for Shelf {
    fn fill(&mut self, key: SectorKey, bytes: &[u8]) -> bool {
        self.unless_deaf(|held| {
            held.insert(key, bytes[0]);
        })
    }

    fn remove(&mut self, key: SectorKey) -> bool {
        self.unless_deaf(|held| {
            held.remove(&key);
        })
    }

    fn clear(&mut self) -> bool {
        self.unless_deaf(BTreeMap::clear)
    }

    fn forget(&mut self, drive: Drive) -> bool {
        self.unless_deaf(|held| held.retain(|key, _| key.drive() != drive))
    }
}

fn key(number: u8) -> SectorKey {
    SectorKey::try_new(number % 2, u32::from(number / 2 % 20)).unwrap()
}

proptest::proptest! {
    #[test]
    fn what_is_trusted_is_the_newest_or_nothing(
        operations in proptest::collection::vec(
            (0..12_u8, 0..=255_u8, 0..=255_u8),
            0..if cfg!(miri) { 20 } else { 300 },
        ),
    ) {
        let mut shelf = Shelf { held: (0..40).map(|number| (key(number), 0xbb)).collect(), is_deaf: false };
        let mut trust = Trust::at_boot();
        // What the newest bytes are, where there are any.
        let mut newest = BTreeMap::new();
        for (operation, number, fill) in operations {
            let key = key(number);
            match operation {
                0..=4 => {
                    trust.fill(&mut shelf, key, &[fill]);
                    newest.insert(key, fill);
                }
                5 | 6 => {
                    trust.remove(&mut shelf, key);
                    newest.remove(&key);
                }
                7 if number % 8 == 0 => {
                    trust.clear(&mut shelf);
                    newest.clear();
                }
                8 if number % 4 == 0 => {
                    trust.forget(&mut shelf, key.drive());
                    newest.retain(|of, _| of.drive() != key.drive());
                }
                9 | 10 => shelf.is_deaf = fill % 2 == 0,
                _ => assert_eq!(trust.settle(&mut shelf), !trust.needs_clear()),
            }
            for (key, held) in &shelf.held {
                assert!(!trust.trusts(*key) || newest.get(key) == Some(held), "{key} is old");
            }
        }
        shelf.is_deaf = false;
        assert!(trust.settle(&mut shelf));
    }
}

#[test]
fn sectors_are_bypassed_one_by_one_up_to_sixteen() {
    let mut shelf = Shelf::default();
    let mut trust = Trust::at_boot();
    assert!(trust.settle(&mut shelf));
    shelf.is_deaf = true;
    let keys: BTreeSet<_> = (0..40).map(key).collect();
    let keys: vec::Vec<_> = keys.into_iter().collect();
    for (count, missed) in keys.iter().enumerate().take(BYPASSED) {
        trust.fill(&mut shelf, *missed, &[1]);
        trust.fill(&mut shelf, *missed, &[1]);
        let bypassed = keys.iter().filter(|key| !trust.trusts(**key)).count();
        assert_eq!(bypassed, count + 1);
    }
    trust.remove(&mut shelf, keys[BYPASSED]);
    assert!(trust.needs_clear() && keys.iter().all(|key| !trust.trusts(*key)));
}
