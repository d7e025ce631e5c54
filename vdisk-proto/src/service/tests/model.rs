//! A naive server, and operations that are done to it and to a [`Service`] side by side.
//!
//! The naive one keeps each channel's disks as bytes and what waits as a list, and works out again from the start what
//! will be, each time that it is asked. A test draws the operations by proptest and a fuzz target takes them from its
//! input: four bytes each, either way.

use std::vec;
use std::vec::Vec;

use super::{
    Bytes, Channel, Drive, Faults, Frame, Geometry, Group, Image, Limits, MemoryStore, Now, Operation,
    Service, Status, Store, Topic, Transmit,
};

#[path = "model/naive.rs"]
mod naive;

use naive::*;

const CHANNELS: [&str; 2] = ["one", "two"];
const DEVICES: usize = 2;
/// The largest frame that a device takes: two sectors of B at a time.
const LARGEST_FRAME: u16 = 28 + 2 * 137;
const HEARD_MS: u64 = 90_000;

/// Small disks, so that operations meet: B, 4 tracks of 3 sectors of 137 bytes, and C, 2 tracks of 5 of 7 bytes.
fn geometry(drive: u8) -> Geometry {
    if drive == 1 { Geometry::new(4, 3, 137).unwrap() } else { Geometry::new(2, 5, 7).unwrap() }
}

/// Does operations to a service and to the model, and compares the two after each.
pub(crate) fn run(operations: impl IntoIterator<Item = [u8; 4]>) {
    let mut world = World::new();
    for operation in operations {
        world.step(operation);
    }
}

struct World {
    service: Service<MemoryStore>,
    store: MemoryStore,
    now: Now,
    channels: [Model; 2],
    devices: [[Device; DEVICES]; 2],
    /// The group between its begin and its end, and how far it is.
    group: Option<(Group, Phase)>,
    refuse: Option<Status>,
    nonces: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Begun,
    Written,
    Synced,
}

/// What a device believes.
#[derive(Default)]
struct Device {
    nonce: u64,
    session: u32,
    previous: u32,
    /// Of its next WRITE.
    sequence: u32,
}

impl World {
    fn new() -> Self {
        let store = MemoryStore::new();
        let mut channels = <[Model; 2]>::default();
        for drive in [1, 2] {
            let image = Image { geometry: geometry(drive), is_read_only: false };
            let bytes = vec![drive; geometry(drive).bytes() as usize];
            for model in &mut channels {
                model.disks[usize::from(drive - 1)].clone_from(&bytes);
            }
            store.set_template(Drive::new(drive).unwrap(), image, bytes);
        }
        let now = Now { monotonic_ms: 0, wall_ns: 1 };
        let service = Service::new(store.clone(), Limits::default(), now);
        let devices = Default::default();
        Self { service, store, now, channels, devices, group: None, refuse: None, nonces: 0 }
    }

    /// Any four bytes stand for an operation.
    fn step(&mut self, [kind, who, what, fill]: [u8; 4]) {
        let at = usize::from(who % 2);
        let device = usize::from(who / 2) % DEVICES;
        match kind % 32 {
            0..=1 => self.hello(at, device, true, what),
            2 => self.hello(at, device, false, what),
            3..=10 => self.write(at, device, 0, what, fill),
            11..=12 => self.write(at, device, i64::from(fill % 8) - 5, what, fill),
            13..=15 => self.read(at, device, what, fill),
            16 => self.flush(at, device),
            17 => self.legacy_write(at, what, fill),
            18..=19 => self.legacy_read(at, what, fill),
            20 => self.wait(what, fill),
            21..=23 => self.commit(),
            24 => self.begin(),
            25 => self.write_group(),
            26 => self.sync(),
            27 => self.end(),
            28 => self.crash(what % 2 == 0),
            29 => self.replace(at, 1 + what % 2, fill),
            30 => self.refuse = [None, Some(Status::DiskFull), Some(Status::Busy)][usize::from(what % 3)],
            _ => self.nonsense(at, &[kind, who, what, fill]),
        }
        for (at, model) in self.channels.iter().enumerate() {
            for (disk, drive) in model.disks.iter().zip([1, 2]) {
                let stored = self.store.bytes(channel(at), Drive::new(drive).unwrap());
                assert_eq!(stored.as_ref(), Some(disk), "drive {drive} of {}", CHANNELS[at]);
            }
        }
    }

    fn send(&mut self, at: usize, request: &Frame<'_>) {
        let payload = encode(at, request);
        let topic = ["altair/", CHANNELS[at], "/vdisk/v2/req"].concat();
        self.service.received(&topic, &Bytes::from(payload), false, self.now);
    }

    /// Sends a request of a session; if it is not the current one, expects STALE, and returns `false`.
    fn ask(&mut self, at: usize, request: &Frame<'_>) -> bool {
        self.send(at, request);
        let staged = self.channels[at].staged();
        let model = &mut self.channels[at];
        if staged.current != Some(request.session) || model.durable.sessions != request.session {
            let acknowledged = staged.current.unwrap_or_default();
            let stale = Answer::to(request, Status::StaleSession, acknowledged);
            self.expect(at, &[stale]);
            return false;
        }
        model.carried = true;
        model.heard_ms = Some(self.now.monotonic_ms);
        model.confirmed.insert(request.session);
        true
    }

    fn hello(&mut self, at: usize, device: usize, is_new: bool, what: u8) {
        let believed = &mut self.devices[at][device];
        if is_new || believed.nonce == 0 {
            self.nonces += 1;
            believed.nonce = self.nonces;
            // Some forget what session they had: they rebooted.
            believed.previous = if what.is_multiple_of(4) { 0 } else { believed.session };
            if what % 8 == 1 {
                // It is late, and may come at any time.
                return;
            }
        }
        let (nonce, previous, sequence) = (believed.nonce, believed.previous, u32::from(what));
        let mut body =
            [&nonce.to_le_bytes()[..], &previous.to_le_bytes(), &LARGEST_FRAME.to_le_bytes()].concat();
        body.resize(20, 0);
        let request = Frame { body: &body, ..Frame::blank(Operation::Hello, 0, sequence) };
        self.send(at, &request);
        let staged = self.channels[at].staged();
        let model = &mut self.channels[at];
        if let (Some(current), Some(newest)) = (staged.current, staged.nonces.last())
            && *newest == nonce
        {
            model.hello_sequence = sequence;
            if model.carried {
                model.heard_ms = Some(self.now.monotonic_ms);
            }
            if model.durable.sessions == current {
                self.welcome(at);
            }
        } else if staged.nonces.iter().rev().take(16).any(|known| *known == nonce) {
            let acknowledged = staged.current.unwrap_or_default();
            self.expect(at, &[Answer::to(&request, Status::StaleSession, acknowledged)]);
        } else if model.is_full() {
            self.expect(at, &[Answer::to(&request, Status::Busy, 0)]);
        } else {
            if staged.numbers.iter().rev().take(16).any(|number| *number == previous) {
                model.confirmed.insert(previous);
                model.overtaken.extend(previous + 1..=staged.sessions);
            }
            model.hello_sequence = sequence;
            model.carried = false;
            let seconds = (self.now.wall_ns / 1_000_000_000) as u32;
            model.waiting.push(Effect::Session { nonce, seconds });
        }
        self.expect(at, &[]);
    }

    /// Expects HELLO's answer.
    fn welcome(&mut self, at: usize) {
        let payload = self.service.poll_transmit().expect("an answer to HELLO").payload;
        self.check_welcome(at, &payload);
    }

    fn check_welcome(&mut self, at: usize, payload: &[u8]) {
        let frame = Frame::decode(&channel(at), payload).unwrap();
        let model = &mut self.channels[at];
        let session = model.durable.sessions;
        assert_eq!((frame.operation, frame.is_answer, frame.status), (Operation::Hello, true, Status::Ok));
        assert_eq!((frame.session, frame.sequence), (session, model.hello_sequence));
        assert_eq!(frame.acknowledged, model.durable.mark);
        let (nonce, drives) = frame.body.split_at(8);
        assert_eq!(Some(u64::from_le_bytes(nonce.try_into().unwrap())), model.durable.nonces.last().copied());
        let generation = |drive: &[u8; 16]| (drive[0], u64::from_le_bytes(*drive.last_chunk().unwrap()));
        let generations: Vec<_> = drives[4..].as_chunks().0.iter().map(generation).collect();
        assert_eq!(generations.len(), 2);
        assert!(generations.iter().all(|(_, generation)| *generation > 0));

        let nonce = *model.durable.nonces.last().unwrap();
        for device in self.devices[at].iter_mut().filter(|device| device.nonce == nonce) {
            if device.session != session {
                if let Some(told) = model.told.get(&device.previous) {
                    let changes = &model.changes[told.changes..];
                    let others = model.confirmed.range(device.previous + 1..session);
                    // Of what was longer ago, the server cannot tell that nothing is missing.
                    let is_remembered =
                        model.durable.numbers.iter().rev().take(17).any(|number| *number == device.previous);
                    let is_overtaken = model.overtaken.contains(&device.previous);
                    let is_alone = is_remembered && !is_overtaken && others.count() == 0;
                    check_generations(told, &generations, changes, device.previous, is_alone);
                }
                (device.session, device.sequence) = (session, 1);
            }
        }
        let told = Told { generations: generations.clone(), changes: model.changes.len() };
        let told = model.told.entry(session).or_insert(told);
        assert_eq!(told.generations, generations, "a session is told the same each time");
    }

    fn write(&mut self, at: usize, device: usize, ahead: i64, what: u8, fill: u8) {
        let mark = self.channels[at].staged().mark;
        let believed = &mut self.devices[at][device];
        if fill.is_multiple_of(4) {
            // What it would come to by sending again.
            believed.sequence = mark + 1;
        }
        let sequence = u32::try_from(i64::from(believed.sequence) + ahead).unwrap_or_default();
        let session = believed.session;
        if ahead == 0 {
            believed.sequence += 1;
        }
        let drive = 1 + what % 2;
        let shape = geometry(drive);
        let (sector, count) = place(shape, what / 2, fill);
        let mut body = vec![fill; usize::from(count) * usize::from(shape.sector_length())];
        body[0] = what;
        let request =
            Frame { drive, sector, count, body: &body, ..Frame::blank(Operation::Write, session, sequence) };
        if self.ask(at, &request) {
            let staged = self.channels[at].staged();
            let model = &mut self.channels[at];
            let mark = model.durable.mark;
            let answer = |status| vec![Answer::to(&request, status, mark)];
            let expected = if sequence == 0 {
                answer(Status::BadRequest)
            } else if sequence <= model.durable.mark {
                answer(Status::Ok)
            } else if sequence != staged.mark + 1 {
                vec![]
            } else if sector >= shape.sectors() {
                answer(Status::OutOfRange)
            } else if model.is_full() {
                answer(Status::Busy)
            } else {
                model.waiting.push(Effect::Write {
                    session,
                    sequence,
                    drive,
                    sector,
                    count,
                    bytes: body.clone(),
                });
                vec![]
            };
            self.expect(at, &expected);
        }
    }

    fn read(&mut self, at: usize, device: usize, what: u8, fill: u8) {
        let drive = 1 + what % 2;
        let shape = geometry(drive);
        let (sector, count) = place(shape, what / 2, fill);
        let request = Frame {
            drive,
            sector,
            count,
            ..Frame::blank(Operation::Read, self.devices[at][device].session, u32::from(fill))
        };
        if self.ask(at, &request) {
            let model = &self.channels[at];
            let acknowledged = model.durable.mark;
            let expected = if sector < shape.sectors() {
                let sectors: Vec<_> = round_track(shape, sector, count).collect();
                let per_frame = (usize::from(LARGEST_FRAME) - 28) / usize::from(shape.sector_length());
                let disk = &model.disks[usize::from(drive - 1)];
                let answer = |part: &[u32]| Answer {
                    place: (drive, part[0], part.len() as u16),
                    body: part.iter().flat_map(|sector| disk[range(shape, *sector)].to_vec()).collect(),
                    ..Answer::to(&request, Status::Ok, acknowledged)
                };
                sectors.chunks(per_frame).map(answer).collect()
            } else {
                vec![Answer::to(&request, Status::OutOfRange, acknowledged)]
            };
            self.expect(at, &expected);
        }
    }

    fn flush(&mut self, at: usize, device: usize) {
        let request = Frame::blank(Operation::Flush, self.devices[at][device].session, 77);
        if self.ask(at, &request) {
            let acknowledged = self.channels[at].durable.mark;
            self.expect(at, &[Answer::to(&request, Status::Ok, acknowledged)]);
        }
    }

    fn legacy_write(&mut self, at: usize, what: u8, fill: u8) {
        let sector = u32::from(what % 13);
        let offset = sector * 137 + u32::from(what / 128);
        let bytes = vec![fill; 137];
        self.legacy(at, "write", &[&offset.to_le_bytes()[..], &bytes].concat());
        let model = &mut self.channels[at];
        let is_heard = model.heard_ms.is_some_and(|ms| self.now.monotonic_ms - ms <= HEARD_MS);
        if !is_heard && what < 128 && sector < 12 && !model.is_full() {
            model.waiting.push(Effect::Legacy { sector, bytes });
        }
        self.expect(at, &[]);
    }

    fn legacy_read(&mut self, at: usize, what: u8, fill: u8) {
        let offset = u32::from(what) * 8 + u32::from(fill % 8);
        self.legacy(at, "read", &offset.to_le_bytes());
        // What is durable, and the legacy writes that will be.
        let model = &self.channels[at];
        let mut disks = model.disks.clone();
        let waiting = model.in_flight.iter().chain(&model.waiting);
        waiting
            .filter(|effect| matches!(effect, Effect::Legacy { .. }))
            .for_each(|effect| effect.write(&mut disks));
        let [image, _] = &mut disks;
        image.resize(4_096, 0);
        let answer = self.service.poll_transmit().expect("a legacy answer");
        assert_eq!((answer.channel, answer.topic), (channel(at), Topic::LegacyData));
        assert_eq!(answer.payload[..4], offset.to_le_bytes());
        assert_eq!(answer.payload[4..], image[offset as usize..][..137], "at {offset}");
        self.expect(at, &[]);
    }

    fn legacy(&mut self, at: usize, topic: &str, payload: &[u8]) {
        let topic = ["altair/", CHANNELS[at], "/vdisk/", topic].concat();
        self.service.received(&topic, &Bytes::copy_from_slice(payload), false, self.now);
    }

    fn wait(&mut self, what: u8, fill: u8) {
        let ms = if what.is_multiple_of(4) { 90_001 } else { u64::from(fill) * 100 };
        self.now.monotonic_ms += ms;
        // The wall clock may stand still, or go back.
        self.now.wall_ns = if what % 8 == 1 { 1 } else { self.now.wall_ns + ms * 1_000_000 };
    }

    fn commit(&mut self) {
        self.begin();
        self.write_group();
        self.sync();
        self.end();
    }

    fn begin(&mut self) {
        if self.group.is_some() {
            assert!(self.service.begin_group().is_none());
            return;
        }
        let group = self.service.begin_group();
        assert_eq!(group.is_some(), self.channels.iter().any(|model| !model.waiting.is_empty()));
        self.group = group.map(|group| (group, Phase::Begun));
        for model in &mut self.channels {
            model.in_flight.append(&mut model.waiting);
        }
    }

    fn write_group(&mut self) {
        if let Some((group, phase @ Phase::Begun)) = &mut self.group {
            self.store.set_faults(Faults { refuse: self.refuse, ..Faults::default() });
            self.store.write_group(group).unwrap();
            *phase = Phase::Written;
            self.channels.iter_mut().for_each(|model| model.refusal = self.refuse);
        }
    }

    fn sync(&mut self) {
        if let Some((group, phase @ Phase::Written)) = &mut self.group {
            self.store.sync(group).unwrap();
            *phase = Phase::Synced;
            self.channels.iter_mut().for_each(Model::write_disks);
        }
    }

    fn end(&mut self) {
        let Some((group, Phase::Synced)) = self.group.take_if(|(_, phase)| *phase == Phase::Synced) else {
            return;
        };
        self.service.end_group(group);
        // Answers come in the order of what they answer, so those of one channel are looked for among all.
        let mut sent: Vec<_> = core::iter::from_fn(|| self.service.poll_transmit()).collect();
        for at in 0..CHANNELS.len() {
            let (expected, greeted) = self.channels[at].settle();
            let (mine, others) = sent.into_iter().partition(|message| message.channel == channel(at));
            sent = others;
            let mut mine: Vec<Transmit> = mine;
            if let Some(position) = greeted {
                let hello = mine.remove(position);
                self.check_welcome(at, &hello.payload);
            }
            assert_eq!(mine.iter().map(Answer::decode).collect::<Vec<_>>(), expected);
        }
        assert_eq!(sent, []);
    }

    fn crash(&mut self, luck: bool) {
        let phase = self.group.take().map(|(_, phase)| phase);
        self.store.crash(luck);
        self.now.monotonic_ms = 0;
        self.service = Service::new(self.store.clone(), Limits::default(), self.now);
        for model in &mut self.channels {
            if phase == Some(Phase::Written) && luck {
                model.write_disks();
            }
            if phase == Some(Phase::Synced) || phase == Some(Phase::Written) && luck {
                model.settle();
            }
            model.restart();
        }
    }

    fn replace(&mut self, at: usize, drive: u8, fill: u8) {
        let image = Image { geometry: geometry(drive), is_read_only: false };
        let bytes = vec![fill; geometry(drive).bytes() as usize];
        let name = Drive::new(drive).unwrap();
        self.store.set_image(channel(at), name, image, bytes.clone());
        self.service.image_changed(channel(at), name, self.now);
        let model = &mut self.channels[at];
        model.disks[usize::from(drive - 1)] = bytes;
        let has_ended = model.staged().current.is_none();
        let is_same = |effect: &Effect| matches!(effect, Effect::Changed { drive: other } if *other == drive);
        if model.is_known() && !(has_ended && model.waiting.iter().any(is_same)) {
            model.drop_waiting_writes();
            model.waiting.push(Effect::Changed { drive });
        }
        self.expect(at, &[]);
    }

    /// Bytes that are no message of any kind.
    fn nonsense(&mut self, at: usize, bytes: &[u8; 4]) {
        self.legacy(at, "read", &bytes[1..]);
        self.legacy(at, "write", bytes);
        self.legacy(at, "data", bytes);
        let mut frame = encode(at, &Frame::blank(Operation::Flush, 1, 1));
        let place = usize::from(bytes[1]) % frame.len();
        frame[place] ^= bytes[2].max(1);
        self.legacy(at, "v2/req", &frame);
        self.expect(at, &[]);
    }

    /// Expects these answers and no others.
    fn expect(&mut self, at: usize, expected: &[Answer]) {
        let sent: Vec<_> = core::iter::from_fn(|| self.service.poll_transmit()).collect();
        assert!(sent.iter().all(|message| message.channel == channel(at)));
        assert_eq!(sent.iter().map(Answer::decode).collect::<Vec<_>>(), expected);
    }
}
