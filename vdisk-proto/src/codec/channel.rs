//! A channel names a device: 1 to 32 characters of `A` to `Z`, `a` to `z`, `0` to `9`, `_` and `-`. Nothing else gets
//! into a topic or a path.

use core::fmt;
use core::hash::{Hash, Hasher};

/// The most characters of a channel's name.
pub const MAX_LENGTH: usize = 32;

/// The name of a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel {
    /// Zeros behind the name, which so is compared and sorted as text.
    bytes: [u8; MAX_LENGTH],
    /// At most [`MAX_LENGTH`]. The first so many bytes are ASCII.
    length: u8,
}

/// Why something is no channel's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// It is empty or too long.
    #[error("a channel has 1 to 32 characters, not {length}")]
    Length {
        /// How many bytes it has.
        length: usize,
    },
    /// A character is not allowed.
    #[error("a channel has letters, digits, _ and - only, and not what is at byte {at}")]
    Character {
        /// Where the first such byte is.
        at: usize,
    },
}

impl Channel {
    /// Takes a name.
    ///
    /// # Errors
    /// [`ChannelError`] for what is none.
    pub fn new(name: &str) -> Result<Self, ChannelError> {
        let length_error = ChannelError::Length { length: name.len() };
        let length = u8::try_from(name.len()).map_err(|_| length_error)?;
        if let Some(at) =
            name.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_' && byte != b'-')
        {
            return Err(ChannelError::Character { at });
        }
        let mut bytes = [0; MAX_LENGTH];
        let place = bytes.get_mut(..name.len()).filter(|place| !place.is_empty()).ok_or(length_error)?;
        place.copy_from_slice(name.as_bytes());
        Ok(Self { bytes, length })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// How many bytes it has: 1 to [`MAX_LENGTH`].
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "none is empty")]
    pub const fn len(&self) -> usize {
        self.length as usize
    }

    /// The same as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }
}

/// In one piece, since every message looks its channel up.
impl Hash for Channel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.bytes);
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({})", self.as_str())
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn names_are_taken_as_they_are() {
        for name in ["1", "12345678", "a-Z_0", "abcdefghijklmnopqrstuvwxyz012345"] {
            let channel = Channel::new(name).unwrap();
            assert_eq!(
                (channel.as_str(), channel.to_string(), format!("{channel:?}")),
                (name, name.into(), format!("Channel({name})"))
            );
        }
        let mut sorted = ["b", "a", "ab", "a-"].map(|name| Channel::new(name).unwrap());
        sorted.sort_unstable();
        assert_eq!(sorted.map(|channel| channel.to_string()), ["a", "a-", "ab", "b"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert_eq!(Channel::new(""), Err(ChannelError::Length { length: 0 }));
        for length in [33, 255, 256, 300] {
            assert_eq!(Channel::new(&"7".repeat(length)), Err(ChannelError::Length { length }));
        }
        for (name, at) in [
            ("a/b", 1),
            ("+", 0),
            ("1#", 1),
            ("$SYS", 0),
            ("a b", 1),
            ("..", 0),
            ("caf\u{e9}", 3),
            ("a\0", 1),
        ] {
            assert_eq!(Channel::new(name), Err(ChannelError::Character { at }), "{name:?}");
        }
    }
}
