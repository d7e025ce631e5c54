//! Topics. Behind `altair/`, the channel and another slash:
//!
//! | Topic           | From      | To     | Payload |
//! |-----------------|-----------|--------|---------|
//! | `vdisk/read`    | device    | server | [legacy read](super::legacy::Read) |
//! | `vdisk/write`   | device    | server | [legacy write](super::legacy::Write) |
//! | `vdisk/data`    | server    | device | [legacy data](super::legacy::Write), of the same layout |
//! | `vdisk/v2/req`  | device    | server | [request frame](super::frame) |
//! | `vdisk/v2/rsp`  | server    | device | [response frame](super::frame) |
//!
//! Others below `altair/` are not the disk's: the terminal's, and `altair/vdisk-server/claim`.

use super::{Channel, channel};

/// What a topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A device of version 1 asks for a sector.
    LegacyRead,
    /// A device of version 1 writes one.
    LegacyWrite,
    /// A server sends one.
    LegacyData,
    /// A device's request of version 2.
    Request,
    /// A server's answer, or an INVALIDATE.
    Response,
}

const PREFIX: &str = "altair/";
/// Bytes of the longest topic.
pub const MAX_LENGTH: usize = PREFIX.len() + channel::MAX_LENGTH + "/vdisk/v2/req".len();

impl Topic {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::LegacyRead, Self::LegacyWrite, Self::LegacyData, Self::Request, Self::Response];

    /// The end of the topic's name, from the slash behind the channel on.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::LegacyRead => "/vdisk/read",
            Self::LegacyWrite => "/vdisk/write",
            Self::LegacyData => "/vdisk/data",
            Self::Request => "/vdisk/v2/req",
            Self::Response => "/vdisk/v2/rsp",
        }
    }

    /// Whose topic a name is, and which; `None` for all that is not the disk's.
    #[must_use]
    pub fn parse(name: &str) -> Option<(Channel, Self)> {
        let rest = name.strip_prefix(PREFIX)?;
        Self::ALL.into_iter().find_map(|topic| {
            let channel = Channel::new(rest.strip_suffix(topic.suffix())?).ok()?;
            Some((channel, topic))
        })
    }

    /// Whether a name is as one of the disk's, whatever is in the place of the channel.
    #[must_use]
    pub fn is_like(name: &str) -> bool {
        let is_topic = |rest: &str| Self::ALL.into_iter().any(|topic| rest.ends_with(topic.suffix()));
        name.strip_prefix(PREFIX).is_some_and(is_topic)
    }

    /// Writes the name of a channel's topic into memory of [`MAX_LENGTH`] bytes, or of as many as it takes; `None` if
    /// that is too short.
    pub fn write<'a>(self, channel: &Channel, memory: &'a mut [u8]) -> Option<&'a str> {
        let parts = [PREFIX.as_bytes(), channel.as_bytes(), self.suffix().as_bytes()];
        let mut length = 0_usize;
        for part in parts {
            let end = length.checked_add(part.len())?;
            memory.get_mut(length..end)?.copy_from_slice(part);
            length = end;
        }
        core::str::from_utf8(memory.get(..length)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_and_parsed() {
        let channel = Channel::new("12345678").unwrap();
        let names = [
            "altair/12345678/vdisk/read",
            "altair/12345678/vdisk/write",
            "altair/12345678/vdisk/data",
            "altair/12345678/vdisk/v2/req",
            "altair/12345678/vdisk/v2/rsp",
        ];
        for (topic, name) in Topic::ALL.into_iter().zip(names) {
            let mut memory = [0; MAX_LENGTH];
            assert_eq!(topic.write(&channel, &mut memory), Some(name));
            assert_eq!(topic.write(&channel, &mut memory[..name.len() - 1]), None);
            assert_eq!(Topic::parse(name), Some((channel, topic)));
        }
        let longest = Channel::new(&"x".repeat(32)).unwrap();
        assert_eq!(Topic::Request.write(&longest, &mut [0; MAX_LENGTH]).map(str::len), Some(MAX_LENGTH));
    }

    #[test]
    fn other_names_are_none_of_ours() {
        for name in [
            "",
            "altair/",
            "altair//vdisk/read",
            "altair/1/2/vdisk/read",
            "altair/12345678/dev",
            "altair/12345678/vdisk/reads",
            "altair/vdisk-server/claim",
            "Altair/12345678/vdisk/read",
            "/altair/12345678/vdisk/read",
            "altair/+/vdisk/read",
            "altair/123456789012345678901234567890123/vdisk/read",
        ] {
            assert_eq!(Topic::parse(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_like_ours_whatever_the_channel_is() {
        for name in ["altair/12345678/vdisk/read", "altair//vdisk/v2/rsp", "altair/a b/c/vdisk/write"] {
            assert!(Topic::is_like(name), "{name}");
        }
        for name in ["", "altair/12345678/dev", "altair/1/vdisk/reads", "Altair/1/vdisk/read", "vdisk/read"] {
            assert!(!Topic::is_like(name), "{name}");
        }
    }
}
