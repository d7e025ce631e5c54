//! Files that are no slice of the store, and go.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::defect::{self, Defect};
use super::engine::Inner;
use super::event::{Event, Leftover};
use crate::error::{Error, Result};
use crate::medium::Medium;
use crate::slice::{self, Content, SliceFile};

/// How often the tender tries to remove what could not be removed when the store was opened. The next opening tries, too.
pub(super) const ATTEMPTS: u8 = 10;

/// Files of one writing of a slice, by what they are.
pub(super) type Files = Vec<(SliceFile, PathBuf)>;

/// Files of one writing of a slice that are of no use.
#[derive(Debug)]
pub(super) struct Rubbish {
    /// A manifest first, and last what tells that the slice is gone.
    files: Files,
    why: String,
    /// How often it could not be removed since the store is open.
    attempts: u8,
}

impl Rubbish {
    pub(super) fn new(mut files: Files, why: &str) -> Self {
        let is_last = !defect::planted(Defect::RegionsBeforeManifests);
        files.sort_by_key(|(file, _)| {
            (file.content == Content::Gone, (file.content != Content::Manifest) == is_last)
        });
        Self { files, why: why.to_owned(), attempts: 0 }
    }

    /// Removes it, a manifest first and for good, so that a cut leaves nothing that passes for a slice.
    pub(super) fn remove<M: Medium>(&self, medium: &M) -> Result<()> {
        for (file, path) in &self.files {
            slice::remove_if_there(medium, path).map_err(Error::io(path, "remove"))?;
            if file.content == Content::Manifest {
                let folder = path.parent().unwrap_or(Path::new("."));
                medium.sync_folder(folder).map_err(Error::io(folder, "sync the folder"))?;
            }
        }
        Ok(())
    }

    /// What people are told of it.
    pub(super) fn leftover(&self) -> Leftover {
        let paths = self.files.iter().map(|(_, path)| path.clone()).collect();
        Leftover { paths, why: self.why.clone() }
    }
}

impl<M: Medium> Inner<M> {
    /// Tries again to remove what could not be removed when the store was opened. That was told then; what goes now is told,
    /// and what stays is not.
    pub(super) fn remove_rubbish(&self) {
        let rubbish = std::mem::take(&mut *self.rubbish.lock().unwrap_or_else(PoisonError::into_inner));
        for mut rubbish in rubbish {
            if rubbish.remove(&self.medium).is_ok() {
                self.tell(&Event::Removed(rubbish.leftover()));
                continue;
            }
            rubbish.attempts += 1;
            if rubbish.attempts < ATTEMPTS {
                self.rubbish.lock().unwrap_or_else(PoisonError::into_inner).push(rubbish);
            }
        }
    }
}
