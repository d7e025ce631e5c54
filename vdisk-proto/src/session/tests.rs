//! A device whose server is the test.

#![allow(clippy::cast_possible_truncation)]

mod beside_a_service;
mod bytes;
mod cache;
mod deadlines;
mod generations;
mod hello;
mod model;
mod model_of_version_1;
mod reads;
mod sequences;
mod stale;
mod version_1;
mod writes;

use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use sector_cache::{Drive, Geometry, SectorKey};

use super::*;
use crate::codec::frame::{Frame, Operation};
use crate::codec::hello::{DriveInfo, HelloAnswer, HelloRequest};
use crate::codec::{Channel, Run, Status, Topic, legacy};
use Sent::{Hello, LegacyRead, LegacyWrite, Prod, Read, Write};

const SECTOR: usize = 137;
/// Bytes of a session with the window and the tracks of an Altair.
const MEMORY: usize = 1_208;
/// The number of the first session.
const FIRST: u32 = 7;

/// A session, what is around it, and the clock.
struct Device<'m> {
    session: Session<'m>,
    host: Surroundings,
    now_ms: u64,
    /// What HELLO is answered with: A, read-only, of the IBM's shape; B, of the 8-inch disk's; C, a minidisk.
    drives: Vec<DriveInfo>,
    /// The last HELLO.
    hello: (u32, u64),
}

/// A host that keeps all that it is told.
struct Surroundings {
    cache: Shelf,
    /// Each sector with the byte that it is filled with.
    arrived: Vec<(SectorKey, u8)>,
    told: Vec<Event>,
    /// The last random number: a multiple of 256, so that no pause is longer by chance.
    random: u64,
}

/// A cache that may be deaf.
#[derive(Default)]
struct Shelf {
    held: BTreeMap<SectorKey, Vec<u8>>,
    is_deaf: bool,
    clears: usize,
}

/// A message that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Hello { sequence: u32, nonce: u64, previous: u32, mark: u32 },
    Read { sequence: u32, drive: u8, sector: u32, count: u16 },
    Write { sequence: u32, drive: u8, sector: u32, fill: u8 },
    Prod { sequence: u32 },
    LegacyRead(u32),
    LegacyWrite(u32, u8),
}

fn channel() -> Channel {
    Channel::new("12345678").unwrap()
}

/// A sector of drive B.
const fn b(sector: u32) -> SectorKey {
    key(1, sector)
}

const fn key(drive: u8, sector: u32) -> SectorKey {
    match SectorKey::try_new(drive, sector) {
        Ok(key) => key,
        Err(_) => panic!("no sector"),
    }
}

const fn drive(number: u8, geometry: Geometry) -> DriveInfo {
    DriveInfo { drive: key(number, 0).drive(), is_read_only: number == 0, geometry, generation: 5 }
}

/// A READ of drive B.
const fn read(sequence: u32, sector: u32, count: u16) -> Sent {
    Read { sequence, drive: 1, sector, count }
}

/// A WRITE to drive B.
const fn write(sequence: u32, sector: u32, fill: u8) -> Sent {
    Write { sequence, drive: 1, sector, fill }
}

/// The byte that all of these are.
fn fill_of(bytes: &[u8]) -> u8 {
    assert!(bytes.iter().all(|byte| byte == &bytes[0]), "{bytes:?}");
    bytes[0]
}

/// An answer of a session, with all that is not set 0.
const fn answer(operation: Operation, session: u32, sequence: u32) -> Frame<'static> {
    Frame { is_answer: true, ..Frame::blank(operation, session, sequence) }
}

/// Drive B was changed, which ended the first session.
const fn invalidate() -> Frame<'static> {
    Frame { drive: 1, ..Frame::blank(Operation::Invalidate, FIRST, 0) }
}

impl<'m> Device<'m> {
    /// A device that boots, without a connection.
    fn boot(memory: &'m mut [u8]) -> Self {
        Self::with(Config::altair(channel()), memory)
    }

    fn with(config: Config, memory: &'m mut [u8]) -> Self {
        let host = Surroundings { cache: Shelf::default(), arrived: vec![], told: vec![], random: 0 };
        let drives = vec![
            drive(0, Geometry::IBM_3740),
            drive(1, Geometry::ALTAIR_8_INCH),
            drive(2, Geometry::ALTAIR_MINIDISK),
        ];
        Self { session: Session::new(config, memory, 0).unwrap(), host, now_ms: 0, drives, hello: (0, 0) }
    }

    /// A device that is connected, with session 7 open. Its first READ has sequence 2.
    fn open(memory: &'m mut [u8]) -> Self {
        Self::open_with(Config::altair(channel()), memory)
    }

    fn open_with(config: Config, memory: &'m mut [u8]) -> Self {
        let mut device = Self::with(config, memory);
        device.connect();
        assert_eq!(device.sent(), [Hello { sequence: 1, nonce: 0x100, previous: 0, mark: 0 }]);
        device.welcome(FIRST);
        assert_eq!(device.told(), [Event::Opened]);
        device
    }

    fn connect(&mut self) {
        self.session.connected(self.now_ms);
    }

    fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    /// Sets the sequence of the last request that is no WRITE.
    fn count_from(&mut self, sequence: u32) {
        self.session.sequence = sequence;
    }

    /// All that is published now.
    fn sent(&mut self) -> Vec<Sent> {
        core::iter::from_fn(|| self.poll()).collect()
    }

    fn poll(&mut self) -> Option<Sent> {
        let (topic, payload) = self.payload()?;
        let sent = Sent::decode(topic, &payload, self.session.number());
        if let Hello { sequence, nonce, .. } = sent {
            self.hello = (sequence, nonce);
        }
        Some(sent)
    }

    /// The next message that is published, by its bytes.
    fn payload(&mut self) -> Option<(Topic, Vec<u8>)> {
        let mut payload = [0xee; Config::longest_payload(137)];
        let message = self.session.poll_transmit(self.now_ms, &mut payload, &mut self.host);
        self.session.check_invariants();
        message.map(|message| (message.topic, payload[..message.length].to_vec()))
    }

    fn receive_bytes(&mut self, topic: Topic, payload: &[u8]) {
        self.session.received(topic, payload, false, self.now_ms, &mut self.host);
        self.session.check_invariants();
    }

    fn receive(&mut self, frame: &Frame<'_>) {
        self.receive_bytes(Topic::Response, &encode(frame));
    }

    /// Answers the last HELLO with a session, in which nothing was written.
    fn welcome(&mut self, session: u32) {
        self.welcome_with(session, 0, 8, 8_192);
    }

    fn welcome_with(&mut self, session: u32, acknowledged: u32, window: u8, largest_frame: u16) {
        let head = Frame { acknowledged, ..answer(Operation::Hello, session, self.hello.0) };
        self.greet(head, window, largest_frame);
    }

    /// With a new session, after which WRITE of the one before.
    fn welcome_after(&mut self, session: u32, applied: u32) {
        let head = Frame { sector: applied, ..answer(Operation::Hello, session, self.hello.0) };
        self.greet(head, 8, 8_192);
    }

    fn greet(&mut self, head: Frame<'_>, window: u8, largest_frame: u16) {
        let mut body = [0; 256];
        let hello = HelloAnswer { nonce: self.hello.1, largest_frame, window };
        let body = hello.encode(&self.drives, &mut body).unwrap();
        self.receive(&Frame { body, ..head });
    }

    /// Answers a WRITE of the session, with a mark.
    fn acknowledge(&mut self, sequence: u32, acknowledged: u32) {
        let session = self.session.number();
        self.receive(&Frame { acknowledged, ..answer(Operation::Write, session, sequence) });
    }

    fn refuse(&mut self, operation: Operation, sequence: u32, status: Status) {
        let session = self.session.number();
        self.receive(&Frame { status, ..answer(operation, session, sequence) });
    }

    /// Answers a READ of drive B with sectors that are all filled with one byte.
    fn bring(&mut self, sequence: u32, sector: u32, count: u16, fill: u8) {
        let session = self.session.number();
        let body = vec![fill; usize::from(count) * SECTOR];
        let read = answer(Operation::Read, session, sequence);
        self.receive(&Frame { sector, count, drive: 1, body: &body, ..read });
    }

    /// Says that some session is stale since another one is current.
    fn say_stale(&mut self, operation: Operation, session: u32, sequence: u32, current: u32) {
        let status = Status::StaleSession;
        self.receive(&Frame { status, acknowledged: current, ..answer(operation, session, sequence) });
    }

    /// Data of version 1.
    fn data(&mut self, sector: u32, fill: u8) {
        let offset = sector * SECTOR as u32;
        self.receive_bytes(Topic::LegacyData, &legacy::Write { offset, sector: &[fill; SECTOR] }.encode());
    }

    /// Reads a sector of drive B: the byte of what is held, or nothing.
    fn read(&mut self, sector: u32) -> Option<u8> {
        match self.session.read(b(sector), self.now_ms).unwrap() {
            Lookup::Held(bytes) => Some(fill_of(bytes)),
            Lookup::Asked => None,
        }
    }

    /// Writes a sector of drive B.
    fn write(&mut self, sector: u32, fill: u8) -> Result<(), Error> {
        self.write_to(b(sector), fill)
    }

    fn write_to(&mut self, key: SectorKey, fill: u8) -> Result<(), Error> {
        let result = self.session.write(key, &[fill; SECTOR], self.now_ms, &mut self.host);
        self.session.check_invariants();
        result
    }

    /// Fills the window.
    fn write_all(&mut self, sectors: core::ops::Range<u32>) {
        for sector in sectors {
            self.write(sector, sector as u8).unwrap();
        }
    }

    /// What was told since the last call.
    fn told(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.host.told)
    }

    /// What arrived since the last call.
    fn arrived(&mut self) -> Vec<(SectorKey, u8)> {
        core::mem::take(&mut self.host.arrived)
    }

    /// The byte of a sector of drive B in the cache, if that is trusted with it.
    fn cached(&self, sector: u32) -> Option<u8> {
        let bytes = self.host.cache.held.get(&b(sector))?;
        self.session.trusts(b(sector)).then(|| fill_of(bytes))
    }
}

impl Sent {
    fn decode(topic: Topic, payload: &[u8], session: u32) -> Self {
        match topic {
            Topic::LegacyRead => return LegacyRead(legacy::Read::decode(payload).unwrap().offset),
            Topic::LegacyWrite => {
                let write = legacy::Write::decode(payload).unwrap();
                return LegacyWrite(write.offset, fill_of(write.sector));
            }
            _ => assert_eq!(topic, Topic::Request),
        }
        let frame = Frame::decode(&channel(), payload).unwrap();
        assert!(!frame.is_answer && frame.status == Status::Ok);
        let Frame { sequence, acknowledged, drive, sector, count, .. } = frame;
        if frame.operation == Operation::Hello {
            let HelloRequest { nonce, previous, .. } = HelloRequest::decode(frame.body).unwrap();
            assert_eq!((frame.session, sector, count, drive), (0, 0, 0, 0));
            return Hello { sequence, nonce, previous, mark: acknowledged };
        }
        assert_eq!((frame.session, acknowledged), (session, 0));
        assert_ne!(session, 0, "a request of no session");
        match frame.operation {
            Operation::Read => Read { sequence, drive, sector, count },
            Operation::Write => {
                assert_eq!(count, 1);
                Write { sequence, drive, sector, fill: fill_of(frame.body) }
            }
            _ => Prod { sequence },
        }
    }
}

fn encode(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = vec![0; frame.length()];
    assert!(frame.encode(&channel(), &mut bytes));
    bytes
}

impl Host for Surroundings {
    type Cache = Shelf;

    fn cache(&mut self) -> &mut Shelf {
        &mut self.cache
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x100);
        self.random
    }

    fn arrived(&mut self, key: SectorKey, bytes: &[u8]) {
        self.arrived.push((key, fill_of(bytes)));
    }

    fn told(&mut self, event: Event) {
        self.told.push(event);
    }
}

impl Shelf {
    fn unless_deaf(&mut self, change: impl FnOnce(&mut BTreeMap<SectorKey, Vec<u8>>)) -> bool {
        if !self.is_deaf {
            change(&mut self.held);
        }
        !self.is_deaf
    }
}

impl Cache for Shelf {
    fn fill(&mut self, key: SectorKey, bytes: &[u8]) -> bool {
        self.unless_deaf(|held| {
            held.insert(key, bytes.to_vec());
        })
    }

    fn remove(&mut self, key: SectorKey) -> bool {
        self.unless_deaf(|held| {
            held.remove(&key);
        })
    }

    fn clear(&mut self) -> bool {
        self.clears += 1;
        self.unless_deaf(BTreeMap::clear)
    }

    fn forget(&mut self, drive: Drive) -> bool {
        self.unless_deaf(|held| held.retain(|key, _| key.drive() != drive))
    }
}

proptest::proptest! {
    #[test]
    fn whatever_happens_a_read_returns_the_last_write_and_all_ends_well(
        operations in proptest::collection::vec(
            proptest::array::uniform4(proptest::num::u8::ANY),
            0..if cfg!(miri) { 20 } else { 400 },
        ),
    ) {
        model::run(operations);
    }
}
