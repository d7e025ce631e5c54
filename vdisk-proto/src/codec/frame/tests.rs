#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

fn channel() -> Channel {
    Channel::new("12345678").unwrap()
}

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = vec![0xaa; frame.length()];
    assert!(frame.encode(&channel(), &mut bytes));
    bytes
}

/// A frame in which every field has another value.
const TELLING: Frame<'_> = Frame {
    operation: Operation::Read,
    is_answer: true,
    session: 0x0102_0304,
    sequence: 0x1112_1314,
    acknowledged: 0x2122_2324,
    sector: 0x3132_3334,
    count: 0x4142,
    drive: 1,
    status: Status::Busy,
    body: b"abc",
};

#[test]
fn a_frame_is_as_its_table_says() {
    let bytes = encoded(&TELLING);
    assert_eq!(
        bytes[..24],
        *b"VD\x02\x82\x04\x03\x02\x01\x14\x13\x12\x11\x24\x23\x22\x21\x34\x33\x32\x31\x42\x41\x01\x0b"
    );
    assert_eq!(bytes[24..27], *b"abc");
    assert_eq!(bytes[27..], crc32c(&[b"12345678", &bytes[..27]]).to_le_bytes());
    assert_eq!(Frame::decode(&channel(), &bytes), Ok(TELLING));
}

#[test]
fn a_frame_is_written_to_memory_of_its_length_only() {
    for length in [0, 27, 30, 32, 100] {
        let mut bytes = vec![0xaa; length];
        assert!(!TELLING.encode(&channel(), &mut bytes));
        assert!(bytes.iter().all(|&byte| byte == 0xaa), "nothing is written");
    }
    assert!(!TELLING.seal(&channel(), &mut [0; 27]));
    let mut around = [&[0; 24][..], b"abc", &[0; 4]].concat();
    assert!(TELLING.seal(&channel(), &mut around));
    assert_eq!(around, encoded(&TELLING));
}

#[test]
fn a_frame_of_another_channel_does_not_pass() {
    let bytes = encoded(&TELLING);
    let other = Channel::new("12345679").unwrap();
    assert_eq!(Frame::decode(&other, &bytes), Err(FrameError::Checksum));
}

/// A frame with one byte changed and its checksum made right.
fn changed(frame: &Frame<'_>, at: usize, byte: u8) -> Result<(), FrameError> {
    let mut bytes = encoded(frame);
    bytes[at] = byte;
    seal(&channel(), &mut bytes);
    Frame::decode(&channel(), &bytes).map(|_| ())
}

#[test]
fn what_is_not_understood_is_refused_or_dropped() {
    let request = Frame { is_answer: false, status: Status::Ok, body: b"", ..TELLING };
    let head = |operation| Head { operation, session: request.session, sequence: request.sequence };
    assert_eq!(changed(&request, 0, b'v'), Err(FrameError::Magic));
    for version in [0, 1] {
        assert_eq!(changed(&request, 2, version), Err(FrameError::Version { version }));
    }
    assert_eq!(changed(&request, 2, 3), Err(FrameError::Refused(head(2), Status::UnsupportedVersion)));
    for operation in [0, 6, 0x7f] {
        assert_eq!(
            changed(&request, 3, operation),
            Err(FrameError::Refused(head(operation), Status::BadRequest))
        );
    }
    assert_eq!(changed(&request, 23, 12), Err(FrameError::Refused(head(2), Status::BadRequest)));
    for (at, byte) in [(2, 3), (3, 0x80), (3, 0x86), (23, 12)] {
        assert_eq!(changed(&TELLING, at, byte), Err(FrameError::Answer), "nobody answers an answer");
    }
    for length in 0..OVERHEAD {
        assert_eq!(Frame::decode(&channel(), &[0; OVERHEAD][..length]), Err(FrameError::TooShort { length }));
    }
}

#[test]
fn a_refusal_repeats_what_was_received() {
    let head = Head { operation: 9, session: 5, sequence: 6 };
    let bytes = head.refusal(&channel(), Status::UnsupportedVersion);
    assert_eq!(bytes[..24], *b"VD\x02\x89\x05\0\0\0\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02");
    assert_eq!(bytes[24..], crc32c(&[b"12345678", &bytes[..24]]).to_le_bytes());
}

proptest! {
    #[test]
    fn frames_are_decoded_as_they_were_encoded(
        (operation, is_answer, status) in (1_u8..=5, any::<bool>(), 0_u8..12),
        (session, sequence, acknowledged, sector) in any::<(u32, u32, u32, u32)>(),
        (count, drive) in any::<(u16, u8)>(),
        body in proptest::collection::vec(any::<u8>(), 0..200),
        (at, change) in (any::<prop::sample::Index>(), 1_u8..),
    ) {
        let frame = Frame {
            operation: Operation::from_number(operation).unwrap(),
            is_answer, session, sequence, acknowledged, sector, count, drive,
            status: Status::from_number(status).unwrap(),
            body: &body,
        };
        let mut bytes = encoded(&frame);
        prop_assert_eq!(Frame::decode(&channel(), &bytes), Ok(frame));
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        prop_assert!(Frame::decode(&channel(), &bytes).is_err(), "byte {} was changed", at);
    }

    #[test]
    fn any_bytes_are_a_frame_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..100), whole: bool) {
        if whole && bytes.len() >= OVERHEAD {
            bytes[..2].copy_from_slice(&MAGIC);
            seal(&channel(), &mut bytes);
        }
        if let Ok(frame) = Frame::decode(&channel(), &bytes) {
            prop_assert_eq!(encoded(&frame), bytes);
        }
    }
}
