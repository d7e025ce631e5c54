//! A server with a few disks, and a device that is as rude as a test wants it.

#![allow(clippy::cast_possible_truncation)]

mod bad_input;
mod generations;
mod groups;
mod hello;
mod legacy;
mod limits;
mod model;

mod reads;
mod restart;
mod writes;

use std::vec;
use std::vec::Vec;

use bytes::Bytes;
use sector_cache::{Drive, Geometry};

use super::{Limits, Now, Service, Transmit};
use crate::codec::frame::{Frame, Operation};
use crate::codec::{Channel, Status, Topic};
use crate::store::{Faults, Group, Image, MemoryStore, Store};

const SECTOR: usize = 137;
const CHANNEL: &str = "12345678";

/// A service over a store in memory, with three drives: A, read-only, of the IBM's shape; B, of the 8-inch disk's; C,
/// a minidisk. Each sector is filled with its number's low byte.
struct Server {
    service: Service<MemoryStore>,
    store: MemoryStore,
    limits: Limits,
    now: Now,
}

/// An answer, or an INVALIDATE.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    operation: Operation,
    is_answer: bool,
    session: u32,
    sequence: u32,
    acknowledged: u32,
    sector: u32,
    count: u16,
    drive: u8,
    status: Status,
    body: Vec<u8>,
}

/// What HELLO's answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Welcome {
    session: u32,
    mark: u32,
    nonce: u64,
    /// By drive.
    generations: Vec<(u8, u64)>,
}

fn channel() -> Channel {
    Channel::new(CHANNEL).unwrap()
}

fn pattern(geometry: Geometry) -> Vec<u8> {
    (0..geometry.sectors())
        .flat_map(|sector| vec![sector as u8; usize::from(geometry.sector_length())])
        .collect()
}

fn sector(fill: u8) -> Vec<u8> {
    vec![fill; SECTOR]
}

impl Server {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let store = MemoryStore::new();
        for (drive, geometry, is_read_only) in [
            (Drive::A, Geometry::IBM_3740, true),
            (Drive::B, Geometry::ALTAIR_8_INCH, false),
            (Drive::new(2).unwrap(), Geometry::ALTAIR_MINIDISK, false),
        ] {
            store.set_template(drive, Image { geometry, is_read_only }, pattern(geometry));
        }
        let now = Now { monotonic_ms: 5, wall_ns: 1_000_000 };
        Self { service: Service::new(store.clone(), limits, now), store, limits, now }
    }

    /// The process ends, and what was not synced is lost, unless luck kept it; a new one starts.
    fn restart(&mut self, luck: bool) {
        self.store.crash(luck);
        self.now.monotonic_ms = 0;
        self.service = Service::new(self.store.clone(), self.limits, self.now);
    }

    fn wait(&mut self, ms: u64) {
        self.now.monotonic_ms += ms;
        self.now.wall_ns += ms * 1_000_000;
    }

    /// A message on a topic of the channel; nothing is made durable.
    fn receive(&mut self, topic: &str, payload: &[u8]) {
        self.receive_on(CHANNEL, topic, payload);
    }

    fn receive_on(&mut self, channel: &str, topic: &str, payload: &[u8]) {
        let topic = ["altair/", channel, "/vdisk/", topic].concat();
        self.service.received(&topic, &Bytes::copy_from_slice(payload), false, self.now);
    }

    fn commit(&mut self) {
        self.service.commit().unwrap();
    }

    /// What is to be sent on the legacy topic.
    fn data(&mut self) -> Vec<Vec<u8>> {
        let take = |message: Transmit| {
            assert_eq!(message.topic, Topic::LegacyData);
            message.payload.to_vec()
        };
        core::iter::from_fn(|| self.service.poll_transmit()).map(take).collect()
    }

    /// What is to be sent as responses.
    fn answers(&mut self) -> Vec<Answer> {
        core::iter::from_fn(|| self.service.poll_transmit()).map(|message| Answer::decode(&message)).collect()
    }

    /// Sends a request, makes everything durable, and returns the answers.
    fn ask(&mut self, request: &Frame<'_>) -> Vec<Answer> {
        self.receive("v2/req", &encode(CHANNEL, request));
        self.commit();
        self.answers()
    }

    /// Sends a request that has one answer.
    fn ask_one(&mut self, request: &Frame<'_>) -> Answer {
        let mut answers = self.ask(request);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.remove(0)
    }

    fn hello(&mut self, nonce: u64, previous: u32) -> Welcome {
        let answer = self.ask_one(&hello(&hello_body(nonce, previous, 1_000)));
        assert_eq!((answer.operation, answer.status), (Operation::Hello, Status::Ok));
        Welcome::decode(&answer)
    }

    /// Writes a sector of B that is filled with a byte, and expects it to be acknowledged.
    fn write(&mut self, session: u32, sequence: u32, number: u32, fill: u8) {
        let answer = self.ask_one(&write(session, sequence, number, &sector(fill)));
        assert_eq!((answer.status, answer.acknowledged), (Status::Ok, sequence));
    }

    /// The byte that a sector of B begins with, in the store.
    fn stored(&self, number: usize) -> u8 {
        self.store.bytes(channel(), Drive::B).unwrap()[number * SECTOR]
    }

    fn refused(&self, status: Status) -> u64 {
        self.service.counters().refused(status)
    }
}

impl Answer {
    fn decode(message: &Transmit) -> Self {
        assert_eq!(message.topic, Topic::Response);
        let frame = Frame::decode(&message.channel, &message.payload).unwrap();
        assert!(frame.status == Status::Ok || frame.body.is_empty());
        Self {
            operation: frame.operation,
            is_answer: frame.is_answer,
            session: frame.session,
            sequence: frame.sequence,
            acknowledged: frame.acknowledged,
            sector: frame.sector,
            count: frame.count,
            drive: frame.drive,
            status: frame.status,
            body: frame.body.to_vec(),
        }
    }
}

impl Welcome {
    fn decode(answer: &Answer) -> Self {
        let drives = answer.body[12..].as_chunks::<16>().0;
        let generation = |drive: &[u8; 16]| u64::from_le_bytes(*drive.last_chunk().unwrap());
        Self {
            session: answer.session,
            mark: answer.acknowledged,
            nonce: u64::from_le_bytes(*answer.body.first_chunk().unwrap()),
            generations: drives.iter().map(|drive| (drive[0], generation(drive))).collect(),
        }
    }

    fn generation(&self, drive: u8) -> u64 {
        self.generations.iter().find(|(number, _)| *number == drive).unwrap().1
    }
}

fn encode(channel: &str, frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = vec![0; 28 + frame.body.len()];
    frame.encode(&Channel::new(channel).unwrap(), &mut bytes);
    bytes
}

const fn hello(body: &[u8]) -> Frame<'_> {
    Frame { body, ..Frame::blank(Operation::Hello, 0, 1) }
}

fn hello_body(nonce: u64, previous: u32, largest_frame: u16) -> [u8; 20] {
    let mut body = [0; 20];
    body[..8].copy_from_slice(&nonce.to_le_bytes());
    body[8..12].copy_from_slice(&previous.to_le_bytes());
    body[12..14].copy_from_slice(&largest_frame.to_le_bytes());
    body[16..].copy_from_slice(&800_u32.to_le_bytes());
    body
}

const fn read(session: u32, sequence: u32, sector: u32, count: u16) -> Frame<'static> {
    Frame { sector, count, drive: 1, ..Frame::blank(Operation::Read, session, sequence) }
}

/// A WRITE of whole sectors to B.
const fn write(session: u32, sequence: u32, sector: u32, body: &[u8]) -> Frame<'_> {
    let count = (body.len() / SECTOR) as u16;
    Frame { sector, count, drive: 1, body, ..Frame::blank(Operation::Write, session, sequence) }
}

/// The INVALIDATE of drive A.
const fn invalidate(session: u32) -> Answer {
    Answer {
        operation: Operation::Invalidate,
        is_answer: false,
        session,
        sequence: 0,
        acknowledged: 0,
        sector: 0,
        count: 0,
        drive: 0,
        status: Status::Ok,
        body: Vec::new(),
    }
}

const fn flush(session: u32, sequence: u32) -> Frame<'static> {
    Frame::blank(Operation::Flush, session, sequence)
}

fn legacy_write(offset: u32, bytes: &[u8]) -> Vec<u8> {
    [&offset.to_le_bytes()[..], bytes].concat()
}

proptest::proptest! {
    #[test]
    fn operations_do_what_a_naive_server_does(
        operations in proptest::collection::vec(proptest::array::uniform4(proptest::num::u8::ANY), 0..400),
    ) {
        model::run(operations);
    }
}
