//! What a store tells of itself and its slices.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::engine::{Inner, SliceSnap};
use super::key::{Generation, SliceKey};
use super::options::TimesToLive;
use crate::format::SnapId;
use crate::medium::Medium;

/// Where a slice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnapState {
    /// In memory, and on disk.
    Hot,
    /// On disk.
    Warm,
    /// There is no blob, and that is on disk.
    NoData,
    /// Known, and not on disk.
    Cold,
    /// What was tried last failed.
    Failed,
    /// On disk, but one of the disks is missing.
    Unavailable,
}

impl SnapState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Hot, Self::Warm, Self::NoData, Self::Cold, Self::Failed, Self::Unavailable];

    /// Its name, as filters take it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Warm => "warm",
            Self::NoData => "nodata",
            Self::Cold => "cold",
            Self::Failed => "failed",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for SnapState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the store knows of a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapStatus {
    /// Which slice.
    pub key: SliceKey,
    /// Which generation of it.
    pub generation: Generation,
    /// Where it is; while somebody changes that, how far that has come.
    pub state: SnapState,
    /// Whether somebody changes that, or waits to.
    pub is_busy: bool,
    /// How many hold a read lock.
    pub readers: usize,
    /// How long ago a reader came or went last, or a change of its state ended. So it grows while a reader holds it.
    pub idle: Duration,
    /// Which writing of it is on disk.
    pub snap_id: Option<SnapId>,
    /// Regions that have blobs.
    pub regions: usize,
    /// Blobs in them.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Bytes of the files.
    pub file_bytes: u64,
    /// When it was written, in nanoseconds since 1970; 0 if it is not on disk.
    pub created_ns: u64,
    /// For how long it stays.
    pub times_to_live: TimesToLive,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// What was counted and timed.
    pub metrics: SnapMetrics,
}

/// What was counted and timed of a slice. What is of its last load survives a restart, and the counts begin anew.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SnapMetrics {
    /// Parcels of the last load.
    pub parcels: u64,
    /// Bytes that they came as.
    pub received_bytes: u64,
    /// Bytes of their blobs behind their lengths, inflated.
    pub inflated_bytes: u64,
    /// How long the last load took, until the slice was on disk.
    pub load_time: Duration,
    /// How long it waited for queues that were full, all threads together.
    pub queue_wait: Duration,
    /// How much later the last region was on its disk than the first, as a ratio of the times since the load began. 1 if
    /// all were so at the same time, 0 if there was no load.
    pub time_skew: f64,
    /// How much longer the longest region is than the shortest, as a part of that one's length.
    pub size_skew: f64,
    /// How often it was loaded.
    pub loads: u64,
    /// How often it was brought from disk into memory.
    pub maps: u64,
    /// How often it was taken from memory.
    pub evictions: u64,
    /// How often it was taken from disk.
    pub flushes: u64,
    /// How often an attempt to load failed, or was cancelled.
    pub failures: u64,
}

impl SnapMetrics {
    /// The same after another load.
    pub(super) const fn loaded(&self, load: &Self) -> Self {
        let Self { loads, maps, evictions, flushes, failures, .. } = *self;
        Self { loads: loads + 1, maps, evictions, flushes, failures, ..*load }
    }

    /// How many times more bytes there were once they were inflated.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "it is a ratio")]
    pub fn inflation(&self) -> f64 {
        self.inflated_bytes as f64 / self.received_bytes.max(1) as f64
    }

    /// Bytes that came a second.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "it is a rate")]
    pub fn bytes_per_second(&self) -> f64 {
        if self.load_time.is_zero() { 0.0 } else { self.received_bytes as f64 / self.load_time.as_secs_f64() }
    }
}

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStatus {
    /// The disks that were given.
    pub spindles: Vec<SpindleStatus>,
    /// Bytes that slices in memory take, and those that are loaded.
    pub memory_bytes: u64,
    /// The most.
    pub memory_limit: u64,
    /// Bytes of slices on the disks that are there.
    pub disk_bytes: u64,
    /// The most, if that is known.
    pub disk_limit: Option<u64>,
    /// How many slices there are of each state, in the order of [`SnapState::ALL`].
    pub slices: [usize; 6],
}

/// A disk of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpindleStatus {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Why it is missing, if it is.
    pub missing: Option<String>,
    /// Bytes of slices on it.
    pub bytes: u64,
    /// Bytes that are free there, if that is known.
    pub free_bytes: Option<u64>,
}

impl<M: Medium> Inner<M> {
    pub(super) fn status_of(&self, snap: &SliceSnap) -> SnapStatus {
        let now = self.now();
        snap.look(|record| record.status(snap.key, now, self.options.times_to_live))
    }

    /// What the store holds.
    pub(super) fn status(&self) -> StoreStatus {
        let mut slices = [0; 6];
        for snap in self.snaps() {
            let state = snap.look(|record| record.stage.state());
            if let Some(count) = slices.get_mut(state as usize) {
                *count += 1;
            }
        }
        let bytes = self.bytes_by_spindle();
        let spindles = self.options.spindles.iter().map(|spindle| {
            let missing = self.missing.iter().find(|(name, _)| *name == spindle.name);
            SpindleStatus {
                name: spindle.name.clone(),
                folder: spindle.folder.clone(),
                missing: missing.map(|(_, why)| why.clone()),
                bytes: bytes.get(&spindle.name).copied().unwrap_or_default(),
                free_bytes: self.medium.free_bytes(&spindle.folder).ok().flatten(),
            }
        });
        let spindles: Vec<_> = spindles.collect();
        let disk_bytes = self.disk_bytes(&bytes);
        StoreStatus {
            memory_bytes: self.budget.used().bytes,
            memory_limit: self.budget.limit().bytes,
            disk_bytes,
            disk_limit: self.disk_limit(disk_bytes),
            slices,
            spindles,
        }
    }

    /// Bytes of slices by the names of their spindles, whether those are there or not.
    pub(super) fn bytes_by_spindle(&self) -> BTreeMap<String, u64> {
        let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
        for snap in self.snaps() {
            let Some(manifest) = snap.look(|record| record.stage.manifest().cloned()) else { continue };
            for region in &manifest.regions {
                if let Some(name) = manifest.spindles.get(region.spindle as usize) {
                    let bytes = bytes.entry(name.clone()).or_default();
                    *bytes = bytes.saturating_add(region.file_length);
                }
            }
        }
        bytes
    }

    /// Those of them on spindles that are there.
    pub(super) fn disk_bytes(&self, by_spindle: &BTreeMap<String, u64>) -> u64 {
        let there = self.spindles.iter().filter_map(|spindle| by_spindle.get(&spindle.name));
        there.fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }

    /// What slices may take on disk, if that is known: what they take on the spindles that are there, and what is
    /// free, of each file system once.
    pub(super) fn disk_limit(&self, used: u64) -> Option<u64> {
        if let Some(limit) = self.options.disk_bytes {
            return Some(limit);
        }
        let mut devices = Vec::new();
        let mut free: Option<u64> = None;
        for spindle in &self.spindles {
            let device = self.medium.identity(&spindle.folder).ok().map(|identity| identity.device);
            if device.is_some() && devices.contains(&device) {
                continue;
            }
            devices.push(device);
            if let Ok(Some(bytes)) = self.medium.free_bytes(&spindle.folder) {
                free = Some(free.unwrap_or_default().saturating_add(bytes));
            }
        }
        free.map(|free| free.saturating_add(used))
    }
}
