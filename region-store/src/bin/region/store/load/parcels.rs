//! Blobs, put into parcels.

use region_store::format::v1::blob_prefix;
use region_store::store::LoadError;

/// From how many bytes on a parcel is done.
const ENOUGH: usize = 1 << 20;

/// Puts blobs into parcels, and hands on those that are long enough.
pub(super) struct Parcels<F> {
    /// Blobs behind their lengths.
    slots: Vec<u8>,
    hand_on: F,
}

impl<F: FnMut(Vec<u8>) -> Result<(), LoadError>> Parcels<F> {
    pub(super) const fn new(hand_on: F) -> Self {
        Self { slots: Vec::new(), hand_on }
    }

    pub(super) fn push(&mut self, blob: &[u8]) -> Result<(), LoadError> {
        let prefix = blob_prefix(blob.len()).ok_or_else(|| format!("{} bytes are no blob", blob.len()))?;
        if self.slots.len() + prefix.len() + blob.len() > ENOUGH {
            self.end()?;
        }
        self.slots.extend_from_slice(&prefix);
        self.slots.extend_from_slice(blob);
        Ok(())
    }

    /// Hands on what there is, if there is any.
    pub(super) fn end(&mut self) -> Result<(), LoadError> {
        if self.slots.is_empty() {
            return Ok(());
        }
        (self.hand_on)(std::mem::take(&mut self.slots))
    }
}
