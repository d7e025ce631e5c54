//! Slices from a store of objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    is_stopped: AtomicBool,
}

impl Objects {
    pub(super) fn open(key: SliceKey, url: &str) -> Result<Self, Failure> {
        let bar = bar(&key.to_string(), 0);
        let moved = bar.clone();
        let objects = ObjectLoader::open(url)?.progress(move |done, of| {
            moved.set_length(of);
            moved.set_position(done);
        });
        Ok(Self { objects, bar, is_stopped: AtomicBool::new(false) })
    }

    pub(super) fn ready(self, key: SliceKey) -> Ready {
        let loader = Arc::new(self);
        let (stopped, checked) = (Arc::clone(&loader), Arc::clone(&loader));
        Ready {
            bar: loader.bar.clone(),
            loader,
            stop: Box::new(move |store| {
                // The load may not have begun.
                stopped.is_stopped.store(true, Ordering::Relaxed);
                store.cancel(key);
            }),
            check: Box::new(move |identity| checked.objects.published(identity).map(drop)),
        }
    }
}

impl Loader for Objects {
    fn load(&self, load: &Load<'_>) -> Result<(), LoadError> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return Err("it was interrupted".into());
        }
        self.objects.load(load)
    }

    fn expected_bytes(&self, identity: &SliceIdentity) -> u64 {
        self.objects.expected_bytes(identity)
    }
}
