//! The MQTT virtual disk protocol: the wire half of Platter.
//!
//! This crate exports nothing yet. It will hold the codec of both protocol versions, the device's session and the
//! server's service as state machines without I/O, a simulator that proves them, the client, and `vdisk-server`.

#![no_std]
#![forbid(unsafe_code)]
