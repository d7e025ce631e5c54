//! When to send something again.

/// The pause after the first time.
const FIRST_MS: u64 = 1_000;
/// How often a pause is doubled: up to 16 s.
const DOUBLINGS: u8 = 4;

/// Something that is sent until it is answered, after pauses that grow. Each is up to a quarter longer than the last
/// one doubled, by chance, so that devices that lost their server together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retry {
    due_ms: u64,
    /// How often it was sent in vain, 255 at most.
    attempts: u8,
}

impl Retry {
    /// Due now, for the first time.
    pub(super) const fn at(now_ms: u64) -> Self {
        Self { due_ms: now_ms, attempts: 0 }
    }

    /// Due now, whatever the pause was to be; the attempts still count.
    pub(super) const fn hurry(&mut self, now_ms: u64) {
        self.due_ms = now_ms;
    }

    pub(super) const fn due_ms(&self) -> u64 {
        self.due_ms
    }

    pub(super) const fn is_due(&self, now_ms: u64) -> bool {
        now_ms >= self.due_ms
    }

    pub(super) const fn attempts(&self) -> u8 {
        self.attempts
    }

    /// It was sent: the next time is after a pause.
    pub(super) fn sent(&mut self, now_ms: u64, random: u64) {
        let pause_ms = FIRST_MS << self.attempts.min(DOUBLINGS);
        self.attempts = self.attempts.saturating_add(1);
        let jitter_ms = (pause_ms * (random & 0xff)) >> 10;
        self.due_ms = now_ms.saturating_add(pause_ms).saturating_add(jitter_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_sixteen_seconds_and_a_quarter() {
        let mut retry = Retry::at(5);
        assert!(retry.is_due(5));
        for (attempts, pause_ms) in (1..).zip([1_000, 2_000, 4_000, 8_000, 16_000, 16_000]) {
            let (mut hasty, mut slow) = (retry, retry);
            hasty.sent(100, 0);
            slow.sent(100, u64::MAX);
            assert_eq!(hasty, Retry { due_ms: 100 + pause_ms, attempts });
            assert_eq!(slow.due_ms, 100 + pause_ms + pause_ms * 255 / 1024);
            retry = hasty;
        }
        assert!(!retry.is_due(16_099) && retry.is_due(16_100));
    }
}
