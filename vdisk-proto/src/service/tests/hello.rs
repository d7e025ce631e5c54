//! Sessions and nonces.

use super::*;
use crate::store::{Entry, Group, Record, Session, Store};

#[test]
fn the_answer_is_these_bytes() {
    let mut server = Server::with(Limits { window: 8, ..Limits::default() });
    let request = [
        0x56, 0x44, 2, 1, 0, 0, 0, 0, 0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // head
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0, 0xe8, 0x03, 0, 0, 0x20, 3, 0,
        0, // body
        0xcb, 0x83, 0x6f, 0xf1,
    ];
    server.receive("v2/req", &request);
    server.commit();
    let answer = server.service.poll_transmit().unwrap().payload;
    let expected = [
        &[0x56, 0x44, 2, 0x81, 1, 0, 0, 0, 0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &[0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0x40, 8, 3],
        &[0, 1, 128, 0, 26, 0, 77, 0, 0x40, 0x42, 0x0f, 0, 0, 0, 0, 0], // A, read-only
        &[1, 0, 137, 0, 32, 0, 77, 0, 0x40, 0x42, 0x0f, 0, 0, 0, 0, 0], // B
        &[2, 0, 137, 0, 16, 0, 35, 0, 0x40, 0x42, 0x0f, 0, 0, 0, 0, 0], // C
        &[0x82, 0xc3, 0xb8, 0xc8],
    ]
    .concat();
    assert_eq!(answer, expected);
}

#[test]
fn the_nonce_of_the_current_session_gets_it_again() {
    let mut server = Server::new();
    let first = server.hello(0xaa, 0);
    assert_eq!((first.session, first.mark, first.nonce), (1, 0, 0xaa));
    server.write(1, 1, 0, 0x11);
    let again = server.hello(0xaa, 0);
    assert_eq!(again, Welcome { mark: 1, ..first });
    assert_eq!(server.service.counters().groups, 2, "nothing was journalled for it");
}

#[test]
fn the_session_before_is_what_the_device_named() {
    let mut server = Server::new();
    assert_eq!(server.service.previous(channel()), 0, "it never said anything");
    let first = server.hello(0xaa, 0).session;
    assert_eq!(server.service.previous(channel()), 0);
    let second = server.hello(0xbb, first).session;
    server.hello(0xcc, second);
    assert_eq!(server.service.previous(channel()), second);
}

#[test]
fn a_session_is_durable_before_the_answer() {
    let mut server = Server::new();
    server.receive("v2/req", &encode(CHANNEL, &hello(&hello_body(0xaa, 0, 1_000))));
    assert_eq!(server.answers(), []);
    let mut group = server.service.begin_group().unwrap();
    server.store.write_group(&mut group).unwrap();
    assert_eq!(server.answers(), []);
    assert_eq!(server.ask(&flush(1, 1))[0].status, Status::StaleSession, "nobody was told of it");
    server.store.sync(&group).unwrap();
    server.service.end_group(group);
    assert_eq!(server.answers()[0].session, 1);
}

#[test]
fn a_hello_that_comes_twice_before_its_session_is_durable_is_answered_once() {
    let mut server = Server::new();
    let body = hello_body(0xaa, 0, 1_000);
    for sequence in [1, 2] {
        let again = Frame { sequence, ..hello(&body) };
        server.receive("v2/req", &encode(CHANNEL, &again));
    }
    server.commit();
    let answers = server.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].session, answers[0].sequence), (1, 2));
}

#[test]
fn a_hello_overtaken_by_another_is_not_answered() {
    let mut server = Server::new();
    for nonce in [1, 2] {
        server.receive("v2/req", &encode(CHANNEL, &hello(&hello_body(nonce, 0, 1_000))));
    }
    server.commit();
    let answers = server.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].session, Welcome::decode(&answers[0]).nonce), (2, 2));

    // The same with one in flight.
    server.receive("v2/req", &encode(CHANNEL, &hello(&hello_body(3, 0, 1_000))));
    let group = server.service.begin_group().unwrap();
    server.receive("v2/req", &encode(CHANNEL, &hello(&hello_body(4, 0, 1_000))));
    server.service.end_group(group);
    assert_eq!(server.answers(), []);
    server.commit();
    assert_eq!(server.answers()[0].session, 4);
}

#[test]
fn the_last_16_nonces_are_stale_and_change_nothing() {
    let mut server = Server::new();
    for nonce in 1..=17 {
        assert_eq!(server.hello(nonce, 0).session, nonce as u32);
    }
    for nonce in 2..=16 {
        let answer = server.ask_one(&hello(&hello_body(nonce, 0, 1_000)));
        assert_eq!((answer.status, answer.session, answer.acknowledged), (Status::StaleSession, 0, 17));
    }
    assert_eq!(server.hello(17, 0).session, 17);
    assert_eq!(server.hello(1, 0).session, 18, "the oldest is forgotten");
}

#[test]
fn any_other_session_is_stale() {
    let mut server = Server::new();
    assert_eq!(server.ask_one(&flush(1, 1)).acknowledged, 0, "there is none");
    let first = server.hello(1, 0).session;
    let second = server.hello(2, first).session;
    for session in [0, first, second + 1, u32::MAX] {
        for request in [flush(session, 9), read(session, 9, 0, 1), write(session, 1, 0, &sector(1))] {
            let answer = server.ask_one(&request);
            assert_eq!(answer.status, Status::StaleSession);
            assert_eq!((answer.session, answer.sequence), (session, request.sequence));
            assert_eq!(answer.acknowledged, second);
        }
    }
    assert_eq!(server.refused(Status::StaleSession), 13);
    assert_eq!(server.stored(0), 0);
}

#[test]
fn channels_have_sessions_of_their_own() {
    let mut server = Server::new();
    server.hello(1, 0);
    let body = hello_body(1, 0, 1_000);
    server.receive_on("other", "v2/req", &encode("other", &hello(&body)));
    server.commit();
    let answer = server.service.poll_transmit().unwrap();
    assert_eq!(answer.channel.as_str(), "other");
    assert_eq!(Answer::decode(&answer).session, 1);
}

#[test]
fn a_hello_that_is_none_is_refused() {
    let mut server = Server::new();
    let body = hello_body(1, 0, 1_000);
    let with_session = Frame { session: 1, ..hello(&body) };
    for request in [hello(&[]), hello(&body[..19]), with_session] {
        assert_eq!(server.ask_one(&request).status, Status::BadRequest);
    }
    // 28 bytes of frame, 12 of answer, and 16 for each of three drives.
    assert_eq!(server.ask_one(&hello(&hello_body(1, 0, 87))).status, Status::TooLarge);
    assert_eq!(server.ask_one(&hello(&hello_body(1, 0, 88))).status, Status::Ok);
}

#[test]
fn a_session_that_the_store_refuses_was_never_there() {
    let mut server = Server::new();
    server.receive("v2/req", &encode(CHANNEL, &hello(&hello_body(1, 0, 1_000))));
    let mut group = server.service.begin_group().unwrap();
    group.refuse(0, Status::Busy);
    server.service.end_group(group);
    let answers = server.answers();
    assert_eq!((answers[0].status, answers[0].sequence), (Status::Busy, 1));
    assert_eq!(server.hello(1, 0).session, 1);
}

#[test]
fn session_numbers_end() {
    let mut server = Server::new();
    let last = Session { session: u32::MAX, nonce: 7, largest_frame: 99, floor: 1, growth: 0 };
    let mut group = Group::new();
    group.entries.push(Entry { channel: channel(), record: Record::Session(last) });
    server.store.write_group(&mut group).unwrap();
    server.store.sync(&group).unwrap();
    server.restart(false);
    assert_eq!(server.ask_one(&hello(&hello_body(1, 0, 1_000))).status, Status::Busy);
    assert_eq!(server.ask_one(&flush(u32::MAX, 1)).status, Status::Ok);
}

#[test]
fn numbers_are_not_given_again_by_disks_from_the_past() {
    let mut server = Server::new();
    server.now.wall_ns = 1_700_000_000_000_000_000;
    let saved = server.store.save();
    let first = server.hello(1, 0).session;
    assert_eq!(first, 1_700_000_000);
    assert_eq!(server.hello(2, first).session, first + 1, "faster than the clock");
    server.wait(2_000);
    server.store.restore(&saved);
    server.restart(false);
    assert_eq!(server.hello(3, 0).session, first + 2);
    server.now.wall_ns = 0;
    assert_eq!(server.hello(4, 0).session, first + 3, "a clock that goes back");
}

#[test]
fn the_answer_tells_what_came_through_in_the_session_before() {
    let mut server = Server::new();
    let first = server.hello(1, 0).session;
    for sequence in 1..=3 {
        server.write(first, sequence, 0, 0xaa);
    }
    server.hello(2, 0);
    let applied = |server: &mut Server, nonce, previous| {
        let answer = server.ask_one(&hello(&hello_body(nonce, previous, 1_000)));
        (answer.acknowledged, answer.sector)
    };
    assert_eq!(applied(&mut server, 3, first), (0, 3));
    server.restart(false);
    assert_eq!(applied(&mut server, 3, first), (0, 3), "and again");
    assert_eq!(applied(&mut server, 4, 0), (0, 0));
    assert_eq!(applied(&mut server, 5, 99), (0, 0), "a session that never was");
}
