//! The locks of a snap: std's, or those of shuttle, which tries out in which order threads may come to them.
//!
//! The latter is built by `--cfg shuttle`, for the tests of `snap/schedules.rs` alone: outside of shuttle these locks panic.

#[cfg(not(shuttle))]
pub(super) use std::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool};

#[cfg(shuttle)]
pub(super) use shuttle::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool};
