//! Payloads of version 1, as the emulator in the field has them.
//!
//! | Offset | Size | Field  | In                   |
//! |-------:|-----:|--------|----------------------|
//! |      0 |    4 | offset | read, write and data: of the sector's first byte in drive B's image, a `u32` |
//! |      4 |  137 | sector | write and data       |
//!
//! Any other length is no such payload.

/// Bytes of a sector.
pub const SECTOR_LENGTH: usize = 137;
/// Bytes of an offset, which is all of a read.
pub const OFFSET_LENGTH: usize = 4;
/// Bytes of a write, and of data.
pub const DATA_LENGTH: usize = OFFSET_LENGTH + SECTOR_LENGTH;

/// A payload of another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload has {actual} bytes, not {expected}")]
pub struct LengthError {
    /// How long it is to be.
    pub expected: usize,
    /// How long it is.
    pub actual: usize,
}

/// A device asks for a sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Where the sector starts in the image.
    pub offset: u32,
}

impl Read {
    /// Decodes a payload.
    ///
    /// # Errors
    /// [`LengthError`].
    pub fn decode(payload: &[u8]) -> Result<Self, LengthError> {
        let error = LengthError { expected: OFFSET_LENGTH, actual: payload.len() };
        let offset = payload.try_into().map_err(|_| error)?;
        Ok(Self { offset: u32::from_le_bytes(offset) })
    }

    /// The payload that says this.
    #[must_use]
    pub const fn encode(self) -> [u8; OFFSET_LENGTH] {
        self.offset.to_le_bytes()
    }
}

/// A device writes a sector, or a server sends one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'a> {
    /// Where the sector starts in the image.
    pub offset: u32,
    /// Its bytes.
    pub sector: &'a [u8; SECTOR_LENGTH],
}

impl<'a> Write<'a> {
    /// Decodes a payload.
    ///
    /// # Errors
    /// [`LengthError`].
    pub fn decode(payload: &'a [u8]) -> Result<Self, LengthError> {
        let error = LengthError { expected: DATA_LENGTH, actual: payload.len() };
        let (offset, sector) = payload.split_first_chunk().ok_or(error)?;
        Ok(Self { offset: u32::from_le_bytes(*offset), sector: sector.try_into().map_err(|_| error)? })
    }

    /// The payload that says this.
    #[must_use]
    pub fn encode(&self) -> [u8; DATA_LENGTH] {
        let mut payload = [0; DATA_LENGTH];
        if let Some((offset, sector)) = payload.split_first_chunk_mut() {
            *offset = self.offset.to_le_bytes();
            sector.copy_from_slice(self.sector);
        }
        payload
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn payloads_are_an_offset_and_a_sector() {
        assert_eq!(Read { offset: 0x0001_0203 }.encode(), [3, 2, 1, 0]);
        assert_eq!(Read::decode(&[3, 2, 1, 0]), Ok(Read { offset: 0x0001_0203 }));
        let write = Write { offset: 137, sector: &[0xe5; 137] };
        let payload = write.encode();
        assert_eq!((&payload[..4], &payload[4..]), (&[137, 0, 0, 0][..], &[0xe5; 137][..]));
        assert_eq!(Write::decode(&payload), Ok(write));
    }

    #[test]
    fn any_other_length_is_refused() {
        let bytes = [0; 300];
        for length in (0..bytes.len()).filter(|&length| length != OFFSET_LENGTH) {
            assert_eq!(Read::decode(&bytes[..length]), Err(LengthError { expected: 4, actual: length }));
        }
        for length in (0..bytes.len()).filter(|&length| length != DATA_LENGTH) {
            assert_eq!(Write::decode(&bytes[..length]), Err(LengthError { expected: 141, actual: length }));
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(offset: u32, sector: [u8; 32]) {
            prop_assert_eq!(Read::decode(&Read { offset }.encode()), Ok(Read { offset }));
            let mut whole = [0; SECTOR_LENGTH];
            whole.iter_mut().zip(sector.iter().cycle()).for_each(|(place, byte)| *place = *byte);
            let write = Write { offset, sector: &whole };
            let payload = write.encode();
            prop_assert_eq!(Write::decode(&payload), Ok(write));
        }
    }
}
