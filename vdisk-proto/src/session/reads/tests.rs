//! The READs beside sets of sectors.

#![allow(clippy::cast_possible_truncation)]

use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

use sector_cache::Geometry;

use super::*;

/// A READ of the model: what it asks for, and of that what is missing, barred and wanted.
#[derive(Clone, Default)]
struct Model {
    asked: Vec<SectorKey>,
    since_ms: u64,
    missing: BTreeSet<SectorKey>,
    barred: BTreeSet<SectorKey>,
    wanted: BTreeSet<SectorKey>,
}

fn geometry() -> Geometry {
    Geometry::new(2, 10, 16).unwrap()
}

fn key(sector: u32) -> SectorKey {
    SectorKey::try_new(1, sector).unwrap()
}

fn read(sector: u32, count: u16, since_ms: u64) -> Read {
    let run = Some(Run::new(geometry(), sector, count).unwrap());
    Read { key: key(sector), run, sequence: since_ms as u32 + 1, retry: Retry::at(0), since_ms, cursor: 0 }
}

impl Model {
    fn new(sector: u32, count: u16, since_ms: u64) -> Self {
        let run = Run::new(geometry(), sector, count).unwrap();
        let asked: Vec<_> = run.sectors().map(key).collect();
        let missing = asked.iter().copied().collect();
        Self { asked, since_ms, missing, barred: BTreeSet::new(), wanted: [key(sector)].into() }
    }
}

fn check(reads: &Reads<'_>, model: &[Option<Model>]) {
    for (slot, of) in model.iter().enumerate() {
        assert_eq!(reads.get(slot).is_some(), of.is_some());
        let Some(of) = of else { continue };
        let sequence = of.since_ms as u32 + 1;
        assert_eq!(reads.with_sequence(sequence), Some(slot));
        assert_eq!(reads.is_done(slot), of.missing.is_empty());
        assert_eq!(reads.is_wanted(slot), !of.wanted.is_empty());
        for (index, key) in (0..).zip(&of.asked) {
            let bits = [Row::Missing, Row::Barred, Row::Wanted].map(|row| reads.bit(slot, row, index));
            assert_eq!(bits, [&of.missing, &of.barred, &of.wanted].map(|set| set.contains(key)), "{key}");
            assert_eq!(reads.takes(slot, index), of.missing.contains(key) && !of.barred.contains(key));
        }
    }
}

proptest::proptest! {
    #[test]
    fn reads_do_what_sets_do(
        operations in proptest::collection::vec(
            (0..8_u8, 0..20_u32, 1..11_u16, 0..READS),
            0..if cfg!(miri) { 20 } else { 200 },
        ),
    ) {
        let mut memory = vec![0; bytes(10)];
        let mut reads = Reads::new(&mut memory, 10);
        let mut model: Vec<Option<Model>> = vec![None; READS];
        for (now_ms, (operation, sector, count, slot)) in (0..).zip(operations) {
            let key = key(sector);
            match operation {
                0 | 1 => {
                    let free = model.iter().position(Option::is_none);
                    let idle = model.iter().enumerate().filter_map(|(slot, of)| {
                        let of = of.as_ref().filter(|of| of.wanted.is_empty())?;
                        Some((of.since_ms, slot))
                    });
                    let place = free.or_else(|| idle.min().map(|(_, slot)| slot));
                    assert_eq!(reads.insert(read(sector, count, now_ms)), place);
                    if let Some(place) = place {
                        model[place] = Some(Model::new(sector, count, now_ms));
                    }
                }
                2 => {
                    reads.remove(slot);
                    model[slot] = None;
                }
                3 => {
                    let mut was_wanted = false;
                    for of in model.iter_mut().flatten().filter(|of| of.asked.contains(&key)) {
                        was_wanted |= of.wanted.remove(&key);
                        of.barred.insert(key);
                    }
                    assert_eq!(reads.bar(key), was_wanted);
                }
                4 | 5 => {
                    let is_taken = model[slot]
                        .as_mut()
                        .is_some_and(|of| of.missing.remove(&key) && !of.barred.contains(&key));
                    let mut was_wanted = false;
                    for of in model.iter_mut().flatten().filter(|_| is_taken) {
                        was_wanted |= of.wanted.remove(&key);
                    }
                    assert_eq!(reads.take(slot, key, false), is_taken.then_some(was_wanted));
                }
                6 => {
                    reads.ask_for_all(slot);
                    if let Some(of) = &mut model[slot] {
                        (of.missing, of.barred) = (of.asked.iter().copied().collect(), BTreeSet::new());
                    }
                }
                _ => {
                    let expecting = model.iter().enumerate().find_map(|(slot, of)| {
                        let of = of.as_ref()?;
                        let takes = of.missing.contains(&key) && !of.barred.contains(&key);
                        let index = of.asked.iter().position(|asked| *asked == key);
                        takes.then(|| (slot, index.unwrap() as u16))
                    });
                    assert_eq!(reads.expecting(key), expecting);
                    if let Some((slot, index)) = expecting {
                        reads.set(slot, Row::Wanted, index, true);
                        model[slot].as_mut().unwrap().wanted.insert(key);
                    }
                }
            }
            check(&reads, &model);
        }
    }
}

#[test]
fn a_read_of_a_drive_of_unknown_shape_asks_for_one_sector() {
    let read = Read { run: None, ..read(5, 1, 0) };
    assert_eq!((read.count(), read.sector(0), read.index_of(key(5))), (1, Some(key(5)), Some(0)));
    assert_eq!(read.index_of(key(6)), None);
    assert_eq!(read.index_of(SectorKey::try_new(2, 5).unwrap()), None);
}

#[test]
fn no_request_has_sequence_0() {
    let mut memory = [0; bytes(1)];
    let mut reads = Reads::new(&mut memory, 1);
    assert_eq!(reads.insert(Read { sequence: 0, ..read(0, 1, 0) }), Some(0));
    assert_eq!(reads.with_sequence(0), None);
}
