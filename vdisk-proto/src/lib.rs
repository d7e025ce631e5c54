//! The MQTT virtual disk protocol: the wire half of Platter.
//!
//! - [`codec`]: the names and bytes of both protocol versions. `no_std`, no allocation, nothing that can panic.
//! - [`session`]: the device's side, a state machine without I/O. Neither has `std` or allocates.
//! - [`service`] and [`store`], with the feature `service`, which is on by default and needs std: the server's side as a
//!   state machine without I/O, over a store that says what is durable.
//! - `client`, with the feature `client`, which is off by default and needs std, and a C compiler for what TLS links:
//!   disks for Rust programs, through an MQTT broker.
//! - [`store`] has a durable store of plain files with a journal, with the feature `server`, which pulls in `region-store`.
//!
//! `docs/protocol.md` in the repository says all of it for other languages, and what a device has to do. A server to run is
//! the package `vdisk-server`.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "client", feature = "service"))]
extern crate std;

#[cfg(feature = "client")]
pub mod client;
pub mod codec;
#[cfg(feature = "service")]
pub mod service;
pub mod session;
#[cfg(feature = "service")]
pub mod store;
