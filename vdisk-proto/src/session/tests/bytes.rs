//! The bytes of what is sent and taken.

use super::*;

/// What a device that boots publishes: a HELLO with sequence 1 and nonce 0x100.
const HELLO: &[u8] = b"VD\x02\x01\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\x01\0\0\0\0\0\0\0\0\0\0\xdd\x03\0\0\x82\x04\0\0\x4f\xb8\x07\xd1";
/// The answer: session 7, frames of 8,192 bytes, a window of 8, and drive B of generation 9.
const WELCOME: &[u8] = b"VD\x02\x81\x07\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\x01\0\0\0\0\0\0\0\x20\x08\x01\x01\0\x89\0\x20\0\x4d\0\x09\0\0\0\0\0\0\0\x95\xa1\x43\x68";
/// A READ of 32 sectors from 40 on, with sequence 2.
const READ: &[u8] = b"VD\x02\x02\x07\0\0\0\x02\0\0\0\0\0\0\0\x28\0\0\0\x20\0\x01\0\xc7\x3d\x4c\xdb";
/// A FLUSH with sequence 2.
const FLUSH: &[u8] = b"VD\x02\x04\x07\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x16\xdc\xcd\x7e";
/// The INVALIDATE of drive B.
const INVALIDATE: &[u8] = b"VD\x02\x05\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x81\x54\x91\x81";

/// A device that sent [`HELLO`] and took [`WELCOME`].
fn welcomed(memory: &mut [u8]) -> Device<'_> {
    let mut device = Device::boot(memory);
    device.connect();
    assert_eq!(device.payload(), Some((Topic::Request, HELLO.to_vec())));
    device.receive_bytes(Topic::Response, WELCOME);
    assert_eq!((device.told(), device.session.number()), (vec![Event::Opened], 7));
    device
}

#[test]
fn hello_is_sent_and_answered_like_this() {
    let mut memory = [0; MEMORY];
    let device = welcomed(&mut memory);
    let drive_b = DriveInfo { generation: 9, ..drive(1, Geometry::ALTAIR_8_INCH) };
    assert_eq!(device.session.drive(Drive::B), Some(&drive_b));
}

#[test]
fn a_read_is_sent_and_answered_like_this() {
    let mut memory = [0; MEMORY];
    let mut device = welcomed(&mut memory);
    device.read(40);
    assert_eq!(device.payload(), Some((Topic::Request, READ.to_vec())));
    let head = b"VD\x02\x82\x07\0\0\0\x02\0\0\0\0\0\0\0\x28\0\0\0\x01\0\x01\0";
    device.receive_bytes(Topic::Response, &[&head[..], &[0xe5; SECTOR], b"\x55\x60\xa4\xc6"].concat());
    assert_eq!((device.arrived(), device.cached(40)), (vec![(b(40), 0xe5)], Some(0xe5)));
}

#[test]
fn a_write_is_sent_and_answered_like_this() {
    let mut memory = [0; MEMORY];
    let mut device = welcomed(&mut memory);
    device.write(40, 0xe5).unwrap();
    let head = b"VD\x02\x03\x07\0\0\0\x01\0\0\0\0\0\0\0\x28\0\0\0\x01\0\x01\0";
    let write = [&head[..], &[0xe5; SECTOR], b"\xe2\x15\x2f\xe6"].concat();
    assert_eq!(device.payload(), Some((Topic::Request, write)));
    let answer = b"VD\x02\x83\x07\0\0\0\x01\0\0\0\x01\0\0\0\x28\0\0\0\x01\0\x01\0\x7c\x8a\xf8\x67";
    device.receive_bytes(Topic::Response, answer);
    assert_eq!(device.session.unacknowledged(), 0);
}

#[test]
fn a_flush_is_sent_like_this() {
    let mut memory = [0; MEMORY];
    let mut device = welcomed(&mut memory);
    device.write(40, 0xe5).unwrap();
    device.session.flush();
    device.payload();
    assert_eq!(device.payload(), Some((Topic::Request, FLUSH.to_vec())));
}

#[test]
fn an_invalidate_is_taken_like_this() {
    let mut memory = [0; MEMORY];
    let mut device = welcomed(&mut memory);
    device.receive_bytes(Topic::Response, INVALIDATE);
    assert_eq!((device.session.number(), device.session.is_open()), (0, false));
}

#[test]
fn version_1_is_sent_and_answered_like_this() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    for pause_ms in [1_000, 2_000, 4_000] {
        device.sent();
        device.wait(pause_ms);
    }
    device.payload();
    assert_eq!(device.payload(), Some((Topic::LegacyRead, vec![0, 0, 0, 0])));
    device.receive_bytes(Topic::LegacyData, &[&[0; 4][..], &[0xe5; SECTOR]].concat());
    assert_eq!(device.told(), [Event::FellBack]);
    device.write(2_463, 0xe5).unwrap();
    let written = [&[0x17, 0x26, 0x05, 0][..], &[0xe5; SECTOR]].concat();
    assert_eq!(device.payload(), Some((Topic::LegacyWrite, written.clone())));
    assert_eq!(device.payload(), Some((Topic::LegacyRead, vec![0x17, 0x26, 0x05, 0])));
    device.receive_bytes(Topic::LegacyData, &written);
    assert_eq!(device.session.unacknowledged(), 0);
}

#[test]
fn what_is_no_message_for_a_device_is_counted_and_changes_nothing() {
    let mut memory = [0; MEMORY];
    let mut device = welcomed(&mut memory);
    for topic in [Topic::LegacyRead, Topic::LegacyWrite, Topic::Request] {
        device.receive_bytes(topic, INVALIDATE);
    }
    device.session.received(Topic::Response, INVALIDATE, true, 0, &mut device.host);
    assert_eq!(device.session.counters().foreign, 4);
    let mut damaged = INVALIDATE.to_vec();
    for at in 0..damaged.len() {
        damaged[at] ^= 1;
        device.receive_bytes(Topic::Response, &damaged);
        damaged[at] ^= 1;
    }
    device.receive_bytes(Topic::Response, &[]);
    device.receive_bytes(Topic::Response, READ);
    device.receive_bytes(Topic::LegacyData, &[0; 4]);
    assert_eq!(device.session.counters().malformed as usize, damaged.len() + 3);
    assert_eq!((device.session.number(), device.told()), (7, vec![]));
}
