//! READ and its answers.

use super::*;
use crate::store::Faults;

/// A device with a session that takes frames of that length.
fn device(largest_frame: u16) -> (Server, u32) {
    let mut server = Server::new();
    let session = server.ask_one(&hello(&hello_body(1, 0, largest_frame))).session;
    (server, session)
}

#[test]
fn a_track_comes_in_as_many_frames_as_the_device_needs_the_wanted_sector_first() {
    // What is left of the board's 1,024 bytes: seven sectors of 137 and the frame's 28.
    let (mut server, session) = device(7 * 137 + 28);
    let answers = server.ask(&read(session, 9, 62, 32));
    let shape: Vec<_> = answers.iter().map(|answer| (answer.sector, answer.count)).collect();
    assert_eq!(shape, [(62, 7), (37, 7), (44, 7), (51, 7), (58, 4)]);
    for answer in &answers {
        assert_eq!((answer.operation, answer.is_answer), (Operation::Read, true));
        assert_eq!((answer.session, answer.sequence, answer.drive), (session, 9, 1));
    }
    let bytes: Vec<u8> = answers.into_iter().flat_map(|answer| answer.body).collect();
    let expected: Vec<u8> = [62, 63].into_iter().chain(32..62).flat_map(sector).collect();
    assert_eq!(bytes, expected);
}

#[test]
fn an_answer_is_as_long_as_the_device_takes_and_no_longer() {
    for (largest_frame, frames) in [(165, 4), (301, 4), (302, 2), (575, 2), (576, 1), (u16::MAX, 1)] {
        let (mut server, session) = device(largest_frame);
        let answers = server.ask(&read(session, 1, 32, 4));
        assert_eq!(answers.len(), frames, "{largest_frame}");
        assert!(answers.iter().all(|answer| answer.body.len() + 28 <= usize::from(largest_frame)));
    }
    let (mut server, session) = device(164);
    assert_eq!(server.ask_one(&read(session, 1, 32, 4)).status, Status::TooLarge);
    let of_128 = Frame { drive: 0, ..read(session, 1, 0, 1) };
    assert_eq!(server.ask_one(&of_128).body, [0; 128]);
}

#[test]
fn every_shape_of_drive_is_read() {
    let (mut server, session) = device(10_000);
    let answer = server.ask_one(&Frame { drive: 2, ..read(session, 1, 559, 16) });
    assert_eq!(answer.body.len(), 16 * 137);
    assert_eq!((answer.body[0], answer.body[137]), (47, 32), "559 and, wrapped, 544");
}

#[test]
fn an_answer_carries_the_mark() {
    let (mut server, session) = device(1_000);
    server.write(session, 1, 0, 0xaa);
    server.receive("v2/req", &encode(CHANNEL, &write(session, 2, 0, &sector(0xbb))));
    server.receive("v2/req", &encode(CHANNEL, &read(session, 1, 0, 1)));
    let answers = server.answers();
    assert_eq!((answers[0].acknowledged, answers[0].body[0]), (1, 0xaa), "what is durable");
    server.commit();
    server.answers();
    let answer = server.ask_one(&read(session, 2, 0, 1));
    assert_eq!((answer.acknowledged, answer.body[0]), (2, 0xbb));
}

#[test]
fn what_is_not_there_is_refused() {
    let (mut server, session) = device(1_000);
    for (request, status) in [
        (read(session, 1, 0, 0), Status::BadRequest),
        (read(session, 1, 0, 33), Status::BadRequest),
        (Frame { body: &[1], ..read(session, 1, 0, 1) }, Status::BadRequest),
        (read(session, 1, 2_464, 1), Status::OutOfRange),
        (read(session, 1, u32::MAX, 32), Status::OutOfRange),
        (Frame { drive: 3, ..read(session, 1, 0, 1) }, Status::UnknownDrive),
        (Frame { drive: 15, ..read(session, 1, 0, 1) }, Status::UnknownDrive),
        (Frame { drive: 16, ..read(session, 1, 0, 1) }, Status::UnknownDrive),
        (Frame { drive: 255, ..read(session, 1, 0, 1) }, Status::UnknownDrive),
    ] {
        let answer = server.ask_one(&request);
        assert_eq!((answer.status, answer.body), (status, vec![]), "{request:?}");
    }
    assert_eq!(server.refused(Status::UnknownDrive), 4);
}

#[test]
fn an_image_that_cannot_be_read_is_an_io_error() {
    let (mut server, session) = device(1_000);
    server.store.set_faults(Faults { read: true, ..Faults::default() });
    let answer = server.ask_one(&read(session, 1, 0, 32));
    assert_eq!((answer.status, answer.sequence), (Status::IoError, 1));
}
