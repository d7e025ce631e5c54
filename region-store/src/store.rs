//! A store of slices: many datasets on one machine, kept in memory, on disk, or only known, as there is room.
//!
//! What the store knows of one slice is a *snap*. A [`Loader`] brings a slice in when it is asked for, and whoever asked
//! holds a [`ReadLock`] on it while it is scanned. When memory or disks get full, or nobody asks for long, the tender takes
//! the slices down again that were used least recently.
//!
//! ```text
//!             load                  evict              flush            erase
//!   Cold --------------> Hot ---------------> Warm ------------> Cold ---------> gone
//!    ^                   | ^                  | ^
//!    | heal        error | '------- map ------' | restart: its manifests are on disk
//!    '------ Failed <----'                      '---
//!
//!   NoData       loaded, and there is no blob: it scans as empty, and a flush takes it to Cold
//!   Unavailable  on disk, but one of its disks is missing: it is neither loaded nor removed
//! ```
//!
//! Workers share slices through a folder or a bucket by the loader `ObjectLoader`, with the feature `object-store`.
//!
//! Each change of state is made under the write lock of the snap, of which there is one: however many ask for a slice, it is
//! loaded once, and all of them share what comes of it. Nobody breaks a read lock. What is to replace a slice by another
//! generation waits until its readers are gone, and whoever asks meanwhile queues behind it.

mod bring;
mod budget;
mod clock;
mod defect;
mod engine;
mod event;
mod filter;
mod flight;
mod key;
mod load;
mod lock;
mod note;
#[cfg(feature = "object-store")]
mod objects;
mod options;
mod restart;
mod rubbish;
mod snap;
mod spindle;
mod status;
mod sync;
mod tender;
#[cfg(test)]
mod tests;

pub use engine::Store;
pub use event::{Event, Leftover, Listener};
pub use filter::{Comparison, Condition, Field, Filter, FilterError};
pub use key::{Generation, SliceKey};
pub use load::{Load, LoadError, Loader};
pub use lock::ReadLock;
#[cfg(feature = "object-store")]
pub use objects::ObjectLoader;
pub use options::{Marks, StoreOptions, TenderTimes, TimesToLive};
pub use status::{SnapMetrics, SnapState, SnapStatus, SpindleStatus, StoreStatus};
pub use tender::{Down, Tended};
