use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::{Eviction, Stats};

/// What stands in a mailbox where no message has been.
const STALE: u8 = 0xee;

/// A message of 144 bytes: the six in front, a sector all of one byte, the padding.
fn whole(header: [u8; 6], byte: u8, padding: u8) -> [u8; MESSAGE_LENGTH] {
    let mut message = [byte; MESSAGE_LENGTH];
    message[..6].copy_from_slice(&header);
    message[143] = padding;
    message
}

fn key(drive: u8, sector: u32) -> SectorKey {
    SectorKey::try_new(drive, sector).unwrap()
}

fn memory(slots: usize) -> Vec<u8> {
    vec![0xaa; SectorCache::<u16>::required_bytes(slots, SECTOR_LENGTH).unwrap()]
}

fn cache(memory: &mut [u8], eviction: Eviction) -> SectorCache<'_> {
    let slots = SectorCache::<u16>::slots_in(memory.len(), SECTOR_LENGTH);
    SectorCache::new(memory, slots, SECTOR_LENGTH, eviction).unwrap()
}

/// A card in memory, and what it was asked.
#[derive(Debug, Default)]
struct Blocks {
    blocks: BTreeMap<u32, [u8; BLOCK_LENGTH]>,
    asked: Vec<(&'static str, u32)>,
    broken: bool,
}

impl Blocks {
    fn attempt(&mut self, what: &'static str, block: u32) -> Result<(), &'static str> {
        self.asked.push((what, block));
        if self.broken { Err("no card") } else { Ok(()) }
    }
}

impl Card for Blocks {
    type Error = &'static str;

    fn read(&mut self, block: u32, bytes: &mut [u8; BLOCK_LENGTH]) -> Result<(), Self::Error> {
        bytes.fill(0xbd);
        self.attempt("read", block)?;
        *bytes = self.blocks.get(&block).copied().unwrap_or([0; BLOCK_LENGTH]);
        Ok(())
    }

    fn write(&mut self, block: u32, bytes: &[u8; BLOCK_LENGTH]) -> Result<(), Self::Error> {
        self.attempt("write", block)?;
        self.blocks.insert(block, *bytes);
        Ok(())
    }
}

/// Each of the services of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cache,
    CacheOfManyDrives,
    DifferenceDisk,
    Card,
}

const KINDS: [Kind; 4] = [Kind::Cache, Kind::CacheOfManyDrives, Kind::DifferenceDisk, Kind::Card];

enum Service<'m> {
    Cache(SectorCache<'m>, Drives),
    Card(CardService<'m, Blocks>),
}

impl<'m> Service<'m> {
    fn new(kind: Kind, memory: &'m mut [u8]) -> Self {
        let eviction = if kind == Kind::DifferenceDisk { Eviction::Never } else { Eviction::Lru };
        let cache = cache(memory, eviction);
        match kind {
            Kind::Card => Self::Card(CardService::new(cache, Blocks::default()).unwrap()),
            Kind::CacheOfManyDrives => Self::Cache(cache, Drives::Many),
            Kind::Cache | Kind::DifferenceDisk => Self::Cache(cache, Drives::One),
        }
    }

    fn serve(&mut self, buffer: &mut [u8], length: usize) -> Served {
        match self {
            Self::Cache(cache, drives) => serve(cache, *drives, buffer, length),
            Self::Card(service) => service.serve(buffer, length),
        }
    }

    /// What is said to a message in a mailbox of 200 bytes, and what is sent.
    fn ask(&mut self, message: &[u8]) -> (Served, Vec<u8>) {
        let mut buffer = [STALE; 200];
        buffer[..message.len()].copy_from_slice(message);
        let served = self.serve(&mut buffer, message.len());
        assert!(buffer[MESSAGE_LENGTH..].iter().all(|&byte| byte == STALE), "no message reaches there");
        (served, buffer[..served.answer_length()].to_vec())
    }

    fn cache(&self) -> &SectorCache<'m> {
        match self {
            Self::Cache(cache, _) => cache,
            Self::Card(service) => service.cache(),
        }
    }

    /// The sectors held, and the statistics.
    fn state(&self) -> (Vec<(SectorKey, Vec<u8>)>, Stats) {
        let entries = self.cache().iter().map(|entry| (entry.key, entry.bytes.to_vec()));
        (entries.collect(), self.cache().stats())
    }

    /// The card's operations since the last time.
    fn asked(&mut self) -> Vec<(&'static str, u32)> {
        match self {
            Self::Card(service) => core::mem::take(&mut service.disk.device_mut().0.asked),
            Self::Cache(..) => Vec::new(),
        }
    }
}

/// A card's service with two slots whose blocks begin with their numbers, low byte first, and go on with 0x33.
fn card_service(memory: &mut [u8], blocks: impl IntoIterator<Item = u32>) -> CardService<'_, Blocks> {
    let mut card = Blocks::default();
    for block in blocks {
        let mut bytes = [0x33; BLOCK_LENGTH];
        bytes[..4].copy_from_slice(&block.to_le_bytes());
        card.blocks.insert(block, bytes);
    }
    CardService::new(cache(memory, Eviction::Lru), card).unwrap()
}

fn break_card(service: &mut Service<'_>, broken: bool) {
    if let Service::Card(service) = service {
        service.disk.device_mut().0.broken = broken;
    }
}

#[test]
fn requests_have_these_bytes() {
    let mut message = [STALE; MESSAGE_LENGTH];
    let length = Request::Read { sector: 0x099f, drive: None }.encode(&mut message);
    assert_eq!(message[..length], [1, 0x9f, 0x09]);
    let length = Request::Read { sector: 0x099f, drive: Some(15) }.encode(&mut message);
    assert_eq!(message[..length], [1, 0x9f, 0x09, 0, 0, 15]);
    let length = Request::Clear.encode(&mut message);
    assert_eq!(message[..length], [3]);
    let write = Request::Write { sector: 0x0102, drive: 3, bytes: &[0xe5; SECTOR_LENGTH] };
    let length = write.encode(&mut message);
    assert_eq!(message[..length], whole([2, 2, 1, 0, 0, 3], 0xe5, STALE));
}

#[test]
fn requests_are_read_from_these_bytes() {
    for message in [&[1, 0x9f, 0x09][..], &[1, 0x9f, 0x09, 8], &[1, 0x9f, 0x09, 8, 8]] {
        assert_eq!(Request::decode(message), Some(Request::Read { sector: 0x099f, drive: None }));
    }
    let read = Some(Request::Read { sector: 0x099f, drive: Some(255) });
    assert_eq!(Request::decode(&[1, 0x9f, 0x09, 8, 8, 255]), read);
    assert_eq!(Request::decode(&whole([1, 0x9f, 0x09, 8, 8, 255], 0x11, 0x22)), read);
    let message = whole([2, 2, 1, 8, 8, 3], 0xe5, 0x22);
    let write = Some(Request::Write { sector: 0x0102, drive: 3, bytes: &[0xe5; SECTOR_LENGTH] });
    assert_eq!((Request::decode(&message), Request::decode(&message[..143])), (write, write));
    assert_eq!(Request::decode(&[3]), Some(Request::Clear));
}

#[test]
fn answers_are_read_from_these_bytes() {
    assert_eq!(Answer::decode(&[0, 0, 0, 0]), Some(Answer::Miss));
    for (kind, success) in [(1, 1), (2, 1), (1, 0), (2, 0)] {
        let message = whole([kind, 0xb7, 0x0b, 0, success, 15], 0x44, 0);
        let bytes = &[0x44; SECTOR_LENGTH];
        let answer = Answer::Sector { sector: 2_999, drive: 15, success: success == 1, bytes };
        assert_eq!(Answer::decode(&message), Some(answer));
    }
    assert_eq!(Answer::decode(&[0, 0, 0, 1]), None);
    for kind in [0, 3, 4, 255] {
        assert_eq!(Answer::decode(&whole([kind, 0, 0, 1, 1, 0], 0, 0)), None);
    }
    for length in (0..200).filter(|length| ![4, 144].contains(length)) {
        let mut message = [0; 200];
        message[0] = 1;
        assert_eq!(Answer::decode(&message[..length]), None);
    }
}

/// What a service has to say to a message that asks for something it has.
const fn rule(service: Kind, kind: u8, length: usize) -> Served {
    match (service, kind, length) {
        (Kind::Card, 1 | 2, 144) => Served::Answered(144),
        (Kind::Card, 1 | 2, _) => Served::Ignored,
        (Kind::CacheOfManyDrives, 1, 0..=5) => Served::Ignored,
        (_, 1, 3..=144) => Served::Answered(144),
        (_, 2, 143..=144) | (_, 3, 1..=144) => Served::Done,
        _ => Served::Ignored,
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there and shows nothing that others do not")]
fn every_type_of_every_length_is_served_by_the_rules() {
    let mut memory = memory(2);
    let held = key(0, 7);
    for service in KINDS {
        for (kind, length) in (0..=255).flat_map(|kind| (0..=200).map(move |length| (kind, length))) {
            let mut asked = Service::new(service, &mut memory);
            asked.ask(&whole([2, 7, 0, 0, 0, 0], 0x55, 0));
            let before = asked.state();
            let mut buffer = [0x66; 200];
            buffer[..6].copy_from_slice(&[kind, 7, 0, 0, 0, 0]);
            let message = buffer;
            let served = asked.serve(&mut buffer, length);
            assert_eq!(served, rule(service, kind, length), "{service:?}, type {kind}, {length} bytes");
            match (served, kind) {
                (Served::Ignored, _) => {
                    assert_eq!((buffer, asked.state()), (message, before));
                }
                (Served::Done, 3) => assert_eq!(asked.cache().stats().used, 0),
                (Served::Done, _) => assert_eq!(asked.cache().peek(held), Some(&[0x66; SECTOR_LENGTH][..])),
                (_, 1) => {
                    let cached = u8::from(service != Kind::Card);
                    assert_eq!(buffer[..144], whole([1, 7, 0, cached, 1, 0], 0x55, 0));
                }
                _ => assert_eq!(buffer[..144], whole([2, 7, 0, 0, 1, 0], 0x66, 0)),
            }
            assert_eq!(buffer[144..], message[144..]);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there and shows nothing that others do not")]
fn a_message_longer_than_its_mailbox_or_an_answer_that_has_no_room_is_ignored() {
    let mut memory = memory(2);
    for service in KINDS {
        for (kind, length) in [(1, 3), (1, 6), (1, 144), (2, 143), (2, 144), (3, 1), (3, 144)] {
            for (sector, capacity) in [7, 8].into_iter().flat_map(|at| (0..=150).map(move |to| (at, to))) {
                let mut asked = Service::new(service, &mut memory);
                asked.ask(&whole([2, 7, 0, 0, 0, 0], 0x55, 0));
                let before = asked.state();
                let mut buffer = whole([kind, sector, 0, 0, 0, 0], 0x66, 0).to_vec();
                buffer.resize(capacity, 0);
                let message = buffer.clone();
                let fits = length <= capacity && (kind != 1 || capacity >= 144);
                let served = asked.serve(&mut buffer, length);
                let expected = if fits { rule(service, kind, length) } else { Served::Ignored };
                match served {
                    Served::Ignored => assert_eq!((buffer, asked.state()), (message, before)),
                    // What is not held is a miss.
                    Served::Answered(4) => assert_eq!((sector, expected), (8, Served::Answered(144))),
                    _ => {}
                }
                let answers = served == expected || served == Served::Answered(4);
                assert!(answers, "{service:?}, type {kind}, {length} bytes of {capacity}: {served:?}");
            }
        }
    }
}

#[test]
fn a_cache_answers_what_it_was_given() {
    let mut memory = memory(2);
    let mut service = Service::new(Kind::Cache, &mut memory);
    assert_eq!(service.ask(&[1, 0x9f, 0x09]), (Served::Answered(4), vec![0, 0, 0, 0]));
    // As long as the field sends it, with bytes that happened to be there.
    assert_eq!(service.ask(&whole([2, 0x9f, 0x09, 0xd7, 0xd8, 0xd9], 0x42, 0xda)), (Served::Done, vec![]));
    let hit = (Served::Answered(144), whole([1, 0x9f, 0x09, 1, 1, 0], 0x42, 0).to_vec());
    assert_eq!(service.ask(&[1, 0x9f, 0x09]), hit);
    assert_eq!(service.ask(&[1, 0x9f, 0x09, 0xd7, 0xd8, 0xd9]), hit, "whatever drive it names");
    assert_eq!(service.ask(&[3]), (Served::Done, vec![]));
    assert_eq!(service.ask(&[1, 0x9f, 0x09]), (Served::Answered(4), vec![0, 0, 0, 0]));
    assert_eq!(service.cache().stats(), Stats { hits: 2, misses: 2, slots: 2, ..Stats::default() });
}

#[test]
fn a_cache_of_many_drives_tells_them_apart() {
    let mut memory = memory(3);
    let mut service = Service::new(Kind::CacheOfManyDrives, &mut memory);
    for drive in [0, 1, 15] {
        assert_eq!(service.ask(&whole([2, 7, 0, 0, 0, drive], 0x40 + drive, 0)).0, Served::Done);
    }
    for drive in [0, 1, 15] {
        let answer = whole([1, 7, 0, 1, 1, drive], 0x40 + drive, 0);
        assert_eq!(service.ask(&[1, 7, 0, 0, 0, drive]).1, answer);
    }
    assert_eq!(service.ask(&[1, 7, 0, 0, 0, 2]).1, [0, 0, 0, 0]);
    let before = service.state();
    for drive in [16, 255] {
        assert_eq!(service.ask(&whole([2, 7, 0, 0, 0, drive], 9, 0)), (Served::Ignored, vec![]));
        assert_eq!(service.ask(&[1, 7, 0, 0, 0, drive]).1, [0, 0, 0, 0], "never held");
    }
    assert_eq!(service.state(), before);
}

#[test]
fn a_full_cache_evicts_and_a_full_difference_disk_refuses_unanswered() {
    let mut memories = [memory(2), memory(2)];
    let [one, other] = &mut memories;
    let mut lru = Service::new(Kind::Cache, one);
    let mut difference = Service::new(Kind::DifferenceDisk, other);
    for sector in [1, 2, 3] {
        assert_eq!(lru.ask(&whole([2, sector, 0, 0, 0, 0], sector, 0)), (Served::Done, vec![]));
        let expected = if sector < 3 { Served::Done } else { Served::Refused };
        assert_eq!(difference.ask(&whole([2, sector, 0, 0, 0, 0], sector, 0)), (expected, vec![]));
    }
    assert_eq!((lru.cache().stats().refused, lru.cache().stats().evictions), (0, 1));
    assert_eq!((difference.cache().stats().refused, difference.cache().stats().evictions), (1, 0));
    assert_eq!(lru.ask(&[1, 1, 0]).1, [0, 0, 0, 0]);
    assert_eq!(difference.ask(&[1, 3, 0]).1, [0, 0, 0, 0]);
    // One that is held can still be replaced, and a clear makes room.
    assert_eq!(difference.ask(&whole([2, 1, 0, 0, 0, 0], 9, 0)).0, Served::Done);
    assert_eq!(difference.ask(&[1, 1, 0]).1, whole([1, 1, 0, 1, 1, 0], 9, 0));
    assert_eq!(difference.ask(&[3]).0, Served::Done);
    assert_eq!(difference.ask(&whole([2, 3, 0, 0, 0, 0], 3, 0)).0, Served::Done);
}

#[test]
fn a_cache_of_other_sectors_serves_nothing() {
    for length in [136, 138, 512] {
        let mut memory = vec![0; 2 * (12 + length)];
        let mut cache = SectorCache::new(&mut memory, 2, length, Eviction::Lru).unwrap();
        let mut buffer = whole([2, 7, 0, 0, 0, 0], 0x55, 0);
        assert_eq!(serve(&mut cache, Drives::One, &mut buffer, 144), Served::Ignored);
        assert_eq!(cache.stats().used, 0);
        let refused = CardService::new(cache, Blocks::default()).err();
        assert_eq!(refused, Some(Error::WrongLength { expected: length, actual: SECTOR_LENGTH }));
    }
}

#[test]
fn a_sector_lies_at_the_start_of_its_block() {
    // Drive, sector, its bytes in a message, its block.
    let blocks = [(0, 0, [0, 0], 0), (0, 2_999, [0xb7, 0x0b], 2_999), (1, 0, [0, 0], 3_000)];
    let more = [(2, 17, [17, 0], 6_017), (15, 2_999, [0xb7, 0x0b], 47_999)];
    for (drive, sector, [low, high], block) in blocks.into_iter().chain(more) {
        let mut memory = memory(2);
        let mut service = Service::Card(card_service(&mut memory, [block]));
        let mut expected = whole([1, low, high, 0xc1, 1, drive], 0x33, 0);
        expected[6..10].copy_from_slice(&u32::to_le_bytes(block));
        for asked in [&[("read", block)][..], &[]] {
            let answer = service.ask(&whole([1, low, high, 0xc1, 0xc2, drive], 0x77, 0x78));
            assert_eq!(answer, (Served::Answered(144), expected.to_vec()));
            assert_eq!(service.asked(), asked, "the second time it comes from the cache");
        }
        assert!(service.cache().contains(key(drive, sector)));
    }
}

#[test]
fn a_write_to_a_card_fills_its_block_up_with_zeros() {
    let mut memory = memory(2);
    let mut service = card_service(&mut memory, [3_005]);
    let mut buffer = whole([2, 5, 0, 0xc1, 0xc2, 1], 0x66, 0x78);
    assert_eq!(service.serve(&mut buffer, 144), Served::Answered(144));
    assert_eq!(buffer, whole([2, 5, 0, 0xc1, 1, 1], 0x66, 0));
    let mut block = [0; BLOCK_LENGTH];
    block[..SECTOR_LENGTH].fill(0x66);
    let card = &service.disk.device().0;
    assert_eq!((card.blocks[&3_005], &*card.asked), (block, &[("write", 3_005)][..]));
    assert_eq!(service.cache().peek(key(1, 5)), Some(&[0x66; SECTOR_LENGTH][..]));
}

#[test]
fn what_lies_outside_a_card_fails_without_asking_it() {
    let mut memory = memory(2);
    let mut service = Service::Card(card_service(&mut memory, [0, 2_999, 3_000]));
    for (low, high, drive) in [(0xb8, 0x0b, 0), (0xff, 0xff, 0), (0, 0, 16), (0xb7, 0x0b, 255)] {
        let read = service.ask(&whole([1, low, high, 0xc1, 1, drive], 0x77, 0x78));
        assert_eq!(read, (Served::Answered(144), whole([1, low, high, 0xc1, 0, drive], 0, 0).to_vec()));
        let write = service.ask(&whole([2, low, high, 0xc1, 1, drive], 0x77, 0x78));
        assert_eq!(write, (Served::Answered(144), whole([2, low, high, 0xc1, 0, drive], 0x77, 0).to_vec()));
    }
    assert_eq!((service.asked(), service.cache().stats().used), (vec![], 0));
}

#[test]
fn a_card_that_fails_leaves_nothing_in_the_cache() {
    let mut memory = memory(2);
    let mut service = Service::Card(card_service(&mut memory, [5]));
    let read = whole([1, 5, 0, 0, 0, 0], 0x77, 0);
    let write = whole([2, 5, 0, 0, 0, 0], 0x66, 0);

    break_card(&mut service, true);
    assert_eq!(service.ask(&read).1, whole([1, 5, 0, 0, 0, 0], 0, 0));
    break_card(&mut service, false);
    assert_eq!(service.ask(&write).1, whole([2, 5, 0, 0, 1, 0], 0x66, 0));
    break_card(&mut service, true);
    assert_eq!(service.ask(&read).1, whole([1, 5, 0, 0, 1, 0], 0x66, 0), "it is in the cache");
    assert_eq!(service.ask(&whole([2, 5, 0, 0, 0, 0], 0x99, 0)).1, whole([2, 5, 0, 0, 0, 0], 0x99, 0));
    assert!(!service.cache().contains(key(0, 5)));
    break_card(&mut service, false);
    assert_eq!(service.ask(&read).1, whole([1, 5, 0, 0, 1, 0], 0x66, 0), "the card has the bytes before");
    assert_eq!(service.asked(), [("read", 5), ("write", 5), ("write", 5), ("read", 5)]);
}

#[test]
fn a_clear_makes_a_card_be_read_again() {
    let mut memory = memory(2);
    let mut service = Service::Card(card_service(&mut memory, [5]));
    let read = whole([1, 5, 0, 0, 0, 0], 0x77, 0);
    service.ask(&read);
    assert_eq!(service.ask(&[3]), (Served::Done, vec![]));
    service.ask(&read);
    assert_eq!(service.asked(), [("read", 5), ("read", 5)]);
}

proptest! {
    #[test]
    fn requests_survive_encoding(
        sector: u16,
        drive: Option<u8>,
        bytes in prop::array::uniform(any::<u8>()),
        stale: u8,
    ) {
        let write = Request::Write { sector, drive: drive.unwrap_or(stale), bytes: &bytes };
        for request in [Request::Read { sector, drive }, write, Request::Clear] {
            let mut message = [stale; MESSAGE_LENGTH];
            let length = request.encode(&mut message);
            prop_assert_eq!(Request::decode(&message[..length]), Some(request));
        }
    }

    #[test]
    fn answers_survive_serving(
        messages in prop::collection::vec((0..20_u16, 0..16_u8, any::<u8>(), any::<bool>()), 1..60),
        many: bool,
    ) {
        let mut memory = memory(320);
        let kind = if many { Kind::CacheOfManyDrives } else { Kind::Cache };
        let mut service = Service::new(kind, &mut memory);
        let mut written = BTreeMap::new();
        for (sector, drive, byte, writes) in messages {
            let mut message = [STALE; MESSAGE_LENGTH];
            let answered = if many { drive } else { 0 };
            if writes {
                let request = Request::Write { sector, drive, bytes: &[byte; SECTOR_LENGTH] };
                let length = request.encode(&mut message);
                prop_assert_eq!(service.ask(&message[..length]), (Served::Done, vec![]));
                written.insert((answered, sector), [byte; SECTOR_LENGTH]);
            } else {
                let length = Request::Read { sector, drive: Some(drive) }.encode(&mut message);
                let (_, answer) = service.ask(&message[..length]);
                let expected = written.get(&(answered, sector)).map_or(Answer::Miss, |bytes| {
                    Answer::Sector { sector, drive: answered, success: true, bytes }
                });
                prop_assert_eq!(Answer::decode(&answer), Some(expected));
            }
        }
    }
}
