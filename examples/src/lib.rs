//! What the examples share: recorded sessions, their replay against a cache, and how to show what came of it.
//!
//! ```
//! use platter_examples::{Policy, Setup, Trace, play};
//!
//! let trace = Trace::parse(b"# a session\nR 1 0\nR 1 8\nW 1 8 cafe\nR 1 8\n")?;
//! let setup = Setup { slots: 800, policy: Policy::WholeTrack };
//! let played = play(&trace.of_drive(1), setup)?;
//! assert_eq!((played.tally.requests, played.tally.hits), (1, 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

/// Compiles and runs the Rust of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

mod optimum;
mod picture;
mod replay;
mod server;
mod text;
mod trace;

pub use optimum::most_hits;
pub use picture::{Colour, HeatMap, dot_map};
pub use replay::{
    FIRMWARE_SLOTS, FIRMWARE_TODAY, Played, Policy, SECTOR_LENGTH, Setup, Tally, play, slots_that_fit,
};
pub use text::{grouped, json_string, percent, spoken};
pub use trace::{Access, Operation, Trace, TraceError};
