//! Version 1, and the way there and back.

use super::*;

/// Where a sector is in drive B's image.
const fn at(sector: u32) -> u32 {
    sector * SECTOR as u32
}

impl<'m> Device<'m> {
    /// Says HELLO in vain until version 1 is tried.
    fn probe(memory: &'m mut [u8]) -> Self {
        let mut device = Self::boot(memory);
        device.connect();
        for pause_ms in [1_000, 2_000, 4_000] {
            assert!(matches!(device.sent()[..], [Hello { .. }]));
            device.wait(pause_ms);
        }
        let sent = device.sent();
        assert!(matches!(sent[..], [Hello { .. }, LegacyRead(0)]), "{sent:?}");
        device
    }

    /// A device that speaks version 1.
    pub(super) fn fallen_back(memory: &'m mut [u8]) -> Self {
        let mut device = Self::probe(memory);
        device.data(0, 0);
        assert_eq!(device.told(), [Event::FellBack]);
        device
    }

    /// Says HELLO and nothing else, however long that is in vain.
    fn only_greets(&mut self) {
        for _ in 0..10 {
            let sent = self.sent();
            assert!(sent.iter().all(|sent| matches!(sent, Hello { .. })), "{sent:?}");
            self.data(0, 0);
            self.wait(20_000);
        }
        assert!(!self.session.is_open());
    }
}

#[test]
fn version_1_is_spoken_after_three_hellos_in_vain_and_an_answered_read() {
    let mut memory = [0; MEMORY];
    let mut device = Device::probe(&mut memory);
    assert!(!device.session.is_open());
    device.data(1, 0);
    assert!(!device.session.is_open(), "this is no answer to the read");
    device.data(0, 0);
    assert!(device.session.is_open());
    assert_eq!((device.told(), device.session.number()), (vec![Event::FellBack], 0));
    let drive_b = device.session.drive(Drive::B).unwrap();
    assert_eq!((drive_b.geometry, drive_b.is_read_only), (Geometry::ALTAIR_8_INCH, false));
}

#[test]
fn data_that_nobody_asked_for_makes_nobody_fall_back() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    for pause_ms in [1_000, 2_000] {
        device.sent();
        device.data(0, 0);
        device.wait(pause_ms);
    }
    assert!(!device.session.is_open());
    assert_eq!(device.session.counters().unmatched, 2);
}

#[test]
fn version_1_is_never_tried_where_that_is_not_allowed() {
    let mut memory = [0; MEMORY];
    let mut device = Device::with(Config { may_fall_back: false, ..Config::altair(channel()) }, &mut memory);
    device.connect();
    device.only_greets();
}

#[test]
fn version_1_is_never_tried_once_version_2_worked() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..1);
    device.sent();
    device.say_stale(Operation::Write, FIRST, 1, 0);
    device.only_greets();
}

#[test]
fn a_hello_that_is_answered_after_all_opens_a_session() {
    let mut memory = [0; MEMORY];
    let mut device = Device::probe(&mut memory);
    device.welcome(FIRST);
    device.data(0, 0);
    assert_eq!((device.told(), device.session.number()), (vec![Event::Opened], FIRST));
}

#[test]
fn sectors_are_asked_for_one_by_one_eight_at_a_time_the_wanted_one_first() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.read(60);
    assert_eq!(device.sent(), [60, 61, 62, 63, 32, 33, 34, 35].map(|sector| LegacyRead(at(sector))));
    device.data(60, 1);
    assert_eq!(device.arrived(), [(b(60), 1)]);
    assert_eq!(device.sent(), [LegacyRead(at(36))]);
    device.data(32, 2);
    device.data(33, 2);
    assert_eq!(device.sent(), [37, 38].map(|sector| LegacyRead(at(sector))));
    assert_eq!((device.cached(60), device.cached(32)), (Some(1), Some(2)));
}

#[test]
fn only_data_that_was_asked_for_is_taken() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.read(60);
    device.sent();
    device.data(36, 1);
    device.data(40, 1);
    device.data(64, 1);
    device.receive_bytes(Topic::LegacyData, &[0; 140]);
    device.receive_bytes(Topic::LegacyData, &[1; 141]);
    assert_eq!(device.host.cache.held.len(), 0);
    assert_eq!((device.session.counters().malformed, device.session.counters().unmatched), (1, 1));
}

#[test]
fn a_read_of_version_1_goes_again_and_fails_in_time() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.read(60);
    device.sent();
    device.wait(1_000);
    assert_eq!(device.sent().first(), Some(&LegacyRead(at(60))));
    device.wait(7_000);
    device.sent();
    assert_eq!(device.told(), [Event::ReadFailed(b(60), Failure::TimedOut)]);
}

#[test]
fn a_write_is_done_when_it_was_read_back_equal() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.write(5, 9).unwrap();
    let flush = device.session.flush();
    assert_eq!(device.sent(), [LegacyWrite(at(5), 9), LegacyRead(at(5))]);
    assert_eq!(device.read(5), Some(9));
    device.data(5, 8);
    assert_eq!(device.session.unacknowledged(), 1, "it was read before it was written");
    device.wait(1_000);
    assert_eq!(device.sent(), [LegacyWrite(at(5), 9), LegacyRead(at(5))]);
    device.data(5, 9);
    assert_eq!(device.session.unacknowledged(), 0);
    assert!(device.session.is_flushed(&flush));
    assert_eq!((device.cached(5), device.told()), (Some(9), vec![]));
}

#[test]
fn one_write_of_a_sector_is_in_flight_at_a_time() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.write(5, 1).unwrap();
    device.write(5, 2).unwrap();
    device.write(6, 3).unwrap();
    let first = [LegacyWrite(at(5), 1), LegacyRead(at(5)), LegacyWrite(at(6), 3), LegacyRead(at(6))];
    assert_eq!(device.sent(), first);
    device.data(5, 2);
    assert_eq!((device.sent(), device.session.unacknowledged()), (vec![], 3), "this cannot be yet");
    device.data(6, 3);
    device.data(5, 1);
    assert_eq!(device.sent(), [LegacyWrite(at(5), 2), LegacyRead(at(5))]);
    device.data(5, 2);
    assert_eq!(device.session.unacknowledged(), 0);
}

#[test]
fn a_write_has_its_pause_again_when_another_is_done() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.write(5, 1).unwrap();
    device.write(6, 2).unwrap();
    device.sent();
    device.wait(999);
    device.data(5, 1);
    assert_eq!(device.sent(), []);
    device.wait(1_000);
    assert_eq!(device.sent(), [LegacyWrite(at(6), 2), LegacyRead(at(6))]);
}

#[test]
fn a_write_of_version_1_goes_again_with_the_next_connection() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.write(5, 1).unwrap();
    let write = [LegacyWrite(at(5), 1), LegacyRead(at(5))];
    assert_eq!(device.sent(), write);
    device.session.disconnected();
    device.connect();
    assert_eq!(device.sent(), write);
}

#[test]
fn a_server_that_keeps_other_bytes_is_told_after_eight_times() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.write(5, 9).unwrap();
    device.sent();
    for _ in 0..7 {
        device.data(5, 8);
    }
    assert_eq!(device.told(), []);
    device.data(5, 8);
    assert_eq!(device.told(), [Event::WriteFailed(b(5), Failure::NotKept)]);
    assert_eq!((device.cached(5), device.session.unacknowledged()), (None, 0));
}

#[test]
fn what_was_written_is_not_taken_from_data_either() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.read(5);
    device.sent();
    device.write(6, 9).unwrap();
    device.sent();
    device.data(6, 0);
    assert_eq!(device.cached(6), Some(9));
}

#[test]
fn version_2_is_gone_back_to_with_an_empty_window_only() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.write(5, 9).unwrap();
    device.sent();
    device.welcome(FIRST);
    assert_eq!((device.session.number(), device.told()), (0, vec![]));
    device.wait(60_000);
    assert!(!device.sent().iter().any(|sent| matches!(sent, Hello { .. })));
    device.data(5, 9);
    let sent = device.sent();
    assert!(matches!(sent[..], [Hello { .. }]), "{sent:?}");
    device.welcome(FIRST);
    assert_eq!((device.session.number(), device.told()), (FIRST, vec![Event::Opened]));
    assert_eq!(device.cached(5), None, "nobody told of what others wrote");
    device.write(5, 7).unwrap();
    assert_eq!(device.sent(), [write(1, 5, 7)]);
}

#[test]
fn who_waits_for_a_sector_gets_it_in_version_2_too() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.read(60);
    device.sent();
    device.welcome(FIRST);
    let [Read { sequence, sector: 60, count: 32, .. }] = device.sent()[..] else { panic!("a READ") };
    device.bring(sequence, 60, 7, 1);
    assert_eq!(device.arrived(), [(b(60), 1)]);
}

#[test]
fn what_is_not_in_drive_b_is_no_business_of_version_1() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    assert_eq!(device.session.read(key(2, 0), 0), Err(Error::NoDrive));
    assert_eq!(device.write_to(key(2, 0), 0), Err(Error::NoDrive));
    assert_eq!(device.write(2_464, 0), Err(Error::OutOfRange));
}

#[test]
fn version_1_is_tried_again_with_every_further_hello() {
    let mut memory = [0; MEMORY];
    let mut device = Device::probe(&mut memory);
    device.wait(8_000);
    let sent = device.sent();
    assert!(matches!(sent[..], [Hello { .. }, LegacyRead(0)]), "{sent:?}");
    device.data(0, 0);
    assert_eq!(device.told(), [Event::FellBack]);
}

#[test]
fn what_was_written_since_is_not_waited_for_before_more_is_asked_for() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.read(0);
    device.write_all(8..16);
    let asked = |sent: &[Sent], sector| sent.contains(&LegacyRead(at(sector)));
    device.sent();
    for sector in 0..8 {
        device.data(sector, 0);
    }
    device.read(20);
    assert!(asked(&device.sent(), 20));
    device.data(20, 9);
    assert!(device.arrived().contains(&(b(20), 9)));
}

#[test]
fn a_flush_is_not_done_by_a_later_write() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    device.write(5, 1).unwrap();
    let flush = device.session.flush();
    device.write(6, 2).unwrap();
    device.sent();
    device.data(6, 2);
    assert!(!device.session.is_flushed(&flush));
    device.data(5, 1);
    assert!(device.session.is_flushed(&flush));
}

#[test]
fn a_sector_is_asked_for_once_though_another_read_has_nothing_to_ask_for() {
    let mut memory = [0; MEMORY];
    let config = Config { cacheable_sectors: 1, ..Config::altair(channel()) };
    let mut device = Device::with(config, &mut memory);
    device.connect();
    for pause_ms in [1_000, 2_000, 4_000, 0] {
        device.sent();
        device.wait(pause_ms);
    }
    device.data(0, 0);
    device.read(0);
    device.read(32);
    device.write(0, 9).unwrap();
    assert_eq!(device.sent(), [LegacyWrite(0, 9), LegacyRead(0), LegacyRead(at(32))]);
}
