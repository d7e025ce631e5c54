//! Who sleeps until the deadline misses nothing.

use super::*;

impl Device<'_> {
    /// Goes from deadline to deadline, and looks in between whether there was something to send: all that is sent until
    /// `end_ms`, with the time.
    fn sleep_until(&mut self, end_ms: u64) -> Vec<(u64, Sent)> {
        let mut all = vec![];
        loop {
            let polled_ms = self.now_ms;
            all.extend(self.sent().into_iter().map(|sent| (polled_ms, sent)));
            let Some(deadline_ms) = self.session.deadline_ms(self.now_ms) else { return all };
            if deadline_ms > end_ms {
                return all;
            }
            assert!(deadline_ms > self.now_ms, "at {deadline_ms} all was sent");
            self.now_ms = deadline_ms - 1;
            let told = self.host.told.len();
            assert_eq!(self.sent(), [], "before the deadline {deadline_ms}");
            assert_eq!(self.host.told.len(), told, "before the deadline {deadline_ms}");
            self.now_ms = deadline_ms;
        }
    }
}

#[test]
fn a_device_that_hears_nothing_sleeps_from_hello_to_hello() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    let sent = device.sleep_until(40_000);
    let hellos: Vec<_> =
        sent.iter().filter(|(_, sent)| matches!(sent, Hello { .. })).map(|(at_ms, _)| *at_ms).collect();
    assert_eq!(hellos, [0, 1_000, 3_000, 7_000, 15_000, 31_000]);
    assert!(sent.contains(&(7_000, LegacyRead(0))));
}

#[test]
fn a_device_whose_requests_are_not_answered_sleeps_from_pause_to_pause() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_all(0..3);
    device.read(40);
    device.session.flush();
    let sent = device.sleep_until(100_000);
    let writes = sent.iter().filter(|(_, sent)| matches!(sent, Write { sequence: 1, .. }));
    let writes: Vec<_> = writes.map(|(at_ms, _)| *at_ms).collect();
    assert_eq!(writes, [0, 1_000, 3_000, 7_000, 15_000, 31_000, 47_000, 63_000, 79_000, 95_000]);
    let reads = sent.iter().filter(|(_, sent)| matches!(sent, Read { .. }));
    assert_eq!(reads.map(|(at_ms, _)| *at_ms).collect::<Vec<_>>(), [0, 1_000, 3_000, 7_000]);
    assert_eq!(device.told(), [Event::ReadFailed(b(40), Failure::TimedOut)]);
    let again = Hello { sequence: 4, nonce: 0x100, previous: FIRST, mark: 0 };
    assert!(sent.contains(&(7_000, again)), "whether the session goes on, after three pauses in vain");
}

#[test]
fn an_idle_device_sleeps_through_its_silence() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.sent();
    assert_eq!(device.session.deadline_ms(0), Some(30_000));
    assert_eq!(device.sleep_until(29_999), []);
}

#[test]
fn a_device_of_version_1_sleeps_from_pause_to_pause() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.connect();
    device.sleep_until(7_000);
    device.data(0, 0);
    device.write_all(0..3);
    device.read(40);
    let start_ms = device.now_ms;
    let sent = device.sleep_until(start_ms + 20_000);
    let writes = sent.iter().filter(|(_, sent)| matches!(sent, LegacyWrite(0, 0)));
    let writes: Vec<_> = writes.map(|(at_ms, _)| at_ms - start_ms).collect();
    assert_eq!(writes, [0, 1_000, 3_000, 7_000, 15_000]);
    assert!(!sent.iter().any(|(_, sent)| matches!(sent, Hello { .. })), "the window is not empty");
}

#[test]
fn an_idle_device_of_version_1_sleeps_from_hello_to_hello() {
    let mut memory = [0; MEMORY];
    let mut device = Device::fallen_back(&mut memory);
    let sent = device.sleep_until(40_000);
    let hellos: Vec<_> = sent.iter().map(|(at_ms, _)| *at_ms).collect();
    assert_eq!(hellos, [15_000, 31_000]);
}

#[test]
fn what_version_1_has_to_send_is_due_at_once_whatever_else_waits() {
    for is_read in [true, false] {
        let mut memory = [0; MEMORY];
        let mut device = Device::fallen_back(&mut memory);
        if is_read {
            device.read(40);
            device.sent();
            device.data(40, 1);
        } else {
            device.write(40, 1).unwrap();
            device.sent();
            device.write(41, 1).unwrap();
        }
        assert!(device.session.deadline_ms(device.now_ms).is_some_and(|due_ms| due_ms <= device.now_ms));
    }
}

#[test]
fn without_a_connection_only_reads_end() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(40);
    device.write_all(0..1);
    device.session.disconnected();
    assert_eq!(device.session.deadline_ms(0), Some(8_000));
    assert_eq!(device.sleep_until(u64::MAX), []);
    assert_eq!(device.told(), [Event::ReadFailed(b(40), Failure::TimedOut)]);
}
