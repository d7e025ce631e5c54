//! What arrives from a network, as whatever a topic may carry: it is a value that encodes to the same bytes, or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vdisk_proto::codec::frame::{Frame, FrameError, OVERHEAD};
use vdisk_proto::codec::hello::{HelloAnswer, HelloRequest, REQUEST_LENGTH};
use vdisk_proto::codec::{Channel, Topic, crc32c, legacy, topic};

const CHANNEL: &str = "12345678";

fuzz_target!(|bytes: &[u8]| {
    let channel = Channel::new(CHANNEL).expect("a channel's name");
    check_frame(&channel, bytes);
    check_frame(&channel, &with_checksum(bytes));
    check_hello(bytes);
    if let Ok(read) = legacy::Read::decode(bytes) {
        assert_eq!(read.encode(), bytes);
    }
    if let Ok(write) = legacy::Write::decode(bytes) {
        assert_eq!(write.encode(), bytes);
    }
    if let Some((channel, topic)) = str::from_utf8(bytes).ok().and_then(Topic::parse) {
        let mut memory = [0; topic::MAX_LENGTH];
        assert_eq!(topic.write(&channel, &mut memory).map(str::as_bytes), Some(bytes));
    }
});

/// The bytes as a frame that passes: the fuzzer does not guess checksums.
fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    let frame = [b"VD", bytes].concat();
    let checksum = crc32c(&[CHANNEL.as_bytes(), &frame]);
    [&frame[..], &checksum.to_le_bytes()].concat()
}

fn check_frame(channel: &Channel, bytes: &[u8]) {
    match Frame::decode(channel, bytes) {
        Ok(frame) => {
            let mut encoded = vec![0; frame.length()];
            assert!(frame.encode(channel, &mut encoded));
            assert_eq!(encoded, bytes);
            check_hello(frame.body);
        }
        Err(FrameError::Refused(head, status)) => {
            let refusal = head.refusal(channel, status);
            let answer = Frame::decode(channel, &refusal);
            let is_known = (1..=5).contains(&head.operation);
            assert_eq!(answer.is_ok_and(|answer| answer.is_answer && answer.status == status), is_known);
        }
        Err(FrameError::TooShort { length }) => assert!(length == bytes.len() && length < OVERHEAD),
        Err(_) => {}
    }
}

fn check_hello(body: &[u8]) {
    if let Ok(request) = HelloRequest::decode(body) {
        let encoded = request.encode();
        assert_eq!(HelloRequest::decode(&encoded), Ok(request));
        // Of the reserved bytes nothing is kept.
        assert_eq!((&encoded[..14], &encoded[16..]), (&body[..14], &body[16..REQUEST_LENGTH]));
    }
    if let Ok((answer, drives)) = HelloAnswer::decode(body) {
        let drives: Vec<_> = drives.collect();
        let mut memory = vec![0; HelloAnswer::length(drives.len())];
        if let Some(encoded) = answer.encode(&drives, &mut memory) {
            let (again, same) = HelloAnswer::decode(encoded).expect("it was encoded");
            assert!(again == answer && same.eq(drives));
        } else {
            assert!(drives.len() > 16, "there is room for it");
        }
    }
}
