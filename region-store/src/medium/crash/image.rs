//! What is on a medium, and what may be done to it.

use std::collections::BTreeMap;
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
    },
    Sync {
        file: usize,
        succeeds: bool,
    },
}

/// Names and bytes. Clones share the bytes of the files in which they do not differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    /// Named or not: one that was removed may be open.
    files: Vec<Arc<Vec<u8>>>,
    names: BTreeMap<PathBuf, usize>,
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
            Operation::Write { file, offset, bytes } => {
                self.extend(*file, *offset, bytes.len());
                self.put(*file, *offset, bytes);
            }
            Operation::SyncFolder { .. } | Operation::Sync { .. } => {}
        }
    }

    /// Does of a write only those pieces that `arrives` is true of, by their number. The file is as long as if the last
    /// of them were all that was written.
    pub(super) fn tear(
        &mut self,
        file: usize,
        offset: usize,
        bytes: &[u8],
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
                self.put(file, at, piece);
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

    fn put(&mut self, file: usize, offset: usize, piece: &[u8]) {
        if let Some(place) = self.file(file).get_mut(offset..offset + piece.len()) {
            place.copy_from_slice(piece);
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
