//! Region files: the storage half of Platter.
//!
//! A *region* is a file of opaque blobs behind a header of magic and version bytes, written once and then mapped to be
//! read. Its bytes are described in [`mod@format`], which does no I/O and can be used alone. A [`journal`]
//! is a region that is appended to, group by group.

mod error;
pub mod format;
#[cfg(unix)]
pub mod journal;
#[cfg(unix)]
pub mod medium;
#[cfg(unix)]
mod os;

pub use error::{Error, Result};
