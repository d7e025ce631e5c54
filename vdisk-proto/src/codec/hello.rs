//! The bodies of HELLO: what device and server are, and what drives there are.
//!
//! | Offset | Size | Field of the request | Rule |
//! |-------:|-----:|----------------------|------|
//! |      0 |    8 | nonce                | new for every session |
//! |      8 |    4 | previous session     | or 0 |
//! |     12 |    2 | largest frame        | that the device takes |
//! |     14 |    2 |                      | 0, not looked at |
//! |     16 |    4 | cacheable sectors    | how many it can cache |
//!
//! | Offset | Size | Field of the answer  | Rule |
//! |-------:|-----:|----------------------|------|
//! |      0 |    8 | nonce                | the request's: an answer to another is dropped |
//! |      8 |    2 | largest frame        | that the server takes |
//! |     10 |    1 | window               | how many writes may wait for acknowledgement |
//! |     11 |    1 | drives               | how many; then each of them: |
//!
//! | Offset | Size | Field of a drive     | Rule |
//! |-------:|-----:|----------------------|------|
//! |      0 |    1 | drive                | 0 to 15 |
//! |      1 |    1 | drive flags          | 1: read-only; others are not looked at |
//! |      2 |    2 | sector length        | |
//! |      4 |    2 | sectors a track      | |
//! |      6 |    2 | tracks               | |
//! |      8 |    8 | generation           | grows whenever somebody else changes the drive |

use sector_cache::{Drive, Geometry};

use super::frame::fields::{array, put};

/// Bytes of a request's body.
pub const REQUEST_LENGTH: usize = 20;
/// Bytes of an answer's body before its drives.
pub const ANSWER_HEAD_LENGTH: usize = 12;
/// Bytes of a drive in an answer.
pub const DRIVE_LENGTH: usize = 16;
/// The most drives of an answer.
pub const MAX_DRIVES: usize = 16;

const READ_ONLY: u8 = 1;

/// Why bytes are no body of HELLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// They are too many or too few.
    #[error("the body has {actual} bytes, not {expected}")]
    Length {
        /// How many are expected.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// A drive that cannot be.
    #[error("drive number {number} of the answer cannot be")]
    Drive {
        /// Which of the answer's drives, from 0 on.
        number: usize,
    },
}

/// What a device says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloRequest {
    /// New for every session.
    pub nonce: u64,
    /// The session before, or 0.
    pub previous: u32,
    /// The largest frame that the device takes.
    pub largest_frame: u16,
    /// How many sectors it can cache.
    pub cacheable_sectors: u32,
}

impl HelloRequest {
    /// Decodes a body.
    ///
    /// # Errors
    /// [`HelloError::Length`].
    pub fn decode(body: &[u8]) -> Result<Self, HelloError> {
        if body.len() != REQUEST_LENGTH {
            return Err(HelloError::Length { expected: REQUEST_LENGTH, actual: body.len() });
        }
        Ok(Self {
            nonce: u64::from_le_bytes(array(body, 0)),
            previous: u32::from_le_bytes(array(body, 8)),
            largest_frame: u16::from_le_bytes(array(body, 12)),
            cacheable_sectors: u32::from_le_bytes(array(body, 16)),
        })
    }

    /// The body that says this.
    #[must_use]
    pub fn encode(&self) -> [u8; REQUEST_LENGTH] {
        let mut body = [0; REQUEST_LENGTH];
        put(&mut body, 0, &self.nonce.to_le_bytes());
        put(&mut body, 8, &self.previous.to_le_bytes());
        put(&mut body, 12, &self.largest_frame.to_le_bytes());
        put(&mut body, 16, &self.cacheable_sectors.to_le_bytes());
        body
    }
}

/// A drive of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriveInfo {
    /// Which.
    pub drive: Drive,
    /// Whether writes to it are refused.
    pub is_read_only: bool,
    /// Its shape.
    pub geometry: Geometry,
    /// Grows whenever somebody else changes the drive.
    pub generation: u64,
}

impl DriveInfo {
    fn decode(bytes: &[u8; DRIVE_LENGTH]) -> Option<Self> {
        let [number, flags, ..] = *bytes;
        let [sector_length, sectors_per_track, tracks] =
            [2, 4, 6].map(|at| u16::from_le_bytes(array(bytes, at)));
        Some(Self {
            drive: Drive::new(number).ok()?,
            is_read_only: flags & READ_ONLY != 0,
            geometry: Geometry::new(tracks, sectors_per_track, sector_length).ok()?,
            generation: u64::from_le_bytes(array(bytes, 8)),
        })
    }

    fn encode(&self) -> [u8; DRIVE_LENGTH] {
        let mut bytes = [0; DRIVE_LENGTH];
        put(&mut bytes, 0, &[self.drive.number(), if self.is_read_only { READ_ONLY } else { 0 }]);
        put(&mut bytes, 2, &self.geometry.sector_length().to_le_bytes());
        put(&mut bytes, 4, &self.geometry.sectors_per_track().to_le_bytes());
        put(&mut bytes, 6, &self.geometry.tracks().to_le_bytes());
        put(&mut bytes, 8, &self.generation.to_le_bytes());
        bytes
    }
}

/// What a server answers, but for the drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloAnswer {
    /// The request's.
    pub nonce: u64,
    /// The largest frame that the server takes.
    pub largest_frame: u16,
    /// How many writes may wait for acknowledgement.
    pub window: u8,
}

impl HelloAnswer {
    /// Bytes of the body with so many drives.
    #[must_use]
    pub const fn length(drives: usize) -> usize {
        ANSWER_HEAD_LENGTH + DRIVE_LENGTH * drives
    }

    /// Decodes a body, all of it: also the drives, which the iterator hands out.
    ///
    /// # Errors
    /// [`HelloError`].
    pub fn decode(
        body: &[u8],
    ) -> Result<(Self, impl ExactSizeIterator<Item = DriveInfo> + Clone), HelloError> {
        let count = body.get(ANSWER_HEAD_LENGTH - 1).copied().map_or(0, usize::from);
        let expected = Self::length(count);
        if body.len() != expected {
            return Err(HelloError::Length { expected, actual: body.len() });
        }
        let (drives, _) = body.get(ANSWER_HEAD_LENGTH..).unwrap_or_default().as_chunks();
        if let Some(number) = drives.iter().position(|drive| DriveInfo::decode(drive).is_none()) {
            return Err(HelloError::Drive { number });
        }
        let answer = Self {
            nonce: u64::from_le_bytes(array(body, 0)),
            largest_frame: u16::from_le_bytes(array(body, 8)),
            window: u8::from_le_bytes(array(body, 10)),
        };
        // All of them have been decoded before.
        let nothing = DriveInfo {
            drive: Drive::A,
            is_read_only: true,
            geometry: Geometry::ALTAIR_8_INCH,
            generation: 0,
        };
        Ok((answer, drives.iter().map(move |drive| DriveInfo::decode(drive).unwrap_or(nothing))))
    }

    /// Writes the body, of [`length`](Self::length) bytes for so many drives, at most [`MAX_DRIVES`]; `None` if there is
    /// no room for it.
    pub fn encode<'a>(&self, drives: &[DriveInfo], memory: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let count = u8::try_from(drives.len()).ok().filter(|&count| usize::from(count) <= MAX_DRIVES)?;
        let body = memory.get_mut(..Self::length(drives.len()))?;
        put(body, 0, &self.nonce.to_le_bytes());
        put(body, 8, &self.largest_frame.to_le_bytes());
        put(body, 10, &[self.window, count]);
        let (places, _) = body.get_mut(ANSWER_HEAD_LENGTH..)?.as_chunks_mut();
        for (place, drive) in places.iter_mut().zip(drives) {
            *place = drive.encode();
        }
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    #[test]
    fn a_request_is_as_its_table_says() {
        let request = HelloRequest {
            nonce: 0x0102_0304_0506_0708,
            previous: 0x1112_1314,
            largest_frame: 996,
            cacheable_sectors: 1_154,
        };
        let body = *b"\x08\x07\x06\x05\x04\x03\x02\x01\x14\x13\x12\x11\xe4\x03\0\0\x82\x04\0\0";
        assert_eq!(request.encode(), body);
        assert_eq!(HelloRequest::decode(&body), Ok(request));
        for length in [0, 19, 21] {
            let error = HelloError::Length { expected: 20, actual: length };
            assert_eq!(HelloRequest::decode(&[0; 21][..length]), Err(error));
        }
    }

    #[test]
    fn an_answer_is_as_its_table_says() {
        let answer = HelloAnswer { nonce: 7, largest_frame: 8_192, window: 8 };
        let drives = [
            DriveInfo {
                drive: Drive::B,
                is_read_only: false,
                geometry: Geometry::ALTAIR_8_INCH,
                generation: 9,
            },
            DriveInfo {
                drive: Drive::A,
                is_read_only: true,
                geometry: Geometry::ALTAIR_MINIDISK,
                generation: u64::MAX,
            },
        ];
        let mut memory = [0xaa; 64];
        let body = answer.encode(&drives, &mut memory).unwrap().to_vec();
        assert_eq!(body[..12], *b"\x07\0\0\0\0\0\0\0\0\x20\x08\x02");
        assert_eq!(body[12..28], *b"\x01\0\x89\0\x20\0\x4d\0\x09\0\0\0\0\0\0\0");
        assert_eq!(body[28..], *b"\0\x01\x89\0\x10\0\x23\0\xff\xff\xff\xff\xff\xff\xff\xff");
        let (decoded, decoded_drives) = HelloAnswer::decode(&body).unwrap();
        assert_eq!((decoded, decoded_drives.collect::<Vec<_>>()), (answer, drives.to_vec()));
        assert!(answer.encode(&drives, &mut [0; 43]).is_none());
    }

    #[test]
    fn an_answer_that_cannot_be_is_refused() {
        let error = |body: &[u8]| HelloAnswer::decode(body).map(|_| ()).unwrap_err();
        assert_eq!(error(&[0; 11]), HelloError::Length { expected: 12, actual: 11 });
        assert_eq!(error(&[1; 12]), HelloError::Length { expected: 28, actual: 12 });
        let mut body = [0; 28];
        body[11] = 1;
        body[12] = 16;
        assert_eq!(error(&body), HelloError::Drive { number: 0 });
    }

    fn a_drive() -> impl Strategy<Value = DriveInfo> {
        let numbers = (0..16_u8, any::<bool>(), any::<u64>(), 1..=4_096_u16, 1..=4_096_u16, 1..=u16::MAX);
        numbers.prop_map(|(drive, is_read_only, generation, tracks, sectors, length)| DriveInfo {
            drive: Drive::new(drive).unwrap(),
            is_read_only,
            geometry: Geometry::new(tracks, sectors, length).unwrap(),
            generation,
        })
    }

    /// An answer of which bytes were changed, and the end may have been cut off.
    fn a_damaged_answer() -> impl Strategy<Value = Vec<u8>> {
        let changes = proptest::collection::vec((any::<Index>(), any::<u8>()), 0..3);
        let drives = proptest::collection::vec(a_drive(), 0..=MAX_DRIVES);
        (drives, changes, proptest::option::of(any::<Index>())).prop_map(|(drives, changes, cut)| {
            let mut memory = [0; HelloAnswer::length(MAX_DRIVES)];
            let answer = HelloAnswer { nonce: 7, largest_frame: 8_192, window: 8 };
            let mut body = answer.encode(&drives, &mut memory).unwrap().to_vec();
            for (place, byte) in changes {
                *place.get_mut(&mut body) = byte;
            }
            body.truncate(cut.map_or(body.len(), |cut| cut.index(body.len())));
            body
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            nonce: u64,
            numbers: (u32, u16, u32, u8),
            drives in proptest::collection::vec(a_drive(), 0..=MAX_DRIVES),
        ) {
            let (previous, largest_frame, cacheable_sectors, window) = numbers;
            let request = HelloRequest { nonce, previous, largest_frame, cacheable_sectors };
            prop_assert_eq!(HelloRequest::decode(&request.encode()), Ok(request));
            let answer = HelloAnswer { nonce, largest_frame, window };
            let mut memory = [0xaa; HelloAnswer::length(MAX_DRIVES)];
            let body = answer.encode(&drives, &mut memory).unwrap();
            let (decoded, decoded_drives) = HelloAnswer::decode(body).unwrap();
            prop_assert_eq!((decoded, decoded_drives.collect::<Vec<_>>()), (answer, drives));
        }

        #[test]
        fn any_bytes_are_a_body_or_an_error(
            mut body in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..=HelloAnswer::length(MAX_DRIVES)),
                a_damaged_answer(),
            ],
        ) {
            let _ = HelloRequest::decode(&body);
            let decoded = HelloAnswer::decode(&body).map(|(answer, drives)| (answer, drives.collect::<Vec<_>>()));
            if let Ok((answer, drives)) = decoded {
                let mut memory = [0xaa; HelloAnswer::length(MAX_DRIVES)];
                for drive in body[ANSWER_HEAD_LENGTH..].chunks_mut(DRIVE_LENGTH) {
                    drive[1] &= READ_ONLY;
                }
                prop_assert_eq!(answer.encode(&drives, &mut memory), Some(&mut body[..]));
            }
        }
    }
}
