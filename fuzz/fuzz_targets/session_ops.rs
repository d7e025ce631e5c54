//! A session with its device: operations beside a naive server, which is the model of the session's own tests; or
//! answers with any fields and messages with any bytes, of both versions, of which only bounds are checked.

#![no_main]

use std::collections::VecDeque;

use libfuzzer_sys::fuzz_target;
use sector_cache::{Drive, Geometry, SectorKey};
use vdisk_proto::codec::frame::{Frame, Operation};
use vdisk_proto::codec::hello::{DriveInfo, HelloAnswer, HelloRequest};
use vdisk_proto::codec::{Channel, Run, Status, Topic, legacy};
use vdisk_proto::session::{Cache, Config, Error, Event, Flush, Host, Lookup, Session};

#[path = "../../vdisk-proto/src/session/tests/model.rs"]
mod model;

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((kind, operations)) if kind % 2 == 0 => {
            model::run(operations.as_chunks().0.iter().copied());
        }
        Some((kind, operations)) => anything(kind & 2 == 0, operations),
        None => {}
    }
});

const WINDOW: u8 = 4;
const SECTORS_PER_TRACK: u16 = 32;
const PAYLOAD: usize = Config::longest_payload(137);
/// No session has more to say at a time: a HELLO, a window, four READs of a track, each sector for itself.
const MOST_AT_A_TIME: usize = 200;

/// A host that fails when told to, and counts.
#[derive(Default)]
struct Device {
    is_deaf: bool,
    random: u64,
    failed: usize,
}

impl Host for Device {
    type Cache = Self;

    fn cache(&mut self) -> &mut Self {
        self
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random
    }

    fn arrived(&mut self, _key: SectorKey, bytes: &[u8]) {
        assert!(bytes.len() <= 137);
    }

    fn told(&mut self, event: Event) {
        self.failed += usize::from(matches!(event, Event::WriteFailed(..)));
    }
}

impl Cache for Device {
    fn fill(&mut self, _key: SectorKey, bytes: &[u8]) -> bool {
        assert!(bytes.len() <= 137);
        !self.is_deaf
    }

    fn remove(&mut self, _key: SectorKey) -> bool {
        !self.is_deaf
    }

    fn clear(&mut self) -> bool {
        !self.is_deaf
    }
}

struct World<'m> {
    session: Session<'m>,
    device: Device,
    channel: Channel,
    now_ms: u64,
    /// What was published last.
    requests: VecDeque<(Topic, Vec<u8>)>,
    accepted: usize,
    /// Writes that were acknowledged, by all that can be seen.
    acknowledged: usize,
}

/// Does what the input says, sixteen bytes an operation and as many more as it asks for.
fn anything(may_fall_back: bool, mut operations: &[u8]) {
    let channel = Channel::new("12345678").unwrap();
    let config = Config { window: WINDOW, may_fall_back, ..Config::altair(channel) };
    let mut memory = vec![0; Config::required_bytes(WINDOW, 137, SECTORS_PER_TRACK).unwrap()];
    let mut world = World {
        session: Session::new(config, &mut memory, 0).unwrap(),
        device: Device::default(),
        channel,
        now_ms: 0,
        requests: VecDeque::new(),
        accepted: 0,
        acknowledged: 0,
    };
    while let Some((head, rest)) = operations.split_first_chunk::<16>() {
        let (body, rest) = rest.split_at(rest.len().min(usize::from(head[1])));
        operations = rest;
        world.step(head, body);
    }
}

impl World<'_> {
    fn step(&mut self, head: &[u8; 16], body: &[u8]) {
        let key = SectorKey::try_new(head[2] % 4, u32::from(head[3]) * u32::from(head[4] % 16)).unwrap();
        let is_heard = matches!(head[0] % 16, 8..);
        match head[0] % 16 {
            0 => self.read(key),
            1 => {
                self.write(key, [137, 137, 137, 128, usize::from(head[6])][usize::from(head[5] % 5)], head[7])
            }
            2 => self.session.give_up(key),
            3 => self.flush(),
            4 if head[2] % 4 == 0 => self.session.disconnected(),
            4 => self.session.connected(self.now_ms),
            5 => self.now_ms += u64::from(head[2]) * [1, 100, 1_000][usize::from(head[3] % 3)],
            6 => self.device.is_deaf = head[2] % 2 == 0,
            7 if head[2] % 8 == 0 => self.session.resume(self.now_ms, &mut self.device),
            7 => self.poll(),
            8..=11 => self.answer(head),
            12 => self.hear(Topic::Response, &self.frame(head, body)),
            13 => self.hear(Topic::ALL[usize::from(head[2] % 5)], body),
            14 => {
                let sector = u32::from(head[3]) * u32::from(head[4] % 16);
                let offset = (sector * 137).wrapping_add(u32::from(head[5] == 0));
                let data = legacy::Write { offset, sector: &[head[6]; 137] };
                self.hear(Topic::LegacyData, &data.encode());
            }
            _ => {
                let session = self.session.number();
                let over = Frame { drive: head[2] % 17, ..Frame::blank(Operation::Invalidate, session, 0) };
                self.hear(Topic::Response, &self.encode(&over));
            }
        }
        self.check(is_heard);
        if head[15] % 4 != 0 {
            self.poll();
        }
    }

    fn read(&mut self, key: SectorKey) {
        if let Ok(Lookup::Held(bytes)) = self.session.read(key, self.now_ms) {
            assert!(bytes.len() <= 137);
        }
    }

    /// A flush is done at once only if nothing waits.
    fn flush(&mut self) {
        let flush = self.session.flush();
        assert_eq!(self.session.is_flushed(&flush), self.session.unacknowledged() == 0);
    }

    fn write(&mut self, key: SectorKey, length: usize, fill: u8) {
        let bytes = vec![fill; length];
        if self.session.write(key, &bytes, self.now_ms, &mut self.device).is_ok() {
            self.accepted += 1;
        }
    }

    /// Publishes all that there is.
    fn poll(&mut self) {
        for _ in 0..MOST_AT_A_TIME {
            let mut payload = [0; PAYLOAD];
            let message = self.session.poll_transmit(self.now_ms, &mut payload, &mut self.device);
            self.check(false);
            let Some(message) = message else {
                let deadline_ms = self.session.deadline_ms(self.now_ms);
                let is_later = deadline_ms.is_none_or(|deadline_ms| deadline_ms > self.now_ms);
                return assert!(is_later, "at {} there was more to do: {:?}", self.now_ms, self.session);
            };
            let payload = payload[..message.length].to_vec();
            match message.topic {
                Topic::LegacyRead => assert_eq!(payload.len(), 4),
                Topic::LegacyWrite => assert_eq!(payload.len(), 141),
                Topic::Request => assert!(!Frame::decode(&self.channel, &payload).unwrap().is_answer),
                other => panic!("{other:?} is not the device's"),
            }
            self.requests.push_back((message.topic, payload));
            self.requests.truncate(16);
        }
        panic!("there is no end to what is sent");
    }

    /// Answers a request of the last ones, right or almost so.
    fn answer(&mut self, head: &[u8; 16]) {
        let Some(place) = usize::from(head[2]).checked_rem(self.requests.len()) else { return };
        let (topic, request) = self.requests[place].clone();
        if head[3] % 4 != 0 {
            self.requests.remove(place);
        }
        match topic {
            Topic::LegacyRead => self.hear(Topic::LegacyData, &[&request[..], &[head[4]; 137]].concat()),
            Topic::LegacyWrite => self.hear(Topic::LegacyData, &request),
            _ => {
                let asked = Frame::decode(&self.channel, &request).unwrap();
                let status = Status::ALL[if head[5] < 192 { 0 } else { usize::from(head[5] % 12) }];
                let body = if status == Status::Ok { body_for(&asked, head) } else { vec![] };
                let marks = [0, 0, asked.sequence, u32::from(head[6])];
                let is_hello = asked.operation == Operation::Hello;
                let answer = Frame {
                    is_answer: true,
                    session: if is_hello { u32::from(head[7] % 4) } else { asked.session },
                    acknowledged: marks[usize::from(head[8] % 2) + if is_hello { 0 } else { 2 }],
                    status,
                    body: &body,
                    ..asked
                };
                self.hear(Topic::Response, &self.encode(&answer));
            }
        }
    }

    fn hear(&mut self, topic: Topic, payload: &[u8]) {
        self.session.received(topic, payload, false, self.now_ms, &mut self.device);
    }

    /// A frame with any fields and a checksum that is right.
    fn frame(&self, head: &[u8; 16], body: &[u8]) -> Vec<u8> {
        let operations =
            [Operation::Hello, Operation::Read, Operation::Write, Operation::Flush, Operation::Invalidate];
        let frame = Frame {
            is_answer: head[2] % 4 != 0,
            session: if head[4] % 2 == 0 { self.session.number() } else { u32::from(head[4] % 8) },
            sequence: u32::from_le_bytes([head[5], head[6], 0, head[7]]),
            acknowledged: u32::from_le_bytes([head[8], 0, 0, head[9]]),
            sector: u32::from(head[10]) * u32::from(head[11]),
            count: u16::from(head[12]),
            drive: head[13] % 18,
            status: Status::ALL[usize::from(head[14] % 12)],
            body,
            ..Frame::blank(operations[usize::from(head[3] % 5)], 0, 0)
        };
        self.encode(&frame)
    }

    fn encode(&self, frame: &Frame<'_>) -> Vec<u8> {
        let mut bytes = vec![0; frame.length()];
        frame.encode(&self.channel, &mut bytes);
        bytes
    }

    /// Every write that was accepted is held, has failed, or was acknowledged, which takes a message.
    fn check(&mut self, is_heard: bool) {
        self.session.check_invariants();
        let held = self.session.unacknowledged();
        assert!(held <= usize::from(WINDOW));
        let acknowledged = self.accepted.checked_sub(held + self.device.failed);
        let acknowledged = acknowledged.expect("more writes ended than were accepted");
        assert!(acknowledged >= self.acknowledged, "an acknowledged write came back");
        assert!(is_heard || acknowledged == self.acknowledged, "a write was lost");
        self.acknowledged = acknowledged;
    }
}

/// What answers a HELLO or a READ.
fn body_for(asked: &Frame<'_>, head: &[u8; 16]) -> Vec<u8> {
    match asked.operation {
        Operation::Hello => {
            let nonce = HelloRequest::decode(asked.body).unwrap().nonce;
            let shapes = [Geometry::IBM_3740, Geometry::ALTAIR_8_INCH, Geometry::ALTAIR_MINIDISK];
            let drives: Vec<_> = (0..head[9] % 4)
                .map(|number| DriveInfo {
                    drive: Drive::new(number).unwrap(),
                    is_read_only: number == 0,
                    geometry: shapes[usize::from(number.wrapping_add(u8::from(head[10] == 0)) % 3)],
                    generation: u64::from(head[11] % 2),
                })
                .collect();
            let hello = HelloAnswer { nonce, largest_frame: 160 + u16::from(head[12]), window: head[13] % 8 };
            hello.encode(&drives, &mut [0; 256]).unwrap().to_vec()
        }
        Operation::Read => vec![head[4]; usize::from(asked.count) * 137],
        _ => vec![],
    }
}
