//! What of a slice is written, though perhaps not on its disk yet.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::format::{Header, Version};
use crate::medium::MediumFile;
use crate::region::Region;
use crate::writer::{Extent, Options};

/// Up to where a region is written, which its impeller publishes and scans ask for.
#[derive(Debug)]
pub(super) struct Watermark {
    file: Arc<dyn MediumFile>,
    path: PathBuf,
    index: u32,
    /// `None` in version 1.
    header: Option<Header>,
    published: Mutex<Published>,
}

#[derive(Debug, Default)]
struct Published {
    extent: Extent,
    /// What was asked for last, to be given again as long as nothing was added.
    view: Option<Arc<WrittenRegion>>,
}

/// A region as far as it was written when it was asked for.
#[derive(Debug)]
pub struct WrittenRegion {
    index: u32,
    extent: Extent,
    region: Region,
}

impl Watermark {
    pub(super) fn new(file: Arc<dyn MediumFile>, path: PathBuf, index: u32, options: &Options) -> Self {
        let header = (options.version == Version::Two).then_some(options.header);
        Self { file, path, index, header, published: Mutex::default() }
    }

    /// Says that writes up to here have returned.
    pub(super) fn publish(&self, extent: Extent) {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).extent = extent;
    }

    /// What is written; `None` if no blob is.
    pub(super) fn view(&self) -> Result<Option<Arc<WrittenRegion>>> {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let extent = published.extent;
        if extent.blobs == 0 {
            return Ok(None);
        }
        if let Some(view) = published.view.as_ref().filter(|view| view.extent == extent) {
            return Ok(Some(Arc::clone(view)));
        }
        let region = Region::of_written(Arc::clone(&self.file), &self.path, self.header, extent)?;
        let view = Arc::new(WrittenRegion { index: self.index, extent, region });
        published.view = Some(Arc::clone(&view));
        Ok(Some(view))
    }
}

impl WrittenRegion {
    /// Which region of the slice it is.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// How many blobs are written.
    #[must_use]
    pub const fn blobs(&self) -> u64 {
        self.extent.blobs
    }

    /// How many bytes they have.
    #[must_use]
    pub const fn blob_bytes(&self) -> u64 {
        self.extent.blob_bytes
    }

    /// Lends the blobs in order. Their checksums are not computed: the bytes were written a moment ago.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn scan(&self, visit: impl FnMut(&[u8])) -> Result<()> {
        self.region.scan(visit)
    }
}
