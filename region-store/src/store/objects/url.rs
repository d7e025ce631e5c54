//! Stores of objects by their URLs.

use std::ffi::OsString;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

use super::ObjectLoader;
use crate::error::{Error, Result};

impl ObjectLoader {
    /// Slices in a folder that is there, `file:///FOLDER`, or with the feature `s3` in a bucket, `s3://BUCKET/PREFIX`.
    ///
    /// What is put into a folder is synced. Credentials for a bucket, its region and its endpoint come from the environment,
    /// from variables that begin with `AWS_`, or are those of the machine, by the rules of the crate `object_store`.
    ///
    /// # Errors
    /// [`Error::ObjectUrl`], and as [`new`](Self::new).
    pub fn open(url: &str) -> Result<Self> {
        let failed = |source| Error::ObjectUrl { url: url.to_owned(), source };
        let parsed = Url::parse(url).map_err(|error| failed(error.into()))?;
        if let Some(folder) = (parsed.scheme() == "file").then(|| parsed.to_file_path().ok()).flatten() {
            let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| failed(error.into()))?;
            return Self::new(Arc::new(store.with_fsync(true)), Path::default());
        }
        let (store, prefix) =
            object_store::parse_url_opts(&parsed, environment()).map_err(|error| failed(error.into()))?;
        Self::new(store.into(), prefix)
    }
}

/// Those variables that are for stores of objects, and no others that are called as their options are.
fn environment() -> impl Iterator<Item = (String, String)> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with("AWS_"))
}
