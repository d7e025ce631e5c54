//! Writes: in order, in a window, until they are durable.

use super::*;

#[test]
fn writes_count_from_one_in_the_order_in_which_they_came() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(10..13);
    assert_eq!(device.sent(), [write(1, 10, 10), write(2, 11, 11), write(3, 12, 12)]);
    assert_eq!(device.sent(), []);
}

#[test]
fn a_full_window_pushes_back_until_a_write_is_acknowledged() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..8);
    assert_eq!(device.write(8, 8), Err(Error::WindowFull));
    assert_eq!(device.cached(8), None, "a write that is not accepted leaves no trace");
    assert_eq!((device.sent().len(), device.session.unacknowledged()), (8, 8));
    device.acknowledge(1, 1);
    assert_eq!(device.write(8, 8), Ok(()));
    assert_eq!(device.write(9, 9), Err(Error::WindowFull));
    assert_eq!(device.sent(), [write(9, 8, 8)]);
}

#[test]
fn a_server_may_allow_fewer_writes_than_the_window_holds() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sent();
    device.welcome_with(FIRST, 0, 2, 8_192);
    device.write_all(0..4);
    assert_eq!(device.sent(), [write(1, 0, 0), write(2, 1, 1)]);
    device.acknowledge(1, 1);
    assert_eq!(device.sent(), [write(3, 2, 2)]);
    device.acknowledge(3, 3);
    assert_eq!(device.sent(), [write(4, 3, 3)]);
}

#[test]
fn a_server_that_allows_no_writes_is_sent_one_at_a_time() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sent();
    device.welcome_with(FIRST, 0, 0, 8_192);
    device.write_all(0..2);
    assert_eq!(device.sent(), [write(1, 0, 0)]);
}

#[test]
fn an_answer_acknowledges_all_up_to_its_mark() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..5);
    device.sent();
    device.acknowledge(2, 4);
    assert_eq!(device.session.unacknowledged(), 1);
    device.acknowledge(1, 1);
    assert_eq!(device.session.unacknowledged(), 1, "an answer that comes late takes nothing back");
    device.acknowledge(5, 5);
    assert_eq!(device.session.unacknowledged(), 0);
}

#[test]
fn a_mark_beyond_what_was_sent_acknowledges_nothing_that_was_not() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..1);
    device.sent();
    device.write_all(1..3);
    device.acknowledge(1, u32::MAX);
    assert_eq!(device.session.unacknowledged(), 2);
    assert_eq!(device.sent(), [write(2, 1, 1), write(3, 2, 2)]);
}

#[test]
fn an_answer_to_a_write_that_was_not_sent_is_not_taken() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..1);
    device.acknowledge(1, 1);
    assert_eq!(device.session.unacknowledged(), 1);
    assert_eq!(device.session.counters().unmatched, 1);
    let other = Frame { acknowledged: 1, ..answer(Operation::Write, FIRST + 1, 1) };
    device.sent();
    device.receive(&other);
    assert_eq!(device.session.unacknowledged(), 1, "it is another session's");
}

#[test]
fn writes_go_again_from_the_first_without_an_answer_after_pauses_that_double() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..3);
    device.sent();
    device.acknowledge(1, 1);
    let again = [write(2, 1, 1), write(3, 2, 2)];
    for pause_ms in [1_000, 2_000, 4_000] {
        device.wait(pause_ms - 1);
        assert_eq!(device.sent(), []);
        device.wait(1);
        let mut sent = device.sent();
        sent.retain(|sent| !matches!(sent, Hello { .. }));
        assert_eq!(sent, again, "after {pause_ms} ms");
    }
    assert_eq!(device.session.counters().sent_again, 6);
    device.acknowledge(3, 3);
    assert_eq!(device.session.unacknowledged(), 0);
}

#[test]
fn a_write_that_is_sent_for_the_first_time_has_the_first_pause() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..1);
    device.sent();
    device.write_all(1..2);
    device.acknowledge(1, 1);
    assert_eq!(device.sent(), [write(2, 1, 1)]);
    device.wait(1_000);
    assert_eq!(device.sent(), [write(2, 1, 1)]);
}

#[test]
fn a_busy_server_is_left_alone_and_then_sent_all_from_there_on() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..3);
    device.sent();
    let busy = Frame { status: Status::Busy, acknowledged: 1, ..answer(Operation::Write, FIRST, 2) };
    device.receive(&busy);
    assert_eq!((device.session.unacknowledged(), device.told()), (2, vec![]));
    device.write_all(3..4);
    let due_ms = device.session.deadline_ms(device.now_ms).unwrap();
    assert!(due_ms >= device.now_ms + 1_000, "{due_ms}");
    device.now_ms = due_ms - 1;
    assert_eq!(device.sent(), [], "what follows waits too");
    device.now_ms = due_ms;
    assert_eq!(device.sent(), [write(2, 1, 1), write(3, 2, 2), write(4, 3, 3)]);
}

#[test]
fn a_refused_write_is_reported_and_the_rest_sent_in_another_session() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..4);
    device.sent();
    let refusal = Frame { status: Status::DiskFull, acknowledged: 1, ..answer(Operation::Write, FIRST, 2) };
    device.receive(&refusal);
    let failure = Failure::Refused(Status::DiskFull);
    assert_eq!(device.told(), [Event::WriteFailed(b(1), failure)]);
    assert_eq!(device.cached(1), None, "the disk does not have it");
    assert_eq!((device.cached(0), device.cached(2)), (Some(0), Some(2)));
    assert_eq!((device.session.number(), device.session.is_open()), (0, false));
    let [Hello { nonce, previous: FIRST, mark: 1, .. }] = device.sent()[..] else { panic!("a HELLO") };
    assert_ne!(nonce, 0x100);
    device.welcome(FIRST + 1);
    assert_eq!(device.sent(), [write(1, 2, 2), write(2, 3, 3)]);
}

#[test]
fn every_refusal_but_busy_and_stale_is_reported() {
    for status in Status::ALL {
        if matches!(status, Status::Ok | Status::Busy | Status::StaleSession) {
            continue;
        }
        let mut memory = [0; MEMORY];
        let mut device = Device::open(&mut memory);
        device.write_all(0..1);
        device.sent();
        device.refuse(Operation::Write, 1, status);
        assert_eq!(device.told(), [Event::WriteFailed(b(0), Failure::Refused(status))]);
        assert_eq!(device.session.unacknowledged(), 0);
    }
}

#[test]
fn a_refused_write_behind_which_its_sector_was_written_again_stays_in_the_cache() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write(5, 1).unwrap();
    device.write(5, 2).unwrap();
    device.sent();
    device.refuse(Operation::Write, 1, Status::IoError);
    assert_eq!((device.cached(5), device.read(5)), (Some(2), Some(2)));
}

#[test]
fn what_is_no_whole_sector_of_a_drive_is_not_accepted() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    assert_eq!(device.write(0, 0), Err(Error::NotOpen));
    device.connect();
    device.sent();
    assert_eq!(device.write(0, 0), Err(Error::NotOpen), "nobody knows yet how long a sector is");
    device.welcome(FIRST);
    let mut write = |key, bytes: &[u8]| device.session.write(key, bytes, 0, &mut device.host);
    assert_eq!(write(b(0), &[0; 136]), Err(Error::WrongLength { expected: 137, actual: 136 }));
    assert_eq!(write(b(0), &[0; 138]), Err(Error::WrongLength { expected: 137, actual: 138 }));
    assert_eq!(write(b(2_464), &[0; 137]), Err(Error::OutOfRange));
    assert_eq!(write(key(0, 0), &[0; 128]), Err(Error::ReadOnly));
    assert_eq!(write(key(3, 0), &[0; 137]), Err(Error::NoDrive));
    assert_eq!(device.sent(), []);
    assert_eq!(device.session.unacknowledged(), 0);
}

#[test]
fn sectors_that_the_session_or_the_server_cannot_carry_are_not_accepted() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.drives.push(drive(3, Geometry::raw_512(10, 10).unwrap()));
    device.connect();
    device.sent();
    device.welcome_with(FIRST, 0, 8, 28 + 136);
    let result = device.session.write(key(3, 0), &[0; 512], 0, &mut device.host);
    assert_eq!(result, Err(Error::TooLong), "longer than was configured");
    assert_eq!(device.write(0, 0), Err(Error::TooLong), "longer than the server's frames");
}

#[test]
fn a_sector_that_just_fits_the_server_s_frames_is_accepted() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sent();
    device.welcome_with(FIRST, 0, 8, 28 + 137);
    assert_eq!(device.write(0, 9), Ok(()));
    assert_eq!(device.sent(), [write(1, 0, 9)]);
}

#[test]
fn what_a_reboot_would_lose_is_told_oldest_first() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write(5, 1).unwrap();
    device.write(5, 2).unwrap();
    device.write(3, 3).unwrap();
    device.sent();
    device.acknowledge(1, 1);
    let lost: Vec<_> =
        device.session.unacknowledged_writes().map(|(key, bytes)| (key, fill_of(bytes))).collect();
    assert_eq!(lost, [(b(5), 2), (b(3), 3)]);
}

#[test]
fn a_flush_is_done_when_all_before_it_is_acknowledged() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    let nothing = device.session.flush();
    assert!(device.session.is_flushed(&nothing));
    assert_eq!(device.sent(), [], "there is nothing to prod for");
    device.write_all(0..2);
    let flush = device.session.flush();
    device.write_all(2..3);
    assert_eq!(device.sent(), [write(1, 0, 0), write(2, 1, 1), write(3, 2, 2), Prod { sequence: 2 }]);
    device.receive(&Frame { acknowledged: 1, ..answer(Operation::Flush, FIRST, 2) });
    assert!(!device.session.is_flushed(&flush));
    assert_eq!(device.sent(), [], "a flush prods once");
    device.acknowledge(2, 2);
    assert!(device.session.is_flushed(&flush));
    assert_eq!(device.session.unacknowledged(), 1);
}

#[test]
fn a_flush_with_nothing_before_it_prods_for_no_later_write() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.session.flush();
    device.write_all(0..1);
    assert_eq!(device.sent(), [write(1, 0, 0)]);
}

#[test]
fn a_flush_prods_once_the_last_write_is_sent_whatever_is_acknowledged_before() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sent();
    device.welcome_with(FIRST, 0, 1, 8_192);
    device.write_all(0..2);
    device.session.flush();
    assert_eq!(device.sent(), [write(1, 0, 0)]);
    device.acknowledge(1, 1);
    assert_eq!(device.sent(), [write(2, 1, 1), Prod { sequence: 2 }]);
}

#[test]
fn a_flush_is_done_too_when_what_was_before_it_failed() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..2);
    let flush = device.session.flush();
    device.sent();
    device.refuse(Operation::Write, 1, Status::IoError);
    assert!(!device.session.is_flushed(&flush));
    device.sent();
    device.welcome(FIRST + 1);
    device.sent();
    device.acknowledge(1, 1);
    assert!(device.session.is_flushed(&flush));
}

#[test]
fn a_flush_of_what_failed_prods_for_no_later_write() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..1);
    device.sent();
    device.session.flush();
    device.refuse(Operation::Write, 1, Status::IoError);
    device.sent();
    device.welcome(FIRST + 1);
    device.write_all(1..2);
    assert_eq!(device.sent(), [write(1, 1, 1)]);
}

#[test]
fn a_flush_acknowledges_by_its_answer() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..2);
    let flush = device.session.flush();
    device.sent();
    device.receive(&Frame { acknowledged: 2, ..answer(Operation::Flush, FIRST, 2) });
    assert!(device.session.is_flushed(&flush));
    device.receive(&Frame { acknowledged: 2, ..answer(Operation::Flush, FIRST, 2) });
    assert_eq!(device.session.counters().unmatched, 1, "it is not in flight any more");
}

#[test]
fn writes_wait_without_a_connection_and_go_again_with_the_next() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..1);
    device.sent();
    device.session.disconnected();
    device.write_all(1..2);
    device.wait(60_000);
    assert_eq!(device.sent(), []);
    device.connect();
    let sent = device.sent();
    assert!(matches!(sent[0], Hello { nonce: 0x100, .. }), "whether the session goes on");
    assert_eq!(sent[1..], [write(1, 0, 0), write(2, 1, 1)]);
}

#[test]
fn a_refused_write_is_not_in_the_cache_either_where_an_older_one_waits() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write(5, 1).unwrap();
    device.write(5, 2).unwrap();
    device.sent();
    device.refuse(Operation::Write, 2, Status::IoError);
    assert_eq!((device.read(5), device.cached(5)), (Some(1), None));
}

#[test]
fn a_flush_is_not_done_by_a_later_write_that_failed() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write(5, 1).unwrap();
    let flush = device.session.flush();
    device.write(6, 2).unwrap();
    device.sent();
    device.refuse(Operation::Write, 2, Status::IoError);
    assert!(!device.session.is_flushed(&flush));
    device.sent();
    device.welcome(FIRST + 1);
    device.sent();
    device.acknowledge(1, 1);
    assert!(device.session.is_flushed(&flush));
}

#[test]
fn what_came_through_in_the_session_before_is_not_sent_again() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..4);
    device.sent();
    let flush = device.session.flush();
    device.say_stale(Operation::Write, FIRST, 4, 0);
    device.sent();
    device.welcome_after(FIRST + 1, 3);
    assert_eq!(device.told(), [Event::Opened]);
    assert_eq!(device.sent()[..1], [write(1, 3, 3)]);
    device.session.flush();
    assert!(!device.session.is_flushed(&flush));
}

#[test]
fn a_refused_write_and_those_behind_it_did_not_come_through() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..4);
    device.sent();
    let refusal = Frame { status: Status::DiskFull, acknowledged: 1, ..answer(Operation::Write, FIRST, 3) };
    device.receive(&refusal);
    device.sent();
    device.welcome_after(FIRST + 1, 4);
    assert_eq!(device.sent(), [write(1, 3, 3)], "only the second is known to be what it was");
}
