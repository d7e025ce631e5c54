//! How often passwords may be guessed.
//!
//! | Wrong passwords from an address        | The next one is looked at after |
//! |----------------------------------------|---------------------------------|
//! | up to 5                                | no wait                         |
//! | the 6th, 7th, 8th ...                  | 1 s, 2 s, 4 s ..., 5 min at most |
//! | none for an hour                       | no wait: they are forgotten     |
//!
//! A right password forgets nothing: somebody with one of their own could else guess those of others without end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::origin::Origin;

/// Counts failures by address.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// At most [`MAX_ORIGINS`].
    origins: HashMap<Origin, Failures>,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

const MAX_ORIGINS: usize = 4_096;
const FREE: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);

impl Failures {
    fn wait(&self) -> Duration {
        let Some(doublings) = self.count.checked_sub(FREE + 1) else { return Duration::ZERO };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT)
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= FORGOTTEN_AFTER
    }
}

impl Limiter {
    /// How long an address has to wait still, if it has to.
    pub(super) fn wait(&self, origin: Origin, now: Instant) -> Option<Duration> {
        let failures = self.origins.get(&origin)?;
        let left = failures.wait().checked_sub(now.saturating_duration_since(failures.last))?;
        (!left.is_zero()).then_some(left)
    }

    /// Counts a wrong password.
    pub(super) fn failed(&mut self, origin: Origin, now: Instant) {
        if !self.origins.contains_key(&origin) && self.origins.len() >= MAX_ORIGINS {
            self.make_room(now);
        }
        let failures = self.origins.entry(origin).or_insert(Failures { count: 0, last: now });
        if failures.is_forgotten(now) {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
    }

    /// Forgets what can be, or else the address that failed least, and of those the one longest ago: a crowd of new
    /// addresses pushes itself out, not who has to wait.
    fn make_room(&mut self, now: Instant) {
        self.origins.retain(|_, failures| !failures.is_forgotten(now));
        if self.origins.len() >= MAX_ORIGINS {
            let least = self.origins.iter().min_by_key(|(_, failures)| (failures.count, failures.last));
            if let Some(origin) = least.map(|(origin, _)| *origin) {
                self.origins.remove(&origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn origin(number: u32) -> Origin {
        Origin::of(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    #[test]
    fn waits_grow_and_are_bounded_and_end() {
        let (mut limiter, mut now, guesser) = (Limiter::default(), Instant::now(), origin(7));
        for _ in 0..5 {
            assert_eq!(limiter.wait(guesser, now), None);
            limiter.failed(guesser, now);
        }
        assert_eq!(limiter.wait(guesser, now), None);
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            limiter.failed(guesser, now);
            let wait = Duration::from_secs(seconds);
            assert_eq!(limiter.wait(guesser, now), Some(wait));
            assert_eq!(limiter.wait(origin(8), now), None);
            let nearly = wait - Duration::from_millis(1);
            assert_eq!(limiter.wait(guesser, now + nearly), Some(Duration::from_millis(1)));
            now += wait;
            assert_eq!(limiter.wait(guesser, now), None);
        }
        for _ in 0..100 {
            limiter.failed(guesser, now);
        }
        assert_eq!(limiter.wait(guesser, now), Some(LONGEST_WAIT));
        now += FORGOTTEN_AFTER;
        limiter.failed(guesser, now);
        assert_eq!(limiter.wait(guesser, now), None);
    }

    #[test]
    fn the_table_is_bounded_and_keeps_the_worst() {
        let (mut limiter, now) = (Limiter::default(), Instant::now());
        for _ in 0..10 {
            limiter.failed(origin(1), now);
        }
        for number in 2..5_000 {
            limiter.failed(origin(number), now);
            assert!(limiter.origins.len() <= MAX_ORIGINS);
        }
        assert_eq!(limiter.wait(origin(1), now), Some(Duration::from_secs(16)));
        limiter.failed(origin(5_000), now + FORGOTTEN_AFTER);
        assert_eq!(limiter.origins.len(), 1);
    }

    #[test]
    fn who_goes_on_guessing_pushes_nobody_out_of_a_full_table() {
        let (mut limiter, now) = (Limiter::default(), Instant::now());
        let everybody = || (0_u32..).take(MAX_ORIGINS).map(origin);
        for _ in 0..6 {
            everybody().for_each(|origin| limiter.failed(origin, now));
        }
        limiter.failed(origin(1), now);
        assert!(everybody().all(|origin| limiter.wait(origin, now).is_some()));
    }
}
