//! What no device should send. Nothing of it may change a byte, or keep the next request from being served.

use super::*;

#[test]
fn legacy_messages_of_other_lengths_are_counted_and_not_answered() {
    let mut server = Server::new();
    for length in [0, 1, 3, 5, 141, 4_096] {
        server.receive("read", &vec![0; length]);
    }
    for length in [0, 1, 4, 140, 142, 4 + 2 * 137, 65_536] {
        server.receive("write", &vec![0; length]);
    }
    assert_eq!(server.data(), [[0; 0]; 0]);
    assert!(server.service.begin_group().is_none());
    assert_eq!(server.service.counters().legacy_lengths, 13);
    server.receive("read", &[0; 4]);
    assert_eq!(server.data().len(), 1);
}

#[test]
fn topics_that_no_device_sends_to_are_counted() {
    let mut server = Server::new();
    let long = ["altair/", &"x".repeat(300), "/vdisk/read"].concat();
    let foreign = [
        "",
        "/",
        "altair",
        "altair//vdisk/read",
        "altair/../vdisk/read",
        "altair/b.dsk/vdisk/read",
        "altair/a b/vdisk/read",
        "altair/é/vdisk/read",
        "altair/123456789012345678901234567890123/vdisk/read",
        &long,
        "altair/1/vdisk/read/",
        "altair/1/vdisk",
        "altair/1/vdisk/v2",
        "altair/1/dev",
        "altair/vdisk-server/claim",
        // Its own.
        "altair/1/vdisk/data",
        "altair/1/vdisk/v2/rsp",
    ];
    for topic in foreign {
        server.service.received(topic, &Bytes::from_static(&[0; 4]), false, server.now);
    }
    assert_eq!(server.service.counters().foreign_topics, foreign.len() as u64);
    assert_eq!(server.service.poll_transmit(), None);
}

#[test]
fn retained_messages_are_dropped() {
    let mut server = Server::new();
    let hello = Bytes::from(encode(CHANNEL, &hello(&hello_body(1, 0, 1_000))));
    for (topic, payload) in [
        ("altair/12345678/vdisk/read", Bytes::from_static(&[0; 4])),
        ("altair/12345678/vdisk/write", Bytes::from_static(&[0; 141])),
        ("altair/12345678/vdisk/v2/req", hello),
    ] {
        server.service.received(topic, &payload, true, server.now);
    }
    server.commit();
    assert_eq!(server.service.poll_transmit(), None);
    assert_eq!(server.service.counters().retained, 3);
}

#[test]
fn a_frame_with_any_bit_wrong_is_not_answered() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    let frame = encode(CHANNEL, &write(session, 1, 0, &sector(0xaa)));
    for bit in 0..frame.len() * 8 {
        let mut damaged = frame.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        server.receive("v2/req", &damaged);
    }
    for length in 0..frame.len() {
        server.receive("v2/req", &frame[..length]);
    }
    server.receive("v2/req", &[&frame[..], &[0]].concat());
    server.receive("v2/req", &encode("1234567", &write(session, 1, 0, &sector(0xaa))));
    server.receive("v2/req", &vec![0x56; 100_000]);
    assert!(server.service.begin_group().is_none());
    assert_eq!(server.answers(), []);
    assert_eq!(server.service.counters().malformed_frames as usize, frame.len() * 9 + 3);
    assert_eq!(server.ask_one(&write(session, 1, 0, &sector(0xaa))).acknowledged, 1);
}

#[test]
fn answers_are_no_requests() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    for request in [flush(session, 1), write(session, 1, 0, &[1; 137]), hello(&hello_body(2, 0, 1_000))] {
        assert_eq!(server.ask(&Frame { is_answer: true, ..request }), []);
    }
    assert_eq!(server.service.counters().answers_received, 3);
    assert_eq!(server.stored(0), 0);
}

#[test]
fn an_invalidate_or_a_flush_with_a_body_is_a_bad_request() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    for bad in [Frame::blank(Operation::Invalidate, session, 1), Frame { body: &[0], ..flush(session, 1) }] {
        let answer = server.ask_one(&bad);
        assert_eq!(
            (answer.status, answer.operation, answer.is_answer),
            (Status::BadRequest, bad.operation, true)
        );
    }
}

/// A frame whose checksum is right, with another version and operation.
fn frame_of(version: u8, operation: u8) -> Vec<u8> {
    let mut bytes = encode(CHANNEL, &flush(7, 8));
    (bytes[2], bytes[3]) = (version, operation);
    let mut checksum = u32::MAX;
    for byte in CHANNEL.bytes().chain(bytes[..24].iter().copied()) {
        checksum ^= u32::from(byte);
        for _ in 0..8 {
            checksum = (checksum >> 1) ^ if checksum & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    bytes[24..].copy_from_slice(&(!checksum).to_le_bytes());
    bytes
}

#[test]
fn a_newer_version_or_an_unknown_operation_is_refused() {
    let mut server = Server::new();
    for (version, operation, status) in [
        (3, 4, Status::UnsupportedVersion),
        (3, 99, Status::UnsupportedVersion),
        (255, 0, Status::UnsupportedVersion),
        (2, 0, Status::BadRequest),
        (2, 6, Status::BadRequest),
        (2, 127, Status::BadRequest),
    ] {
        server.receive("v2/req", &frame_of(version, operation));
        let answer = server.service.poll_transmit().unwrap().payload;
        let expected = frame_of(2, operation | 0x80);
        assert_eq!(answer[..23], expected[..23], "version {version}, operation {operation}");
        assert_eq!((answer.len(), answer[23]), (28, status as u8));
    }
    assert_eq!(server.refused(Status::UnsupportedVersion), 3);
    assert_eq!(server.refused(Status::BadRequest), 3);
}

#[test]
fn an_older_version_or_an_answer_of_any_kind_is_not_answered() {
    let mut server = Server::new();
    for (version, operation) in [(0, 4), (1, 4), (1, 1), (3, 0x84), (2, 0x80), (2, 0xff)] {
        server.receive("v2/req", &frame_of(version, operation));
    }
    assert_eq!(server.answers(), []);
    assert_eq!(server.service.counters().malformed_frames, 6);
}
