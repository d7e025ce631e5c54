//! The threads that write slices.

use std::sync::Arc;

use super::files::Spindle;
use super::impeller::{Impeller, Lane, Work};
use crate::error::{Error, Result};
use crate::format::Manifest;
use crate::format::manifest::MAX_SPINDLES;
use crate::medium::{Disk, Medium};

/// The most threads of a spindle.
pub const MAX_IMPELLERS: usize = 1_024;

/// How many impellers there are, and how much may wait for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImpellerOptions {
    /// Threads of each spindle.
    pub threads: usize,
    /// Bytes of the parcels that wait for a thread, or that it writes. Each counts 128 more for its place in the queue, so
    /// that those without a byte wait, too. A region in which nothing waits may have one parcel more.
    pub queue_bytes: u64,
}

impl Default for ImpellerOptions {
    /// 8 threads a spindle, and 8 MiB for each.
    fn default() -> Self {
        Self { threads: 8, queue_bytes: 8 << 20 }
    }
}

/// Threads that write the regions of slices, a fixed number for each spindle. Clones share them, and they end with the last
/// clone and the last [writer](super::SliceWriter).
///
/// Each has a queue. A thread writes one parcel of a region, then one of the next, so that a region that is flooded delays
/// another by one parcel. Whoever finds a queue full waits.
#[derive(Clone, Debug)]
pub struct Impellers<M: Medium = Disk>(Arc<Inner<M>>);

#[derive(Debug)]
struct Inner<M: Medium> {
    medium: M,
    spindles: Vec<Spindle>,
    /// Those of each spindle.
    impellers: Vec<Vec<Impeller>>,
}

impl Impellers {
    /// Starts the threads of some folders, which are there already.
    ///
    /// # Errors
    /// [`Error::SliceShape`] and [`Error::Unspeakable`] for what cannot be; [`Error::Io`] if there can be no more threads.
    pub fn start(spindles: Vec<Spindle>, options: ImpellerOptions) -> Result<Self> {
        Self::start_on(Disk, spindles, options)
    }
}

impl<M: Medium> Impellers<M> {
    /// The same on a medium.
    ///
    /// # Errors
    /// As [`start`](Impellers::start).
    pub fn start_on(medium: M, spindles: Vec<Spindle>, options: ImpellerOptions) -> Result<Self> {
        check_count("spindles", spindles.len(), MAX_SPINDLES)?;
        check_count("impellers a spindle", options.threads, MAX_IMPELLERS)?;
        // What no manifest can say is found here, and not when all is written.
        let names = spindles.iter().map(|spindle| spindle.name.clone()).collect();
        Manifest { spindles: names, ..Manifest::default() }.encode()?;
        let started = spindles.iter().enumerate().map(|(number, spindle)| start(number, spindle, options));
        let impellers = started.collect::<Result<_>>()?;
        Ok(Self(Arc::new(Inner { medium, spindles, impellers })))
    }

    /// The spindles that they write to.
    #[must_use]
    pub fn spindles(&self) -> &[Spindle] {
        &self.0.spindles
    }

    pub(super) fn medium(&self) -> &M {
        &self.0.medium
    }

    /// Gives a region to the impeller of its spindle that has the fewest.
    pub(super) fn attach(&self, spindle: usize, work: impl Work) -> Option<Lane> {
        let impellers = self.0.impellers.get(spindle)?;
        let idlest = impellers.iter().min_by_key(|impeller| impeller.lane_count())?;
        Some(idlest.attach(Box::new(work)))
    }
}

fn start(number: usize, spindle: &Spindle, options: ImpellerOptions) -> Result<Vec<Impeller>> {
    (0..options.threads)
        .map(|thread| Impeller::start(format!("impeller {number}.{thread}"), options.queue_bytes))
        .collect::<std::io::Result<_>>()
        .map_err(Error::io(&spindle.folder, "start a thread for"))
}

/// Whether there are some, and not too many.
pub(super) fn check_count(what: &'static str, found: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&found) { Ok(()) } else { Err(Error::SliceShape { what, found, least: 1, most }) }
}
