//! The device in Python, which was written from `docs/protocol.md`, against our service.
//!
//! The two are at the ends of a pipe, and between them is a network of the test's own. Nothing waits for time to pass:
//! the device gets its clock through the pipe, and says when all is sent that follows from a message.
#![allow(clippy::cast_possible_truncation, clippy::indexing_slicing, clippy::unwrap_used)]

mod caller;
mod faults;
mod legacy;
mod link;
mod pipe;
mod random;
mod rules;
mod server;
