//! Slices from region files.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use region_store::format::SliceIdentity;
use region_store::store::{Load, LoadError, Loader, SliceKey};
use region_store::{Parcel, Region};

use super::Ready;
use super::parcels::Parcels;
use crate::Failure;
use crate::progress::bar;
use crate::verify::verified;

/// Loads the blobs of regions, block by block.
pub(super) struct Regions {
    regions: Vec<Region>,
    bar: ProgressBar,
    is_stopped: AtomicBool,
}

impl Regions {
    pub(super) fn open(key: SliceKey, files: &[PathBuf]) -> Result<Self, Failure> {
        let regions: Vec<Region> = files.iter().map(Region::open).collect::<Result<_, _>>()?;
        let length = regions.iter().map(Region::file_length).sum();
        Ok(Self { regions, bar: bar(&key.to_string(), length), is_stopped: AtomicBool::new(false) })
    }

    pub(super) fn ready(self) -> Ready {
        let loader = Arc::new(self);
        let (stopped, checked) = (Arc::clone(&loader), Arc::clone(&loader));
        Ready {
            bar: loader.bar.clone(),
            loader,
            stop: Box::new(move || stopped.is_stopped.store(true, Ordering::Relaxed)),
            check: Box::new(move |_| {
                checked.regions.iter().try_for_each(|region| verified(region).map(drop))
            }),
        }
    }
}

impl Loader for Regions {
    fn load(&self, load: &Load<'_>) -> Result<(), LoadError> {
        let mut parcels = Parcels::new(|slots| Ok(load.queue(Parcel::raw(slots.into())?)?));
        let mut bytes_before = 0;
        for region in &self.regions {
            let parts = region.parts()?;
            for part in 0..parts {
                if self.is_stopped.load(Ordering::Relaxed) {
                    return Err("it was interrupted".into());
                }
                let mut pushed = Ok(());
                region.scan_parts(part..part + 1, |blob| {
                    if pushed.is_ok() {
                        pushed = parcels.push(blob);
                    }
                })?;
                pushed?;
                parcels.end()?;
                let bytes = u128::from(region.file_length()) * (part as u128 + 1) / parts as u128;
                self.bar.set_position(bytes_before + u64::try_from(bytes).unwrap_or_default());
            }
            bytes_before += region.file_length();
        }
        Ok(())
    }

    fn expected_bytes(&self, _: &SliceIdentity, _: &dyn Fn() -> bool) -> u64 {
        self.regions.iter().map(Region::file_length).sum()
    }
}
