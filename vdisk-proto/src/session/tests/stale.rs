//! STALE: whose the channel is; and servers whose disks are from the past.

use super::*;

impl Device<'_> {
    /// A write of the session is in flight; it is answered with STALE, since another session is current.
    fn is_usurped(&mut self, current: u32) {
        self.write(0, 0xaa).unwrap();
        self.sent();
        self.say_stale(Operation::Write, self.session.number(), 1, current);
    }
}

#[test]
fn a_stale_session_is_followed_by_another_that_sends_what_waits() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.write_all(0..2);
    device.sent();
    device.say_stale(Operation::Write, FIRST, 2, 9);
    let [Hello { nonce, previous: FIRST, .. }] = device.sent()[..] else { panic!("a HELLO") };
    assert_ne!(nonce, 0x100);
    device.welcome(10);
    let sent = device.sent();
    assert_eq!(sent[..2], [write(1, 0, 0), write(2, 1, 1)]);
    assert!(matches!(sent[2..], [Read { sector: 40, .. }]), "{sent:?}");
    assert_eq!(device.told(), [Event::Opened]);
}

#[test]
fn any_request_in_flight_may_be_answered_with_stale() {
    for operation in [Operation::Read, Operation::Write, Operation::Flush] {
        let mut memory = [0; MEMORY];
        let mut device = Device::open(&mut memory);
        device.read(40);
        device.write_all(0..1);
        device.session.flush();
        assert_eq!(device.sent(), [write(1, 0, 0), read(2, 40, 32), Prod { sequence: 3 }]);
        let sequence = match operation {
            Operation::Write => 1,
            Operation::Read => 2,
            _ => 3,
        };
        device.say_stale(operation, FIRST, sequence, 9);
        assert_eq!(device.session.number(), 0, "{operation:?}");
    }
}

#[test]
fn stale_does_not_count_for_what_is_not_in_flight_or_of_another_session() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..1);
    device.read(40);
    device.sent();
    for (operation, session, sequence) in [
        (Operation::Write, FIRST, 2),
        (Operation::Write, FIRST - 1, 1),
        (Operation::Read, FIRST, 1),
        (Operation::Read, FIRST, 0),
        (Operation::Flush, FIRST, 0),
        (Operation::Hello, FIRST, 1),
        (Operation::Invalidate, FIRST, 0),
    ] {
        device.say_stale(operation, session, sequence, 9);
        assert_eq!(device.session.number(), FIRST, "{operation:?} {session} {sequence}");
    }
    assert_eq!(device.session.counters().unmatched, 7);
}

#[test]
fn stale_does_not_count_while_a_new_nonce_is_unanswered() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.is_usurped(9);
    device.sent();
    for _ in 0..3 {
        device.say_stale(Operation::Write, FIRST, 1, 9);
        device.say_stale(Operation::Write, 0, 1, 9);
    }
    device.welcome(10);
    assert_eq!(device.told(), [Event::Opened], "it was only counted once");
}

#[test]
fn two_sessions_of_others_within_a_minute_mean_that_the_channel_is_theirs() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.is_usurped(9);
    device.sent();
    device.welcome(10);
    device.sent();
    assert_eq!(device.told(), [Event::Opened]);
    device.wait(5_000);
    device.sent();
    device.wait(55_000);
    device.read(41);
    assert_eq!(device.cached(0), Some(0xaa));
    device.say_stale(Operation::Write, 10, 1, 11);
    let told = device.told();
    assert_eq!(told.last(), Some(&Event::TakenOver));
    assert!(told.contains(&Event::ReadFailed(b(41), Failure::TakenOver)), "{told:?}");
    assert!(device.host.cache.held.is_empty(), "what others write is not known");
    assert_eq!(device.session.unacknowledged(), 1);
    assert_eq!(device.session.read(b(0), device.now_ms), Err(Error::TakenOver));
    assert_eq!(device.write(0, 0), Err(Error::TakenOver));
    device.connect();
    device.wait(600_000);
    assert_eq!((device.sent(), device.session.deadline_ms(device.now_ms)), (vec![], None));
}

#[test]
fn after_more_than_a_minute_it_is_the_first_again() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.is_usurped(9);
    device.sent();
    device.welcome(10);
    device.sent();
    device.wait(60_001);
    device.say_stale(Operation::Write, 10, 1, 11);
    assert_eq!(device.told(), [Event::Opened]);
    let [Hello { previous: 10, .. }] = device.sent()[..] else { panic!("a HELLO") };
    device.welcome(12);
    device.sent();
    device.wait(1_000);
    device.say_stale(Operation::Write, 12, 1, 13);
    assert_eq!(device.told(), [Event::Opened, Event::TakenOver], "the last one is a second ago");
}

#[test]
fn a_server_that_knows_no_session_is_nobody_else() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    for session in FIRST + 1..FIRST + 5 {
        device.sent();
        device.say_stale(Operation::Write, device.session.number(), 1, 0);
        device.write(0, 0xaa).unwrap();
        device.sent();
        device.say_stale(Operation::Write, device.session.number(), 1, 0);
        device.sent();
        device.welcome(session);
    }
    assert!(!device.told().contains(&Event::TakenOver));
}

#[test]
fn a_channel_is_taken_back_if_the_caller_says_so() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.is_usurped(9);
    device.sent();
    device.welcome(10);
    device.sent();
    device.say_stale(Operation::Write, 10, 1, 11);
    device.welcome(12);
    assert_eq!(device.told(), [Event::Opened, Event::TakenOver]);
    device.session.resume(device.now_ms, &mut device.host);
    let [Hello { previous: 10, .. }] = device.sent()[..] else { panic!("a HELLO") };
    device.drives[1].generation = 6;
    device.welcome(12);
    let failed = Event::WriteFailed(b(0), Failure::Changed);
    assert_eq!(device.told(), [failed, Event::DriveChanged(Drive::B), Event::Opened]);
    device.session.resume(device.now_ms, &mut device.host);
    assert_eq!(device.session.number(), 12, "it is the device's");
}

#[test]
fn a_lower_mark_for_the_nonce_said_again_is_a_loss_of_data() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..3);
    device.sent();
    device.acknowledge(2, 2);
    device.connect();
    assert!(matches!(device.sent()[..], [Hello { nonce: 0x100, .. }, Write { sequence: 3, .. }]));
    device.welcome_with(FIRST, 1, 8, 8_192);
    assert_eq!(device.told(), [Event::DataLoss, Event::WriteFailed(b(2), Failure::DataLoss)]);
    assert!(device.host.cache.held.is_empty());
    let [Hello { nonce, previous: FIRST, mark: 2, .. }] = device.sent()[..] else { panic!("a HELLO") };
    assert_ne!(nonce, 0x100);
    device.welcome(FIRST);
    assert_eq!(device.told(), [Event::Opened]);
}

#[test]
fn another_generation_for_the_nonce_said_again_is_a_loss_of_data() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.connect();
    device.sent();
    device.drives[0].generation -= 1;
    device.welcome(FIRST);
    assert_eq!(device.told(), [Event::DataLoss]);
}

/// Its answers to READs keep the device from falling silent.
#[test]
fn a_server_from_the_past_that_waits_for_writes_it_had_is_found_out() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..2);
    device.sent();
    device.acknowledge(1, 1);
    for pause_ms in [1_000, 2_000, 4_000] {
        device.wait(pause_ms);
        device.read(40);
        let sent = device.sent();
        let read =
            sent.iter().find_map(|sent| if let Read { sequence, .. } = sent { Some(sequence) } else { None });
        device.bring(*read.unwrap(), 40, 32, 0);
    }
    device.welcome_with(FIRST, 0, 8, 8_192);
    assert_eq!(device.told()[0], Event::DataLoss);
    assert_eq!(device.session.counters().unmatched, 0);
}

#[test]
fn another_session_for_the_nonce_said_again_is_a_loss_of_data() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.connect();
    device.sent();
    device.welcome(FIRST - 1);
    assert_eq!(device.told(), [Event::DataLoss]);
    assert_eq!(device.session.number(), 0);
}

#[test]
fn the_nonce_said_again_may_acknowledge() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..3);
    device.sent();
    device.connect();
    device.sent();
    device.acknowledge(2, 2);
    device.welcome_with(FIRST, 1, 8, 8_192);
    assert_eq!(device.told(), [], "two was not known when the HELLO was sent");
    device.connect();
    device.sent();
    device.welcome_with(FIRST, 3, 8, 8_192);
    assert_eq!((device.told(), device.session.unacknowledged()), (vec![], 0));
}
