//! A region that is not complete yet, as far as it is written.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use super::{Access, Bytes, Layout, Region, Two, Verify};
use crate::error::Result;
use crate::format::{Header, Seal};
use crate::medium::MediumFile;
use crate::writer::Extent;

impl Region {
    /// The blobs that were written up to an extent, to be scanned and for nothing else: there is no index yet, and the
    /// seal is what it would be if the index came next.
    pub(crate) fn of_written(
        file: Arc<dyn MediumFile>,
        path: &Path,
        header: Option<Header>,
        extent: Extent,
    ) -> Result<Self> {
        let Extent { length, blobs, blob_bytes, blocks } = extent;
        let bytes = Bytes::load(&*file, path, length, Access::Map)?;
        let layout = match header {
            None => Layout::One(OnceLock::new()),
            Some(header) => {
                let seal = Seal {
                    index_offset: length,
                    blobs,
                    blob_bytes,
                    blocks,
                    file_length: length,
                    blocks_checksum: 0,
                };
                let index_is_checked = AtomicBool::new(false);
                Layout::Two(Box::new(Two { header, seal, index_is_checked, verified: OnceLock::new() }))
            }
        };
        Ok(Self { path: path.to_owned(), file, bytes, verify: Verify::Never, layout })
    }
}
