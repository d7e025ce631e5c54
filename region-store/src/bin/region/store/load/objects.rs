//! Slices from a store of objects.

use std::sync::Arc;

use indicatif::ProgressBar;
use region_store::format::SliceIdentity;
use region_store::store::{Load, LoadError, Loader, ObjectLoader, SliceKey};

use super::Ready;
use crate::Failure;
use crate::progress::bar;

/// Loads what somebody published.
pub(super) struct Objects {
    objects: ObjectLoader,
    bar: ProgressBar,
}

impl Objects {
    pub(super) fn open(key: SliceKey, url: &str) -> Result<Self, Failure> {
        let bar = bar(&key.to_string(), 0);
        let moved = bar.clone();
        let objects = ObjectLoader::open(url)?.progress(move |done, of| {
            moved.set_length(of);
            moved.set_position(done);
        });
        Ok(Self { objects, bar })
    }

    pub(super) fn ready(self) -> Ready {
        let loader = Arc::new(self);
        let (stopped, checked) = (Arc::clone(&loader), Arc::clone(&loader));
        Ready {
            bar: loader.bar.clone(),
            loader,
            stop: Box::new(move || stopped.objects.stop()),
            check: Box::new(move |identity| checked.objects.published(identity).map(drop)),
        }
    }
}

impl Loader for Objects {
    fn load(&self, load: &Load<'_>) -> Result<(), LoadError> {
        self.objects.load(load)
    }

    fn expected_bytes(&self, identity: &SliceIdentity, is_cancelled: &dyn Fn() -> bool) -> u64 {
        self.objects.expected_bytes(identity, is_cancelled)
    }
}
