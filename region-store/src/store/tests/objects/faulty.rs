//! A store of objects in memory of which one request goes wrong.

use std::future::pending;
use std::sync::mpsc::Sender;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::*;

/// What happens to a request.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// It fails.
    Fails,
    /// A bit of what is got is wrong.
    Damages,
    /// The last byte of what is got is missing.
    Truncates,
    /// It is never answered. Somebody is told.
    Hangs(Sender<()>),
}

#[derive(Debug, Default)]
pub(super) struct Faulty {
    pub(super) inner: InMemory,
    requests: Arc<Requests>,
}

#[derive(Debug, Default)]
struct Requests {
    /// Which request it happens to, from 0 on.
    fault: Mutex<Option<(usize, Fault)>>,
    count: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    /// Uploads in parts that are neither completed nor aborted.
    uploads: AtomicUsize,
}

impl Faulty {
    /// Counts from 0 again.
    pub(super) fn set(&self, fault: Option<(usize, Fault)>) {
        *self.requests.fault.lock().unwrap() = fault;
        self.requests.count.store(0, Ordering::Relaxed);
    }

    /// How many requests there were since then.
    pub(super) fn calls(&self) -> usize {
        self.requests.count.load(Ordering::Relaxed)
    }

    /// How many pieces were got at the same time, at most.
    pub(super) fn most_at_once(&self) -> usize {
        self.requests.most_at_once.load(Ordering::Relaxed)
    }

    /// How many uploads in parts were left in the middle.
    pub(super) fn uploads(&self) -> usize {
        self.requests.uploads.load(Ordering::Relaxed)
    }
}

impl Requests {
    async fn next(&self) -> Result<Option<Fault>> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let fault = self.fault.lock().unwrap().clone().filter(|(at, _)| *at == number);
        match fault.map(|(_, fault)| fault) {
            Some(Fault::Fails) => {
                Err(Error::Generic { store: "Faulty", source: "it is told to fail".into() })
            }
            Some(Fault::Hangs(told)) => {
                told.send(()).unwrap();
                pending().await
            }
            other => Ok(other),
        }
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.requests.next().await?;
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.requests.next().await?;
        let inner = self.inner.put_multipart_opts(path, options).await?;
        self.requests.uploads.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Upload { inner, requests: Arc::clone(&self.requests) }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let fault = self.requests.next().await?;
        let at_once = 1 + self.requests.at_once.fetch_add(1, Ordering::Relaxed);
        self.requests.most_at_once.fetch_max(at_once, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.requests.at_once.fetch_sub(1, Ordering::Relaxed);
        let got = self.inner.get_opts(path, options).await?;
        let (meta, range, attributes, extensions) =
            (got.meta.clone(), got.range.clone(), got.attributes.clone(), got.extensions.clone());
        let mut bytes = got.bytes().await?.to_vec();
        match fault {
            Some(Fault::Damages) => bytes[0] ^= 0x10,
            Some(Fault::Truncates) => drop(bytes.pop()),
            _ => {}
        }
        let payload = GetResultPayload::Stream(stream::iter([Ok(bytes.into())]).boxed());
        Ok(GetResult { payload, meta, range, attributes, extensions })
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// An upload in parts.
#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    requests: Arc<Requests>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, requests) = (self.inner.put_part(data), Arc::clone(&self.requests));
        Box::pin(async move {
            requests.next().await?;
            // Others go on meanwhile.
            tokio::task::yield_now().await;
            part.await
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.requests.next().await?;
        let completed = self.inner.complete().await;
        self.requests.uploads.fetch_sub(1, Ordering::Relaxed);
        completed
    }

    async fn abort(&mut self) -> Result<()> {
        self.requests.uploads.fetch_sub(1, Ordering::Relaxed);
        self.inner.abort().await
    }
}
