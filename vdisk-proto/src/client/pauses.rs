//! How long to wait between connections.

use std::time::Duration;

const FIRST_MS: u64 = 100;
const LONGEST_MS: u64 = 30_000;
/// A connection that held for so long was a good one: the next pause is the first again.
const GOOD: Duration = Duration::from_secs(10);

/// Pauses that double from one connection to the next, up to 30 s, and up to a quarter more by chance, so that clients
/// that lost their broker together do not come back together.
#[derive(Debug)]
pub(super) struct Pauses {
    next_ms: u64,
}

impl Pauses {
    pub(super) const fn new() -> Self {
        Self { next_ms: FIRST_MS }
    }

    /// The pause after a connection that held, or was tried, for so long.
    pub(super) fn after(&mut self, held: Duration, random: u64) -> Duration {
        if held >= GOOD {
            self.next_ms = FIRST_MS;
        }
        let pause_ms = self.next_ms;
        self.next_ms = pause_ms.saturating_mul(2).min(LONGEST_MS);
        let jitter_ms = (pause_ms * (random & 0xff)) >> 10;
        Duration::from_millis(pause_ms.saturating_add(jitter_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_thirty_seconds_until_a_connection_is_good() {
        let mut pauses = Pauses::new();
        for pause_ms in [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000] {
            assert_eq!(pauses.after(Duration::ZERO, 0), Duration::from_millis(pause_ms));
        }
        assert_eq!(
            pauses.after(Duration::ZERO, u64::MAX),
            Duration::from_millis(30_000 + 30_000 * 255 / 1_024)
        );
        assert_eq!(pauses.after(Duration::from_secs(10), 0), Duration::from_millis(100));
    }
}
