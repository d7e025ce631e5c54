//! A naive cache on the `lru` crate, and operations that are done to it and to a [`SectorCache`] side by side.
//!
//! A test draws the operations by proptest and a fuzz target takes them from its input: four bytes each, either way.

use std::vec;
use std::vec::Vec;

use lru::LruCache;

use super::{Drive, Entry, Error, Eviction, Link, Outcome, Sector, SectorCache, SectorKey, Stats};

/// What cache to make, and how many sectors the operations name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    slots: usize,
    sector_length: usize,
    eviction: Eviction,
    wide: bool,
    sectors: u16,
}

impl Setup {
    /// Any four bytes stand for a setup: of 0 to 300 slots, and up to four times as many sectors.
    pub(crate) fn decode([slots, more_slots, sectors, kinds]: [u8; 4]) -> Self {
        let slots = match if cfg!(miri) { 0 } else { more_slots / 64 } {
            0 => u16::from(slots) % 4,
            1 => u16::from(slots) % 32,
            _ => u16::from_le_bytes([slots, more_slots]) % 301,
        };
        Self {
            slots: usize::from(slots),
            sector_length: [1, 2, 5, 137][usize::from(kinds % 4)],
            eviction: if kinds & 4 == 0 { Eviction::Lru } else { Eviction::Never },
            wide: kinds & 8 != 0,
            sectors: 2 + slots + slots * (u16::from(sectors) % 4),
        }
    }

    /// Does operations to a cache of this kind and to the model, and compares the two after each.
    pub(crate) fn run(self, operations: impl IntoIterator<Item = [u8; 4]>) {
        let mut memory = vec![0xaa; self.slots * (24 + self.sector_length)];
        if self.wide {
            let cache =
                SectorCache::wide(&mut memory, self.slots, self.sector_length, self.eviction).unwrap();
            Pair { cache, model: Model::new(self) }.run(self, operations);
        } else {
            let cache = SectorCache::new(&mut memory, self.slots, self.sector_length, self.eviction).unwrap();
            Pair { cache, model: Model::new(self) }.run(self, operations);
        }
    }

    /// One of the sectors: in runs of 32, up and down from either end of three drives.
    fn key(self, choice: u16) -> SectorKey {
        let number = u32::from(choice % self.sectors);
        let run = number / 32;
        let sector = if run.is_multiple_of(2) { number } else { Sector::COUNT - 1 - number };
        SectorKey::try_new([1, 0, 15][run as usize % 3], sector).unwrap()
    }

    /// The bytes of a sector: few enough patterns that the same come again, each byte different from its neighbours.
    fn bytes(self, choice: u8) -> Vec<u8> {
        (0..=u8::MAX).cycle().take(self.sector_length).map(|at| at ^ (choice % 3)).collect()
    }
}

/// A call of the API.
#[derive(Clone, Debug)]
enum Operation {
    Get(SectorKey),
    /// With room for so many bytes.
    Read(SectorKey, usize),
    Refresh(SectorKey),
    /// What looks at one sector and changes nothing.
    Look(SectorKey),
    Put(SectorKey, Vec<u8>),
    PutWith(SectorKey, Vec<u8>),
    BeginFill(SectorKey, Vec<u8>),
    FinishFill(SectorKey),
    CancelFill(SectorKey),
    Remove(SectorKey),
    Invalidate(SectorKey, u32),
    InvalidateDrive(Drive),
    Clear,
    Pin(SectorKey),
    Unpin(SectorKey),
    MarkDirty(SectorKey),
    MarkClean(SectorKey),
    /// What somebody does who was told that the victim is dirty.
    MarkVictimClean,
}

impl Operation {
    /// Any four bytes stand for an operation; what empties a cache or blocks it is rare enough for others to fill it.
    fn decode([kind, low, high, choice]: [u8; 4], setup: Setup) -> Self {
        let key = setup.key(u16::from_le_bytes([low, high]));
        match kind % 32 {
            0..=2 => Self::Get(key),
            3 => Self::Refresh(key),
            4 => Self::Read(key, setup.sector_length),
            5 => Self::Read(key, usize::from(choice % 138)),
            6 => Self::Look(key),
            7..=13 => Self::Put(key, setup.bytes(choice)),
            14..=16 => Self::PutWith(key, setup.bytes(choice)),
            17 => Self::Put(key, vec![choice; usize::from(choice % 138)]),
            18 => Self::BeginFill(key, setup.bytes(choice)),
            19..=20 => Self::FinishFill(key),
            21 => Self::CancelFill(key),
            22 => Self::Remove(key),
            23 => Self::Pin(key),
            24..=25 => Self::Unpin(key),
            26..=27 => Self::MarkDirty(key),
            28 => Self::MarkClean(key),
            29 => Self::MarkVictimClean,
            30 => Self::Invalidate(key, if choice == u8::MAX { u32::MAX } else { u32::from(choice / 8) }),
            _ => match choice {
                0..=7 => Self::Clear,
                8..=31 => Self::InvalidateDrive(key.drive()),
                _ => Self::Invalidate(key, u32::from(choice) * 4),
            },
        }
    }
}

/// A cache and its model.
struct Pair<'m, L: Link> {
    cache: SectorCache<'m, L>,
    model: Model,
}

impl<L: Link> Pair<'_, L> {
    fn run(mut self, setup: Setup, operations: impl IntoIterator<Item = [u8; 4]>) {
        self.compare();
        for bytes in operations {
            let operation = Operation::decode(bytes, setup);
            self.apply(&operation);
            self.compare();
        }
    }

    fn apply(&mut self, operation: &Operation) {
        let Self { cache, model } = self;
        match *operation {
            Operation::Get(key) => assert_eq!(cache.get(key), model.get(key), "{operation:?}"),
            Operation::Read(key, room) => {
                let mut bytes = vec![0xbb; room];
                let read = cache.read(key, &mut bytes).map(|held| held.then_some(&bytes[..]));
                assert_eq!(read, model.read(key, room), "{operation:?}");
            }
            Operation::Refresh(key) => assert_eq!(cache.refresh(key), model.refresh(key), "{operation:?}"),
            Operation::Look(key) => {
                let entry = model.entry(key);
                assert_eq!(cache.peek(key), entry.map(|entry| entry.bytes), "{operation:?}");
                assert_eq!(cache.contains(key), entry.is_some(), "{operation:?}");
                assert_eq!(cache.is_dirty(key), entry.is_some_and(|entry| entry.dirty), "{operation:?}");
            }
            Operation::Put(key, ref bytes) => {
                assert_eq!(cache.put(key, bytes), model.put(key, bytes), "{operation:?}");
            }
            Operation::PutWith(key, ref bytes) => {
                let mut evicted = None;
                let displaced = cache.displaced_by(key).map(|(key, bytes)| (key, bytes.to_vec()));
                let outcome = cache.put_with(key, bytes, |key, bytes| evicted = Some((key, bytes.to_vec())));
                let victim = model.victim().map(|(key, bytes)| (key, bytes.to_vec()));
                assert_eq!(outcome, model.put(key, bytes), "{operation:?}");
                let expected = victim.filter(|(victim, _)| outcome == Ok(Outcome::Evicted(*victim)));
                assert_eq!(displaced, expected, "{operation:?}");
                assert_eq!(evicted, expected, "{operation:?}");
            }
            Operation::BeginFill(key, ref bytes) => {
                let filled = cache.begin_fill(key).map(|slot| slot.copy_from_slice(bytes));
                assert_eq!(filled, model.begin_fill(key, bytes), "{operation:?}");
            }
            Operation::FinishFill(key) => {
                assert_eq!(cache.finish_fill(key), model.finish_fill(key), "{operation:?}");
            }
            Operation::CancelFill(key) => {
                assert_eq!(cache.cancel_fill(key), model.cancel_fill(key), "{operation:?}");
            }
            Operation::Remove(key) => {
                assert_eq!(cache.remove(key), model.remove(key).as_deref(), "{operation:?}");
            }
            Operation::Invalidate(first, count) => {
                let start = first.sector().number();
                let numbers = start..start.saturating_add(count);
                let dropped = model.remove_all(|key| {
                    key.drive() == first.drive() && numbers.contains(&key.sector().number())
                });
                assert_eq!(cache.invalidate(first, count), dropped, "{operation:?}");
            }
            Operation::InvalidateDrive(drive) => {
                let dropped = model.remove_all(|key| key.drive() == drive);
                assert_eq!(cache.invalidate_drive(drive), dropped, "{operation:?}");
            }
            Operation::Clear => {
                cache.clear();
                model.remove_all(|_| true);
            }
            Operation::Pin(key) => {
                assert_eq!(cache.pin(key), model.change(key, |kept| kept.pinned = true), "{operation:?}");
            }
            Operation::Unpin(key) => {
                assert_eq!(cache.unpin(key), model.change(key, |kept| kept.pinned = false), "{operation:?}");
            }
            Operation::MarkDirty(key) => {
                let held = model.change(key, |kept| kept.dirty = true);
                assert_eq!(cache.mark_dirty(key), held, "{operation:?}");
            }
            Operation::MarkClean(key) => {
                let held = model.change(key, |kept| kept.dirty = false);
                assert_eq!(cache.mark_clean(key), held, "{operation:?}");
            }
            Operation::MarkVictimClean => {
                if let Some((victim, _)) = model.victim() {
                    let held = model.change(victim, |kept| kept.dirty = false);
                    assert_eq!(cache.mark_clean(victim), held, "{operation:?}");
                }
            }
        }
    }

    /// Compares all that can be seen.
    fn compare(&self) {
        let Self { cache, model } = self;
        cache.check_invariants();
        assert_eq!(cache.stats(), model.stats());
        assert_eq!(cache.victim(), model.victim());
        let entries: Vec<_> = model.entries().collect();
        assert!(cache.iter().eq(entries.iter().copied()), "{cache:?} iterates over {entries:?}");
        assert!(cache.iter().rev().eq(entries.iter().rev().copied()), "{cache:?} iterates back over them");
    }
}

/// The naive cache. The capacity is kept here, for the `lru` crate can hold neither nothing nor what is pinned.
struct Model {
    slots: usize,
    sector_length: usize,
    eviction: Eviction,
    recency: LruCache<SectorKey, Kept>,
    /// What is pinned or being filled.
    held: LruCache<SectorKey, Kept>,
    counted: Stats,
}

/// A sector in the model.
struct Kept {
    bytes: Vec<u8>,
    dirty: bool,
    pinned: bool,
    filling: bool,
}

impl Model {
    fn new(setup: Setup) -> Self {
        Self {
            slots: setup.slots,
            sector_length: setup.sector_length,
            eviction: setup.eviction,
            recency: LruCache::unbounded(),
            held: LruCache::unbounded(),
            counted: Stats { slots: setup.slots, ..Stats::default() },
        }
    }

    fn used(&self) -> usize {
        self.recency.len() + self.held.len()
    }

    fn stats(&self) -> Stats {
        Stats { used: self.used(), ..self.counted }
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.held.iter().chain(self.recency.iter()).filter(|(_, kept)| !kept.filling).map(entry)
    }

    fn entry(&self, key: SectorKey) -> Option<Entry<'_>> {
        self.entries().find(|entry| entry.key == key)
    }

    fn victim(&self) -> Option<(SectorKey, &[u8])> {
        let evicts = self.eviction == Eviction::Lru && self.used() == self.slots;
        let (key, kept) = self.recency.peek_lru().filter(|_| evicts)?;
        Some((*key, &kept.bytes))
    }

    fn get(&mut self, key: SectorKey) -> Option<&[u8]> {
        self.recency.promote(&key);
        match self.recency.peek(&key).or(self.held.peek(&key)) {
            Some(kept) if !kept.filling => {
                self.counted.hits += 1;
                Some(&kept.bytes)
            }
            _ => {
                self.counted.misses += 1;
                None
            }
        }
    }

    fn refresh(&mut self, key: SectorKey) -> bool {
        self.recency.promote(&key);
        self.entry(key).is_some()
    }

    fn read(&mut self, key: SectorKey, room: usize) -> Result<Option<&[u8]>, Error> {
        self.check_length(room)?;
        Ok(self.get(key))
    }

    fn check_length(&self, actual: usize) -> Result<(), Error> {
        let expected = self.sector_length;
        if actual == expected { Ok(()) } else { Err(Error::WrongLength { expected, actual }) }
    }

    fn put(&mut self, key: SectorKey, bytes: &[u8]) -> Result<Outcome, Error> {
        self.check_length(bytes.len())?;
        self.recency.promote(&key);
        match self.kept(key) {
            Some(kept) if kept.filling => Err(Error::Filling),
            Some(kept) if kept.bytes == bytes => {
                self.counted.unchanged += 1;
                Ok(Outcome::Unchanged)
            }
            Some(kept) => {
                kept.bytes = bytes.to_vec();
                Ok(Outcome::Replaced)
            }
            None => self.insert(key, bytes),
        }
    }

    fn insert(&mut self, key: SectorKey, bytes: &[u8]) -> Result<Outcome, Error> {
        let mut outcome = Outcome::Inserted;
        if self.used() == self.slots {
            match self.recency.peek_lru() {
                Some((victim, kept)) if self.eviction == Eviction::Lru => {
                    if kept.dirty {
                        return Err(Error::Dirty(*victim));
                    }
                    outcome = Outcome::Evicted(*victim);
                }
                _ => {
                    self.counted.refused += 1;
                    return Err(Error::Full);
                }
            }
            self.recency.pop_lru();
            self.counted.evictions += 1;
        }
        self.recency.push(key, Kept { bytes: bytes.to_vec(), dirty: false, pinned: false, filling: false });
        Ok(outcome)
    }

    fn begin_fill(&mut self, key: SectorKey, bytes: &[u8]) -> Result<(), Error> {
        match self.kept(key) {
            Some(kept) if kept.filling => return Err(Error::Filling),
            Some(kept) if kept.dirty => return Err(Error::Dirty(key)),
            Some(kept) => kept.bytes = bytes.to_vec(),
            None => _ = self.insert(key, bytes)?,
        }
        self.change(key, |kept| kept.filling = true);
        Ok(())
    }

    fn finish_fill(&mut self, key: SectorKey) -> bool {
        let filling = self.kept(key).filter(|kept| kept.filling);
        let found = filling.map(|kept| kept.filling = false).is_some();
        self.settle(key);
        found
    }

    fn cancel_fill(&mut self, key: SectorKey) -> bool {
        let filling = self.kept(key).is_some_and(|kept| kept.filling);
        filling && self.held.pop(&key).is_some()
    }

    fn remove(&mut self, key: SectorKey) -> Option<Vec<u8>> {
        let kept = self.recency.pop(&key).or_else(|| self.held.pop(&key))?;
        (!kept.filling).then_some(kept.bytes)
    }

    fn remove_all(&mut self, doomed: impl Fn(SectorKey) -> bool) -> usize {
        let keys = self.recency.iter().chain(self.held.iter()).map(|(key, _)| *key);
        let doomed: Vec<_> = keys.filter(|key| doomed(*key)).collect();
        for key in &doomed {
            self.remove(*key);
        }
        doomed.len()
    }

    /// Changes the flags of a sector that can be seen; `false` if there is none.
    fn change(&mut self, key: SectorKey, change: impl FnOnce(&mut Kept)) -> bool {
        let found = self.kept(key).filter(|kept| !kept.filling).map(change).is_some();
        self.settle(key);
        found
    }

    fn kept(&mut self, key: SectorKey) -> Option<&mut Kept> {
        self.recency.peek_mut(&key).or_else(|| self.held.peek_mut(&key))
    }

    /// Moves a sector to the list where its flags say it belongs.
    fn settle(&mut self, key: SectorKey) {
        let (from, to) = match self.kept(key) {
            Some(kept) if kept.pinned || kept.filling => (&mut self.recency, &mut self.held),
            _ => (&mut self.held, &mut self.recency),
        };
        if let Some(kept) = from.pop(&key) {
            to.push(key, kept);
        }
    }
}

fn entry<'a>((key, kept): (&SectorKey, &'a Kept)) -> Entry<'a> {
    Entry { key: *key, bytes: &kept.bytes, dirty: kept.dirty, pinned: kept.pinned }
}
