//! Random operations on a device beside a naive server, over a network that loses, repeats and reorders, with a cache
//! that may be deaf. What the CPU reads is compared with what it wrote, and in the end all has to be settled.
//!
//! The fuzz target `session_ops` runs the same.

use std::collections::{BTreeMap, VecDeque};
use std::vec;
use std::vec::Vec;

use super::{
    Cache, Channel, Config, Drive, DriveInfo, Error, Event, Flush, Frame, Geometry, HelloAnswer,
    HelloRequest, Host, Lookup, Operation, Run, SectorKey, Session, Status, Topic,
};

const LENGTH: u16 = 16;
/// Sectors of a drive with three tracks of eight.
const SECTORS: u32 = 24;
/// One that the server refuses to write.
const BAD: u32 = 23;
const WINDOW: u8 = 4;
/// Three sectors a frame.
const LARGEST_FRAME: u16 = 28 + 3 * LENGTH;

/// Runs operations of four bytes each, and then lets all come to an end.
pub(crate) fn run(operations: impl IntoIterator<Item = [u8; 4]>) {
    let mut memory = vec![0; Config::required_bytes(WINDOW, LENGTH, 8).unwrap()];
    let mut world = World::new(&mut memory);
    for operation in operations {
        world.step(operation);
        world.check();
    }
    world.settle();
}

struct World<'m> {
    session: Session<'m>,
    host: Cpu,
    server: Server,
    now_ms: u64,
    requests: VecDeque<Vec<u8>>,
    answers: VecDeque<Vec<u8>>,
    flushes: Vec<Flush>,
}

/// The CPU, and what it knows of its disk.
struct Cpu {
    held: BTreeMap<SectorKey, u8>,
    is_deaf: bool,
    random: u64,
    /// The writes that were accepted, in order, with whether each failed.
    writes: Vec<(SectorKey, u8, bool)>,
    /// How often each sector is waited for.
    waits: BTreeMap<SectorKey, usize>,
}

/// A server that keeps a byte a sector.
struct Server {
    disk: BTreeMap<u32, u8>,
    generation: u64,
    sessions: u32,
    /// Whose session is the current one, until it ends.
    nonce: Option<u64>,
    /// All of them.
    nonces: Vec<u64>,
    mark: u32,
    is_busy: bool,
}

fn channel() -> Channel {
    Channel::new("12345678").unwrap()
}

fn geometry() -> Geometry {
    Geometry::new(3, 8, LENGTH).unwrap()
}

fn key(sector: u8) -> SectorKey {
    SectorKey::try_new(1, u32::from(sector) % SECTORS).unwrap()
}

impl<'m> World<'m> {
    fn new(memory: &'m mut [u8]) -> Self {
        let config = Config {
            window: WINDOW,
            sector_length: LENGTH,
            sectors_per_track: 8,
            largest_frame: LARGEST_FRAME,
            may_fall_back: false,
            ..Config::altair(channel())
        };
        let held = (0..SECTORS as u8).map(|sector| (key(sector), 0xbb)).collect();
        Self {
            session: Session::new(config, memory, 0).unwrap(),
            host: Cpu { held, is_deaf: false, random: 0, writes: vec![], waits: BTreeMap::new() },
            server: Server {
                disk: BTreeMap::new(),
                generation: 1,
                sessions: 0,
                nonce: None,
                nonces: vec![],
                mark: 0,
                is_busy: false,
            },
            now_ms: 0,
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            flushes: vec![],
        }
    }

    fn step(&mut self, [operation, a, b, _]: [u8; 4]) {
        let place = usize::from(a);
        match operation % 20 {
            0 | 1 => self.read(key(a)),
            2..=4 => self.write(key(a), b),
            5 => self.poll(),
            6 => self.serve(place),
            7 => self.hear(place),
            8 | 9 => self.exchange(),
            10 => drop(take(&mut self.requests, place)),
            11 => drop(take(&mut self.answers, place)),
            12 => repeat(if b % 2 == 0 { &mut self.requests } else { &mut self.answers }, place),
            13 => self.now_ms += u64::from(a) * 8,
            14 => self.now_ms += u64::from(a) * 200,
            15 if b % 4 == 0 => self.session.disconnected(),
            15 => self.session.connected(self.now_ms),
            16 => {
                self.session.give_up(key(a));
                self.host.waits.remove(&key(a));
            }
            17 => self.flushes.push(self.session.flush()),
            18 if b % 4 == 0 => self.change_drive(b % 8 == 0),
            18 => self.host.is_deaf = b % 2 == 0,
            _ => self.server.is_busy = b % 2 == 0,
        }
    }

    fn read(&mut self, key: SectorKey) {
        if self.session.trusts(key)
            && let Some(fill) = self.host.held.get(&key)
        {
            return self.host.check(key, *fill);
        }
        match self.session.read(key, self.now_ms) {
            Ok(Lookup::Held(bytes)) => self.host.check(key, fill_of(bytes)),
            Ok(Lookup::Asked) => *self.host.waits.entry(key).or_default() += 1,
            Err(error) => assert_eq!(error, Error::ReadsFull),
        }
    }

    fn write(&mut self, key: SectorKey, fill: u8) {
        // It is in what `read` finds as soon as it is accepted, and even before this returns.
        self.host.writes.push((key, fill, false));
        match self.session.write(key, &[fill; LENGTH as usize], self.now_ms, &mut self.host) {
            Ok(()) => assert!(self.session.unacknowledged() <= usize::from(WINDOW)),
            Err(error) => {
                assert!(matches!(error, Error::WindowFull | Error::NotOpen), "{error}");
                self.host.writes.pop();
            }
        }
    }

    /// Publishes all that there is; a device that sends without end would not be done.
    fn poll(&mut self) {
        for _ in 0..64 {
            let mut payload = [0; Config::longest_payload(LENGTH)];
            let message = self.session.poll_transmit(self.now_ms, &mut payload, &mut self.host);
            self.check();
            let Some(message) = message else {
                let deadline_ms = self.session.deadline_ms(self.now_ms);
                assert!(deadline_ms.is_none_or(|deadline_ms| deadline_ms > self.now_ms));
                return;
            };
            assert_eq!(message.topic, Topic::Request);
            self.requests.push_back(payload[..message.length].to_vec());
        }
        panic!("there is no end to what is sent");
    }

    fn serve(&mut self, place: usize) {
        if let Some(request) = take(&mut self.requests, place) {
            let frame = Frame::decode(&channel(), &request).unwrap();
            self.server.answer(&frame, &mut self.answers);
        }
    }

    fn hear(&mut self, place: usize) {
        if let Some(answer) = take(&mut self.answers, place) {
            self.session.received(Topic::Response, &answer, false, self.now_ms, &mut self.host);
            self.check();
        }
    }

    /// All that waits arrives, in order.
    fn exchange(&mut self) {
        self.poll();
        while !self.requests.is_empty() {
            self.serve(0);
        }
        while !self.answers.is_empty() {
            self.hear(0);
        }
    }

    /// The drive gets another generation, with the same bytes; the session ends.
    fn change_drive(&mut self, is_told: bool) {
        self.server.generation += 1;
        if self.server.nonce.take().is_some() && is_told {
            let frame = Frame { drive: 1, ..Frame::blank(Operation::Invalidate, self.server.sessions, 0) };
            self.answers.push_back(encode(&frame));
        }
    }

    fn check(&self) {
        self.session.check_invariants();
        let waiting = self.host.writes.iter().filter(|(.., is_failed)| !is_failed).count();
        assert!(self.session.unacknowledged() <= waiting, "a write is held that was not accepted, or failed");
        assert!(self.session.unacknowledged() <= usize::from(WINDOW));
    }

    /// With a good network and a good server, all writes end and all reads are answered.
    fn settle(&mut self) {
        (self.host.is_deaf, self.server.is_busy) = (false, false);
        self.session.connected(self.now_ms);
        for _ in 0..200 {
            self.exchange();
            let is_done =
                self.session.unacknowledged() == 0 && self.host.waits.values().all(|waits| *waits == 0);
            if is_done && self.session.is_open() {
                break;
            }
            if let Some(deadline_ms) = self.session.deadline_ms(self.now_ms) {
                self.now_ms = self.now_ms.max(deadline_ms);
            }
        }
        assert!(self.session.is_open() && self.session.unacknowledged() == 0, "writes wait for ever");
        assert!(self.host.waits.values().all(|waits| *waits == 0), "reads wait for ever");
        assert!(self.flushes.iter().all(|flush| self.session.is_flushed(flush)));
        for sector in 0..SECTORS {
            let fill = self.server.disk.get(&sector).copied().unwrap_or_default();
            self.host.check(SectorKey::try_new(1, sector).unwrap(), fill);
        }
    }
}

impl Cpu {
    /// Compares what was read with what may be there: the last write that did not fail, or one after it that failed,
    /// since it may have been done all the same.
    fn check(&self, key: SectorKey, fill: u8) {
        for (_, written, is_failed) in self.writes.iter().rev().filter(|(of, ..)| *of == key) {
            if *written == fill {
                return;
            }
            assert!(is_failed, "{key} has {fill}, and {written} was written last");
        }
        assert_eq!(fill, 0, "{key} was not written");
    }
}

impl Host for Cpu {
    type Cache = Self;

    fn cache(&mut self) -> &mut Self {
        self
    }

    fn random(&mut self) -> u64 {
        self.random += 0x1_0000_0101;
        self.random
    }

    fn arrived(&mut self, key: SectorKey, bytes: &[u8]) {
        self.check(key, fill_of(bytes));
        self.waits.insert(key, 0);
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::WriteFailed(key, _) => {
                let write = self.writes.iter_mut().rev().find(|(of, _, is_failed)| *of == key && !is_failed);
                write.expect("a write fails that was accepted").2 = true;
            }
            Event::ReadFailed(key, _) => drop(self.waits.insert(key, 0)),
            Event::Opened | Event::DriveChanged(_) => {}
            other => panic!("{other:?} cannot be"),
        }
    }
}

impl Cache for Cpu {
    fn fill(&mut self, key: SectorKey, bytes: &[u8]) -> bool {
        if !self.is_deaf {
            self.held.insert(key, fill_of(bytes));
        }
        !self.is_deaf
    }

    fn remove(&mut self, key: SectorKey) -> bool {
        if !self.is_deaf {
            self.held.remove(&key);
        }
        !self.is_deaf
    }

    fn clear(&mut self) -> bool {
        if !self.is_deaf {
            self.held.clear();
        }
        !self.is_deaf
    }
}

impl Server {
    fn answer(&mut self, request: &Frame<'_>, answers: &mut VecDeque<Vec<u8>>) {
        let Frame { operation, session, sequence, .. } = *request;
        let current = if self.nonce.is_some() { self.sessions } else { 0 };
        let mut say = |status, acknowledged| {
            let frame = Frame { status, acknowledged, ..answer(operation, session, sequence) };
            answers.push_back(encode(&frame));
        };
        match operation {
            Operation::Hello => self.welcome(request, answers),
            _ if session != current => say(Status::StaleSession, current),
            _ if self.is_busy => say(Status::Busy, self.mark),
            Operation::Read => self.read(request, answers),
            Operation::Write if sequence == self.mark + 1 && request.sector == BAD => {
                say(Status::IoError, self.mark);
            }
            Operation::Write if sequence > self.mark + 1 => {}
            Operation::Write => {
                if sequence == self.mark + 1 {
                    self.mark += 1;
                    self.disk.insert(request.sector, fill_of(request.body));
                }
                say(Status::Ok, self.mark);
            }
            _ => say(Status::Ok, self.mark),
        }
    }

    fn welcome(&mut self, request: &Frame<'_>, answers: &mut VecDeque<Vec<u8>>) {
        let HelloRequest { nonce, .. } = HelloRequest::decode(request.body).unwrap();
        if self.nonce != Some(nonce) && self.nonces.contains(&nonce) {
            let stale =
                Frame { status: Status::StaleSession, ..answer(Operation::Hello, 0, request.sequence) };
            return answers.push_back(encode(&stale));
        }
        if self.nonce != Some(nonce) {
            self.sessions += 1;
            (self.nonce, self.mark) = (Some(nonce), 0);
            self.nonces.push(nonce);
        }
        let info = DriveInfo {
            drive: Drive::B,
            is_read_only: false,
            geometry: geometry(),
            generation: self.generation,
        };
        let mut body = [0; HelloAnswer::length(1)];
        HelloAnswer { nonce, largest_frame: 512, window: 3 }.encode(&[info], &mut body).unwrap();
        let hello = answer(Operation::Hello, self.sessions, request.sequence);
        answers.push_back(encode(&Frame { acknowledged: self.mark, body: &body, ..hello }));
    }

    /// Answers by as many frames as it takes.
    fn read(&self, request: &Frame<'_>, answers: &mut VecDeque<Vec<u8>>) {
        let run = Run::new(geometry(), request.sector, request.count).unwrap();
        let sectors: Vec<u32> = run.sectors().collect();
        for part in sectors.chunks(3) {
            let fill = |sector| self.disk.get(sector).copied().unwrap_or_default();
            let body: Vec<u8> = part.iter().flat_map(|sector| [fill(sector); LENGTH as usize]).collect();
            let head = answer(Operation::Read, request.session, request.sequence);
            let (sector, count) = (part[0], part.len() as u16);
            let frame = Frame { sector, count, drive: 1, acknowledged: self.mark, body: &body, ..head };
            answers.push_back(encode(&frame));
        }
    }
}

fn take(queue: &mut VecDeque<Vec<u8>>, place: usize) -> Option<Vec<u8>> {
    queue.remove(place.checked_rem(queue.len())?)
}

fn repeat(queue: &mut VecDeque<Vec<u8>>, place: usize) {
    if let Some(place) = place.checked_rem(queue.len()) {
        let message = queue[place].clone();
        queue.push_back(message);
    }
}

fn fill_of(bytes: &[u8]) -> u8 {
    assert!(bytes.len() == usize::from(LENGTH) && bytes.iter().all(|byte| byte == &bytes[0]), "{bytes:?}");
    bytes[0]
}

fn encode(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = vec![0; frame.length()];
    assert!(frame.encode(&channel(), &mut bytes));
    bytes
}

const fn answer(operation: Operation, session: u32, sequence: u32) -> Frame<'static> {
    Frame { is_answer: true, ..Frame::blank(operation, session, sequence) }
}
