//! Parcels as Burst frames them.
//!
//! In memory, all numbers an `i32` in little-endian:
//!
//! | Offset | Size | Field         | Rule |
//! |-------:|-----:|---------------|------|
//! |      0 |    4 | used          | not looked at |
//! |      4 |    4 | pool id       | not looked at |
//! |      8 |    4 | buffer count  | how many blobs there are |
//! |     12 |    4 | inflated size | of the blobs behind their lengths |
//! |     16 |    4 | deflated size | not looked at if it is inflated |
//! |     20 |    4 | is inflated   | more than 0 if it is |
//! |     24 |    4 | next slot     | not looked at |
//! |     28 |  ... | slots         | blobs behind their lengths, or those in one block of raw snappy; what follows is not looked at |
//!
//! On the wire, all numbers an `i32` in big-endian:
//!
//! | Offset | Size | Field         | Rule |
//! |-------:|-----:|---------------|------|
//! |      0 |    4 | deflated size | or, if it is negative, a marker, and then no more is looked at |
//! |      4 |    4 | buffer count  | how many blobs there are |
//! |      8 |    4 | inflated size | of the blobs behind their lengths |
//! |     12 |  ... | slots         | those in one block of raw snappy, to the end |

use bytes::Bytes;

use super::{Parcel, ParcelError};
use crate::format::{Damage, Problem, fields};

/// Bytes before the slots of a parcel in memory.
pub const MEMORY_HEADER_LENGTH: usize = 28;
/// Bytes before the slots of a parcel on the wire.
pub const WIRE_HEADER_LENGTH: usize = 12;

/// What a stream of parcels says beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Marker {
    /// The stream has ended, and all of it came.
    End = -100,
    /// Whoever sends has waited too long.
    TimeOut = -200,
    /// Whoever sends has failed.
    Exception = -300,
    /// There is nothing to send.
    NoData = -400,
    /// The stream is given up.
    Abort = -600,
    /// Whoever sends is still there.
    Heartbeat = -700,
}

impl Marker {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::End, Self::TimeOut, Self::Exception, Self::NoData, Self::Abort, Self::Heartbeat];

    /// The marker of a number; `None` if there is none.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|marker| marker.number() == number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// Whether the stream ends with it, and not as it should: what came of it is not all.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::TimeOut | Self::Exception | Self::Abort)
    }
}

/// What comes off the wire.
#[derive(Clone, Debug)]
pub enum Message {
    /// Blobs.
    Parcel(Parcel),
    /// A word about the stream.
    Marker(Marker),
}

impl Parcel {
    /// Takes a parcel as Burst has it in memory, inflated or not. If it is inflated, nothing is copied.
    ///
    /// # Errors
    /// Any [`ParcelError`].
    pub fn from_burst_memory(bytes: &Bytes) -> Result<Self, ParcelError> {
        let header: &[u8; MEMORY_HEADER_LENGTH] =
            bytes.first_chunk().ok_or_else(|| short(bytes, MEMORY_HEADER_LENGTH))?;
        let field = |at: usize| i32::from_le_bytes(fields::at(header, at));
        let blob_count = length("buffer count", 8, field(8))?;
        let inflated_size = length("inflated size", 12, field(12))?;
        let is_inflated = field(20) > 0;
        let size = if is_inflated { inflated_size } else { length("deflated size", 16, field(16))? };
        let left = bytes.len() - MEMORY_HEADER_LENGTH;
        if size > left {
            let problem = Problem::Truncated { needed: size as u64, left: left as u64 };
            return Err(ParcelError::Frame(Damage::new("slots", MEMORY_HEADER_LENGTH as u64, problem)));
        }
        let slots = bytes.slice(MEMORY_HEADER_LENGTH..MEMORY_HEADER_LENGTH + size);
        let parcel = if is_inflated { Self::raw(slots)? } else { Self::snappy(&slots, inflated_size)? };
        parcel.counted(blob_count)
    }

    fn counted(self, expected: usize) -> Result<Self, ParcelError> {
        let actual = self.blob_count();
        if actual == expected { Ok(self) } else { Err(ParcelError::Count { expected, actual }) }
    }
}

impl Message {
    /// Takes what came off the wire, all of it.
    ///
    /// # Errors
    /// Any [`ParcelError`].
    pub fn from_burst_wire(bytes: &[u8]) -> Result<Self, ParcelError> {
        let too_short = || short(bytes, WIRE_HEADER_LENGTH);
        let number = i32::from_be_bytes(*bytes.first_chunk().ok_or_else(too_short)?);
        if number < 0 {
            let unknown = value("deflated size", 0, number, "a length or a marker");
            return Marker::from_number(number).map(Self::Marker).ok_or(unknown);
        }
        let (header, slots) = bytes.split_first_chunk::<WIRE_HEADER_LENGTH>().ok_or_else(too_short)?;
        let field = |at: usize| i32::from_be_bytes(fields::at(header, at));
        let blob_count = length("buffer count", 4, field(4))?;
        let inflated_size = length("inflated size", 8, field(8))?;
        if length("deflated size", 0, number)? != slots.len() {
            return Err(value("deflated size", 0, number, "how many bytes follow the header"));
        }
        Parcel::snappy(slots, inflated_size)?.counted(blob_count).map(Self::Parcel)
    }
}

fn short(bytes: &[u8], needed: usize) -> ParcelError {
    let problem = Problem::Truncated { needed: needed as u64, left: bytes.len() as u64 };
    ParcelError::Frame(Damage::new("header", 0, problem))
}

fn length(field: &'static str, offset: u64, found: i32) -> Result<usize, ParcelError> {
    usize::try_from(found).map_err(|_| value(field, offset, found, "a number of 0 or more"))
}

fn value(field: &'static str, offset: u64, found: i32, expected: &'static str) -> ParcelError {
    let problem = Problem::Value { found: found.cast_unsigned().into(), expected };
    ParcelError::Frame(Damage::new(field, offset, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: &[u8] = b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c";

    fn deflated() -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(SLOTS).unwrap()
    }

    fn memory(fields: [i32; 7], slots: &[u8]) -> Bytes {
        let header: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
        [&header, slots].concat().into()
    }

    fn wire(fields: [i32; 3], slots: &[u8]) -> Vec<u8> {
        let header: Vec<u8> = fields.iter().flat_map(|field| field.to_be_bytes()).collect();
        [&header, slots].concat()
    }

    fn lengths() -> (i32, i32) {
        (i32::try_from(SLOTS.len()).unwrap(), i32::try_from(deflated().len()).unwrap())
    }

    #[test]
    fn a_parcel_in_memory_is_taken_inflated_or_not() {
        let (inflated, deflated_size) = lengths();
        let behind = [SLOTS, b"what an earlier parcel left"].concat();
        let fields = [inflated, 7, 3, inflated, -1, 1, 43];
        assert_eq!(Parcel::from_burst_memory(&memory(fields, &behind)).unwrap().slots(), SLOTS);
        let fields = [inflated, 7, 3, inflated, deflated_size, 0, 43];
        assert_eq!(Parcel::from_burst_memory(&memory(fields, &deflated())).unwrap().slots(), SLOTS);
    }

    #[test]
    fn a_parcel_on_the_wire_is_taken() {
        let (inflated, deflated_size) = lengths();
        let message = Message::from_burst_wire(&wire([deflated_size, 3, inflated], &deflated())).unwrap();
        assert!(matches!(&message, Message::Parcel(parcel) if parcel.slots() == SLOTS), "{message:?}");
    }

    #[test]
    fn markers_have_these_numbers() {
        let numbers = [-100_i32, -200, -300, -400, -600, -700];
        for (marker, number) in Marker::ALL.into_iter().zip(numbers) {
            for bytes in [&number.to_be_bytes()[..], &wire([number, 0, 0], b"")] {
                let message = Message::from_burst_wire(bytes).unwrap();
                assert!(matches!(message, Message::Marker(found) if found == marker), "{message:?}");
            }
        }
        assert!(Marker::Abort.is_failure() && !Marker::End.is_failure() && !Marker::NoData.is_failure());
        let unknown = Message::from_burst_wire(&(-500_i32).to_be_bytes()).unwrap_err();
        assert!(unknown.to_string().contains("deflated size at offset 0: 4294966796 is not"), "{unknown}");
    }

    #[test]
    fn a_corrupt_frame_is_refused_by_name() {
        let (inflated, deflated_size) = lengths();
        let fields = [inflated, 7, 3, inflated, deflated_size, 0, 43];
        let with = |at: usize, value: i32| {
            let mut fields = fields;
            fields[at] = value;
            Parcel::from_burst_memory(&memory(fields, &deflated())).unwrap_err()
        };
        assert_eq!(with(2, 4), ParcelError::Count { expected: 4, actual: 3 });
        assert!(with(2, -1).to_string().contains("buffer count at offset 8"));
        assert!(with(3, -1).to_string().contains("inflated size at offset 12"));
        assert!(matches!(with(3, inflated + 1), ParcelError::Length { .. }));
        assert!(with(4, -1).to_string().contains("deflated size at offset 16"));
        assert!(with(4, i32::MAX).to_string().contains("slots at offset 28"));
        assert!(matches!(with(4, deflated_size - 1), ParcelError::Snappy(_)));
        assert!(Parcel::from_burst_memory(&Bytes::from_static(&[0; 27])).is_err());

        for length in 0..12 {
            let cut =
                Message::from_burst_wire(&wire([deflated_size, 3, inflated], b"")[..length]).unwrap_err();
            assert!(cut.to_string().contains("header at offset 0: 12 bytes are needed"), "{cut}");
        }
        let long =
            Message::from_burst_wire(&wire([deflated_size - 1, 3, inflated], &deflated())).unwrap_err();
        assert!(long.to_string().contains("is not how many bytes follow"), "{long}");
        let miscounted =
            Message::from_burst_wire(&wire([deflated_size, 2, inflated], &deflated())).unwrap_err();
        assert_eq!(miscounted, ParcelError::Count { expected: 2, actual: 3 });
    }
}
