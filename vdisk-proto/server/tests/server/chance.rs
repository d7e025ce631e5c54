//! Chance that can be had again: `SEED=` asks for that of another run, `KILLS=` for more rounds.

use std::env;
use std::io::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

/// Numbers that look random, from a seed.
pub(crate) struct Chance(u64);

impl Chance {
    /// Says which it is, and of how many rounds.
    pub(crate) fn new(what: &str) -> (Self, u64) {
        let rounds = number("KILLS").unwrap_or(20);
        let seed = number("SEED")
            .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1);
        // Not by `eprintln!`, which the test harness keeps to itself where a test passes.
        let _said = writeln!(io::stderr(), "{rounds} {what}: SEED={seed}");
        (Self(seed), rounds)
    }

    /// Others, for somebody else.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.below(u64::MAX) | 1)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}
