//! Measures a server of virtual disks over MQTT: latency, rate, and what it costs. The program is `vdisk-bench`, whose
//! `--help` teaches it; this is what it is made of.
//!
//! - Devices under load, of both versions of the protocol, in turns with a bare echo on the same broker.
//! - A recorded session, played by what devices do today and by Platter's client, with a delay between them and the broker.
//! - Devices that connect all at once.
//!
//! The load comes from one thread unless more are asked for, which does 120,000 legacy reads a second and more; a device
//! takes about 20 KB, and what is counted is counted once for all of them.

#![forbid(unsafe_code)]

mod broker;
mod connect;
mod connection;
mod delay;
mod device;
mod echo;
mod error;
mod legacy;
mod load;
mod options;
mod picture;
mod process;
mod progress;
pub mod report;
mod run;
mod sector;
mod side;
mod speaker;
mod table;
mod tally;
mod trace;
mod version_2;
mod wire;

pub use error::Error;
pub use options::{Options, Protocol};
pub use report::Report;
pub use run::run;
pub use table::text;
