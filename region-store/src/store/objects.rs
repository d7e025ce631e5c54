//! Slices in a store of objects: a folder, a bucket, or what else the crate `object_store` reaches.
//!
//! Workers share datasets so: one of them [publishes](ObjectLoader::publish) a slice, and the others [load](Loader) it. A
//! slice is some objects in a folder of its own, `<domain>/<view>/<slice key>/<generation clock>_<generation digest>` under
//! the loader's prefix:
//!
//! | Object                         | Bytes | Rule |
//! |--------------------------------|-------|------|
//! | `manifest`                     | those of the slice's [manifest](crate::format::manifest) | put last and got first: what it lists is there |
//! | `<snap id>_<region index>.region` | those of the region's file, of version 1 or 2 | one for each region that the manifest lists, and called as on disk |
//!
//! Numbers are decimal, the region index has four digits or more; the digest has 16 hexadecimal digits, the snap id 32.
//!
//! No two writings of a slice have a region's name in common. If two workers publish one generation, the later manifest
//! holds, and whoever reads the earlier one's regions goes on. What an upload leaves that was cut, and what another one
//! replaced, is in no manifest: it harms nobody, and nobody removes it. An upload in parts that fails is aborted;
//! let a rule of the bucket end those that could not be, or whose process was killed.

mod got;
mod layout;
mod progress;
mod region;
mod requests;
mod upload;
mod url;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, TryStreamExt as _};
use lru::LruCache;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use self::got::Got;
use self::progress::{Progress, Tell};
use self::requests::Requests;
use super::load::{Load, LoadError, Loader};
use crate::error::{Error, Result};
use crate::format::manifest::MAX_MANIFEST_LENGTH;
use crate::format::{Damage, Manifest, Problem, SliceIdentity};

/// How many regions are transferred at once, if nothing is said.
pub(super) const AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).expect("it is not 0");
/// How many bytes a request transfers: enough that its latency is a small part of it, and more than the 5 MiB that a part
/// of an upload to S3 has at least.
pub(super) const PIECE_BYTES: u64 = 8 << 20;
/// How many manifests are kept from when their length was asked for until their load.
const KEPT_MANIFESTS: NonZeroUsize = NonZeroUsize::new(64).expect("it is not 0");
/// How often a load looks whether anybody wants it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Loads slices from a store of objects, and publishes them there.
///
/// Of each region that is transferred, a piece of 8 MiB is in memory, and of one that is got a block. What is got is checked
/// block by block, by every checksum there is: what is damaged is an error, and never a slice.
///
/// Requests have a thread of their own. What waits for them, a load or a call of this, must be no task of an asynchronous
/// runtime, which panics then.
///
/// ```
/// use std::sync::Arc;
///
/// use region_store::Parcel;
/// use region_store::format::SliceIdentity;
/// use region_store::slice::Spindle;
/// use region_store::store::{Load, LoadError, ObjectLoader, Store, StoreOptions};
///
/// # let folder = tempfile::tempdir()?;
/// # let (mine, yours, shared) = (folder.path().join("1"), folder.path().join("2"), folder.path().join("3"));
/// # [&mine, &yours, &shared].into_iter().try_for_each(std::fs::create_dir)?;
/// # let open = |folder| {
/// #     let spindles = vec![Spindle::new("d1", folder)];
/// #     Store::open(StoreOptions { spindles, ..StoreOptions::default() })
/// # };
/// # let (mine, yours) = (open(mine)?, open(yours)?);
/// # let url = format!("file://{}", shared.display());
/// let source = Arc::new(|load: &Load<'_>| -> Result<(), LoadError> {
///     Ok(load.queue(Parcel::of(["one", "two"])?)?)
/// });
/// let identity = SliceIdentity { domain: 1, view: 2, slice_key: 3, ..SliceIdentity::default() };
/// let objects = Arc::new(ObjectLoader::open(&url)?);
/// objects.publish(&mine.load(identity, source)?)?;
/// // On another machine:
/// assert_eq!(yours.load(identity, objects)?.blobs(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ObjectLoader {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    at_once: NonZeroUsize,
    pub(super) piece_bytes: u64,
    progress: Option<Box<Tell>>,
    /// Of those loads that are about to begin.
    manifests: Mutex<LruCache<SliceIdentity, Manifest>>,
    requests: Requests,
}

impl ObjectLoader {
    /// Slices under a prefix of a store.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no thread to be had.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: impl Into<Path>) -> Result<Self> {
        Ok(Self {
            store,
            prefix: prefix.into(),
            at_once: AT_ONCE,
            piece_bytes: PIECE_BYTES,
            progress: None,
            manifests: Mutex::new(LruCache::new(KEPT_MANIFESTS)),
            requests: Requests::start()?,
        })
    }

    /// How many regions are transferred at once, 4 if this is not said.
    #[must_use]
    pub const fn at_once(mut self, regions: NonZeroUsize) -> Self {
        self.at_once = regions;
        self
    }

    /// Has somebody told how many bytes of how many are transferred of a slice: none at first, and all at last.
    #[must_use]
    pub fn progress(mut self, tell: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.progress = Some(Box::new(tell));
        self
    }

    /// What is published of a slice: its manifest, and so its regions.
    ///
    /// # Errors
    /// [`Error::NotPublished`], [`Error::Object`]; [`Error::Damaged`], and [`Error::SliceMismatch`] if it is another's;
    /// [`Error::Cancelled`] once it is [stopped](Self::stop).
    pub fn published(&self, identity: &SliceIdentity) -> Result<Manifest> {
        self.get(identity, self.manifest(identity))
    }

    /// Ends whatever waits for objects that are got, now and from now on.
    pub fn stop(&self) {
        self.requests.stop();
    }

    /// What a request brings of a slice.
    fn get<T>(&self, identity: &SliceIdentity, request: impl Future<Output = Result<T>>) -> Result<T> {
        let got = self.requests.wait_unless_stopped(request);
        got.unwrap_or(Err(Error::Cancelled { key: (*identity).into() }))
    }

    /// Gets what is published of a slice.
    async fn manifest(&self, identity: &SliceIdentity) -> Result<Manifest> {
        let path = layout::manifest(&self.prefix, identity);
        let failed = |error| match error {
            object_store::Error::NotFound { .. } => {
                Error::NotPublished { key: (*identity).into(), object: path.to_string() }
            }
            error => Error::object(&path, "get".to_owned())(error.into()),
        };
        let got = self.store.get(&path).await.map_err(failed)?;
        let damaged = Error::damaged(path.as_ref().as_ref());
        if got.meta.size > MAX_MANIFEST_LENGTH as u64 {
            let expected = "the length of a manifest, at most 16 MiB";
            let problem = Problem::Value { found: got.meta.size, expected };
            return Err(damaged(Damage::new("manifest", 0, problem)));
        }
        let manifest = Manifest::decode(&got.bytes().await.map_err(failed)?).map_err(damaged)?;
        if manifest.identity != *identity {
            return Err(Error::SliceMismatch { path: path.as_ref().into(), field: "identity" });
        }
        Ok(manifest)
    }

    /// Gets a slice, and has it written.
    async fn slice(&self, load: &Load<'_>) -> Result<()> {
        let identity = load.identity();
        let kept = self.manifests.lock().unwrap_or_else(PoisonError::into_inner).pop(identity);
        let manifest = match kept {
            Some(manifest) => manifest,
            None => self.manifest(identity).await?,
        };
        let progress = Progress::begin(self.progress.as_deref(), manifest.file_bytes());
        let regions = stream::iter(manifest.regions.iter().map(Ok));
        let all = regions.try_for_each_concurrent(self.at_once.get(), |said| {
            let path = layout::region(&self.prefix, &manifest, said.index);
            let got = Got::new(&*self.store, path, said.file_length, self.piece_bytes, &progress);
            region::load(got, &manifest, said, load)
        });
        all.await
    }
}

impl Loader for ObjectLoader {
    fn load(&self, load: &Load<'_>) -> std::result::Result<(), LoadError> {
        let key = (*load.identity()).into();
        let loaded = self.get(load.identity(), async {
            tokio::select! {
                loaded = self.slice(load) => loaded,
                () = until(|| load.is_cancelled()) => Err(Error::Cancelled { key }),
            }
        });
        Ok(loaded.map_err(|error| match error {
            error if is_damage(&error) => Error::PublishedDamaged { key, cause: Box::new(error) },
            error => error,
        })?)
    }

    /// What is published. If that cannot be had, the load says why.
    fn expected_bytes(&self, identity: &SliceIdentity, is_cancelled: &dyn Fn() -> bool) -> u64 {
        let manifest = self.get(identity, async {
            tokio::select! {
                manifest = self.manifest(identity) => manifest,
                () = until(is_cancelled) => Err(Error::Cancelled { key: (*identity).into() }),
            }
        });
        let Ok(manifest) = manifest else { return 0 };
        let bytes = manifest.file_bytes();
        self.manifests.lock().unwrap_or_else(PoisonError::into_inner).put(*identity, manifest);
        bytes
    }
}

impl fmt::Debug for ObjectLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectLoader")
            .field("store", &self.store)
            .field("prefix", &self.prefix)
            .field("at_once", &self.at_once)
            .finish_non_exhaustive()
    }
}

impl Error {
    /// For `map_err`: what was tried with which object.
    fn object(path: &Path, attempted: String) -> impl FnOnce(LoadError) -> Self {
        move |source| Self::Object { object: path.to_string(), attempted, source }
    }
}

/// Ends when something is so.
async fn until(is_so: impl Fn() -> bool) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    while !is_so() {
        looks.tick().await;
    }
}

/// Whether it tells that a slice is not what was published, for ever.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Damaged { .. } | Error::SliceMismatch { .. } => true,
        Error::Object { source, .. } => {
            matches!(source.downcast_ref(), Some(object_store::Error::NotFound { .. }))
        }
        _ => false,
    }
}
