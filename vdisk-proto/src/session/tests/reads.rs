//! READs: several frames an answer, and nothing old over something newer.

use super::*;

#[test]
fn a_miss_asks_for_its_track_from_the_sector_on() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    assert_eq!(device.read(40), None);
    assert_eq!(device.sent(), [read(2, 40, 32)]);
    assert_eq!(device.session.read(key(2, 17), 0), Ok(Lookup::Asked));
    assert_eq!(device.sent(), [Read { sequence: 3, drive: 2, sector: 17, count: 16 }]);
    assert_eq!(device.session.read(b(2_464), 0), Err(Error::OutOfRange));
    assert_eq!(device.session.read(key(3, 0), 0), Err(Error::NoDrive));
}

#[test]
fn no_more_is_asked_for_than_the_cache_holds() {
    for (cacheable_sectors, count) in [(0, 1), (5, 5), (100_000, 32)] {
        let mut memory = [0; MEMORY];
        let config = Config { cacheable_sectors, ..Config::altair(channel()) };
        let mut device = Device::open_with(config, &mut memory);
        device.read(40);
        assert_eq!(device.sent(), [read(2, 40, count)]);
    }
}

#[test]
fn an_answer_of_several_frames_is_taken_in_any_order_and_once() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(60);
    device.sent();
    device.bring(2, 35, 7, 2);
    assert_eq!(device.arrived(), []);
    device.bring(2, 60, 7, 1);
    assert_eq!(device.arrived(), [(b(60), 1)]);
    device.bring(2, 60, 7, 9);
    assert_eq!(device.session.counters().sectors_discarded, 7);
    for (sector, count) in [(56, 4), (42, 7), (49, 7)] {
        device.bring(2, sector, count, 3);
    }
    assert_eq!(device.session.counters().sectors, 32);
    let cached = [60, 63, 32, 34, 35, 41, 42, 59].map(|sector| device.cached(sector));
    assert_eq!(cached, [1, 1, 1, 1, 2, 2, 3, 3].map(Some));
    device.bring(2, 60, 7, 9);
    assert_eq!(device.session.counters().unmatched, 1, "all of it came");
    device.wait(29_000);
    assert_eq!(device.sent(), []);
}

#[test]
fn an_answer_that_matches_no_request_in_flight_is_dropped() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.sent();
    for sequence in [0, 1, 3] {
        device.bring(sequence, 40, 1, 9);
    }
    let body = [9; SECTOR];
    let part = Frame { sector: 40, count: 1, drive: 1, body: &body, ..answer(Operation::Read, FIRST, 2) };
    device.receive(&Frame { session: FIRST + 1, ..part });
    assert_eq!(device.session.counters().unmatched, 4);
    for odd in [
        Frame { drive: 2, ..part },
        Frame { drive: 16, ..part },
        Frame { drive: 5, ..part },
        Frame { sector: 64, ..part },
        Frame { sector: 9_999, ..part },
        Frame { count: 0, body: &[], ..part },
        Frame { count: 2, ..part },
        Frame { body: &body[1..], ..part },
    ] {
        device.receive(&odd);
    }
    assert_eq!((device.arrived(), device.host.cache.held.len()), (vec![], 0));
    device.receive(&part);
    assert_eq!(device.arrived(), [(b(40), 9)]);
}

#[test]
fn a_sector_that_was_written_since_is_not_taken_from_the_answer() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write(41, 0x41).unwrap();
    device.read(40);
    device.write(42, 0x42).unwrap();
    assert_eq!(device.sent(), [write(1, 41, 0x41), write(2, 42, 0x42), read(2, 40, 32)]);
    device.acknowledge(2, 2);
    device.bring(2, 40, 7, 0);
    let cached = [40, 41, 42, 43].map(|sector| device.cached(sector));
    assert_eq!(cached, [Some(0), Some(0x41), Some(0x42), Some(0)]);
    assert_eq!(device.session.counters().sectors_discarded, 2);
}

#[test]
fn what_was_not_taken_is_asked_for_again_under_a_new_sequence_only_if_wanted() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.sent();
    device.write(41, 0x41).unwrap();
    device.sent();
    assert_eq!(device.read(41), Some(0x41), "from the window");
    device.acknowledge(1, 1);
    device.host.cache.held.clear();
    assert_eq!(device.sent(), [], "nobody wants it");
    assert_eq!(device.read(41), None);
    assert_eq!(device.sent(), [read(3, 41, 32)]);
    device.bring(2, 41, 1, 0);
    assert_eq!(device.arrived(), [], "it may be older than the write");
    device.bring(3, 41, 1, 0x41);
    assert_eq!(device.arrived(), [(b(41), 0x41)]);
}

#[test]
fn a_read_sees_the_last_write_from_the_window() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write(5, 1).unwrap();
    device.write(6, 2).unwrap();
    device.write(5, 3).unwrap();
    assert_eq!((device.read(5), device.read(6)), (Some(3), Some(2)));
    device.sent();
    device.acknowledge(2, 2);
    assert_eq!(device.read(5), Some(3));
    device.acknowledge(3, 3);
    assert_eq!(device.read(5), None);
}

#[test]
fn who_waits_for_a_sector_gets_what_is_written_meanwhile() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(5);
    device.sent();
    device.write(5, 9).unwrap();
    assert_eq!(device.arrived(), [(b(5), 9)]);
    device.bring(2, 5, 1, 0);
    assert_eq!((device.arrived(), device.cached(5)), (vec![], Some(9)));
}

#[test]
fn another_read_of_the_track_waits_for_the_same_answer() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    assert_eq!(device.sent().len(), 1);
    device.read(50);
    device.read(40);
    assert_eq!(device.sent(), []);
    device.bring(2, 40, 1, 1);
    device.bring(2, 50, 1, 2);
    assert_eq!(device.arrived(), [(b(40), 1), (b(50), 2)]);
    device.read(40);
    assert_eq!(device.sent(), [read(3, 40, 32)], "it came, and will not come again");
}

#[test]
fn a_read_goes_again_under_its_sequence_as_long_as_somebody_waits() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.sent();
    device.wait(1_000);
    assert_eq!(device.sent(), [read(2, 40, 32)]);
    device.bring(2, 40, 7, 1);
    device.wait(2_000);
    assert_eq!(device.sent(), [], "the rest was not asked for by anybody");
    device.bring(2, 47, 7, 1);
    assert_eq!(device.session.counters().unmatched, 1);
}

#[test]
fn a_read_goes_again_with_the_next_connection() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.sent();
    device.session.disconnected();
    device.connect();
    let sent = device.sent();
    assert!(matches!(sent[..], [Hello { .. }, Read { sequence: 2, sector: 40, .. }]), "{sent:?}");
}

#[test]
fn a_busy_server_is_asked_again_later() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.sent();
    device.refuse(Operation::Read, 2, Status::Busy);
    assert_eq!((device.told(), device.sent()), (vec![], vec![]));
    device.wait(1_999);
    assert_eq!(device.sent(), []);
    device.wait(1);
    assert_eq!(device.sent(), [read(2, 40, 32)]);
}

#[test]
fn a_refused_read_fails_for_all_who_wait() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.read(42);
    device.sent();
    device.refuse(Operation::Read, 2, Status::IoError);
    let failed = |sector| Event::ReadFailed(b(sector), Failure::Refused(Status::IoError));
    assert_eq!(device.told(), [failed(40), failed(42)]);
    device.read(40);
    assert_eq!(device.sent(), [read(3, 40, 32)]);
}

#[test]
fn a_read_too_large_for_the_server_is_halved_from_then_on() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.sent();
    for (sequence, count) in [(3, 16), (4, 8), (5, 4), (6, 2), (7, 1)] {
        device.refuse(Operation::Read, sequence - 1, Status::TooLarge);
        assert_eq!(device.sent(), [read(sequence, 40, count)]);
    }
    device.read(100);
    assert_eq!(device.sent(), [read(8, 100, 1)]);
    device.refuse(Operation::Read, 7, Status::TooLarge);
    assert_eq!(device.told(), [Event::ReadFailed(b(40), Failure::Refused(Status::TooLarge))]);
    device.bring(8, 100, 1, 1);
    assert_eq!(device.arrived(), [(b(100), 1)]);
}

#[test]
fn a_read_fails_that_is_not_answered_in_time() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.sent();
    device.wait(7_999);
    device.sent();
    assert_eq!(device.told(), []);
    device.wait(1);
    assert_eq!(device.sent(), []);
    assert_eq!(device.told(), [Event::ReadFailed(b(40), Failure::TimedOut)]);
    device.bring(2, 40, 1, 1);
    assert_eq!(device.arrived(), []);
}

#[test]
fn a_read_has_its_time_from_when_somebody_began_to_wait() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.sent();
    device.session.give_up(b(40));
    device.wait(500);
    device.read(41);
    device.wait(5_000);
    device.read(42);
    device.wait(2_999);
    device.sent();
    assert_eq!(device.told(), []);
    device.wait(1);
    device.sent();
    let failed = |sector| Event::ReadFailed(b(sector), Failure::TimedOut);
    assert_eq!(device.told(), [failed(41), failed(42)], "no longer for another who came");
}

#[test]
fn a_read_fails_in_time_without_a_connection_too_and_never_if_so_configured() {
    for (read_timeout_ms, told) in [(500, vec![Event::ReadFailed(b(40), Failure::TimedOut)]), (0, vec![])] {
        let mut memory = [0; MEMORY];
        let config = Config { read_timeout_ms, ..Config::altair(channel()) };
        let mut device = Device::with(config, &mut memory);
        device.read(40);
        device.sent();
        let deadline_ms = device.session.deadline_ms(0);
        assert_eq!(deadline_ms, (read_timeout_ms > 0).then_some(500));
        device.wait(3_600_000);
        device.sent();
        assert_eq!(device.told(), told);
    }
}

#[test]
fn four_reads_wait_at_most_and_one_that_nobody_waits_for_makes_room() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    for track in 0..4 {
        device.read(32 * track);
        device.wait(1);
    }
    assert_eq!(device.sent().len(), 4);
    assert_eq!(device.session.read(b(128), device.now_ms), Err(Error::ReadsFull));
    device.bring(4, 64, 1, 2);
    device.session.give_up(b(32));
    device.read(128);
    assert_eq!(device.sent(), [read(6, 128, 32)]);
    device.bring(3, 33, 1, 3);
    assert_eq!(device.session.counters().unmatched, 1, "it was the oldest");
    device.bring(4, 65, 1, 3);
    assert_eq!(device.cached(65), Some(3));
}

#[test]
fn what_is_given_up_may_come_into_the_cache_still() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.sent();
    device.session.give_up(b(40));
    device.bring(2, 40, 7, 1);
    assert_eq!((device.arrived(), device.cached(40)), (vec![], Some(1)));
    device.wait(9_000);
    assert_eq!((device.sent(), device.told()), (vec![], vec![]));
}

#[test]
fn an_answer_to_a_read_acknowledges_writes() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..2);
    device.read(40);
    device.sent();
    device.receive(&Frame { acknowledged: 1, status: Status::Busy, ..answer(Operation::Read, FIRST, 2) });
    assert_eq!(device.session.unacknowledged(), 1);
}

#[test]
fn a_read_before_any_session_is_asked_for_in_the_first() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.read(40);
    assert_eq!(device.session.read(key(9, 0), 0), Ok(Lookup::Asked), "nobody knows yet");
    assert_eq!(device.session.read(b(9_999), 0), Ok(Lookup::Asked));
    device.connect();
    device.sent();
    device.welcome(FIRST);
    assert_eq!(device.sent(), [read(2, 40, 32)]);
    let refused = |key, status| Event::ReadFailed(key, Failure::Refused(status));
    let told = device.told();
    assert!(told.contains(&refused(key(9, 0), Status::UnknownDrive)), "{told:?}");
    assert!(told.contains(&refused(b(9_999), Status::OutOfRange)), "{told:?}");
}

#[test]
fn a_channel_without_drives_has_nothing_to_read_and_write() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.drives.clear();
    device.connect();
    device.sent();
    device.welcome(FIRST);
    assert_eq!(device.session.read(b(40), 0), Err(Error::NoDrive));
    assert_eq!(device.write(40, 0), Err(Error::NoDrive));
    assert_eq!((device.sent(), device.session.deadline_ms(0)), (vec![], Some(30_000)));
}
