//! Sequences never wrap.

use super::*;

#[test]
fn at_the_end_of_the_sequences_another_session_is_begun() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.count_from(u32::MAX - 1);
    device.read(0);
    assert_eq!(device.sent(), [read(u32::MAX, 0, 32)]);
    device.read(32);
    let mut sent = device.sent();
    sent.extend(device.sent());
    let [Hello { sequence, nonce, previous: FIRST, .. }] = sent[..] else { panic!("a HELLO: {sent:?}") };
    assert_ne!(nonce, 0x100);
    assert!(sequence <= 1 << 31);
    device.welcome(8);
    let next = sequence + 1;
    assert_eq!(device.sent(), [read(next, 0, 32), read(next + 1, 32, 32)]);
}

#[test]
fn at_the_end_of_the_writes_sequences_another_session_is_begun() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.session.window.start_at(u32::MAX - 2);
    device.write_all(0..3);
    let mut sent = device.sent();
    sent.extend(device.sent());
    let last = [write(u32::MAX - 2, 0, 0), write(u32::MAX - 1, 1, 1)];
    assert_eq!(sent[..2], last);
    assert!(matches!(sent[2..], [Hello { previous: FIRST, .. }]), "{sent:?}");
    device.acknowledge(u32::MAX - 2, u32::MAX - 1);
    assert_eq!(device.session.unacknowledged(), 3, "that session is over");
    device.welcome(8);
    assert_eq!(device.sent(), [write(1, 0, 0), write(2, 1, 1), write(3, 2, 2)]);
    assert_eq!(device.told(), [Event::Opened]);
}

#[test]
fn hello_too_goes_on_at_the_end_of_the_sequences() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.count_from(u32::MAX);
    device.connect();
    let mut sent = device.sent();
    sent.extend(device.sent());
    assert!(matches!(sent[..], [Hello { previous: FIRST, .. }]), "{sent:?}");
    device.welcome(8);
    assert_eq!(device.told(), [Event::Opened]);
}

#[test]
fn at_the_end_nothing_is_asked_for_before_the_next_session() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.session.window.start_at(u32::MAX);
    device.write_all(0..1);
    device.read(40);
    assert!(matches!(device.sent()[..], [Hello { previous: FIRST, .. }]));
}

#[test]
fn at_the_end_a_flush_is_not_asked_for_either() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.count_from(u32::MAX);
    device.write_all(0..1);
    device.session.flush();
    device.read(40);
    let sent = device.sent();
    assert!(matches!(sent[..], [Write { .. }, Hello { previous: FIRST, .. }]), "{sent:?}");
}
