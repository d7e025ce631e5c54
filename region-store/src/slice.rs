//! Slices: datasets of several regions, spread over several disks.
//!
//! A *slice* is a set of region files, one or more for each of the [spindles](Spindle) that it is written over, and a
//! [manifest](crate::format::manifest) on each of those. [`Impellers`] write it, by order of a [`SliceWriter`]. The manifests
//! come last of all, and are what makes it a slice: without one there is none, whatever regions are there.
//!
//! ```text
//! queue            parcels, in turns over the regions
//!   |              a bounded queue for each impeller, in which the regions take turns
//! write            returns: the blobs can be scanned, provisionally
//!   |
//! sync, seal, sync, rename        region by region, by its impeller
//!   |
//! sync the folders
//!   |
//! manifest: write, sync, rename   on each spindle
//!   |
//! sync the folders                the slice survives a power cut, and what was scanned is durable
//! ```
//!
//! What goes wrong before that leaves no slice, and what goes wrong after the first manifest has its name takes the
//! manifests away, and has that on the disk, before any region goes.
//!
//! [`Slice`] opens what is whole. [`Scanners`] scan it: each region is bound to one thread.

mod defect;
mod files;
mod impeller;
mod impellers;
mod progress;
mod provisional;
mod publication;
mod reader;
mod scanners;
#[cfg(test)]
mod tests;
mod turns;
mod work;
mod writer;
mod written;

#[cfg(test)]
pub(crate) use defect::removing_regions_first;
pub use files::{Content, SliceFile, Spindle};
pub use impellers::{ImpellerOptions, Impellers, MAX_IMPELLERS};
pub use provisional::{Durability, Provisional, Written};
pub(crate) use publication::{is_damage, read as read_manifest, remove, remove_if_there};
#[cfg(feature = "object-store")]
pub(crate) use reader::sealed_differs;
pub use reader::{Slice, SliceRegion};
pub use scanners::Scanners;
pub use writer::{MAX_NOTE_LENGTH, MAX_REGIONS, SliceOptions, SliceWriter};
pub use written::WrittenRegion;
