//! How fast channels may send, and are answered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use vdisk_proto::codec::Channel;

/// How many messages a channel may send at once that has sent none for a while.
const BURST: u32 = 64;
/// How many channels are remembered before those that have caught up are forgotten.
const REMEMBERED: usize = 4_096;

/// How fast a server goes.
pub(crate) struct Tempo {
    /// How long an answer to a device of version 1 waits.
    pub(crate) legacy_delay: Duration,
    /// How fast channels may send, if that is bounded.
    pub(crate) pace: Option<Pace>,
}

impl Tempo {
    /// How long a message that arrives now has to wait.
    pub(crate) fn wait(&self, channel: Channel) -> Duration {
        self.pace.as_ref().map_or(Duration::ZERO, |pace| pace.wait(channel, Instant::now()))
    }
}

/// A rate for every channel.
pub(crate) struct Pace {
    /// What a message takes of its channel's time.
    interval: Duration,
    /// Up to when the messages of each channel have used its time.
    used: Mutex<HashMap<Channel, Instant>>,
}

impl Pace {
    /// So many messages a second, 1 at least.
    pub(crate) fn new(rate: u32) -> Self {
        Self { interval: Duration::from_secs(1) / rate.max(1), used: Mutex::default() }
    }

    /// How long a message that arrives now has to wait.
    pub(crate) fn wait(&self, channel: Channel, now: Instant) -> Duration {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= REMEMBERED {
            used.retain(|_, until| *until > now);
        }
        let until = used.entry(channel).or_insert(now);
        let wait = until.saturating_duration_since(now).saturating_sub(self.interval * BURST);
        *until = (*until).max(now) + self.interval;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_the_rest_waits_its_turn() {
        let pace = Pace::new(100);
        let (flooding, calm) = (Channel::new("1").unwrap(), Channel::new("2").unwrap());
        let start = Instant::now();
        for _ in 0..=BURST {
            assert_eq!(pace.wait(flooding, start), Duration::ZERO);
        }
        assert_eq!(pace.wait(flooding, start), Duration::from_millis(10));
        assert_eq!(pace.wait(flooding, start), Duration::from_millis(20));
        assert_eq!(pace.wait(calm, start), Duration::ZERO);
        // Its 67 messages were of 670 ms.
        let later = start + Duration::from_millis(600);
        for _ in 0..58 {
            assert_eq!(pace.wait(flooding, later), Duration::ZERO);
        }
        assert_eq!(pace.wait(flooding, later), Duration::from_millis(10));
    }

    #[test]
    fn channels_that_have_caught_up_are_forgotten() {
        let pace = Pace::new(1);
        let start = Instant::now();
        for number in 0..REMEMBERED {
            let _wait = pace.wait(Channel::new(&number.to_string()).unwrap(), start);
        }
        let _wait = pace.wait(Channel::new("x").unwrap(), start + Duration::from_secs(2));
        assert_eq!(pace.used.lock().unwrap().len(), 1);
    }
}
