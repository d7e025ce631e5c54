//! What a session is told once.

use super::Error;
use super::{reads, window};
use crate::codec::hello::HelloAnswer;
use crate::codec::{Channel, frame};

/// The most writes of a window.
pub const MAX_WINDOW: u8 = 64;

/// What a session is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which device this is.
    pub channel: Channel,
    /// How many writes may wait for acknowledgement, 1 to 64; a server may allow fewer.
    pub window: u8,
    /// Bytes of the longest sector of any drive that is used.
    pub sector_length: u16,
    /// How many sectors are read together at most: those of a track.
    pub sectors_per_track: u16,
    /// The largest frame that the device takes: what is left of its buffers for a payload.
    pub largest_frame: u16,
    /// How many sectors the cache holds: what is read ahead has to fit.
    pub cacheable_sectors: u32,
    /// After how long a read fails that is not answered; 0 for never.
    pub read_timeout_ms: u32,
    /// Whether a server that speaks version 1 only is spoken to.
    pub may_fall_back: bool,
}

impl Config {
    /// That of an Altair's 8-inch drives, and of the MQTT buffers of the board in the field: 1,024 bytes for a packet, of
    /// which its header, the topic of this channel and a packet identifier are taken off.
    #[must_use]
    pub const fn altair(channel: Channel) -> Self {
        Self {
            channel,
            window: 8,
            sector_length: 137,
            sectors_per_track: 32,
            largest_frame: frame_in(1_024, &channel),
            cacheable_sectors: 1_154,
            read_timeout_ms: 8_000,
            may_fall_back: true,
        }
    }

    /// Bytes of memory that a session takes beside itself; `None` for what cannot be.
    #[must_use]
    pub const fn required_bytes(window: u8, sector_length: u16, sectors_per_track: u16) -> Option<usize> {
        if window == 0 || window > MAX_WINDOW || sector_length == 0 || sectors_per_track == 0 {
            return None;
        }
        let writes = window as usize * (window::OVERHEAD + sector_length as usize);
        Some(writes + reads::bytes(sectors_per_track))
    }

    /// Bytes of the longest payload that is ever to be published.
    #[must_use]
    pub const fn longest_payload(sector_length: u16) -> usize {
        let write = frame::OVERHEAD + sector_length as usize;
        let hello = frame::OVERHEAD + crate::codec::hello::REQUEST_LENGTH;
        if write > hello { write } else { hello }
    }

    pub(super) fn check(&self, available: usize) -> Result<usize, Error> {
        let needed = Self::required_bytes(self.window, self.sector_length, self.sectors_per_track)
            .ok_or(Error::Configuration)?;
        if available < needed {
            return Err(Error::MemoryTooSmall { needed, available });
        }
        let body = HelloAnswer::length(1).max(usize::from(self.sector_length));
        let needed_frame = u16::try_from(frame::OVERHEAD + body).unwrap_or(u16::MAX);
        if self.largest_frame < needed_frame {
            return Err(Error::FrameTooSmall { largest_frame: self.largest_frame, needed: needed_frame });
        }
        Ok(needed)
    }
}

/// The largest frame of a publication of QoS 1 that a buffer holds: it also has the topic, and seven bytes: one of type,
/// two each of remaining length, of the topic's length and of packet identifier.
#[expect(clippy::cast_possible_truncation, reason = "a topic has 52 bytes at most")]
const fn frame_in(buffer: u16, channel: &Channel) -> u16 {
    let topic = crate::codec::topic::MAX_LENGTH - crate::codec::channel::MAX_LENGTH + channel.len();
    buffer.saturating_sub(topic as u16 + 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn altair(name: &str) -> Config {
        Config::altair(Channel::new(name).unwrap())
    }

    #[test]
    fn a_track_takes_five_frames_of_the_board_and_six_if_the_name_is_long() {
        let frames = |config: Config| {
            let sectors = (config.largest_frame - 28) / 137;
            32_u16.div_ceil(sectors)
        };
        assert_eq!(altair("12345678").largest_frame, 1_024 - 7 - 28);
        assert_eq!(frames(altair("1234567890")), 5);
        assert_eq!(frames(altair("12345678901")), 6);
    }

    #[test]
    fn memory_is_what_writes_and_bits_take() {
        assert_eq!(Config::required_bytes(8, 137, 32), Some(8 * 145 + 4 * 3 * 4));
        assert_eq!(Config::required_bytes(1, 512, 1), Some(520 + 12));
        for (window, length, sectors) in [(0, 137, 32), (65, 137, 32), (8, 0, 32), (8, 137, 0)] {
            assert_eq!(Config::required_bytes(window, length, sectors), None);
        }
        assert!(Config::required_bytes(64, u16::MAX, u16::MAX).is_some());
        assert_eq!((Config::longest_payload(137), Config::longest_payload(8)), (165, 48));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let config = altair("1");
        assert_eq!(config.check(1_208), Ok(1_208));
        assert_eq!(config.check(1_207), Err(Error::MemoryTooSmall { needed: 1_208, available: 1_207 }));
        assert_eq!(Config { window: 65, ..config }.check(9_999), Err(Error::Configuration));
        assert_eq!(Config { largest_frame: 165, ..config }.check(9_999), Ok(1_208));
        let error = Error::FrameTooSmall { largest_frame: 164, needed: 165 };
        assert_eq!(Config { largest_frame: 164, ..config }.check(9_999), Err(error));
    }
}
