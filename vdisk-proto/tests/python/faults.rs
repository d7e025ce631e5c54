//! A device, a server, and a network that loses, repeats, delays and reorders, while the server's power fails, images are
//! replaced, its disk is full at times, and the device boots.

use sector_cache::{Drive, Geometry};
use vdisk_proto::codec::{Status, Topic};

use crate::caller::Caller;
use crate::pipe::Device;
use crate::random::Random;
use crate::server::{CHANNEL, Server, channel};

/// Each is another run, always the same.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=4;
const STEPS: u32 = 2_500;
const SECTORS: u32 = 32;
const PER_TRACK: u32 = 8;

/// What happened to messages, server and device.
#[derive(Debug, Default)]
struct Made {
    lost: u32,
    repeated: u32,
    overtaken: u32,
    late: u32,
    crashes: u32,
    replaced: u32,
    full: u32,
    reconnections: u32,
    boots: u32,
}

struct World {
    random: Random,
    seed: u64,
    server: Server,
    device: Device,
    caller: Caller,
    now_ms: u64,
    /// On their way, oldest first.
    requests: Vec<Vec<u8>>,
    answers: Vec<Vec<u8>>,
    /// Copies that come much later, if at all.
    late: Vec<(bool, Vec<u8>)>,
    is_reliable: bool,
    made: Made,
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn nothing_acknowledged_is_lost_and_nothing_else_is_read() {
    for seed in SEEDS {
        println!("seed {seed}");
        let Some(mut world) = World::new(seed) else { return };
        for _ in 0..STEPS {
            world.step();
        }
        world.end();
    }
}

fn drives() -> [Drive; 2] {
    [Drive::B, Drive::new(2).unwrap()]
}

/// A device whose frames take three sectors, and whose cache takes less than the disks have.
fn boot(seed: u64) -> Option<Device> {
    Device::start(&["--frame", "439", "--cache", "40", "--seed", &seed.to_string()])
}

impl World {
    fn new(seed: u64) -> Option<Self> {
        let geometry = Geometry::new((SECTORS / PER_TRACK) as u16, PER_TRACK as u16, 137).unwrap();
        let server = Server::new(&drives().map(|drive| (drive, geometry)));
        let keys = drives().into_iter().flat_map(|drive| (0..SECTORS).map(move |sector| (drive, sector)));
        let caller = Caller::new(keys.map(|key| (key, vec![0; 137])));
        let mut world = Self {
            random: Random::new(seed),
            seed,
            device: boot(seed)?,
            server,
            caller,
            now_ms: 0,
            requests: Vec::new(),
            answers: Vec::new(),
            late: Vec::new(),
            is_reliable: false,
            made: Made::default(),
        };
        world.tell("connected", b"");
        Some(world)
    }

    fn step(&mut self) {
        self.wait(50);
        if self.random.in_100(60) {
            self.call();
        }
        for _ in 0..self.random.below(8) {
            self.carry();
        }
        if self.random.in_100(40) {
            self.server.begin_group();
        }
        if self.random.in_100(40) {
            self.server.end_group();
        }
        self.publish();
        self.misfortune();
    }

    /// What happens seldom.
    fn misfortune(&mut self) {
        if self.random.in_1000(6) {
            self.server.crash(self.random.in_100(50));
            self.made.crashes += 1;
        }
        if self.random.in_1000(4) {
            self.replace();
        }
        if self.random.in_1000(5) {
            self.server.refuse_writes(Some(Status::DiskFull));
            self.made.full += 1;
        } else if self.random.in_1000(50) {
            self.server.refuse_writes(None);
        }
        if self.random.in_1000(5) {
            self.made.reconnections += 1;
            self.tell("connected", b"");
        }
        if self.random.in_1000(2) {
            self.made.boots += 1;
            self.device = boot(self.seed << 32 | u64::from(self.made.boots)).unwrap();
            self.caller.reboot();
            self.now_ms = 0;
            self.tell("connected", b"");
        }
        if self.random.in_1000(3) {
            self.wait(31_000);
        }
    }

    fn replace(&mut self) {
        self.made.replaced += 1;
        let drive = drives()[self.random.below(2)];
        let image: Vec<u8> = (0..SECTORS * 137).map(|_| self.random.below(256) as u8).collect();
        self.server.replace(drive, image.clone());
        self.caller.replaced.insert(drive, image);
        self.publish();
    }

    fn call(&mut self) {
        // Mostly on one track, so that reads and writes meet.
        let is_hot = self.random.in_100(60);
        let drive = if is_hot { Drive::B } else { drives()[self.random.below(2)] };
        let sector = self.random.below(if is_hot { PER_TRACK } else { SECTORS } as usize) as u32;
        let command = match self.random.below(10) {
            0..=3 => self.caller.read((drive, sector)),
            4..=8 => {
                let first = sector - sector % PER_TRACK;
                let count = 1 + self.random.below(3) as u32;
                let run: Vec<_> = (0..count).map(|at| first + (sector + at) % PER_TRACK).collect();
                self.caller.write(drive, &run)
            }
            _ => self.caller.flush(),
        };
        self.tell("caller", command.as_bytes());
    }

    fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        self.server.wait(ms);
        self.tell("clock", self.now_ms.to_string().as_bytes());
    }

    /// Tells the device something, and takes what follows from it.
    fn tell(&mut self, topic: &str, payload: &[u8]) {
        for sent in self.device.send(topic, payload, false) {
            if sent.topic == "caller" {
                let text = String::from_utf8(sent.payload).unwrap();
                self.caller.hear(&text, &self.server);
                continue;
            }
            match Topic::parse(&sent.topic) {
                Some((of, Topic::Request)) if of == channel() => self.put(true, sent.payload),
                // After HELLOs that were lost, the device looks whether anybody serves legacy. Here nobody does.
                Some((of, Topic::LegacyRead)) if of == channel() => {}
                _ => panic!("a device does not send to {}", sent.topic),
            }
        }
    }

    /// Takes what the server publishes.
    fn publish(&mut self) {
        for sent in self.server.sent() {
            assert_eq!(sent.topic, Topic::Response);
            assert!(sent.payload.len() <= 439, "the device's largest frame");
            self.put(false, sent.payload.to_vec());
        }
    }

    /// A message sets out, if nothing happens to it.
    fn put(&mut self, is_request: bool, payload: Vec<u8>) {
        let chance = if self.is_reliable { 100 } else { self.random.below(100) };
        let copies = match chance {
            0..10 => 0,
            10..20 => 2,
            _ => 1,
        };
        self.made.lost += u32::from(copies == 0);
        self.made.repeated += u32::from(copies == 2);
        if (20..25).contains(&chance) {
            self.late.push((is_request, payload.clone()));
        }
        let way = if is_request { &mut self.requests } else { &mut self.answers };
        way.extend(std::iter::repeat_n(payload, copies));
    }

    /// A message comes, mostly the oldest one.
    fn carry(&mut self) {
        if !self.late.is_empty() && self.random.in_1000(20) {
            self.made.late += 1;
            let (is_request, payload) = self.late.swap_remove(self.random.below(self.late.len()));
            return self.deliver(is_request, &payload);
        }
        let is_request = self.random.in_100(50);
        let way = if is_request { &mut self.requests } else { &mut self.answers };
        if way.is_empty() {
            return;
        }
        let at = if self.random.in_100(40) { self.random.below(way.len().min(8)) } else { 0 };
        self.made.overtaken += u32::from(at > 0);
        let payload = way.remove(at);
        self.deliver(is_request, &payload);
    }

    fn deliver(&mut self, is_request: bool, payload: &[u8]) {
        if is_request {
            self.server.receive(Topic::Request, payload);
            self.publish();
        } else {
            self.tell(&format!("altair/{CHANNEL}{}", Topic::Response.suffix()), payload);
        }
    }

    /// Everything works from now on. All must come to an end, and caller and store must agree.
    fn end(mut self) {
        self.is_reliable = true;
        self.server.refuse_writes(None);
        let flush = self.caller.flush();
        self.tell("caller", flush.as_bytes());
        self.settle();
        // A device that missed an INVALIDATE learns of it now.
        self.wait(31_000);
        self.settle();
        assert!(self.caller.replaced.is_empty(), "the device knows of each replaced image");
        for drive in drives() {
            for sector in 0..SECTORS {
                let known = self.caller.sectors.get_mut(&(drive, sector)).unwrap();
                let stored = self.server.sector(drive, sector);
                assert!(known.all().contains(&stored), "{drive:?} {sector} is not as it was acknowledged");
                // What failed and was uncertain is certain now.
                known.durable = stored;
                known.uncertain.clear();
                let read = self.caller.read((drive, sector));
                self.tell("caller", read.as_bytes());
            }
        }
        self.settle();
        println!("{:?}, the device told {:?}", self.made, self.caller.told);
        self.all_was_tried();
        self.device.end();
    }

    fn settle(&mut self) {
        for _ in 0..400 {
            self.wait(500);
            self.server.commit();
            self.publish();
            for _ in 0..self.requests.len() + self.answers.len() {
                if !self.requests.is_empty() {
                    let payload = self.requests.remove(0);
                    self.deliver(true, &payload);
                    self.server.commit();
                    self.publish();
                }
                if !self.answers.is_empty() {
                    let payload = self.answers.remove(0);
                    self.deliver(false, &payload);
                }
            }
            if self.caller.is_content() && self.requests.is_empty() && self.answers.is_empty() {
                return;
            }
        }
        panic!("the device does not come to an end");
    }

    /// A run that lacks a fault shows nothing.
    fn all_was_tried(&self) {
        let Made { lost, repeated, overtaken, late, crashes, replaced, full, reconnections, boots } =
            self.made;
        let made = [lost, repeated, overtaken, late, crashes, replaced, full, reconnections, boots];
        assert!(made.iter().all(|count| *count > 0), "{:?}", self.made);
        for told in ["read", "acknowledged", "failed", "changed", "flushed", "full"] {
            assert!(self.caller.told.contains_key(told), "nothing {told}");
        }
        assert!(self.server.service.counters().groups > 0);
    }
}
