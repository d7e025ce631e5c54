//! The claim: a retained message that says which server serves which channels, so that there are no two.
//!
//! | Topic                                | Payload |
//! |--------------------------------------|---------|
//! | `altair/vdisk-server/claim`          | a server of all channels: its client identifier |
//! | `altair/vdisk-server/claim/<channel>`| a server of that channel alone: the same |
//!
//! Its will empties it. A server that finds somebody else's claim to a channel of its own does not start; one told to take
//! over adds ` takes over`, and the other ends. A claim that somebody else's will emptied is made again.

use vdisk_proto::codec::Channel;

const TOPIC: &str = "altair/vdisk-server/claim";
const TAKES_OVER: &str = " takes over";

/// What a server claims.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) server: String,
    /// `None` for all.
    pub(crate) channel: Option<Channel>,
    pub(crate) takes_over: bool,
}

/// What somebody's claim means for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rival {
    /// It is the server's own, empty, or of other channels.
    None,
    /// Somebody serves the same channels.
    Serves,
    /// And means to go on alone.
    TakesOver,
}

impl Claim {
    pub(crate) fn topic(&self) -> String {
        match self.channel {
            None => TOPIC.to_owned(),
            Some(channel) => format!("{TOPIC}/{channel}"),
        }
    }

    pub(crate) fn payload(&self) -> String {
        format!("{}{}", self.server, if self.takes_over { TAKES_OVER } else { "" })
    }

    /// Where claims to the same channels are.
    pub(crate) fn rivals_topics(&self) -> Vec<String> {
        match self.channel {
            None => vec![format!("{TOPIC}/#")],
            Some(_) => vec![TOPIC.to_owned(), self.topic()],
        }
    }

    /// Whether a topic is one for claims.
    pub(crate) fn is_claim(topic: &str) -> bool {
        topic.strip_prefix(TOPIC).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Who a claim is by.
    pub(crate) fn server_of(payload: &[u8]) -> String {
        let text = String::from_utf8_lossy(payload);
        text.strip_suffix(TAKES_OVER).unwrap_or(&text).to_owned()
    }

    /// What a claim on one of the [`rivals_topics`](Self::rivals_topics) means.
    pub(crate) fn rival(&self, payload: &[u8]) -> Rival {
        let text = String::from_utf8_lossy(payload);
        match text.strip_suffix(TAKES_OVER) {
            _ if text.is_empty() => Rival::None,
            Some(server) if server == self.server => Rival::None,
            None if text == self.server => Rival::None,
            Some(_) => Rival::TakesOver,
            None => Rival::Serves,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(server: &str, channel: Option<&str>, takes_over: bool) -> Claim {
        let channel = channel.map(|name| Channel::new(name).unwrap());
        Claim { server: server.to_owned(), channel, takes_over }
    }

    #[test]
    fn a_claim_is_at_its_channels_topic() {
        let all = claim("a", None, false);
        assert_eq!((all.topic().as_str(), all.payload().as_str()), ("altair/vdisk-server/claim", "a"));
        assert_eq!(all.rivals_topics(), ["altair/vdisk-server/claim/#"]);
        let one = claim("a", Some("12345678"), true);
        assert_eq!(one.topic(), "altair/vdisk-server/claim/12345678");
        assert_eq!(one.payload(), "a takes over");
        assert_eq!(Claim::server_of(b"a takes over"), "a");
        assert_eq!(one.rivals_topics(), ["altair/vdisk-server/claim", "altair/vdisk-server/claim/12345678"]);
    }

    #[test]
    fn topics_of_claims_are_known() {
        for (topic, is_claim) in [
            ("altair/vdisk-server/claim", true),
            ("altair/vdisk-server/claim/1", true),
            ("altair/vdisk-server/claims", false),
            ("altair/1/vdisk/read", false),
        ] {
            assert_eq!(Claim::is_claim(topic), is_claim, "{topic}");
        }
    }

    #[test]
    fn anybody_elses_claim_is_a_rivals() {
        let ours = claim("server-1", None, false);
        for (payload, rival) in [
            (&b""[..], Rival::None),
            (b"server-1", Rival::None),
            (b"server-1 takes over", Rival::None),
            (b"server-2", Rival::Serves),
            (b"server-12", Rival::Serves),
            (b"server-2 takes over", Rival::TakesOver),
            (b"\xff\xfe", Rival::Serves),
        ] {
            assert_eq!(ours.rival(payload), rival, "{payload:?}");
        }
    }
}
