//! Drives that somebody else changes.

use super::*;

/// A session is open, B's track 0 and a sector of C are cached, a write waits for each of the two.
fn busy_device(memory: &mut [u8]) -> Device<'_> {
    let mut device = Device::open(memory);
    device.read(0);
    device.sent();
    device.bring(2, 0, 32, 0xb0);
    device.write(1, 0xb1).unwrap();
    device.write_to(key(2, 9), 0xc9).unwrap();
    device.sent();
    device.arrived();
    device
}

#[test]
fn another_generation_drops_a_drive_from_the_cache_and_fails_its_writes_only() {
    let mut memory = [0; MEMORY];
    let mut device = busy_device(&mut memory);
    device.say_stale(Operation::Write, FIRST, 1, 0);
    device.sent();
    device.drives[1].generation = 6;
    device.welcome(8);
    let failed = Event::WriteFailed(b(1), Failure::Changed);
    assert_eq!(device.told(), [failed, Event::DriveChanged(Drive::B), Event::Opened]);
    assert_eq!(device.host.cache.held.keys().copied().collect::<Vec<_>>(), [key(2, 9)]);
    assert_eq!(device.sent(), [Write { sequence: 1, drive: 2, sector: 9, fill: 0xc9 }]);
}

#[test]
fn another_shape_or_no_drive_at_all_is_a_change_too() {
    for change in [
        |drives: &mut Vec<DriveInfo>| drives[1].geometry = Geometry::ALTAIR_MINIDISK,
        |drives: &mut Vec<DriveInfo>| {
            drives.remove(1);
        },
    ] {
        let mut memory = [0; MEMORY];
        let mut device = busy_device(&mut memory);
        device.say_stale(Operation::Write, FIRST, 1, 0);
        device.sent();
        change(&mut device.drives);
        device.welcome(8);
        let failed = Event::WriteFailed(b(1), Failure::Changed);
        assert_eq!(device.told(), [failed, Event::DriveChanged(Drive::B), Event::Opened]);
        assert_eq!(device.cached(0), None);
    }
}

#[test]
fn the_same_generations_keep_cache_and_writes() {
    let mut memory = [0; MEMORY];
    let mut device = busy_device(&mut memory);
    device.say_stale(Operation::Write, FIRST, 1, 0);
    device.sent();
    device.welcome(8);
    assert_eq!(device.told(), [Event::Opened]);
    assert_eq!((device.cached(0), device.cached(1)), (Some(0xb0), Some(0xb1)));
    assert_eq!(device.session.unacknowledged(), 2);
}

#[test]
fn a_drive_that_appears_is_no_change() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..1);
    device.sent();
    device.say_stale(Operation::Write, FIRST, 1, 0);
    device.sent();
    device.drives.push(drive(3, Geometry::ALTAIR_MINIDISK));
    device.welcome(8);
    assert_eq!(device.told(), [Event::Opened]);
}

#[test]
fn invalidate_drops_the_drive_at_once_and_begins_another_session() {
    let mut memory = [0; MEMORY];
    let mut device = busy_device(&mut memory);
    device.receive(&Frame { session: FIRST - 1, ..invalidate() });
    device.receive(&Frame { drive: 16, ..invalidate() });
    assert_eq!((device.session.number(), device.cached(0)), (FIRST, Some(0xb0)), "none of this is ours");
    device.receive(&invalidate());
    assert_eq!(device.cached(0), None);
    assert!(device.host.cache.held.contains_key(&key(2, 9)));
    assert!(matches!(device.sent()[..], [Hello { previous: FIRST, .. }]));
    device.receive(&invalidate());
    device.drives[1].generation = 6;
    device.welcome(8);
    assert!(device.told().contains(&Event::DriveChanged(Drive::B)));
    device.receive(&invalidate());
    assert_eq!(device.session.number(), 8, "it is of the session before");
}

#[test]
fn reads_that_are_wanted_are_asked_again_in_the_next_session() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.read(100);
    device.sent();
    device.session.give_up(b(100));
    device.bring(2, 41, 1, 0x41);
    device.receive(&invalidate());
    device.bring(2, 40, 1, 0x40);
    assert_eq!(device.arrived(), [], "the READ died with its session");
    device.sent();
    device.welcome(8);
    assert_eq!(device.sent(), [read(5, 40, 32)], "nobody waits for the other");
    device.bring(5, 40, 1, 0x50);
    assert_eq!(device.arrived(), [(b(40), 0x50)]);
}

/// Drive B is changed while a read of its sector 40 waits.
fn change_under_a_read(device: &mut Device<'_>) {
    device.read(40);
    device.sent();
    device.receive(&invalidate());
    device.sent();
}

#[test]
fn a_read_of_a_sector_that_is_gone_with_its_drive_fails() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    change_under_a_read(&mut device);
    device.drives.remove(1);
    device.welcome(8);
    let failed = Event::ReadFailed(b(40), Failure::Refused(Status::UnknownDrive));
    assert!(device.told().contains(&failed));
    assert_eq!(device.session.read(b(40), 0), Err(Error::NoDrive));
}

#[test]
fn a_read_of_a_drive_that_has_another_shape_now_fails() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    change_under_a_read(&mut device);
    device.drives[1].geometry = Geometry::ALTAIR_MINIDISK;
    device.welcome(8);
    let failed = Event::ReadFailed(b(40), Failure::Changed);
    assert_eq!(device.told(), [Event::DriveChanged(Drive::B), failed, Event::Opened]);
    assert_eq!(device.sent(), []);
}

#[test]
fn after_thirty_seconds_of_silence_the_nonce_is_said_again() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.wait(10_000);
    device.read(0);
    device.sent();
    device.bring(2, 0, 32, 0);
    assert_eq!(device.session.deadline_ms(device.now_ms), Some(40_000));
    device.wait(29_999);
    assert_eq!(device.sent(), []);
    device.wait(1);
    assert_eq!(device.sent(), [Hello { sequence: 3, nonce: 0x100, previous: FIRST, mark: 0 }]);
    device.wait(1_000);
    assert_eq!(device.sent(), [Hello { sequence: 3, nonce: 0x100, previous: FIRST, mark: 0 }]);
    device.welcome(FIRST);
    assert_eq!(device.sent(), []);
    assert_eq!(device.session.deadline_ms(device.now_ms), Some(71_000));
}

#[test]
fn a_nonce_said_again_that_is_stale_is_followed_by_another_session() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.wait(30_000);
    device.sent();
    device.say_stale(Operation::Hello, 0, device.hello.0, 9);
    let [Hello { nonce, previous: FIRST, .. }] = device.sent()[..] else { panic!("a HELLO") };
    assert_ne!(nonce, 0x100);
    device.drives[1].generation = 6;
    device.welcome(10);
    assert_eq!(device.told(), [Event::DriveChanged(Drive::B), Event::Opened]);
}
