//! Version 1.

use super::*;
use crate::service::channel::HEARD_MS;

fn read_at(server: &mut Server, offset: u32) -> Vec<u8> {
    server.receive("read", &offset.to_le_bytes());
    let mut data = server.data();
    assert_eq!(data.len(), 1);
    data.remove(0)
}

#[test]
fn a_read_answers_with_its_offset_and_137_bytes() {
    let mut server = Server::new();
    assert_eq!(read_at(&mut server, 3 * 137), [&[0x9b, 0x01, 0, 0][..], &[3; 137]].concat());
    assert_eq!(read_at(&mut server, 4 * 137 - 1)[4..7], [3, 4, 4], "at any offset");
    assert_eq!(server.service.counters().legacy_reads, 2);
    assert_eq!(server.service.counters().legacy_reads_past_image, 0);
}

#[test]
fn a_read_past_the_image_answers_zeros_and_is_counted() {
    let mut server = Server::new();
    for (offset, inside) in [(337_568 - 137, 137), (337_568 - 1, 1), (337_568, 0), (0xffff_fff0, 0)] {
        let answer = read_at(&mut server, offset);
        assert_eq!(answer[..4], offset.to_le_bytes());
        assert_eq!(answer[4..], [vec![0x9f; inside], vec![0; 137 - inside]].concat());
    }
    assert_eq!(server.service.counters().legacy_reads_past_image, 3);
}

#[test]
fn a_drive_that_is_not_there_is_read_as_zeros() {
    let mut service = Service::new(MemoryStore::new(), Limits::default(), Now::default());
    service.received("altair/x/vdisk/read", &Bytes::from_static(&[1, 0, 0, 0]), false, Now::default());
    assert_eq!(service.poll_transmit().unwrap().payload, [&[1, 0, 0, 0][..], &[0; 137]].concat());
}

#[test]
fn an_image_that_cannot_be_read_is_not_answered_with_lies() {
    let mut server = Server::new();
    server.store.set_faults(crate::store::Faults { read: true, ..Default::default() });
    server.receive("read", &[0; 4]);
    assert_eq!(server.data(), [[0; 0]; 0]);
    assert_eq!(server.service.counters().legacy_read_errors, 1);
}

#[test]
fn a_write_is_read_at_once_and_is_durable_after_its_group() {
    let mut server = Server::new();
    server.receive("write", &legacy_write(137, &sector(0xaa)));
    server.receive("write", &legacy_write(274, &sector(0xbb)));
    server.receive("write", &legacy_write(137, &sector(0xcc)));
    assert_eq!(read_at(&mut server, 100)[4..], [vec![0; 37], vec![0xcc; 100]].concat());
    assert_eq!(read_at(&mut server, 200)[4..], [vec![0xcc; 74], vec![0xbb; 63]].concat());
    assert_eq!(server.stored(1), 1);

    let group = server.service.begin_group().unwrap();
    server.receive("write", &legacy_write(411, &sector(0xdd)));
    assert_eq!(read_at(&mut server, 274)[4..], sector(0xbb), "in flight");
    server.service.end_group(group);
    assert_eq!(read_at(&mut server, 411)[4..], sector(0xdd), "waiting still");
    server.commit();
    assert_eq!(server.stored(3), 0xdd);
    assert_eq!(server.service.counters().legacy_writes, 4);
    assert_eq!(server.service.counters().writes, 4);
}

#[test]
fn a_write_that_is_not_one_whole_sector_of_the_image_changes_nothing() {
    let mut server = Server::new();
    let before = server.store.bytes(channel(), Drive::B);
    for offset in [1, 136, 138, 337_568, 337_568 - 136, 0xffff_fff0, u32::MAX - u32::MAX % 137] {
        server.receive("write", &legacy_write(offset, &sector(0xaa)));
    }
    server.commit();
    assert_eq!(server.store.bytes(channel(), Drive::B), before);
    assert_eq!(server.service.counters().legacy_writes_outside, 7);
    assert_eq!(server.service.counters().legacy_writes, 0);
}

#[test]
fn a_write_to_a_read_only_image_or_one_of_other_sectors_is_refused() {
    let mut server = Server::new();
    let geometry = Geometry::ALTAIR_8_INCH;
    server.store.set_image(channel(), Drive::B, Image { geometry, is_read_only: true }, vec![]);
    server.receive("write", &legacy_write(0, &sector(1)));
    assert_eq!(server.service.counters().legacy_writes_refused, 1);
    let image = Image { geometry: Geometry::IBM_3740, is_read_only: false };
    server.store.set_image(channel(), Drive::B, image, vec![]);
    server.receive("write", &legacy_write(0, &sector(1)));
    assert_eq!(server.service.counters().legacy_writes_outside, 1);
    assert!(server.service.begin_group().is_none());
}

#[test]
fn a_write_is_refused_for_90_s_after_a_session_was_heard() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    server.ask_one(&flush(session, 1));
    server.wait(HEARD_MS);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.service.counters().legacy_writes_in_session, 1);
    server.wait(1);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    server.commit();
    assert_eq!(server.stored(0), 0xaa);
}

#[test]
fn a_hello_counts_as_heard_once_its_session_carried_another_request() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    server.hello(1, 0);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.service.counters().legacy_writes, 1, "HELLO alone does not count");
    server.commit();
    server.answers();

    let session = server.hello(2, session).session;
    server.ask_one(&read(session, 1, 0, 1));
    server.wait(60_000);
    assert_eq!(server.hello(2, session).session, session);
    server.wait(60_000);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.service.counters().legacy_writes_in_session, 1, "the nonce again did");
}

#[test]
fn a_new_session_is_not_heard_but_the_one_before_it_was() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    server.ask_one(&flush(session, 1));
    server.wait(80_000);
    server.hello(2, session);
    server.hello(2, session);
    server.wait(10_000);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.service.counters().legacy_writes_in_session, 1);
    server.wait(1);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.service.counters().legacy_writes, 1, "the new session's HELLOs do not count");
}

#[test]
fn a_stale_request_does_not_count_as_heard() {
    let mut server = Server::new();
    let session = server.hello(1, 0).session;
    assert_eq!(server.ask_one(&flush(session + 1, 1)).status, Status::StaleSession);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.service.counters().legacy_writes, 1);
}

#[test]
fn a_write_that_applies_ends_the_session_and_grows_the_generation() {
    let mut server = Server::new();
    let old = server.hello(1, 0);
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    assert_eq!(server.answers(), [], "the device is told when it is durable");
    server.commit();
    let [told] = &server.answers()[..] else { panic!("one INVALIDATE") };
    assert_eq!(*told, Answer { drive: 1, ..invalidate(old.session) });
    let stale = server.ask_one(&flush(old.session, 1));
    assert_eq!((stale.status, stale.acknowledged), (Status::StaleSession, 0));
    assert_eq!(server.ask_one(&hello(&hello_body(1, 0, 1_000))).status, Status::StaleSession);
    let new = server.hello(2, old.session);
    assert!(new.generation(1) > old.generation(1));
    assert_eq!(new.generation(2), old.generation(2));
}

#[test]
fn a_write_that_the_store_refuses_changes_nothing() {
    let mut server = Server::new();
    let old = server.hello(1, 0);
    server.store.set_faults(crate::store::Faults { refuse: Some(Status::DiskFull), ..Default::default() });
    server.receive("write", &legacy_write(0, &sector(0xaa)));
    server.commit();
    assert_eq!(server.answers(), []);
    assert_eq!(server.service.counters().legacy_writes_refused, 1);
    assert_eq!(read_at(&mut server, 0)[4..], sector(0));
    assert_eq!(server.hello(1, 0), old, "the session goes on");
}
