//! Names and bytes on the wire, of both protocol versions. No I/O, no allocation, nothing that can panic.
//!
//! Each layout is described once, in its module: [`channel`] and [`topic`] names, [`legacy`] payloads, version 2's
//! [`frame`] and the bodies of [`hello`]. A [`Run`] is the sectors that a frame names. All numbers are little-endian and read and written bytewise. Whatever the bytes
//! are, they give a value or an error that says what is wrong.

pub mod channel;
mod checksum;
pub mod frame;
pub mod hello;
pub mod legacy;
mod run;
mod status;
pub mod topic;

pub use channel::{Channel, ChannelError};
pub use checksum::crc32c;
pub use run::Run;
pub use status::Status;
pub use topic::Topic;
