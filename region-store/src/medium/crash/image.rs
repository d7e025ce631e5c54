//! What is on a medium, and what may be done to it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that reach the disk together or not at all.
pub(super) const SECTOR_LENGTH: usize = 512;

/// Something that changes what is there, or what is sure to stay. Files are numbered in the order of their creation.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Create {
        path: PathBuf,
        file: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    SyncFolder {
        folder: PathBuf,
        succeeds: bool,
    },
    /// Its end is no more than `usize` can say.
    Write {
        file: usize,
        offset: usize,
        bytes: Arc<[u8]>,
        /// What the file's clock says then.
        time: i64,
    },
    Sync {
        file: usize,
        succeeds: bool,
    },
    CreateFolder {
        path: PathBuf,
    },
    RemoveFolder {
        path: PathBuf,
    },
    SyncAll {
        succeeds: bool,
    },
}

/// Names and bytes. Clones share the bytes of the files in which they do not differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    /// Named or not: one that was removed may be open.
    files: Vec<Arc<Vec<u8>>>,
    names: BTreeMap<PathBuf, usize>,
    /// Those that were created. One that was not is there once something is in it.
    folders: BTreeSet<PathBuf>,
    /// By file, when its bytes were changed last.
    times: Vec<i64>,
}

impl Image {
    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.names.keys().map(PathBuf::as_path)
    }

    /// Those that were created.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
    }

    pub(super) fn has_folder(&self, path: &Path) -> bool {
        self.folders.contains(path) || self.names.keys().any(|name| name != path && name.starts_with(path))
    }

    pub(super) fn is_empty_folder(&self, path: &Path) -> bool {
        let mut inside = self.names.keys().chain(&self.folders);
        !inside.any(|name| name != path && name.starts_with(path))
    }

    /// Takes a folder away with all that is in it: it was never there.
    pub(super) fn lose_folder(&mut self, folder: &Path) {
        self.folders.retain(|path| !path.starts_with(folder));
        self.names.retain(|path, _| !path.starts_with(folder));
    }

    pub(super) fn time(&self, file: usize) -> i64 {
        self.times.get(file).copied().unwrap_or_default()
    }

    pub(super) fn bytes(&self, file: usize) -> &[u8] {
        self.files.get(file).map(|bytes| bytes.as_slice()).unwrap_or_default()
    }

    /// Does what an operation does. One whose file is not there, since an earlier one has not happened, does nothing.
    pub(super) fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Create { path, file } => {
                self.file(*file);
                self.names.insert(path.clone(), *file);
            }
            Operation::Rename { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Operation::Remove { path } => {
                self.names.remove(path);
            }
            Operation::Write { file, offset, bytes, time } => {
                self.extend(*file, *offset, bytes.len());
                self.put(*file, *offset, bytes, *time);
            }
            Operation::CreateFolder { path } => {
                self.folders.insert(path.clone());
            }
            Operation::RemoveFolder { path } => {
                self.folders.remove(path);
            }
            Operation::SyncFolder { .. } | Operation::Sync { .. } | Operation::SyncAll { .. } => {}
        }
    }

    /// Does of a write only those pieces that `arrives` is true of, by their number. The file is as long as if the last
    /// of them were all that was written.
    pub(super) fn tear(
        &mut self,
        file: usize,
        offset: usize,
        bytes: &[u8],
        time: i64,
        mut arrives: impl FnMut(u64) -> bool,
    ) {
        let mut at = offset;
        let mut rest = bytes;
        for number in 0.. {
            let (piece, after) = rest.split_at(rest.len().min(SECTOR_LENGTH - at % SECTOR_LENGTH));
            if piece.is_empty() {
                return;
            }
            if arrives(number) {
                self.extend(file, at, piece.len());
                self.put(file, at, piece, time);
            }
            at += piece.len();
            rest = after;
        }
    }

    /// Makes a file long enough for a write, by zeros.
    pub(super) fn extend(&mut self, file: usize, offset: usize, length: usize) {
        let bytes = self.file(file);
        if bytes.len() < offset + length {
            bytes.resize(offset + length, 0);
        }
    }

    fn put(&mut self, file: usize, offset: usize, piece: &[u8], time: i64) {
        if let Some(place) = self.file(file).get_mut(offset..offset + piece.len()) {
            place.copy_from_slice(piece);
        }
        if self.times.len() <= file {
            self.times.resize(file + 1, 0);
        }
        if let Some(changed) = self.times.get_mut(file) {
            *changed = time;
        }
    }

    fn file(&mut self, file: usize) -> &mut Vec<u8> {
        if self.files.len() <= file {
            self.files.resize_with(file + 1, Arc::default);
        }
        match self.files.get_mut(file) {
            Some(bytes) => Arc::make_mut(bytes),
            None => unreachable!("it was made above"),
        }
    }
}
