//! A service over a store in memory: operations beside a naive server, which is the model of the service's own tests,
//! or messages with any bytes and frames with any fields, of which only bounds are checked.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sector_cache::{Drive, Geometry};
use vdisk_proto::codec::frame::{Frame, Operation};
use vdisk_proto::codec::{Channel, Status, Topic};
use vdisk_proto::service::{Limits, Now, Service, Transmit};
use vdisk_proto::store::{Faults, Group, Image, MemoryStore, Store};

#[path = "../../vdisk-proto/src/service/tests/model.rs"]
mod model;

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((kind, operations)) if kind % 2 == 0 => {
            model::run(operations.as_chunks().0.iter().copied());
        }
        Some((_, messages)) => anything(messages),
        None => {}
    }
});

const CHANNEL: &str = "12345678";
const LIMITS: Limits = Limits {
    channels: 2,
    channel_records: 4,
    waiting_bytes: 4_096,
    group_bytes: 1_024,
    channel_answer_bytes: 2_048,
    largest_frame: 4_096,
    window: 8,
};

/// Sends what the input says, sixteen bytes a message and as many more as they ask for.
fn anything(mut messages: &[u8]) {
    let store = MemoryStore::new();
    let channel = Channel::new(CHANNEL).unwrap();
    let shapes = [(Drive::A, Geometry::new(3, 2, 64)), (Drive::B, Geometry::new(2, 3, 137))];
    for (drive, geometry) in shapes {
        let is_read_only = drive == Drive::A;
        store.set_template(drive, Image { geometry: geometry.unwrap(), is_read_only }, vec![]);
    }
    let mut now = Now { monotonic_ms: 0, wall_ns: 1 };
    let mut service = Service::new(store.clone(), LIMITS, now);
    while let Some((head, rest)) = messages.split_first_chunk::<16>() {
        let (body, rest) = rest.split_at(rest.len().min(usize::from(head[1])));
        messages = rest;
        let mut receive = |topic: &str, payload: Vec<u8>, is_retained: bool| {
            let topic = ["altair/", CHANNEL, "/vdisk/", topic].concat();
            service.received(&topic, &Bytes::from(payload), is_retained, now);
        };
        match head[0] % 12 {
            0..=4 => receive("v2/req", frame(&channel, head, body), false),
            5 => receive("v2/req", body.to_vec(), false),
            6 => receive("read", head[2..6].to_vec(), false),
            7 => receive("write", [&head[2..4], &[0, 0], &[head[4]; 137]].concat(), head[5] == 0),
            8 => receive(["read", "write", "data", "v2/rsp"][usize::from(head[2] % 4)], body.to_vec(), false),
            9 => now.monotonic_ms += u64::from(head[2]) * 1_000,
            10 => service.image_changed(channel, Drive::new(head[2] % 16).unwrap(), now),
            _ if head[2] == 0 => {
                store.crash(head[3] % 2 == 0);
                service = Service::new(store.clone(), LIMITS, now);
            }
            _ => assert!(service.commit().is_ok()),
        }
        if head[14] % 4 != 0 {
            check_answers(&mut service);
        }
    }
    check_answers(&mut service);
    for (drive, geometry) in shapes {
        assert_eq!(store.bytes(channel, drive).unwrap().len() as u64, geometry.unwrap().bytes());
    }
    assert!(store.bytes(channel, Drive::A).unwrap().iter().all(|byte| *byte == 0), "it is read-only");
}

/// A frame with a checksum that is right.
fn frame(channel: &Channel, head: &[u8; 16], body: &[u8]) -> Vec<u8> {
    let operations =
        [Operation::Hello, Operation::Read, Operation::Write, Operation::Flush, Operation::Invalidate];
    let long = [&body.repeat(8), body][usize::from(head[2] % 2)].to_vec();
    let frame = Frame {
        operation: operations[usize::from(head[3] % 5)],
        is_answer: head[4] == 0,
        session: u32::from(head[5] % 8),
        sequence: u32::from(head[6]),
        acknowledged: 0,
        sector: u32::from(head[7] % 8),
        count: u16::from(head[8] % 8),
        drive: head[9] % 4,
        status: Status::Ok,
        body: &long,
    };
    let mut bytes = vec![0; 28 + long.len()];
    frame.encode(channel, &mut bytes);
    bytes
}

/// Takes all answers: no more than may wait, and each in order.
fn check_answers(service: &mut Service<MemoryStore>) {
    let mut waiting = 0;
    while let Some(Transmit { channel, topic, payload }) = service.poll_transmit() {
        waiting += payload.len();
        match topic {
            Topic::LegacyData => assert_eq!(payload.len(), 141),
            Topic::Response => {
                let frame = Frame::decode(&channel, &payload).unwrap();
                assert!(frame.status == Status::Ok || frame.body.is_empty());
                assert!(frame.is_answer || frame.operation == Operation::Invalidate);
            }
            _ => panic!("{topic:?} is not the server's"),
        }
    }
    assert!(waiting <= 2 * LIMITS.channel_answer_bytes, "{waiting} bytes waited");
}
