//! The service over a store of files, on a medium that loses its power: what it promises to devices, who say what they
//! like, while people replace images, calls fail, the disk is full, and processes end in every way.
//!
//! A seed gives the same life each time. `PROPTEST_CASES` says how many there are, `PROMISES_SEED` which is the first.

mod device;
mod oracle;
mod people;
mod world;

use std::env;
use std::format;
use std::println;
use std::string::String;

use world::{Seen, World};

/// Lives, unless told otherwise.
const CASES: u64 = 16;
const STEPS: usize = 400;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn live(seed: u64) -> Result<Seen, String> {
    let mut world = World::new(seed)?;
    for step in 0..STEPS {
        world.step().map_err(|error| format!("step {step}: {error}"))?;
    }
    Ok(world.seen)
}

#[test]
fn whatever_happens_promises_are_kept() {
    let (first, cases) = (number("PROMISES_SEED").unwrap_or(0), number("PROPTEST_CASES").unwrap_or(CASES));
    let mut all = Seen::default();
    for seed in first..first + cases {
        let seen = live(seed).unwrap_or_else(|error| panic!("PROMISES_SEED={seed}, {error}"));
        all += seen;
    }
    println!("{cases} lives: {all:?}");
    let Seen { writes, sessions, changes, refused, faults, recoveries, cut, ahead, ends, deaths, edited } =
        all;
    let all = [writes, sessions, changes, refused, faults, recoveries, cut, ahead, ends, deaths, edited];
    assert!(cases < CASES || all.iter().all(|count| *count > 0), "something never happened");
}
