//! Region files: the storage half of Platter.
//!
//! A *region* is a file of opaque blobs behind a header of magic and version bytes, written once and then mapped to be
//! read. Its bytes are described in [`mod@format`], which does no I/O and can be used alone. A
//! [`RegionWriter`] writes one, and has all of it on the disk before it gets its name; a [`Region`] reads it. A [`journal`]
//! is a region that is appended to, group by group; a [`slice`](mod@slice) a dataset of several regions. A [`store`] keeps
//! many of those, in memory, on disk or only known, as there is room.
//!
//! # Features
//!
//! | Feature        | On by default | Adds |
//! |----------------|---------------|------|
//! | `command`      | yes           | the command `region`, and what only it links |
//! | `crash-medium` | no            | a medium in memory that fails on demand and loses its power, for tests |
//! | `object-store` | no            | `ObjectLoader`: slices shared through a folder of objects, or what else `object_store` reaches |
//! | `s3`           | no            | the same by an `s3://` URL |

mod defect;
mod error;
pub mod format;
mod growing;
pub mod journal;
pub mod medium;
mod os;
pub mod parcel;
mod region;
pub mod salvage;
pub mod slice;
pub mod store;
mod writer;

pub use error::{Error, Result};
pub use parcel::{MAX_PARCEL_LENGTH, Parcel, ParcelError};
pub use region::{Access, Blobs, OpenOptions, Region, Verify};
pub use writer::{Options, RegionWriter, Sealed};
