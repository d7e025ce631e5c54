//! The store beside the one in memory, on a medium that loses its power, and on real files.

#![allow(clippy::cast_possible_truncation, reason = "numbers are small")]

mod bound;
mod calls;
mod changes;
mod costs;
mod crashes;
mod machine;
mod model;
mod overlay;
mod past;
mod promises;
mod real;
mod segments;
