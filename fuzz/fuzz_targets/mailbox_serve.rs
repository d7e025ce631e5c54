//! Any bytes as messages, of any length and in mailboxes of any size, to each of the three services.
//!
//! Every message goes to twins whose mailboxes hold other bytes where no message is: what depends on those shows.

#![no_main]

use std::cell::RefCell;
use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use sector_cache::mailbox::{
    self, BLOCK_LENGTH, BLOCKS_PER_DRIVE, Card, CardService, Drives, Request, Served,
};
use sector_cache::mailbox::{MESSAGE_LENGTH, MISS_LENGTH, SECTOR_LENGTH};
use sector_cache::{Drive, Eviction, Sector, SectorCache, SectorKey};

fuzz_target!(|data: &[u8]| {
    let Some((&[kind, slots], mut messages)) = data.split_first_chunk() else { return };
    let slots = usize::from(slots % 4);
    let mut memories = [0x00, 0xff].map(|stale| vec![stale; slots * (12 + SECTOR_LENGTH)]);
    let cards = [Blocks::default(), Blocks::default()].map(RefCell::new);
    let [mut one, mut other] = {
        let [one, other] = &mut memories;
        [Service::new(kind, slots, one, &cards[0]), Service::new(kind, slots, other, &cards[1])]
    };
    while let Some((&[length, capacity, broken], rest)) = messages.split_first_chunk() {
        let (message, rest) = rest.split_at(rest.len().min(usize::from(length)));
        messages = rest;
        cards.iter().for_each(|card| card.borrow_mut().broken = broken % 4 == 0);
        let answer = one.ask(message, usize::from(capacity), 0x00);
        assert_eq!(answer, other.ask(message, usize::from(capacity), 0xff), "no stale byte shows");
    }
});

/// A card in memory.
#[derive(Default)]
struct Blocks {
    blocks: BTreeMap<u32, [u8; BLOCK_LENGTH]>,
    broken: bool,
}

impl Blocks {
    fn block(&self, number: u32) -> [u8; BLOCK_LENGTH] {
        self.blocks.get(&number).copied().unwrap_or([number as u8; BLOCK_LENGTH])
    }
}

/// The card in its slot, where the target can still see it.
struct Inserted<'m>(&'m RefCell<Blocks>);

impl Card for Inserted<'_> {
    type Error = ();

    fn read(&mut self, block: u32, bytes: &mut [u8; BLOCK_LENGTH]) -> Result<(), ()> {
        *bytes = self.0.borrow().block(block);
        if self.0.borrow().broken { Err(()) } else { Ok(()) }
    }

    fn write(&mut self, block: u32, bytes: &[u8; BLOCK_LENGTH]) -> Result<(), ()> {
        if self.0.borrow().broken {
            return Err(());
        }
        self.0.borrow_mut().blocks.insert(block, *bytes);
        Ok(())
    }
}

enum Service<'m> {
    /// A cache or a difference disk, and what was written to it since it was cleared.
    Cache(SectorCache<'m>, Drives, BTreeMap<SectorKey, [u8; SECTOR_LENGTH]>),
    Card(CardService<'m, Inserted<'m>>, &'m RefCell<Blocks>),
}

impl<'m> Service<'m> {
    fn new(kind: u8, slots: usize, memory: &'m mut [u8], card: &'m RefCell<Blocks>) -> Self {
        let eviction = if kind & 1 == 0 { Eviction::Lru } else { Eviction::Never };
        let drives = if kind & 2 == 0 { Drives::One } else { Drives::Many };
        let cache = SectorCache::new(memory, slots, SECTOR_LENGTH, eviction).unwrap();
        if kind & 4 == 0 {
            Self::Cache(cache, drives, BTreeMap::new())
        } else {
            Self::Card(CardService::new(cache, Inserted(card)).unwrap(), card)
        }
    }

    /// Serves a message in a mailbox of so many bytes, checks what came of it, and returns the answer.
    fn ask(&mut self, message: &[u8], capacity: usize, stale: u8) -> Vec<u8> {
        let mut buffer = vec![stale; capacity];
        buffer.iter_mut().zip(message).for_each(|(byte, sent)| *byte = *sent);
        let before = buffer.clone();
        let served = match self {
            Self::Cache(cache, drives, _) => mailbox::serve(cache, *drives, &mut buffer, message.len()),
            Self::Card(service, _) => service.serve(&mut buffer, message.len()),
        };
        let length = served.answer_length();
        assert!(matches!(length, 0 | MISS_LENGTH | MESSAGE_LENGTH), "{length} bytes are sent");
        assert!(length <= capacity);
        let touched = if length == 0 { 0 } else { MESSAGE_LENGTH };
        assert_eq!(buffer[touched..], before[touched..], "only an answer is written");
        self.note(Request::decode(message), served);
        self.check();
        buffer.truncate(length);
        self.check_answer(&buffer);
        buffer
    }

    /// Keeps the writes that were accepted.
    fn note(&mut self, request: Option<Request<'_>>, served: Served) {
        let Self::Cache(_, drives, written) = self else { return };
        match (request, served) {
            (Some(Request::Clear), Served::Done) => written.clear(),
            (Some(Request::Write { sector, drive, bytes }), Served::Done) => {
                let drive = if *drives == Drives::One { 0 } else { drive };
                written.insert(SectorKey::try_new(drive, u32::from(sector)).unwrap(), *bytes);
            }
            _ => {}
        }
    }

    /// The bytes that a sector has, if it may be held.
    fn known(&self, key: SectorKey) -> Option<[u8; SECTOR_LENGTH]> {
        match self {
            Self::Cache(_, _, written) => written.get(&key).copied(),
            Self::Card(_, card) => {
                let first = u32::from(key.drive().number()) * u32::from(BLOCKS_PER_DRIVE);
                card.borrow().block(first + key.sector().number()).first_chunk().copied()
            }
        }
    }

    /// Checks that the cache is in order and holds nothing but what the sectors are.
    fn check(&self) {
        let cache = match self {
            Self::Cache(cache, ..) => cache,
            Self::Card(service, _) => service.cache(),
        };
        cache.check_invariants();
        for entry in cache {
            assert_eq!(
                Some(entry.bytes),
                self.known(entry.key).as_ref().map(|bytes| &bytes[..]),
                "{}",
                entry.key
            );
        }
    }

    /// Checks that a sector sent is what was written.
    fn check_answer(&self, answer: &[u8]) {
        match answer {
            [1, low, high, _, 1, drive, sector @ .., padding] => {
                let key = SectorKey::new(
                    Drive::new(*drive).unwrap(),
                    Sector::from(u16::from_le_bytes([*low, *high])),
                );
                assert_eq!(Some(sector), self.known(key).as_ref().map(|bytes| &bytes[..]), "{key}");
                assert_eq!(*padding, 0);
            }
            [1, .., padding] => assert!(answer[6..].iter().all(|byte| *byte == 0) && *padding == 0),
            _ => {}
        }
    }
}
