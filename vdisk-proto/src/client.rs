//! Disks for Rust programs: the sectors of a channel's drives, read and written through an MQTT broker.
//!
//! [`Disk`] blocks, [`AsyncDisk`] does not; they are the same otherwise. Inside is a [`Session`](crate::session::Session)
//! beside a [`SectorCache`](sector_cache::SectorCache): a read that misses fetches the whole track, and a write is sent
//! until the server has it on its disk.
//!
//! ```no_run
//! use sector_cache::SectorKey;
//! use vdisk_proto::client::{Disk, Options};
//!
//! fn main() -> Result<(), vdisk_proto::client::Error> {
//!     let options = Options::new("mqtt://127.0.0.1:1883", "12345678");
//!     let disk = Disk::open(&options)?;
//!     let boot_sector = SectorKey::try_new(1, 0).unwrap(); // drive B, sector 0
//!     let mut bytes = [0; 137];
//!     disk.read(boot_sector, &mut bytes)?;
//!     bytes[0] ^= 1;
//!     disk.write(boot_sector, &bytes)?; // accepted
//!     disk.flush()?; // on the server's disk
//!     disk.close()
//! }
//! ```
//!
//! A board's broker wants TLS, and knows it by its certificate:
//!
//! ```no_run
//! # use vdisk_proto::client::{Disk, Options};
//! let options = Options::new("mqtts://broker.example:8884", "12345678")
//!     .authority_file("authority.pem")
//!     .certificate_files("device.pem", "device.key");
//! let disk = Disk::open(&options)?;
//! # Ok::<(), vdisk_proto::client::Error>(())
//! ```
//!
//! # Promises
//!
//! They are [those of the session](crate::session#promises). On top of them:
//!
//! - Every call returns in time, whatever broker, server and network do: within its time-out, but for a read that has to
//!   wait for its turn, which may take twice as long, and for [`close`](Disk::close) and an [`open`](Disk::open) that
//!   fails, which take leave of the broker for a second more at most. Where 256 calls wait at once, the time of the next
//!   one begins when one of them has ended.
//! - A connection that is lost is made again, after pauses that grow up to 30 s; that a broker has fallen silent is
//!   noticed within 20 s. A write that was accepted waits
//!   meanwhile, and is sent again. Only if the program ends, or drops the disk without [`close`](Disk::close), are writes
//!   lost that were accepted and not flushed.
//! - A write that failed after it was accepted is told at once, as an [`Event`], and once more by the next
//!   [`flush`](Disk::flush) or `close`, as [`Error::WritesFailed`] or [`Error::DataLoss`]: who flushes misses none.
//!
//! # Threads and memory
//!
//! A disk has a thread of its own, which owns session, cache and connection; callers send it what they want, and even a
//! sector that is cached takes two switches of threads. So a disk may be shared. Writes wait for room in the window, and
//! reads of what is not cached while four tracks are on their way, each in the order of the calls. All queues are bounded: a
//! full one pushes back on the caller. Memory is 12 bytes and a sector for each slot of the cache, the window, and the
//! buffers of the connection.
//!
//! # MQTT
//!
//! Everything is published with QoS 0, since the session knows by itself what is to be sent again: QoS 1 would add a
//! packet for each, and a queue of its own that holds others back while one is not acknowledged. For the same reason a
//! connection begins with nothing left of the last one: clean session, topics subscribed to again.
//!
//! TLS is version 1.2 or 1.3. The certificate's name has to be the host of the URL.

mod asynchronous;
mod blocking;
mod broker;
mod command;
mod connection;
mod device;
mod driver;
mod error;
mod event;
mod files;
#[doc(hidden)]
pub mod joining;
mod options;
mod pauses;
mod pending;
mod url;

use std::vec::Vec;

pub use asynchronous::AsyncDisk;
pub use blocking::Disk;
pub use connection::ConnectionFailure;
pub use error::Error;
pub use event::Event;
pub use options::Options;

pub use crate::codec::hello::DriveInfo;

/// What a disk counted since it was opened, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The cache: hits, misses, evictions, slots used.
    pub cache: sector_cache::Stats,
    /// The session: messages sent, sent again and received.
    pub session: crate::session::Counters,
    /// Connections to the broker that were made, the first included.
    pub connections: u64,
    /// Whether there is a connection now.
    pub is_connected: bool,
    /// Writes that are accepted, and not on the server's disk yet.
    pub unacknowledged: usize,
    /// Whether version 1 is spoken, which can promise less.
    pub is_version_1: bool,
}

/// The drives of a channel.
type Drives = Vec<DriveInfo>;
