//! Slices: datasets of several regions, spread over several disks.
//!
//! A *slice* is a set of region files, one or more for each of the [spindles](Spindle) that it is written over, and a
//! [manifest](crate::format::manifest) on each of those. [`Impellers`] write it, by order of a [`SliceWriter`]. The manifests
//! come last of all, and are what makes it a slice: without one there is none, whatever regions are there.

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

pub use files::{Content, SliceFile, Spindle};
pub use impellers::{ImpellerOptions, Impellers, MAX_IMPELLERS};
pub use provisional::{Durability, Provisional, Written};
pub use reader::{Slice, SliceRegion};
pub use scanners::Scanners;
pub use writer::{MAX_REGIONS, SliceOptions, SliceWriter};
pub use written::WrittenRegion;
