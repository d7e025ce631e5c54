//! Scanning what is written before it is on the disk.

use std::sync::Arc;

use super::defect::{self, Defect};
use super::progress::Progress;
use super::scanners::Scanners;
use super::written::WrittenRegion;
use crate::error::Result;

/// What of a slice was written when it was [asked for](super::SliceWriter::written). Its blobs can be scanned, and what
/// comes of that is [`Provisional`].
#[derive(Clone, Debug)]
pub struct Written {
    regions: Vec<Arc<WrittenRegion>>,
    durability: Durability,
}

impl Written {
    pub(super) const fn new(regions: Vec<Arc<WrittenRegion>>, progress: Arc<Progress>) -> Self {
        Self { regions, durability: Durability(progress) }
    }

    /// How many blobs there are.
    #[must_use]
    pub fn blobs(&self) -> u64 {
        self.regions.iter().map(|region| region.blobs()).sum()
    }

    /// How many bytes they have.
    #[must_use]
    pub fn blob_bytes(&self) -> u64 {
        self.regions.iter().map(|region| region.blob_bytes()).sum()
    }

    /// To wait until it survives a power cut.
    #[must_use]
    pub const fn durability(&self) -> &Durability {
        &self.durability
    }

    /// Has each region that has blobs folded by the thread that it is bound to, and waits for what comes of them, by their
    /// index.
    ///
    /// # Errors
    /// [`Error::SliceFailed`](crate::Error::SliceFailed) if anything of the slice has failed until all is folded, or
    /// [`Error::SliceGivenUp`](crate::Error::SliceGivenUp): it is never a part that counts as the whole. Else the first one
    /// of a fold, by the regions' index.
    ///
    /// # Panics
    /// If a fold does.
    pub fn fold<T: Send + 'static>(
        &self,
        scanners: &Scanners,
        fold: impl Fn(&WrittenRegion) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Provisional<Vec<T>>> {
        let regions = self.regions.iter().map(|region| (region.index(), Arc::clone(region)));
        let folded = scanners.fold(self.durability.0.snap_id(), regions, fold);
        // After the fold: what it saw may have been lost meanwhile.
        if !defect::planted(Defect::FoldIgnoresFailure) {
            self.durability.0.check_alive()?;
        }
        Ok(Provisional { value: folded?, durability: self.durability.clone() })
    }
}

/// What came of a scan, which a power cut may still make a scan of nothing.
#[derive(Clone, Debug)]
#[must_use = "it is provisional until `durable` says that it is not"]
pub struct Provisional<T> {
    value: T,
    durability: Durability,
}

impl<T> Provisional<T> {
    /// What came of the scan.
    pub const fn provisional(&self) -> &T {
        &self.value
    }

    /// To wait until it is more than that.
    pub const fn durability(&self) -> &Durability {
        &self.durability
    }

    /// Waits until what was scanned survives a power cut, and says what came of the scan.
    ///
    /// # Errors
    /// As [`Durability::durable`].
    pub fn durable(self) -> Result<T> {
        self.durability.durable()?;
        Ok(self.value)
    }
}

/// Whether a slice survives a power cut: all regions, their folders and the manifests. Clones are about the same slice.
#[derive(Clone, Debug)]
pub struct Durability(Arc<Progress>);

impl Durability {
    /// Waits until the slice survives a power cut, which is when its writer is [closed](super::SliceWriter::close). So
    /// another thread has to do that, or this one before.
    ///
    /// # Errors
    /// [`Error::SliceFailed`](crate::Error::SliceFailed), and
    /// [`Error::SliceGivenUp`](crate::Error::SliceGivenUp) once the writer is dropped without.
    pub fn durable(&self) -> Result<()> {
        self.0.wait_until_closed()
    }

    /// The same without waiting: `None` if it is not known yet.
    ///
    /// # Errors
    /// As [`durable`](Self::durable).
    pub fn try_durable(&self) -> Result<Option<()>> {
        self.0.check_alive()?;
        Ok(self.0.is_closed().then_some(()))
    }
}
