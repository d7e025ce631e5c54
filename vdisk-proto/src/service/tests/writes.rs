//! WRITE and FLUSH: order, marks and refusals.

use super::*;
use crate::store::Faults;

fn device() -> (Server, u32) {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    (server, session)
}

impl Server {
    /// Sends a WRITE of a sector of B, without making anything durable.
    fn send_write(&mut self, session: u32, sequence: u32, number: u32, fill: u8) {
        self.receive("v2/req", &encode(CHANNEL, &write(session, sequence, number, &sector(fill))));
    }
}

#[test]
fn a_write_is_acknowledged_when_it_is_durable() {
    let (mut server, session) = device();
    server.send_write(session, 1, 5, 0xaa);
    assert_eq!(server.answers(), []);
    let flushed = {
        server.receive("v2/req", &encode(CHANNEL, &flush(session, 1)));
        server.answers().remove(0)
    };
    assert_eq!((flushed.operation, flushed.acknowledged), (Operation::Flush, 0));
    server.commit();
    let [answer] = &server.answers()[..] else { panic!("one answer") };
    assert_eq!((answer.operation, answer.is_answer, answer.status), (Operation::Write, true, Status::Ok));
    assert_eq!((answer.sequence, answer.acknowledged), (1, 1));
    assert_eq!((answer.sector, answer.count, answer.drive), (5, 1, 1));
    assert_eq!(server.stored(5), 0xaa);
    assert_eq!(server.ask_one(&flush(session, 2)).acknowledged, 1);
}

#[test]
fn answers_of_a_group_carry_its_last_mark() {
    let (mut server, session) = device();
    for sequence in 1..=3 {
        server.send_write(session, sequence, 0, sequence as u8);
    }
    server.commit();
    let marks: Vec<_> =
        server.answers().iter().map(|answer| (answer.sequence, answer.acknowledged)).collect();
    assert_eq!(marks, [(1, 3), (2, 3), (3, 3)]);
    assert_eq!(server.stored(0), 3);
}

#[test]
fn a_write_of_several_sectors_wraps_in_its_track() {
    let (mut server, session) = device();
    let body = [sector(0xaa), sector(0xbb), sector(0xcc)].concat();
    assert_eq!(server.ask_one(&write(session, 1, 62, &body)).acknowledged, 1);
    assert_eq!([62, 63, 32, 33, 64].map(|number| server.stored(number)), [0xaa, 0xbb, 0xcc, 33, 64]);
}

#[test]
fn a_write_that_came_before_is_acknowledged_again_and_not_applied() {
    let (mut server, session) = device();
    server.write(session, 1, 0, 0xaa);
    server.write(session, 2, 0, 0xbb);
    let again = server.ask_one(&write(session, 1, 0, &sector(0xaa)));
    assert_eq!((again.status, again.sequence, again.acknowledged), (Status::Ok, 1, 2));
    assert_eq!(server.stored(0), 0xbb);
    assert_eq!(server.service.counters().duplicate_writes, 1);
}

#[test]
fn a_write_that_comes_again_while_it_waits_is_applied_once() {
    let (mut server, session) = device();
    server.send_write(session, 1, 0, 0xaa);
    server.send_write(session, 1, 0, 0xaa);
    let group = server.service.begin_group().unwrap();
    server.send_write(session, 1, 0, 0xaa);
    assert_eq!(group.entries().count(), 1);
    server.service.end_group(group);
    assert_eq!(server.answers().len(), 1);
    assert!(server.service.begin_group().is_none());
    assert_eq!(server.service.counters().duplicate_writes, 2);
}

#[test]
fn a_write_after_a_gap_is_dropped() {
    let (mut server, session) = device();
    for sequence in [2, 3, u32::MAX] {
        assert_eq!(server.ask(&write(session, sequence, 0, &sector(0xaa))), []);
    }
    assert_eq!(server.service.counters().writes_after_gap, 3);
    server.write(session, 1, 0, 0xbb);
    assert_eq!(server.stored(0), 0xbb);
}

#[test]
fn a_refused_write_does_not_advance_the_mark() {
    let (mut server, session) = device();
    server.write(session, 1, 0, 0xaa);
    let unknown = Frame { drive: 9, ..write(session, 2, 0, &[0; 137]) };
    let read_only = Frame { drive: 0, count: 1, body: &[0; 128], ..write(session, 2, 0, &[]) };
    for (request, status) in [
        (unknown, Status::UnknownDrive),
        (read_only, Status::ReadOnly),
        (write(session, 2, 2_464, &[0; 137]), Status::OutOfRange),
        (Frame { count: 0, ..write(session, 2, 0, &[]) }, Status::BadRequest),
        (Frame { count: 2, ..write(session, 2, 0, &[0; 137]) }, Status::BadRequest),
        (Frame { count: 1, ..write(session, 2, 0, &[0; 136]) }, Status::BadRequest),
        (Frame { count: 1, ..write(session, 2, 0, &[0; 138]) }, Status::BadRequest),
        (write(session, 0, 0, &[0; 137]), Status::BadRequest),
    ] {
        let answer = server.ask_one(&request);
        assert_eq!((answer.status, answer.acknowledged), (status, 1), "{request:?}");
        assert_eq!(server.ask(&write(session, 3, 0, &sector(0xcc))), [], "the next one follows a gap");
    }
    server.write(session, 2, 0, 0xbb);
}

#[test]
fn a_write_that_the_store_refuses_takes_those_behind_it_along() {
    let (mut server, session) = device();
    server.write(session, 1, 0, 0xaa);
    for sequence in 2..=4 {
        server.send_write(session, sequence, 0, 0xbb);
    }
    let mut group = server.service.begin_group().unwrap();
    server.send_write(session, 5, 0, 0xbb);
    group.refuse(1, Status::DiskFull);
    assert_eq!(group.entries().map(|(index, _)| index).collect::<Vec<_>>(), [0]);
    crate::store::Store::write_group(&server.store, &mut group).unwrap();
    crate::store::Store::sync(&server.store, &group).unwrap();
    server.service.end_group(group);
    let answers: Vec<_> =
        server.answers().iter().map(|answer| (answer.sequence, answer.status, answer.acknowledged)).collect();
    assert_eq!(answers, [(2, Status::Ok, 2), (3, Status::DiskFull, 2)]);
    assert!(server.service.begin_group().is_none(), "number 5 went too");
    assert_eq!(server.service.counters().writes_dropped, 2);
    server.write(session, 3, 0, 0xcc);
    server.write(session, 4, 0, 0xdd);
}

#[test]
fn every_refusal_of_the_store_is_told() {
    for status in [Status::DiskFull, Status::IoError, Status::Busy] {
        let (mut server, session) = device();
        server.store.set_faults(Faults { refuse: Some(status), ..Faults::default() });
        let answer = server.ask_one(&write(session, 1, 0, &sector(0xaa)));
        assert_eq!((answer.status, answer.acknowledged), (status, 0));
        assert_eq!((server.refused(status), server.stored(0)), (1, 0));
        server.store.set_faults(Faults::default());
        server.write(session, 1, 0, 0xaa);
    }
}

#[test]
fn requests_are_counted_as_served_or_by_why_they_are_refused() {
    let (mut server, session) = device();
    let before = server.service.counters().requests;
    server.ask(&flush(session, 1));
    server.ask(&read(session, 2, 0, 1));
    server.ask(&read(session, 3, 2_464, 1));
    let served = server.service.counters().requests - before;
    assert_eq!((served, server.refused(Status::OutOfRange)), (2, 1));
}

#[test]
fn a_frame_larger_than_was_agreed_is_refused() {
    let limits = Limits { largest_frame: 28 + 2 * 137, ..Limits::default() };
    let mut server = Server::with(limits);
    let session = server.hello(1, 0).session;
    let answer = server.ask_one(&write(session, 1, 0, &[0xaa; 3 * 137]));
    assert_eq!(answer.status, Status::TooLarge);
    assert_eq!(server.ask_one(&write(session, 1, 0, &[0xaa; 2 * 137])).acknowledged, 1);
    let answer = server.ask_one(&write(session + 1, 1, 0, &[0xaa; 3 * 137]));
    assert_eq!((answer.status, answer.acknowledged), (Status::TooLarge, 0), "the mark is another session's");
}

#[test]
fn identical_bytes_journal_the_mark_and_not_the_bytes() {
    let (mut server, session) = device();
    let before = server.store.journalled();
    server.write(session, 1, 7, 7);
    let after = server.store.journalled();
    assert_eq!((after.records - before.records, after.bytes - before.bytes), (1, 0));
    server.write(session, 2, 7, 8);
    assert_eq!(server.store.journalled().bytes - after.bytes, 137);
    server.restart(false);
    assert_eq!(server.ask_one(&flush(session, 1)).acknowledged, 2);
}

#[test]
fn payloads_are_not_copied_on_their_way_to_the_store() {
    let (mut server, session) = device();
    let payload = Bytes::from(encode(CHANNEL, &write(session, 1, 0, &sector(0xaa))));
    server.service.received("altair/12345678/vdisk/v2/req", &payload, false, server.now);
    let group = server.service.begin_group().unwrap();
    let (_, entry) = group.entries().next().unwrap();
    let crate::store::Record::Write(write) = &entry.record else { panic!("a write") };
    assert_eq!(write.bytes.as_ptr(), payload[24..].as_ptr());
}
