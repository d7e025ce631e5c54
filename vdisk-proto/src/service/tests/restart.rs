//! What a restart keeps.

use super::*;
use crate::store::Store;

#[test]
fn sessions_marks_nonces_and_generations_survive() {
    let mut server = Server::new();
    let first = server.hello(1, 0).session;
    let welcome = server.hello(2, first);
    server.write(welcome.session, 1, 0, 0xaa);
    server.restart(false);
    assert_eq!(server.ask_one(&flush(welcome.session, 1)).acknowledged, 1);
    assert_eq!(server.hello(2, first), Welcome { mark: 1, ..welcome.clone() });
    assert_eq!(server.ask_one(&hello(&hello_body(1, 0, 1_000))).status, Status::StaleSession);
    server.write(welcome.session, 2, 0, 0xbb);
    assert_eq!(server.hello(3, welcome.session).session, welcome.session + 1);
}

#[test]
fn a_device_is_still_answered_in_frames_that_it_takes() {
    let mut server = Server::new();
    let session = server.ask_one(&hello(&hello_body(1, 0, 165))).session;
    server.restart(false);
    assert_eq!(server.ask(&read(session, 1, 0, 3)).len(), 3);
}

#[test]
fn every_session_counts_as_heard_after_a_start() {
    let mut server = Server::new();
    server.hello(1, 0);
    server.restart(false);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.service.counters().legacy_writes_in_session, 1);
    server.wait(60_000);
    server.hello(1, 0);
    server.wait(60_000);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.service.counters().legacy_writes_in_session, 1 + 1, "its nonce again counts, too");
    server.wait(30_001);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.service.counters().legacy_writes, 1);
}

#[test]
fn a_channel_without_a_session_was_not_heard() {
    let mut server = Server::new();
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    server.commit();
    server.restart(false);
    server.receive("write", &legacy_write(0, &sector(0xbb)));
    assert_eq!(server.service.counters().legacy_writes, 1);
}

#[test]
fn a_session_that_ended_stays_ended() {
    let mut server = Server::new();
    let old = server.hello(1, 0);
    server.service.image_changed(channel(), Drive::B, server.now);
    server.commit();
    server.answers();
    server.restart(false);
    assert_eq!(server.ask_one(&flush(old.session, 1)).status, Status::StaleSession);
    assert!(server.hello(2, old.session).generation(1) > old.generation(1));
}

#[test]
fn what_was_not_synced_is_lost_whole_or_kept_whole() {
    for luck in [false, true] {
        let mut server = Server::new();
        let session = server.hello(1, 0).session;
        for sequence in 1..=2 {
            server.receive("v2/req", &encode(CHANNEL, &write(session, sequence, sequence, &sector(0xaa))));
        }
        let mut group = server.service.begin_group().unwrap();
        server.store.write_group(&mut group).unwrap();
        server.restart(luck);
        let (mark, stored) = if luck { (2, [0xaa, 0xaa]) } else { (0, [1, 2]) };
        assert_eq!(server.ask_one(&flush(session, 1)).acknowledged, mark);
        assert_eq!([1, 2].map(|number| server.stored(number)), stored);
        assert_eq!(server.answers(), [], "nobody was told");
    }
}
