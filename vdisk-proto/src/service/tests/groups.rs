//! What becomes durable together, and when it is told.

use std::sync::{Arc, Mutex};

use super::*;
use crate::store::{Faults, Store};

fn send_write(server: &mut Server, session: u32, sequence: u32, fill: u8) {
    server.receive("v2/req", &encode(CHANNEL, &write(session, sequence, 0, &sector(fill))));
}

/// The store has no room for the first record of the next group.
fn refuse(server: &mut Server) {
    let mut group = server.service.begin_group().unwrap();
    refuse_first(server, &mut group);
    server.service.end_group(group);
}

fn refuse_first(server: &mut Server, group: &mut Group) {
    group.refuse(0, Status::DiskFull);
    server.store.write_group(group).unwrap();
    server.store.sync(group).unwrap();
}

#[test]
fn one_group_is_in_flight_at_a_time() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    send_write(&mut server, session, 1, 0xaa);
    let group = server.service.begin_group().unwrap();
    send_write(&mut server, session, 2, 0xbb);
    assert!(server.service.begin_group().is_none());
    server.service.end_group(group);
    assert_eq!(server.service.begin_group().unwrap().entries().count(), 1);
}

#[test]
fn nothing_waits_after_a_commit() {
    let mut server = Server::new();
    assert!(!server.service.commit().unwrap());
    let session = server.hello(1, 0).session;
    send_write(&mut server, session, 1, 0xaa);
    assert!(server.service.commit().unwrap());
    assert!(!server.service.commit().unwrap());
    assert_eq!(server.service.counters().groups, 2);
}

#[test]
fn a_driver_sees_what_waits_to_be_written_and_whether_something_is_to_be_sent() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    assert_eq!((server.service.waiting_bytes(), server.service.has_transmit()), (0, false));
    send_write(&mut server, session, 1, 0xaa);
    send_write(&mut server, session, 2, 0xbb);
    assert_eq!((server.service.waiting_bytes(), server.service.has_transmit()), (2 * 301, false));
    server.commit();
    assert_eq!((server.service.waiting_bytes(), server.service.has_transmit()), (0, true));
    server.service.poll_transmit().unwrap();
    assert!(server.service.has_transmit(), "there are two answers");
    server.answers();
    assert!(!server.service.has_transmit());
}

#[test]
fn a_group_is_no_longer_than_its_bound() {
    // Three records with a sector each, at 160, 4 and 137 bytes.
    let mut server = Server::with(Limits { group_bytes: 3 * 301, ..Limits::default() });
    let session = server.hello(1, 0).session;
    for sequence in 1..=7 {
        send_write(&mut server, session, sequence, sequence as u8);
    }
    let mut sizes = Vec::new();
    while let Some(mut group) = server.service.begin_group() {
        sizes.push(group.entries().count());
        server.store.write_group(&mut group).unwrap();
        server.store.sync(&group).unwrap();
        server.service.end_group(group);
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(server.answers().len(), 7);
}

#[test]
fn a_group_has_one_record_in_any_case() {
    let mut server = Server::with(Limits { group_bytes: 0, ..Limits::default() });
    let session = server.hello(1, 0).session;
    server.write(session, 1, 0, 0xaa);
    server.write(session, 2, 0, 0xbb);
}

#[test]
fn channels_share_a_group() {
    let mut server = Server::new();
    for name in ["one", "two"] {
        server.receive_on(name, "v2/req", &encode(name, &hello(&hello_body(1, 0, 1_000))));
    }
    assert_eq!(server.service.begin_group().unwrap().entries().count(), 2);
}

#[test]
fn a_change_that_is_refused_waits_for_the_next_group() {
    let mut server = Server::new();
    let old = server.hello(1, 0);
    server.service.image_changed(channel(), Drive::B, server.now);
    server.receive("v2/req", &encode(CHANNEL, &hello(&hello_body(2, old.session, 1_000))));
    refuse(&mut server);
    assert_eq!(server.answers(), [], "the session reckons with the change, and comes again");
    assert_eq!(server.store.ledgers()[0].1.current(), Some(old.session));
    assert!(server.service.begin_group().is_none(), "a full disk is not asked without end");
    assert_eq!(server.ask_one(&read(old.session, 1, 0, 1)).status, Status::StaleSession);

    server.receive("v2/req", &encode(CHANNEL, &hello(&hello_body(2, old.session, 1_000))));
    refuse(&mut server);
    server.receive("v2/req", &encode(CHANNEL, &hello(&hello_body(2, old.session, 1_000))));
    server.commit();
    let answers = server.answers();
    let new = Welcome::decode(&answers[0]);
    assert_eq!(answers[1..], [Answer { drive: 1, ..invalidate(old.session) }]);
    assert!(new.session > old.session && new.generation(1) > old.generation(1));
    assert_eq!((new.generation(2), server.service.waiting_bytes()), (old.generation(2), 0));
    server.write(new.session, 1, 0, 0xaa);
}

#[test]
fn a_session_that_the_store_refuses_is_answered_so() {
    let mut server = Server::new();
    let body = hello_body(1, 0, 1_000);
    server.receive("v2/req", &encode(CHANNEL, &Frame { sequence: 9, ..hello(&body) }));
    refuse(&mut server);
    let [answer] = &server.answers()[..] else { panic!("one answer") };
    assert!(answer.is_answer);
    assert_eq!((answer.operation, answer.sequence), (Operation::Hello, 9));
    assert_eq!((answer.status, answer.session), (Status::DiskFull, 0));
}

#[test]
fn a_refused_write_leaves_no_room_taken_behind_it() {
    let mut server = Server::with(Limits { channel_records: 2, ..Limits::default() });
    let session = server.hello(1, 0).session;
    send_write(&mut server, session, 1, 0xaa);
    let mut group = server.service.begin_group().unwrap();
    server.receive("v2/req", &encode(CHANNEL, &hello(&hello_body(2, session, 1_000))));
    refuse_first(&mut server, &mut group);
    server.service.end_group(group);
    server.commit();
    let answers = server.answers();
    assert_eq!((answers[0].operation, answers[0].status), (Operation::Write, Status::DiskFull));
    let session = Welcome::decode(&answers[1]).session;
    send_write(&mut server, session, 1, 0xbb);
    send_write(&mut server, session, 2, 0xcc);
    server.commit();
    assert_eq!(server.answers().iter().map(|answer| answer.status).collect::<Vec<_>>(), [Status::Ok; 2]);
}

#[test]
fn a_channel_of_which_everything_was_refused_takes_no_other_s_place() {
    let mut server = Server::with(Limits { channels: 1, ..Limits::default() });
    server.receive_on("one", "write", &legacy_write(0, &sector(1)));
    refuse(&mut server);
    server.receive_on("two", "write", &legacy_write(0, &sector(2)));
    let counters = server.service.counters();
    assert_eq!((counters.legacy_writes, counters.legacy_writes_busy), (2, 0));
}

#[test]
fn a_thread_writes_groups_to_a_store_that_it_shares() {
    let store = Arc::new(Server::new().store);
    let service = Mutex::new(Service::new(Arc::clone(&store), Limits::default(), Now::default()));
    let receive = |payload: Vec<u8>| {
        let payload = Bytes::from(payload);
        service.lock().unwrap().received("altair/12345678/vdisk/write", &payload, false, Now::default());
    };
    receive(legacy_write(0, &sector(0xaa)));
    let mut group = service.lock().unwrap().begin_group().unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            store.write_group(&mut group).unwrap();
            store.sync(&group).unwrap();
            group
        });
        receive(legacy_write(137, &sector(0xbb)));
        let group = writer.join().unwrap();
        service.lock().unwrap().end_group(group);
    });
    assert!(service.lock().unwrap().commit().unwrap());
    assert_eq!(store.bytes(channel(), Drive::B).unwrap()[..274], [[0xaa; 137], [0xbb; 137]].concat());

    let borrowed = &*store;
    assert_eq!(Service::new(borrowed, Limits::default(), Now::default()).store().ledgers().len(), 1);
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_any_more() {
    for fails_at_write in [true, false] {
        let mut server = Server::new();
        let session = server.hello(1, 0).session;
        send_write(&mut server, session, 1, 0xaa);
        let faults = Faults { sync: true, ..Faults::default() };
        if fails_at_write {
            server.store.set_faults(faults);
            assert!(server.service.commit().is_err());
        } else {
            let mut group = server.service.begin_group().unwrap();
            server.store.write_group(&mut group).unwrap();
            server.store.set_faults(faults);
            assert!(server.store.sync(&group).is_err());
        }
        server.store.set_faults(Faults::default());
        send_write(&mut server, session, 2, 0xbb);
        assert!(!server.service.commit().unwrap());
        assert_eq!(server.answers(), []);
        assert_eq!(server.stored(0), 0);
    }
}

/// The defect is there, so that a simulator that plants it has something to find.
#[test]
fn a_planted_defect_acknowledges_before_the_sync() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    server.service.defect = Some(super::super::Defect::AcknowledgeBeforeSync);
    send_write(&mut server, session, 1, 0xaa);
    let group = server.service.begin_group().unwrap();
    assert_eq!(server.answers()[0].acknowledged, 1);
    server.service.end_group(group);
    assert_eq!(server.answers(), []);
}
