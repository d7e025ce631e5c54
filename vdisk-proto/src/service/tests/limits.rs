//! What bounds memory, and that one channel's flood is its own.

use super::*;

#[test]
fn a_channel_beyond_the_bound_is_busy() {
    let mut server = Server::with(Limits { channels: 2, ..Limits::default() });
    for name in ["one", "two", "three"] {
        server.receive_on(name, "v2/req", &encode(name, &hello(&hello_body(1, 0, 1_000))));
        server.receive_on(name, "write", &legacy_write(0, &sector(1)));
    }
    server.commit();
    let answers = server.answers();
    assert_eq!(answers[0].status, Status::Busy);
    assert_eq!(server.refused(Status::Busy), 1);
    assert_eq!(server.service.counters().legacy_writes_busy, 1);
    assert!(!server.service.is_full(Channel::new("three").unwrap()), "no group makes room for it");
    server.receive_on("three", "read", &[0; 4]);
    assert_eq!(server.data().len(), 1, "reads need no memory");
}

#[test]
fn a_channel_that_writes_faster_than_the_disk_is_busy_and_alone_so() {
    let mut server = Server::with(Limits { channel_records: 4, ..Limits::default() });
    let session = server.hello(1, 0).session;
    for sequence in 1..=6 {
        server.receive("v2/req", &encode(CHANNEL, &write(session, sequence, 0, &sector(0xaa))));
    }
    let busy = server.answers();
    assert_eq!(busy.len(), 1, "the sixth follows a gap");
    assert_eq!((busy[0].status, busy[0].sequence, busy[0].acknowledged), (Status::Busy, 5, 0));
    let [own, other] = [CHANNEL, "other"].map(|name| Channel::new(name).unwrap());
    assert!(server.service.is_full(own) && !server.service.is_full(other));
    server.receive_on("other", "write", &legacy_write(0, &sector(1)));
    assert_eq!(server.service.counters().legacy_writes, 1);
    server.commit();
    assert!(!server.service.is_full(own));
    assert_eq!(server.answers().len(), 4);
    server.write(session, 5, 0, 0xbb);
}

#[test]
fn what_waits_in_all_is_bounded() {
    let mut server = Server::with(Limits { waiting_bytes: 10 * 301, ..Limits::default() });
    for number in 0..100 {
        server.receive_on(&std::format!("c{number}"), "write", &legacy_write(0, &sector(1)));
    }
    assert_eq!(server.service.counters().legacy_writes, 10);
    assert_eq!(server.service.counters().legacy_writes_busy, 90);
    let other = Channel::new("other").unwrap();
    assert!(server.service.is_full(other));
    server.commit();
    assert!(!server.service.is_full(other));
    server.receive("write", &legacy_write(0, &sector(1)));
    assert_eq!(server.service.counters().legacy_writes, 11);
}

#[test]
fn a_channel_that_does_not_take_its_answers_gets_no_more() {
    let mut server = Server::with(Limits { channel_answer_bytes: 1_000, ..Limits::default() });
    let session = server.hello(1, 0).session;
    for sequence in 1..=100 {
        server.receive("v2/req", &encode(CHANNEL, &read(session, sequence, 0, 1)));
    }
    server.receive_on("other", "read", &[0; 4]);
    let mut busy = 0;
    let mut bytes = 0;
    let mut sent = 0;
    while let Some(message) = server.service.poll_transmit() {
        sent += 1;
        if message.channel == channel() {
            bytes += message.payload.len();
            busy += usize::from(Answer::decode(&message).status == Status::Busy);
        } else {
            assert_eq!(message.topic, Topic::LegacyData);
        }
    }
    assert!(bytes <= 2_000, "{bytes}");
    assert!(busy > 0);
    let dropped = server.service.counters().answers_dropped;
    assert!(dropped > 0 && sent + dropped == 101, "{sent} were sent, {dropped} dropped");
    assert_eq!(server.ask_one(&read(session, 101, 0, 1)).status, Status::Ok);
}

#[test]
fn as_many_answers_wait_as_the_bound_says_and_one_more_when_one_was_sent() {
    let mut server = Server::with(Limits { channel_answer_bytes: 5 * 141, ..Limits::default() });
    let ask = |server: &mut Server, times| (0..times).for_each(|_| server.receive("read", &[0; 4]));
    ask(&mut server, 12);
    assert_eq!(server.service.counters().answers_dropped, 2, "twice as much may wait");
    server.service.poll_transmit().unwrap();
    ask(&mut server, 3);
    assert_eq!(server.service.counters().answers_dropped, 4);
    assert_eq!(server.data().len(), 10);
}

#[test]
fn a_read_is_busy_behind_an_answer_of_its_own_channel_only() {
    let mut server = Server::with(Limits { channel_answer_bytes: 1_000, ..Limits::default() });
    let session = server.hello(1, 0).session;
    let ask = |server: &mut Server| server.receive("v2/req", &encode(CHANNEL, &read(session, 1, 0, 7)));
    server.receive_on("other", "read", &[0; 4]);
    ask(&mut server);
    server.service.poll_transmit().unwrap();
    assert_eq!(server.answers()[0].status, Status::Ok, "what waits is another's");
    ask(&mut server);
    ask(&mut server);
    let statuses: Vec<_> = server.answers().iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [Status::Ok, Status::Busy]);
}

#[test]
fn a_read_longer_than_all_answers_of_a_channel_is_too_large() {
    let mut server = Server::with(Limits { channel_answer_bytes: 7 * SECTOR, ..Limits::default() });
    let session = server.hello(1, 0).session;
    assert_eq!(server.ask_one(&read(session, 1, 0, 8)).status, Status::TooLarge);
    assert_eq!(server.ask_one(&read(session, 2, 0, 7)).status, Status::Ok);
}

#[test]
fn a_channel_costs_less_than_a_kilobyte() {
    assert!(size_of::<crate::service::channel::ChannelState>() + size_of::<Channel>() < 1_024);
}
