//! CRC-32C, as iSCSI and ext4 use it.

/// The CRC-32C of some bytes. Of `123456789` it is `e3069283`.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    Crc32c::new().update(bytes).value()
}

/// The CRC-32C of bytes that come in pieces.
#[derive(Clone, Copy, Debug)]
pub struct Crc32c(Digest);

impl Crc32c {
    /// Of no bytes yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Digest::start())
    }

    /// Of these bytes too.
    #[must_use]
    pub fn update(mut self, bytes: &[u8]) -> Self {
        self.0.add(bytes);
        self
    }

    /// What it is so far.
    #[must_use]
    pub fn value(self) -> u32 {
        self.0.end()
    }
}

impl Default for Crc32c {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(not(miri))]
use fast::Digest;

#[cfg(not(miri))]
mod fast {
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Digest(crc_fast::Digest);

    impl Digest {
        pub(super) fn start() -> Self {
            Self(crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi))
        }

        pub(super) fn add(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(super) fn end(self) -> u32 {
            #[expect(clippy::cast_possible_truncation, reason = "a CRC of 32 bits, handed out as 64")]
            let value = self.0.finalize() as u32;
            value
        }
    }
}

#[cfg(miri)]
use plain::Digest;

/// Byte by byte. Miri knows no instruction for it, and tests want a second opinion.
#[cfg(any(miri, test))]
mod plain {
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Digest(u32);

    impl Digest {
        pub(super) fn start() -> Self {
            Self(!0)
        }

        pub(super) fn add(&mut self, bytes: &[u8]) {
            #[allow(clippy::indexing_slicing, reason = "there are as many remainders as bytes")]
            for byte in bytes {
                self.0 = (self.0 >> 8) ^ REMAINDERS[((self.0 ^ u32::from(*byte)) & 0xff) as usize];
            }
        }

        pub(super) fn end(self) -> u32 {
            !self.0
        }
    }

    static REMAINDERS: [u32; 256] = {
        let mut remainders = [0; 256];
        let mut byte = 0_u32;
        while byte < 256 {
            let mut remainder = byte;
            let mut bit = 0;
            while bit < 8 {
                remainder = (remainder >> 1) ^ if remainder & 1 == 1 { 0x82f6_3b78 } else { 0 };
                bit += 1;
            }
            #[allow(clippy::indexing_slicing, reason = "it is less than 256")]
            {
                remainders[byte as usize] = remainder;
            }
            byte += 1;
        }
        remainders
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_the_one_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!((crc32c(b""), Crc32c::default().value()), (0, 0));
    }

    #[test]
    fn pieces_of_any_length_give_what_the_definition_gives() {
        let bytes: Vec<u8> = (0..700_u32).map(|at| at.wrapping_mul(0x9e37_79b1).to_le_bytes()[3]).collect();
        let lengths: &[usize] =
            if cfg!(miri) { &[17, 300] } else { &[0, 1, 7, 8, 15, 16, 63, 64, 65, 255, 256, 511, 700] };
        for &length in lengths {
            let (one, two) = bytes.split_at(length);
            let mut plain = plain::Digest::start();
            plain.add(&bytes);
            assert_eq!(Crc32c::new().update(one).update(two).value(), plain.end(), "cut at {length}");
            let mut plain = plain::Digest::start();
            plain.add(one);
            assert_eq!(crc32c(one), plain.end(), "{length} bytes");
        }
    }
}
