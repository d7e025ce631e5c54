//! A device beside a service, and beside hostile answers; without I/O.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sector_cache::Geometry;
use vdisk_proto::codec::{Status, Topic};
use vdisk_proto::service::{Limits, Now, Service};
use vdisk_proto::store::{Image, MemoryStore, Store as _};

use super::*;
use crate::speaker::topic_name;
use crate::wire::{Packet, take};

const IMAGE: Image = Image { geometry: Geometry::ALTAIR_8_INCH, is_read_only: false };

/// What is done to an answer that is right.
type Change = fn(&mut Frame<'_>);

/// A device, a server, and how many requests are still to be made.
struct Pair {
    device: Version2,
    service: Service<MemoryStore>,
    store: MemoryStore,
    tally: Tally,
    left: u64,
    now: Instant,
}

impl Pair {
    fn new(writes_percent: u8, sectors: u16, left: u64) -> Self {
        let store = MemoryStore::new();
        store.set_template(Drive::B, IMAGE, vec![7; 137 * 2_464]);
        let channel = Channel::new("bench-v2-1").unwrap();
        let load = Load { window: 12, writes_percent, timeout: Duration::from_secs(8), seed: 1 };
        let topic = topic_name(Topic::Request, &channel);
        let setup = Setup { load, channel, topic, drives: vec![Drive::B], sectors, device: 1 };
        Self {
            device: Version2::new(setup),
            service: service(&store),
            store,
            tally: Tally::new(),
            left,
            now: Instant::now(),
        }
    }

    /// What the device sends now.
    fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        self.device.send(&mut self.left, self.now, &mut self.tally, &mut out);
        self.device.check_invariants();
        let mut rest = &out[..];
        let mut payloads = Vec::new();
        while let Some(packet) = take(&mut rest).unwrap() {
            let Packet::Publish { payload, .. } = packet else { panic!("{packet:?}") };
            payloads.push(payload.to_vec());
        }
        payloads
    }

    /// What the server answers.
    fn answers(&mut self, requests: &[Vec<u8>]) -> Vec<Vec<u8>> {
        for request in requests {
            let payload = request.clone().into();
            self.service.received("altair/bench-v2-1/vdisk/v2/req", &payload, false, Now::default());
        }
        while let Some(mut group) = self.service.begin_group() {
            self.store.write_group(&mut group).unwrap();
            self.store.sync(&group).unwrap();
            self.service.end_group(group);
        }
        std::iter::from_fn(|| self.service.poll_transmit()).map(|message| message.payload.to_vec()).collect()
    }

    fn receive(&mut self, answer: &[u8]) {
        self.device.receive(answer, false, self.now, &mut self.tally);
        self.device.check_invariants();
    }

    /// Goes on until all is done; a message of which `is_lost` says so does not arrive.
    fn finish(&mut self, mut is_lost: impl FnMut() -> bool) {
        for _ in 0..10_000 {
            let requests: Vec<_> = self.sent().into_iter().filter(|_| !is_lost()).collect();
            for answer in self.answers(&requests) {
                if !is_lost() {
                    self.receive(&answer);
                }
            }
            if self.left == 0 && self.device.is_idle() {
                return;
            }
            self.now += Duration::from_millis(300);
            self.device.expire(self.now, &mut self.tally);
        }
        panic!("it does not come to an end");
    }

    fn faults(&self) -> Vec<(Fault, u64)> {
        self.tally.counted().filter(|(_, count)| *count > 0).collect()
    }
}

impl Version2 {
    fn check_invariants(&self) {
        let writes = self.in_flight.iter().filter(|request| request.stamp.is_some()).count();
        assert!(self.greeting.is_some() || writes == self.writes_in_flight());
        assert!(self.in_flight.iter().is_sorted_by_key(|request| request.sent));
    }
}

fn service(store: &MemoryStore) -> Service<MemoryStore> {
    Service::new(store.clone(), Limits::default(), Now::default())
}

#[test]
fn reads_and_writes_are_done_and_checked() {
    for sectors in [1, 5, 32, 64] {
        let mut pair = Pair::new(30, sectors, 500);
        pair.finish(|| false);
        assert_eq!(pair.faults(), []);
        assert_eq!(pair.tally.reads.len() + pair.tally.writes.len(), 500);
        assert!(pair.tally.writes.len() > 100 && pair.tally.repeated == 0);
    }
}

#[test]
fn what_is_lost_on_the_way_hangs_nothing_and_every_request_is_accounted_for() {
    let mut pair = Pair::new(30, 4, 400);
    let mut random = Random::new(3, 3);
    pair.finish(|| random.below(10) == 0);
    let lost: u64 =
        pair.faults().iter().filter(|(fault, _)| *fault == Fault::Lost).map(|(_, count)| count).sum();
    assert!(lost > 0 && pair.tally.repeated > 0);
    assert_eq!(pair.tally.reads.len() + pair.tally.writes.len() + lost, 400, "{:?}", pair.faults());
}

#[test]
fn a_server_that_forgot_the_session_is_greeted_again() {
    let mut pair = Pair::new(0, 1, 0);
    pair.finish(|| false);
    pair.service = service(&MemoryStore::new());
    pair.left = 40;
    let requests = pair.sent();
    let greeting = pair.answers(&requests);
    pair.store.set_template(Drive::B, IMAGE, Vec::new());
    for answer in greeting {
        pair.receive(&answer);
    }
    pair.service = service(&pair.store);
    pair.finish(|| false);
    assert!(pair.faults().iter().any(|(fault, _)| *fault == Fault::Interrupted), "{:?}", pair.faults());
}

#[test]
fn a_server_that_is_of_no_use_is_told() {
    let mut pair = Pair::new(50, 1, 1);
    pair.store.set_template(Drive::B, Image { is_read_only: true, ..IMAGE }, Vec::new());
    let requests = pair.sent();
    for answer in pair.answers(&requests) {
        pair.receive(&answer);
    }
    assert!(pair.device.is_open().unwrap_err().to_string().contains("drive B is read-only"));

    let mut pair = Pair::new(0, 1, 1);
    pair.device.setup.drives = vec![Drive::A, Drive::B];
    let requests = pair.sent();
    for answer in pair.answers(&requests) {
        pair.receive(&answer);
    }
    assert!(pair.device.is_open().unwrap_err().to_string().contains("\"B\", and not all of \"AB\""));
}

#[test]
fn wrong_bytes_and_refusals_are_counted() {
    let mut pair = Pair::new(0, 1, 0);
    pair.finish(|| false);
    let channel = pair.device.setup.channel;
    let answer = |request: &[u8], change: Change| {
        let request = Frame::decode(&channel, request).unwrap();
        let mut frame = Frame { is_answer: true, body: &[7; 137], ..request };
        change(&mut frame);
        let mut bytes = vec![0; frame.length()];
        assert!(frame.encode(&channel, &mut bytes));
        bytes
    };
    let changes: [(Change, Fault); 6] = [
        (|frame| frame.body = &[], Fault::Frame),
        (|frame| frame.sector ^= 1, Fault::Frame),
        (|frame| frame.drive = 2, Fault::Frame),
        (|frame| frame.acknowledged = 9, Fault::Frame),
        (|frame| frame.session ^= 1, Fault::Unexpected),
        (|frame| (frame.status, frame.body) = (Status::IoError, &[]), Fault::Refused),
    ];
    for (change, fault) in changes {
        pair.tally = Tally::new();
        pair.left = 1;
        pair.device.in_flight.clear();
        let requests = pair.sent();
        let wrong = answer(&requests[0], change);
        pair.receive(&wrong);
        assert_eq!(pair.faults(), [(fault, 1)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_stops_a_device(
        changes in prop::collection::vec((any::<u16>(), any::<u8>(), any::<bool>()), 40),
    ) {
        let mut pair = Pair::new(40, 7, 60);
        for (at, value, is_sealed) in changes {
            let requests = pair.sent();
            for mut answer in pair.answers(&requests) {
                let length = answer.len();
                answer[usize::from(at) % length] ^= value;
                if is_sealed {
                    let (checked, checksum) = answer.split_last_chunk_mut::<4>().unwrap();
                    let parts = [pair.device.setup.channel.as_bytes(), checked];
                    *checksum = vdisk_proto::codec::crc32c(&parts).to_le_bytes();
                }
                pair.receive(&answer);
                pair.receive(&answer[..usize::from(at) % length]);
            }
            pair.now += Duration::from_millis(400);
            pair.device.expire(pair.now, &mut pair.tally);
        }
    }
}
