//! The bytes of an object, piece by piece.

use std::io::ErrorKind;
use std::path::PathBuf;

use bytes::{Buf as _, Bytes, BytesMut};
use object_store::path::Path;
use object_store::{GetOptions, GetResult, ObjectStore};

use super::progress::Progress;
use crate::error::{Error, Result};
use crate::format::Damage;

/// An object that is got from its start to its end, as it is wanted.
pub(super) struct Got<'a> {
    store: &'a dyn ObjectStore,
    path: Path,
    /// Of the object.
    length: u64,
    piece_bytes: u64,
    /// What is got, but for what was taken.
    bytes: BytesMut,
    /// Where that starts in the object.
    offset: u64,
    progress: &'a Progress<'a>,
}

impl<'a> Got<'a> {
    pub(super) fn new(
        store: &'a dyn ObjectStore,
        path: Path,
        length: u64,
        piece_bytes: u64,
        progress: &'a Progress<'a>,
    ) -> Self {
        Self { store, path, length, piece_bytes, bytes: BytesMut::new(), offset: 0, progress }
    }

    pub(super) const fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is in the object.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes there are from there on.
    pub(super) const fn left(&self) -> u64 {
        self.length - self.offset
    }

    /// So many bytes from there on at least, or as many as there are.
    pub(super) async fn want(&mut self, bytes: u64) -> Result<&[u8]> {
        while (self.bytes.len() as u64) < bytes.min(self.left()) {
            self.get_piece().await?;
        }
        Ok(&self.bytes)
    }

    /// Goes on behind some of the bytes that are there.
    pub(super) fn take(&mut self, bytes: usize) -> Bytes {
        let taken = self.bytes.split_to(bytes.min(self.bytes.len())).freeze();
        self.offset += taken.len() as u64;
        taken
    }

    /// The same without the bytes.
    pub(super) fn pass(&mut self, bytes: u64) {
        let passed = usize::try_from(bytes).unwrap_or(usize::MAX).min(self.bytes.len());
        self.bytes.advance(passed);
        self.offset += passed as u64;
    }

    /// For `map_err`: that this object is damaged.
    pub(super) fn damaged(&self) -> impl Fn(Damage) -> Error + use<> {
        let path = PathBuf::from(self.path.as_ref());
        move |damage| Error::Damaged { path: path.clone(), damage }
    }

    async fn get_piece(&mut self) -> Result<()> {
        let start = self.offset + self.bytes.len() as u64;
        let end = self.length.min(start + self.piece_bytes);
        let failed = |source| Error::object(&self.path, format!("get bytes {start} to {end} of"))(source);
        let options = GetOptions { range: Some((start..end).into()), ..GetOptions::default() };
        let got = self.store.get_opts(&self.path, options).await.map_err(|error| failed(error.into()))?;
        if got.meta.size != self.length {
            return Err(Error::SliceMismatch { path: self.path.as_ref().into(), field: "length" });
        }
        let piece = GetResult::bytes(got).await.map_err(|error| failed(error.into()))?;
        if piece.len() as u64 != end - start {
            return Err(failed(std::io::Error::from(ErrorKind::UnexpectedEof).into()));
        }
        self.bytes.extend_from_slice(&piece);
        self.progress.add(piece.len() as u64);
        Ok(())
    }
}
