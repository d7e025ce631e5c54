//! The segment after the one that is written to: made ahead, so that no group waits for 64 MiB of zeros.

use std::borrow::ToOwned as _;
use std::path::Path;
use std::string::ToString as _;
use std::thread::{Builder, JoinHandle};

use region_store::journal::Journal;
use region_store::medium::Medium;

use super::{Limits, create, has_room};

/// An empty segment, and its length.
pub(super) type Segment<M> = (Journal<M>, u64);

/// The next segment, which is there, or is being made, or neither: then there was no room, and it is tried again when it
/// is needed.
#[derive(Debug)]
pub(super) struct Next<M: Medium> {
    ready: Option<Segment<M>>,
    /// The thread that makes it returns `None` if it cannot.
    coming: Option<JoinHandle<Option<Segment<M>>>>,
}

impl<M: Medium> Next<M> {
    pub(super) const MISSING: Self = Self { ready: None, coming: None };

    /// Makes a segment for a checkpoint of so many bytes, by a thread if the limits say so.
    pub(super) fn make(
        medium: &M,
        folder: &Path,
        number: u64,
        limits: Limits,
        checkpoint_bytes: u64,
    ) -> Self {
        if !has_room(medium, folder, limits, checkpoint_bytes) {
            return Self::MISSING;
        }
        let make =
            move |medium: &M, folder: &Path| create(medium, folder, number, limits, checkpoint_bytes).ok();
        if limits.allocates_aside {
            let (medium, folder) = (medium.clone(), folder.to_owned());
            let thread = Builder::new().name("segment".to_string());
            if let Ok(coming) = thread.spawn(move || make(&medium, &folder)) {
                return Self { ready: None, coming: Some(coming) };
            }
        }
        Self { ready: make(medium, folder), coming: None }
    }

    /// Takes it, once it is there.
    pub(super) fn take(&mut self) -> Option<Segment<M>> {
        match self.coming.take() {
            Some(coming) => coming.join().ok().flatten(),
            None => self.ready.take(),
        }
    }
}

impl<M: Medium> Drop for Next<M> {
    /// Nothing is made in a folder that another store may have by then.
    fn drop(&mut self) {
        self.take();
    }
}
