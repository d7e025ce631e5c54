//! Parcels: blobs that come together, as they come off a wire.
//!
//! The bytes of a parcel are those of a region of version 1 behind its header: blobs, each behind its length as an `i32`
//! in little-endian; or the same in one block of raw snappy. A parcel is checked wholly when it is made, so that none
//! of a corrupt one is ever written. How Burst frames them is in [`burst`].

pub mod burst;

use bytes::Bytes;

use crate::format::{Damage, v1};

/// The most bytes of a parcel, inflated: a block has to hold them.
pub const MAX_PARCEL_LENGTH: usize = 1 << 30;

/// No parcel of raw snappy inflates more: its shortest way to repeat 64 bytes takes 3.
const MOST_INFLATION: usize = 22;

/// Blobs that come together.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Blobs behind their lengths, all of them whole.
    slots: Bytes,
    blob_count: usize,
    blob_bytes: u64,
}

/// What is wrong with a parcel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParcelError {
    /// Its bytes are no blobs behind their lengths. The offset is that in the inflated parcel.
    #[error("the parcel is corrupt: {0}")]
    Slots(#[source] Damage),
    /// Its bytes are not snappy's.
    #[error("the parcel cannot be inflated: {0}")]
    Snappy(#[source] snap::Error),
    /// It does not inflate to what was said.
    #[error("the parcel inflates to {actual} bytes, not to {expected}")]
    Length {
        /// What was said.
        expected: usize,
        /// What snappy's header says.
        actual: usize,
    },
    /// No so few bytes of snappy inflate to so many.
    #[error("a parcel of {deflated} bytes of snappy cannot inflate to {inflated}")]
    Inflation {
        /// Its length.
        deflated: usize,
        /// What snappy's header says.
        inflated: usize,
    },
    /// It has not as many blobs as was said.
    #[error("the parcel has {actual} blobs, not {expected}")]
    Count {
        /// What was said.
        expected: usize,
        /// What there are.
        actual: usize,
    },
    /// Its frame is not as it should be.
    #[error("the parcel's frame is corrupt: {0}")]
    Frame(#[source] Damage),
    /// There is no such parcel, or not the memory for it.
    #[error("a parcel of {length} bytes is too long for memory, or has more than {MAX_PARCEL_LENGTH}")]
    TooLong {
        /// Its length, inflated.
        length: usize,
    },
}

impl Parcel {
    /// Takes blobs behind their lengths. Nothing is copied.
    ///
    /// # Errors
    /// [`ParcelError::Slots`] and [`ParcelError::TooLong`].
    pub fn raw(slots: Bytes) -> Result<Self, ParcelError> {
        if slots.len() > MAX_PARCEL_LENGTH {
            return Err(ParcelError::TooLong { length: slots.len() });
        }
        let (mut blob_count, mut blob_bytes) = (0, 0);
        for blob in v1::Blobs::from_offset(&slots, 0) {
            blob_count += 1;
            blob_bytes += blob.map_err(ParcelError::Slots)?.len() as u64;
        }
        Ok(Self { slots, blob_count, blob_bytes })
    }

    /// Copies blobs, each of which gets its length in front.
    ///
    /// # Errors
    /// [`ParcelError::TooLong`].
    pub fn of<B: AsRef<[u8]>>(blobs: impl IntoIterator<Item = B>) -> Result<Self, ParcelError> {
        let mut slots = Vec::new();
        for blob in blobs {
            let blob = blob.as_ref();
            let length = slots.len() + v1::PREFIX_LENGTH + blob.len();
            let fits = length <= MAX_PARCEL_LENGTH;
            let prefix =
                v1::blob_prefix(blob.len()).filter(|_| fits).ok_or(ParcelError::TooLong { length })?;
            let more = prefix.len() + blob.len();
            slots.try_reserve(more).map_err(|_| ParcelError::TooLong { length })?;
            slots.extend_from_slice(&prefix);
            slots.extend_from_slice(blob);
        }
        Self::raw(slots.into())
    }

    /// Inflates a parcel that is said to have so many bytes then.
    ///
    /// # Errors
    /// Any [`ParcelError`]. Memory is asked for only if the length is the one that was said, and can be true.
    pub fn snappy(deflated: &[u8], inflated_length: usize) -> Result<Self, ParcelError> {
        let actual = snap::raw::decompress_len(deflated).map_err(ParcelError::Snappy)?;
        if actual != inflated_length {
            return Err(ParcelError::Length { expected: inflated_length, actual });
        }
        if actual > MAX_PARCEL_LENGTH {
            return Err(ParcelError::TooLong { length: actual });
        }
        if actual / MOST_INFLATION > deflated.len() {
            return Err(ParcelError::Inflation { deflated: deflated.len(), inflated: actual });
        }
        let mut slots = Vec::new();
        slots.try_reserve_exact(actual).map_err(|_| ParcelError::TooLong { length: actual })?;
        slots.resize(actual, 0);
        snap::raw::Decoder::new().decompress(deflated, &mut slots).map_err(ParcelError::Snappy)?;
        Self::raw(slots.into())
    }

    /// The blobs, in order.
    pub fn blobs(&self) -> impl Iterator<Item = &[u8]> {
        // They were checked when the parcel was made.
        v1::Blobs::from_offset(&self.slots, 0).map_while(Result::ok)
    }

    /// How many there are.
    #[must_use]
    pub const fn blob_count(&self) -> usize {
        self.blob_count
    }

    /// Their bytes.
    #[must_use]
    pub const fn blob_bytes(&self) -> u64 {
        self.blob_bytes
    }

    /// The blobs behind their lengths.
    #[must_use]
    pub fn slots(&self) -> &[u8] {
        &self.slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: &[u8] = b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c";

    #[test]
    fn a_raw_parcel_lends_its_blobs() {
        let parcel = Parcel::raw(Bytes::from_static(SLOTS)).unwrap();
        assert_eq!(parcel.blobs().collect::<Vec<_>>(), [&b"ab"[..], b"", b"c"]);
        assert_eq!((parcel.blob_count(), parcel.blob_bytes(), parcel.slots()), (3, 3, SLOTS));
        assert_eq!(Parcel::raw(Bytes::new()).unwrap().blob_count(), 0);
        assert_eq!(Parcel::of(["ab", "", "c"]).unwrap().slots(), SLOTS);
        assert_eq!(Parcel::of([""; 0]).unwrap().slots(), b"");
    }

    #[test]
    fn a_deflated_parcel_is_inflated() {
        let deflated = snap::raw::Encoder::new().compress_vec(SLOTS).unwrap();
        let parcel = Parcel::snappy(&deflated, SLOTS.len()).unwrap();
        assert_eq!(parcel.slots(), SLOTS);
        let length = ParcelError::Length { expected: 3, actual: SLOTS.len() };
        assert_eq!(Parcel::snappy(&deflated, 3).unwrap_err(), length);
        let cut = deflated.len() - 1;
        assert!(matches!(Parcel::snappy(&deflated[..cut], SLOTS.len()), Err(ParcelError::Snappy(_))));
        assert_eq!(Parcel::snappy(b"", 0).unwrap_err(), ParcelError::Snappy(snap::Error::Empty));
        assert_eq!(Parcel::snappy(&[0], 0).unwrap().blob_count(), 0);
    }

    #[test]
    fn a_corrupt_parcel_is_refused_by_name() {
        let cut = Parcel::raw(Bytes::from_static(&SLOTS[..13])).unwrap_err();
        assert_eq!(
            cut.to_string(),
            "the parcel is corrupt: blob length at offset 10: 4 bytes are needed, 3 are left"
        );
        let negative = Parcel::raw(Bytes::from_static(b"\xff\xff\xff\xff")).unwrap_err();
        assert!(
            negative.to_string().contains("blob length at offset 0: 4294967295 is not the length of a blob")
        );
    }

    #[test]
    fn a_length_that_cannot_be_asks_for_no_memory() {
        // Snappy's header says 2^32 - 1 bytes.
        let bomb = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert!(matches!(Parcel::snappy(&bomb, u32::MAX as usize), Err(ParcelError::TooLong { .. })));
        // And 2^30, of which the rest has nothing.
        let bomb = [0x80, 0x80, 0x80, 0x80, 0x04];
        let inflation = ParcelError::Inflation { deflated: 5, inflated: 1 << 30 };
        assert_eq!(Parcel::snappy(&bomb, 1 << 30).unwrap_err(), inflation);
    }

    #[test]
    #[cfg_attr(miri, ignore = "a mebibyte takes minutes")]
    fn what_inflates_most_is_inflated() {
        let zeros = [0; 1 << 20];
        let deflated = snap::raw::Encoder::new().compress_vec(&zeros).unwrap();
        assert!(deflated.len() * 21 < zeros.len(), "{} bytes are near the most", deflated.len());
        let parcel = Parcel::snappy(&deflated, zeros.len()).unwrap();
        assert_eq!((parcel.blob_count(), parcel.blob_bytes()), (1 << 18, 0));
    }
}
