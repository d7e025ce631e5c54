//! Generations, and what ends a session.

use super::*;

#[test]
fn a_generation_is_the_clock_at_least() {
    let mut server = Server::new();
    server.now.wall_ns = 1_700_000_000_000_000_000;
    let welcome = server.hello(1, 0);
    assert_eq!(
        welcome.generations,
        [(0, server.now.wall_ns), (1, server.now.wall_ns), (2, server.now.wall_ns)]
    );
}

#[test]
fn a_generation_grows_even_if_the_clock_goes_back() {
    let mut server = Server::new();
    let old = server.hello(1, 0);
    server.now.wall_ns = 0;
    server.service.image_changed(channel(), Drive::B, server.now);
    server.commit();
    server.answers();
    assert_eq!(server.hello(2, 1).generation(1), old.generation(1) + 1);
}

#[test]
fn the_sessions_own_writes_do_not_grow_it() {
    let mut server = Server::new();
    let old = server.hello(1, 0);
    server.write(old.session, 1, 0, 0xaa);
    server.wait(1_000);
    assert_eq!(server.hello(2, old.session).generations, old.generations);
}

#[test]
fn a_changed_image_ends_the_session_and_its_device_is_told() {
    let mut server = Server::new();
    let old = server.hello(1, 0);
    server.service.image_changed(channel(), Drive::new(2).unwrap(), server.now);
    assert_eq!(server.ask(&flush(old.session, 1))[0].acknowledged, 0, "from now on");
    let stale = server.ask_one(&read(old.session, 2, 0, 1));
    assert_eq!((stale.status, stale.acknowledged), (Status::StaleSession, 0));
    let new = server.hello(2, old.session);
    assert_eq!(new.generation(1), old.generation(1));
    assert!(new.generation(2) > old.generation(2));
    assert!(new.session > old.session);
}

#[test]
fn invalidate_follows_what_the_session_is_told() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    server.receive("v2/req", &encode(CHANNEL, &write(session, 1, 0, &sector(0xaa))));
    let group = server.service.begin_group().unwrap();
    server.service.image_changed(channel(), Drive::B, server.now);
    server.service.end_group(group);
    let acknowledged = server.answers();
    assert_eq!((acknowledged.len(), acknowledged[0].acknowledged), (1, 1));
    server.commit();
    assert_eq!(server.answers(), [Answer { drive: 1, ..invalidate(session) }]);
    let stale = server.ask_one(&write(session, 2, 0, &sector(0xbb)));
    assert_eq!(stale.status, Status::StaleSession);
}

#[test]
fn writes_that_wait_are_dropped_when_the_image_changes() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    for sequence in 1..=3 {
        server.receive("v2/req", &encode(CHANNEL, &write(session, sequence, 0, &sector(0xaa))));
    }
    server.service.image_changed(channel(), Drive::B, server.now);
    server.commit();
    assert_eq!(server.answers(), [Answer { drive: 1, ..invalidate(session) }]);
    assert_eq!(server.stored(0), 0);
    assert_eq!(server.service.counters().writes_dropped, 3);
}

#[test]
fn images_that_change_together_end_the_session_once() {
    let mut server = Server::new();
    let old = server.hello(1, 0);
    for drive in [Drive::A, Drive::B, Drive::A, Drive::B] {
        server.service.image_changed(channel(), drive, server.now);
    }
    let group = server.service.begin_group().unwrap();
    assert_eq!(group.entries().count(), 2);
    server.service.image_changed(channel(), Drive::B, server.now);
    server.service.end_group(group);
    server.commit();
    assert_eq!(server.answers(), [invalidate(old.session)]);
    let new = server.hello(2, old.session);
    assert!(new.generation(0) > old.generation(0));
    assert!(new.generation(1) > old.generation(1));
    assert_eq!(new.generation(2), old.generation(2));
}

#[test]
fn a_change_of_a_channel_without_anything_durable_is_nothing() {
    let mut server = Server::new();
    server.service.image_changed(channel(), Drive::B, server.now);
    assert!(server.service.begin_group().is_none());
}

#[test]
fn a_hello_whose_session_missed_writes_grows_every_generation() {
    let mut server = Server::new();
    let mine = server.hello(1, 0);
    let theirs = server.hello(2, 0);
    server.write(theirs.session, 1, 0, 0xaa);
    let new = server.hello(3, mine.session);
    for drive in 0..3 {
        assert!(new.generation(drive) > theirs.generation(drive));
    }
    assert_eq!(server.answers(), [], "no INVALIDATE for the session that this HELLO replaced");
}

#[test]
fn a_hello_whose_session_missed_nothing_grows_none() {
    let mut server = Server::new();
    let first = server.hello(1, 0);
    let second = server.hello(2, 0);
    assert_eq!(second.generations, first.generations, "nobody wrote");
    server.write(second.session, 1, 0, 0xaa);
    let third = server.hello(3, second.session);
    assert_eq!(third.generations, first.generations);
    assert_eq!(server.hello(4, second.session).generations, first.generations, "the third did not write");
}

#[test]
fn writes_that_wait_count_as_missed() {
    let mut server = Server::new();
    let mine = server.hello(1, 0);
    let theirs = server.hello(2, 0);
    server.receive("v2/req", &encode(CHANNEL, &write(theirs.session, 1, 0, &sector(0xaa))));
    let new = Welcome::decode(&server.ask(&hello(&hello_body(3, mine.session, 1_000)))[1]);
    assert!(new.generation(1) > theirs.generation(1));
}

/// A HELLO may be late: its device rebooted since, has another session, and accepted writes in it.
#[test]
fn a_late_hello_of_a_device_that_rebooted_costs_it_nothing() {
    let mut server = Server::new();
    let before = server.hello(1, 0);
    server.write(before.session, 1, 0, 0xaa);
    let rebooted = server.hello(3, 0);
    server.write(rebooted.session, 1, 0, 0xbb);
    let late = server.hello(2, before.session);
    assert!(late.generation(1) > rebooted.generation(1), "it missed writes");
    assert_eq!(server.ask_one(&flush(rebooted.session, 1)).acknowledged, late.session);
    let again = server.hello(4, rebooted.session);
    assert_eq!(again.generations, rebooted.generations, "nothing changed for the device that is there");
    assert!(server.hello(5, before.session).generation(1) > late.generation(1), "no number is given twice");
}

/// The same before the device that rebooted was heard: accepted writes are still to be sent.
#[test]
fn late_hellos_before_the_first_request_cost_nothing_either() {
    let mut server = Server::new();
    let before = server.hello(1, 0);
    server.write(before.session, 1, 0, 0xaa);
    let rebooted = server.hello(2, 0);
    assert!(rebooted.generation(1) > before.generation(1), "it missed writes");
    for (nonce, previous) in [(3, before.session), (4, 0)] {
        server.hello(nonce, previous);
    }
    server.restart(false);
    let again = server.hello(5, rebooted.session);
    assert_eq!(again.generations, rebooted.generations, "nothing changed for the device that is there");
    assert_eq!(server.hello(6, again.session).generations, rebooted.generations);
}

#[test]
fn a_session_that_was_heard_keeps_what_its_hello_was_told() {
    let setup = || {
        let mut server = Server::new();
        let mine = server.hello(1, 0);
        let theirs = server.hello(2, 0);
        server.write(theirs.session, 1, 0, 0xaa);
        let new = server.hello(3, mine.session);
        (server, new)
    };
    let (mut server, new) = setup();
    assert_eq!(server.hello(4, new.session).generations, new.generations, "named as the previous one");
    let (mut server, new) = setup();
    server.ask_one(&read(new.session, 1, 0, 1));
    assert_eq!(server.hello(4, new.session - 1).generations, new.generations, "carried a READ");
    let (mut server, new) = setup();
    server.write(new.session, 1, 0, 0xbb);
    server.restart(false);
    assert_eq!(
        server.hello(4, new.session).generations,
        new.generations,
        "carried a WRITE, across a restart"
    );
    let (mut server, new) = setup();
    server.restart(false);
    assert_eq!(server.hello(3, 0).generations, new.generations, "its nonce again, across a restart");
}

#[test]
fn a_session_that_was_never_assigned_means_disks_from_the_past() {
    let mut server = Server::new();
    let old = server.hello(1, 0);
    assert!(server.hello(2, 40).generation(1) > old.generation(1));
}

#[test]
fn disks_from_the_past_are_told_by_the_mark_that_a_device_knows() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    server.write(session, 1, 0, 0xaa);
    let saved = server.store.save();
    server.write(session, 2, 1, 0xbb);
    let known = server.hello(2, session).generations;
    server.store.restore(&saved);
    server.restart(false);
    let body = hello_body(3, session, 1_000);
    let answer = server.ask_one(&Frame { acknowledged: 2, ..hello(&body) });
    assert!(Welcome::decode(&answer).generation(1) > known[1].1, "the second write is lost");

    server.store.restore(&saved);
    server.restart(false);
    let answer = server.ask_one(&Frame { acknowledged: 1, ..hello(&body) });
    assert_eq!(Welcome::decode(&answer).generations, known, "nothing is");
}
