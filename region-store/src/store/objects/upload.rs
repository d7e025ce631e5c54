//! Putting slices into a store of objects.

use std::cell::OnceCell;

use futures_util::stream::{self, StreamExt as _};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt as _};

use super::progress::Progress;
use super::{ObjectLoader, layout};
use crate::error::{Error, Result};
use crate::format::Version;
use crate::medium::Medium;
use crate::slice::{Slice, SliceRegion};
use crate::store::lock::ReadLock;

/// No upload to S3 has more parts.
const MOST_PARTS: u64 = 10_000;

impl ObjectLoader {
    /// Puts a slice into the store, so that whoever has a loader of the same prefix can load it. Its files are checked, and
    /// go as they are. If it is there already, this one takes its place.
    ///
    /// # Errors
    /// [`Error::Object`], [`Error::Damaged`], [`Error::Io`]. After one of these it is there if it was before.
    pub fn publish<M: Medium>(&self, slice: &ReadLock<M>) -> Result<()> {
        self.publish_slice(slice.slice())
    }

    /// The same of a slice that is in no [`Store`](crate::store::Store).
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn publish_slice(&self, slice: &Slice) -> Result<()> {
        self.requests.wait(self.put_slice(slice))
    }

    async fn put_slice(&self, slice: &Slice) -> Result<()> {
        let manifest = slice.manifest();
        let bytes = manifest.encode()?;
        let progress = Progress::begin(self.progress.as_deref(), manifest.file_bytes());
        let all = All { progress, failure: OnceCell::new() };
        let regions = stream::iter(slice.regions().iter().zip(&manifest.regions));
        let put = regions.for_each_concurrent(self.at_once.get(), |(region, said)| async {
            if all.has_failed() {
                return;
            }
            let path = layout::region(&self.prefix, manifest, said.index);
            let put = match check(region, said.checksum) {
                Ok(()) => self.put_region(region, &path, &all).await,
                Err(error) => Err(error),
            };
            if let Err(error) = put {
                // What failed first says more.
                let _ = all.failure.set(error);
            }
        });
        put.await;
        if let Some(error) = all.failure.into_inner() {
            return Err(error);
        }
        let path = layout::manifest(&self.prefix, &manifest.identity);
        self.store.put(&path, bytes.into()).await.map_err(failed(&path))?;
        Ok(())
    }

    /// Puts a region, whole or in parts. An upload in parts that is not completed is aborted.
    async fn put_region(&self, region: &SliceRegion, path: &Path, all: &All<'_>) -> Result<()> {
        let length = region.file_length();
        if length <= self.piece_bytes {
            let mut bytes = Vec::new();
            region.read(&mut bytes, 0, length)?;
            self.store.put(path, bytes.into()).await.map_err(failed(path))?;
            all.progress.add(length);
            return Ok(());
        }
        let mut upload = self.store.put_multipart(path).await.map_err(failed(path))?;
        let put = match self.put_parts(region, path, &mut *upload, all).await {
            Ok(true) => match upload.complete().await {
                Ok(_) => return Ok(()),
                Err(error) => Err(failed(path)(error)),
            },
            other => other.map(drop),
        };
        // What made the upload fail may have this fail, too; that first error is the one to tell.
        let _ = upload.abort().await;
        put
    }

    /// Says whether it has put all of them: not if another region has failed meanwhile.
    async fn put_parts(
        &self,
        region: &SliceRegion,
        path: &Path,
        upload: &mut dyn MultipartUpload,
        all: &All<'_>,
    ) -> Result<bool> {
        let length = region.file_length();
        let part_bytes = self.piece_bytes.max(length.div_ceil(MOST_PARTS));
        let mut offset = 0;
        while offset < length {
            if all.has_failed() {
                return Ok(false);
            }
            let mut bytes = Vec::new();
            region.read(&mut bytes, offset, part_bytes)?;
            let put_bytes = bytes.len() as u64;
            upload.put_part(bytes.into()).await.map_err(failed(path))?;
            all.progress.add(put_bytes);
            offset += put_bytes;
        }
        Ok(true)
    }
}

/// What the regions of a slice share that are put at once. None of those that have begun is dropped when one fails: what an
/// upload in parts has put would stay, unseen.
struct All<'a> {
    progress: Progress<'a>,
    /// Of the first that failed.
    failure: OnceCell<Error>,
}

impl All<'_> {
    fn has_failed(&self) -> bool {
        self.failure.get().is_some()
    }
}

/// Nothing is published that is damaged.
fn check(region: &SliceRegion, said_checksum: u32) -> Result<()> {
    region.verify(|_, _| ())?;
    if region.version() == Version::One && region.file_checksum()? != said_checksum {
        return Err(Error::SliceMismatch { path: region.path().to_owned(), field: "checksum" });
    }
    Ok(())
}

fn failed(path: &Path) -> impl FnOnce(object_store::Error) -> Error {
    |error| Error::object(path, "put".to_owned())(error.into())
}
