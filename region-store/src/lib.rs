//! Region files: the storage half of Platter.
//!
//! A *region* is a file of opaque blobs behind a header of magic and version bytes, written once and then mapped to be
//! read. Its bytes are described in [`mod@format`], which does no I/O and can be used alone.

mod error;
pub mod format;

pub use error::{Error, Result};
