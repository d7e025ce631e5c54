//! HELLO: how a session begins.

use super::*;

#[test]
fn nothing_is_sent_before_there_is_a_connection() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    assert_eq!(device.sent(), []);
    assert_eq!(device.read(0), None);
    device.wait(1_000);
    assert_eq!(device.sent(), []);
    device.connect();
    assert_eq!(device.sent(), [Hello { sequence: 1, nonce: 0x100, previous: 0, mark: 0 }]);
}

#[test]
fn a_hello_goes_again_with_its_nonce_and_sequence_after_pauses_that_double() {
    let mut memory = [0; MEMORY];
    let mut device = Device::with(Config { may_fall_back: false, ..Config::altair(channel()) }, &mut memory);
    device.connect();
    let hello = [Hello { sequence: 1, nonce: 0x100, previous: 0, mark: 0 }];
    assert_eq!(device.sent(), hello);
    for pause_ms in [1_000, 2_000, 4_000, 8_000, 16_000, 16_000] {
        device.wait(pause_ms - 1);
        assert_eq!(device.sent(), []);
        device.wait(1);
        assert_eq!(device.sent(), hello);
    }
    assert_eq!((device.session.counters().sent, device.session.counters().sent_again), (1, 6));
}

#[test]
fn a_hello_goes_again_with_the_next_connection() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    let hello = device.sent();
    device.session.disconnected();
    device.connect();
    assert_eq!(device.sent(), hello);
}

#[test]
fn pauses_are_longer_by_chance() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.host.random = 0xff;
    device.connect();
    device.sent();
    assert_eq!(device.session.deadline_ms(0), Some(1_000 + 1_000 * 255 / 1_024));
}

#[test]
fn an_answer_to_another_nonce_or_sequence_opens_nothing() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sent();
    let (sequence, nonce) = device.hello;
    for other in [(sequence, nonce + 1), (sequence + 1, nonce), (0, nonce)] {
        device.hello = other;
        device.welcome(FIRST);
        assert!(!device.session.is_open(), "{other:?}");
    }
    device.hello = (sequence, nonce);
    device.welcome(0);
    assert!(!device.session.is_open(), "no session has number 0");
    device.welcome(FIRST);
    assert_eq!((device.session.is_open(), device.session.number()), (true, FIRST));
    assert_eq!(device.told(), [Event::Opened]);
    device.welcome(FIRST + 1);
    assert_eq!(device.session.number(), FIRST, "it was answered before");
}

#[test]
fn a_body_that_is_none_opens_nothing() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sent();
    for body in [&[][..], &[0; 11], &[0; 13], &[1; 12]] {
        device.receive(&Frame { body, ..answer(Operation::Hello, FIRST, 1) });
        assert!(!device.session.is_open());
    }
}

#[test]
fn drives_are_as_hello_s_answer_says() {
    let mut memory = [0; MEMORY];
    let device = Device::open(&mut memory);
    for info in &device.drives {
        assert_eq!(device.session.drive(info.drive), Some(info));
    }
    assert_eq!(device.session.drive(key(3, 0).drive()), None);
}

#[test]
fn a_nonce_whose_session_is_over_already_is_changed_for_another() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sent();
    device.say_stale(Operation::Hello, 0, 1, 9);
    assert_eq!(device.sent(), [], "not before its time");
    device.wait(1_000);
    let [Hello { sequence: 2, nonce, .. }] = device.sent()[..] else { panic!("a HELLO") };
    assert_ne!(nonce, 0x100);
    device.welcome(FIRST);
    assert_eq!(device.told(), [Event::Opened]);
}

#[test]
fn a_refusal_is_told_and_the_server_asked_again() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sent();
    device.refuse(Operation::Hello, 1, Status::NotAuthorised);
    assert_eq!(device.told(), [Event::Refused(Status::NotAuthorised)]);
    device.wait(1_000);
    assert_eq!(device.sent().len(), 1);
    device.refuse(Operation::Hello, 1, Status::Busy);
    assert_eq!(device.told(), [], "busy is nothing to tell");
    device.wait(2_000);
    assert_eq!(device.sent().len(), 1);
    device.welcome(FIRST);
    assert!(device.session.is_open());
}

#[test]
fn a_refusal_is_an_answer_after_which_version_1_is_not_tried() {
    for status in [Status::Busy, Status::DiskFull, Status::NotAuthorised, Status::StaleSession] {
        let mut memory = [0; MEMORY];
        let mut device = Device::boot(&mut memory);
        device.connect();
        for pause_ms in [1_000, 2_000, 4_000, 8_000] {
            let sent = device.sent();
            assert!(matches!(sent[..], [Hello { .. }]), "{status:?}: {sent:?}");
            device.refuse(Operation::Hello, device.hello.0, status);
            device.wait(pause_ms);
        }
        for _ in 0..3 {
            let sent = device.sent();
            assert!(matches!(sent[..], [Hello { .. }]), "{status:?}: {sent:?}");
            device.wait(20_000);
        }
        let sent = device.sent();
        assert!(
            matches!(sent[..], [Hello { .. }, LegacyRead(0)]),
            "three in vain after {status:?}: {sent:?}"
        );
        device.refuse(Operation::Hello, device.hello.0, status);
        device.data(0, 0);
        assert!(!device.session.is_open(), "{status:?} came before the data did");
    }
}

#[test]
fn a_nonce_that_repeats_was_answered() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    for pause_ms in [1_000, 2_000, 4_000, 8_000] {
        let sent = device.sent();
        assert!(matches!(sent[..], [Hello { .. }]), "{sent:?}");
        device.welcome_with(FIRST, 3, 8, 8_192);
        device.wait(pause_ms);
    }
}

#[test]
fn a_first_answer_with_a_mark_shows_that_the_nonce_was_used_before() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sent();
    device.welcome_with(FIRST, 3, 8, 8_192);
    assert_eq!(device.told(), [Event::NonceRepeated]);
    assert!(!device.session.is_open());
    device.wait(1_000);
    let [Hello { nonce, .. }] = device.sent()[..] else { panic!("a HELLO") };
    assert_ne!(nonce, 0x100);
    device.welcome(FIRST + 1);
    assert_eq!(device.told(), [Event::Opened]);
}

#[test]
fn sequences_start_anywhere_so_that_an_answer_from_before_a_reboot_matches_nothing() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.host.random = u64::MAX << 10;
    device.connect();
    let [Hello { sequence, .. }] = device.sent()[..] else { panic!("a HELLO") };
    assert_eq!(sequence, 1 << 31, "half of the numbers are left at least");
}
