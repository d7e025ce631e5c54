//! What happens in a store, for whoever wants to know.

use std::path::PathBuf;
use std::sync::Arc;

use super::key::{Generation, SliceKey};
use super::status::SnapState;
use crate::error::Error;

/// Hears of what happens. It is called by whichever thread did it. It may call the store, but for a slice whose load has
/// begun and not ended: that is held up until it returns. A panic in it changes nothing.
pub trait Listener: Send + Sync + 'static {
    /// Something has happened.
    fn hear(&self, event: &Event);
}

/// A function hears, too.
impl<F: Fn(&Event) + Send + Sync + 'static> Listener for F {
    fn hear(&self, event: &Event) {
        self(event);
    }
}

/// Something that has happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A spindle is not there, or others know it and nobody gave it: slices that have a part on it are not available.
    SpindleMissing {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A slice was found on disk when the store was opened.
    Found {
        /// Which slice.
        key: SliceKey,
        /// Where it is.
        state: SnapState,
    },
    /// Files were removed that were no slice, or one of which a later writing is there: when the store was opened, or by the
    /// tender if that could not be done then.
    Removed(Leftover),
    /// Files were left where they are when the store was opened, though they are no slice that can be had. If they were to be
    /// removed, the tender tries again, 10 times at most.
    Kept(Leftover),
    /// What is on disk of a slice cannot be read. It is removed, and loaded again.
    Damaged {
        /// Which slice.
        key: SliceKey,
        /// What is wrong.
        cause: Arc<Error>,
    },
    /// A load begins.
    Loading {
        /// Which slice.
        key: SliceKey,
        /// Which generation.
        generation: Generation,
    },
    /// An attempt to load has failed, and another one follows.
    Retrying {
        /// Which slice.
        key: SliceKey,
        /// Why.
        cause: Arc<Error>,
    },
    /// A slice is in memory, or has no blob.
    Loaded {
        /// Which slice.
        key: SliceKey,
        /// Which generation.
        generation: Generation,
        /// Whether it was on disk.
        was_on_disk: bool,
    },
    /// A slice could not be loaded.
    LoadFailed {
        /// Which slice.
        key: SliceKey,
        /// Why.
        cause: Arc<Error>,
    },
    /// A slice gives way to another generation.
    Replacing {
        /// Which slice.
        key: SliceKey,
        /// What was there.
        old: Generation,
        /// What will be.
        new: Generation,
    },
    /// A slice is no more in memory.
    Evicted {
        /// Which slice.
        key: SliceKey,
    },
    /// A slice is no more on disk.
    Flushed {
        /// Which slice.
        key: SliceKey,
    },
    /// A slice is no more known.
    Erased {
        /// Which slice.
        key: SliceKey,
    },
    /// A slice could not be taken down, by whoever wanted that.
    Trouble {
        /// Which slice.
        key: SliceKey,
        /// What is wrong.
        cause: Arc<Error>,
    },
}

/// Files that are no slice of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Which files.
    pub paths: Vec<PathBuf>,
    /// Why they are none.
    pub why: String,
}
