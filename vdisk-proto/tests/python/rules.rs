//! The device's rules, one by one.

use sector_cache::Drive;
use vdisk_proto::codec::frame::{Frame, Operation};
use vdisk_proto::codec::hello::HelloRequest;
use vdisk_proto::codec::{Status, Topic};
use vdisk_proto::service::{Limits, Service};

use crate::caller::hex;
use crate::link::{Link, Message, server};
use crate::pipe::Device;
use crate::server::channel;

fn write(identity: u32, sector: u32, fill: u8) -> String {
    format!("write {identity} 1 {sector} {}", hex(&[fill; 137]))
}

fn read(identity: u32, fill: u8) -> String {
    format!("read {identity} {}", hex(&[fill; 137]))
}

/// Another device takes the channel.
fn other_hello(link: &mut Link, nonce: u64) {
    let hello = HelloRequest { nonce, previous: 0, largest_frame: 989, cacheable_sectors: 0 };
    let body = hello.encode();
    let frame = Frame { body: &body, ..Frame::blank(Operation::Hello, 0, 1) };
    let mut bytes = vec![0; frame.length()];
    assert!(frame.encode(&channel(), &mut bytes));
    link.requests.push((Topic::Request, bytes));
    link.answers();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn two_stale_sessions_within_a_minute_mean_another_device() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    other_hello(&mut link, 1);
    link.call("read 1 1 0");
    link.carry();
    assert_eq!(link.told(), ["begins 3", &read(1, 0)]);
    link.wait(61_000);
    link.carry();
    other_hello(&mut link, 2);
    link.call("read 2 1 40");
    link.carry();
    let told = link.told();
    assert!(told[0].starts_with("begins ") && told[1] == read(2, 0), "the first was too long ago: {told:?}");
    link.wait(1_000);
    other_hello(&mut link, 3);
    link.call(&write(3, 9, 7));
    link.carry();
    assert_eq!(link.told(), ["taken-over", "failed 3 taken over"]);
    link.wait(100_000);
    assert!(link.requests.is_empty(), "no HELLO by itself");
    link.call("resume");
    link.carry();
    assert!(link.told()[0].starts_with("begins "));
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn a_nonce_is_said_again_after_30_s_of_silence() {
    let Some(mut link) = Link::new(&[]) else { return };
    let first = Message::decode(&link.requests[0].1);
    assert_eq!((first.session, first.previous()), (0, 0));
    link.carry();
    link.wait(29_999);
    assert!(link.requests.is_empty());
    link.wait(1);
    let [again] = &link.requested()[..] else { panic!("a HELLO") };
    assert_eq!((again.session, again.previous(), again.nonce()), (0, 1, first.nonce()));
    assert_eq!(again.sequence, first.sequence + 1);
    link.wait(2_000);
    let [sent_again] = &link.requested()[..] else { panic!("the same HELLO") };
    assert_eq!((sent_again.sequence, &sent_again.body), (again.sequence, &again.body));
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn a_nonce_that_was_used_before_is_told_and_replaced() {
    let seed = ["--seed", "7"];
    let Some(mut link) = Link::greeted(&seed) else { return };
    link.call(&write(1, 0, 7));
    link.carry();
    link.told();
    link.device = Device::start(&seed).unwrap();
    link.tell("connected", b"", false);
    link.carry();
    assert_eq!(link.told(), ["nonce-repeated", "begins 2"]);
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn a_server_s_folder_from_the_past_is_told() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    link.call(&write(1, 0, 7));
    link.carry();
    link.told();
    link.server = server();
    link.wait(30_000);
    link.carry();
    let told = link.told();
    assert_eq!(told[0], "data-lost");
    assert!(told.iter().any(|line| line.starts_with("begins ")));
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn an_answer_that_is_older_than_a_write_is_not_kept() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    link.call("read 1 1 0");
    let old = link.answers();
    assert_eq!(old.len(), 5, "a track in five frames");
    link.call(&write(2, 9, 7));
    link.carry();
    assert_eq!(link.told(), ["acknowledged 2"]);
    for (topic, payload) in &old {
        link.bring(*topic, payload);
    }
    assert_eq!(link.told(), [read(1, 0)]);
    link.call("read 3 1 9");
    link.call("read 4 1 10");
    assert_eq!(link.told(), [read(3, 7), read(4, 0)], "both are known");

    // The same with a WRITE that is in flight when the READ sets out.
    link.call(&write(5, 41, 7));
    let written: Vec<_> = link.requests.drain(..).collect();
    link.call("read 6 1 40");
    let old = link.answers();
    link.requests = written;
    link.carry();
    for (topic, payload) in &old {
        link.bring(*topic, payload);
    }
    link.call("read 7 1 41");
    assert_eq!(link.told(), ["acknowledged 5", &read(6, 0), &read(7, 7)]);
    link.device.end();

    // And with a cache that has lost the sector again: it is asked for.
    let mut link = Link::greeted(&["--cache", "2"]).unwrap();
    link.call(&write(1, 9, 7));
    let [sent] = &link.requested()[..] else { panic!("a WRITE") };
    link.call("read 2 1 0");
    let first = Message::decode(&link.requests[0].1);
    let old = link.answers();
    link.bring(Topic::Response, &Message { acknowledged: 1, body: vec![], ..*sent }.answer());
    link.call("read 3 1 0");
    for (topic, payload) in &old[..4] {
        link.bring(*topic, payload);
    }
    assert_eq!(link.told(), ["acknowledged 1", &read(2, 0), &read(3, 0)]);
    link.call("read 4 1 9");
    let [again] = &link.requested()[..] else { panic!("another READ") };
    assert_eq!((again.sector, again.count), (9, 32));
    assert!(again.sequence > first.sequence);
    link.wait(2_000);
    let sequences: Vec<_> = link.requested().iter().map(|request| request.sequence).collect();
    assert_eq!(sequences, [first.sequence, again.sequence], "the first lacks a frame");
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn what_matches_nothing_does_not_count() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    link.call(&write(1, 0, 7));
    link.call("read 2 1 40");
    let [write, read] = &link.requested()[..] else { panic!("a WRITE and a READ") };
    let written = Message { acknowledged: 1, body: vec![], ..*write };
    let sectors = Message { body: vec![0; 137], acknowledged: 1, count: 1, ..*read };
    for wrong in [
        Message { sequence: 2, body: vec![], ..written },
        Message { session: 2, body: vec![], ..written },
        Message { operation: Operation::Flush, body: vec![], ..written },
        Message { acknowledged: 2, body: vec![], ..written },
        Message { sequence: read.sequence + 1, body: vec![0; 137], ..sectors },
        Message { operation: Operation::Flush, body: vec![], ..sectors },
        Message { sector: 8, body: vec![0; 137], ..sectors },
        Message { count: 2, body: vec![0; 137], ..sectors },
        Message { count: 0, body: vec![], ..sectors },
        Message { status: Status::Busy, body: vec![0; 137], ..sectors },
    ] {
        link.bring(Topic::Response, &wrong.answer());
        assert_eq!(link.told(), [""; 0], "{wrong:?}");
    }
    link.tell("altair/12345678/vdisk/v2/rsp", &written.answer(), true);
    let mut damaged = written.answer();
    damaged[12] ^= 2;
    link.bring(Topic::Response, &damaged);
    assert_eq!(link.told(), [""; 0]);
    link.bring(Topic::Response, &written.answer());
    assert_eq!(link.told(), ["acknowledged 1"]);
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn a_hello_is_answered_with_its_nonce() {
    let Some(mut link) = Link::new(&[]) else { return };
    let (topic, welcome) = link.answers().remove(0);
    let welcome = Message::decode(&welcome);
    for at in [0, 7] {
        let mut body = welcome.body.clone();
        body[at] ^= 1;
        link.bring(topic, &Message { body, ..welcome }.answer());
    }
    link.bring(topic, &Message { body: welcome.body[..27].to_vec(), ..welcome }.answer());
    let sequence = welcome.sequence + 1;
    link.bring(topic, &Message { sequence, body: welcome.body.clone(), ..welcome }.answer());
    assert_eq!(link.told(), [""; 0]);
    link.bring(topic, &welcome.answer());
    assert_eq!(link.told(), ["begins 1"]);
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn writes_go_back_to_the_first_that_is_not_acknowledged() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    for identity in 1..=8 {
        link.call(&write(identity, identity, 7));
    }
    link.call(&write(9, 9, 7));
    assert_eq!(link.told(), ["full 9"]);
    link.requests.remove(2);
    link.carry();
    assert_eq!(link.told(), ["acknowledged 1", "acknowledged 2"]);
    link.wait(2_000);
    let sequences: Vec<_> =
        link.requests.iter().map(|(_, payload)| Message::decode(payload).sequence).collect();
    assert_eq!(sequences, [3, 4, 5, 6, 7, 8]);
    link.carry();
    assert_eq!(link.told().len(), 6);
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn busy_is_no_refusal_and_another_status_is() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    for (status, told) in [
        (Status::Busy, ["acknowledged 1", "acknowledged 2", "flushed 3"]),
        (Status::DiskFull, ["failed 1 DISK_FULL", "acknowledged 2", "flushed 3"]),
    ] {
        link.server.refuse_writes(Some(status));
        link.call(&write(1, 1, 7));
        let answers = link.answers();
        link.call(&write(2, 2, 7));
        link.call("flush 3");
        link.server.refuse_writes(None);
        for (topic, payload) in answers {
            link.bring(topic, &payload);
        }
        link.wait(5_000);
        link.carry();
        link.wait(5_000);
        link.carry();
        let heard: Vec<_> = link.told().into_iter().filter(|text| !text.starts_with("begins")).collect();
        assert_eq!(heard, told, "{status:?}");
    }
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn a_refused_write_is_uncertain_until_it_is_read() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    link.call(&write(1, 9, 7));
    link.carry();
    link.server.refuse_writes(Some(Status::DiskFull));
    link.call(&write(2, 9, 8));
    let late: Vec<_> = link.requests.clone();
    let refused = link.answers();
    link.server.refuse_writes(None);
    link.bring(refused[0].0, &refused[0].1);
    assert_eq!(link.told(), ["acknowledged 1", "failed 2 DISK_FULL"]);
    // It comes once more, before the HELLO.
    link.requests.splice(..0, late);
    link.carry();
    link.call("read 3 1 9");
    link.carry();
    assert_eq!(link.told(), ["begins 2", &read(3, 8)]);
    link.device.end();
}

/// Nobody told the device, since another session came between.
#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn what_came_through_in_the_session_before_is_not_written_again() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    link.call(&write(1, 9, 7));
    link.call(&write(2, 9, 8));
    link.answers();
    link.server.service.image_changed(channel(), Drive::A, link.server.now);
    link.carry();
    link.wait(2_000);
    link.carry();
    let told = link.told();
    assert_eq!(told[..2], ["acknowledged 1", "acknowledged 2"], "{told:?}");
    assert_eq!(link.server.service.counters().writes, 2);
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn a_session_may_have_a_smaller_window() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    for identity in 1..=8 {
        link.call(&write(identity, identity, 7));
    }
    link.requests.clear();
    let limits = Limits { window: 3, ..Limits::default() };
    link.server.service = Service::new(link.server.store.clone(), limits, link.server.now);
    other_hello(&mut link, 1);
    link.wait(2_000);
    let stale = link.answers();
    link.bring(stale[0].0, &stale[0].1);
    let welcome = link.answers();
    link.bring(welcome[0].0, &welcome[0].1);
    let sent: Vec<_> = link.requested().iter().map(|request| (request.sequence, request.sector)).collect();
    assert_eq!(sent, [(1, 1), (2, 2), (3, 3)]);
    link.wait(2_000);
    link.carry();
    let acknowledged = link.told().into_iter().filter(|text| text.starts_with("acknowledged "));
    assert_eq!(acknowledged.count(), 8);
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn what_the_server_refuses_fails_to_the_caller() {
    let Some(mut link) = Link::greeted(&[]) else { return };
    link.call(&write(1, 2_464, 7));
    link.carry();
    assert_eq!(link.told(), ["failed 1 OUT_OF_RANGE", "begins 2"]);
    link.call("read 2 2 0");
    assert_eq!(link.told(), ["failed 2 impossible"], "there is no drive C");
    let faults = vdisk_proto::store::Faults { read: true, ..Default::default() };
    link.server.store.set_faults(faults);
    link.call("read 3 1 0");
    link.carry();
    assert_eq!(link.told(), ["failed 3 IO_ERROR"]);
    link.device.end();
}
