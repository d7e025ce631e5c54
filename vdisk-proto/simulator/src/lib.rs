//! Devices, a network and a server of virtual disks that fail as they like, to see whether the protocol keeps its
//! promises.
//!
//! A [`Run`] is made of the same code as the real thing: sessions, the service, the mailbox's service and the cache. What
//! is between them is simulated: the lines and the broker, which lose, repeat, delay, reorder and damage messages and
//! keep them for later; the power of devices, microcontrollers and the server; and a disk that has only what was synced.
//! People replace images and restore folders meanwhile, emulators of version 1 and second devices use the same channels,
//! and some servers speak version 1 only.
//!
//! All of it follows from a seed. After every step, it is checked that
//!
//! - a write that was acknowledged was on the disk,
//! - bytes that were overwritten never come back on the disk,
//! - a read returns the last write that its device accepted, or what the disk held since the device's session began,
//! - what a cache holds and is trusted with is what a read may return,
//! - what waits for the server's disk and in a device's window is bounded,
//! - no write fails, no drive is reported as changed and no channel as taken over without a cause;
//!
//! and at the end, when nothing goes wrong any more, that everything comes to rest and all caches agree with the disk.
//!
//! ```
//! use vdisk_simulator::{Fault, Run};
//!
//! let report = Run { seed: 7, steps: 500, defect: None, log: false }.run()?;
//! println!("{} messages were lost", report.faults.count(Fault::Lost));
//! # Ok::<(), vdisk_simulator::Failed>(())
//! ```

#![forbid(unsafe_code)]

mod chance;
mod checks;
mod contents;
mod cpu;
mod defect;
mod device;
mod fault;
mod field;
mod mishaps;
mod network;
mod oracle;
mod plan;
mod program;
mod run;
mod server;
mod settle;
mod world;

#[cfg(feature = "defects")]
pub use defect::DEFECTS;
pub use defect::Defect;
pub use fault::{Fault, Faults};
pub use oracle::Violation;
pub use run::{Failed, Report, Run, STEPS_A_RUN};
