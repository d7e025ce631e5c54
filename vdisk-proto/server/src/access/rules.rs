//! What may be published and subscribed to, and by whom. Nothing here allocates.
//!
//! | Topic                                        | Publish              | Subscribe            |
//! |----------------------------------------------|----------------------|----------------------|
//! | `$share/...`                                 | nobody               | nobody               |
//! | others with `$...`                           | nobody               | anybody anonymous    |
//! | `altair/vdisk-server/claim` and below        | nobody               | everybody            |
//! | `altair/<channel>/vdisk/data`, `.../v2/rsp`  | nobody               | who has the channel  |
//! | others below `altair/<channel>/`             | who has the channel  | who has the channel  |
//! | all others                                   | anybody anonymous    | anybody anonymous    |
//!
//! Nobody means nobody but the server, which is not asked. Somebody anonymous has every channel.

use vdisk_proto::codec::{Channel, Topic};

use crate::claim::Claim;

/// How far somebody's rights go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach<'a> {
    /// Every topic that is not the server's: anybody, where nobody is asked who they are.
    Everything,
    /// The topics of every channel: an operator.
    EveryChannel,
    /// The topics of some channels.
    Channels {
        /// Named as the identity is.
        own: Channel,
        /// Given besides.
        more: &'a [Channel],
    },
}

/// Bytes of the longest topic.
const MAX_TOPIC: usize = 256;
/// Levels of the deepest.
const MAX_LEVELS: usize = 8;

const PREFIX: &str = "altair/";
/// What a shared subscription begins with.
const SHARED: &str = "$share/";

impl Reach<'_> {
    /// Whether a message may be published.
    pub(super) fn may_publish(&self, topic: &str) -> bool {
        let theirs = || match self {
            Self::Everything => true,
            Self::EveryChannel | Self::Channels { .. } => channel(topic).is_some_and(|of| self.has(&of)),
        };
        is_bounded(topic) && !topic.contains(['+', '#', '\0']) && !is_the_servers(topic) && theirs()
    }

    /// Whether a message may be left behind as the retained one of its topic: none of a disk may, because whoever
    /// subscribes later would take it for a new one.
    pub(super) fn may_retain(&self, topic: &str) -> bool {
        self.may_publish(topic) && Topic::parse(topic).is_none()
    }

    /// Whether a filter may be subscribed to: whether all that it can match may be seen. A share of a subscription is
    /// none: the broker remembers each name of a group for ever, and anybody can make up another.
    pub(super) fn may_subscribe(&self, filter: &str) -> bool {
        if filter.starts_with(SHARED) || !is_bounded(filter) || !is_filter(filter) {
            return false;
        }
        match self {
            Self::Everything => true,
            _ if Claim::is_claim(filter) => true,
            Self::EveryChannel => filter.strip_prefix(PREFIX).is_some_and(|rest| !rest.is_empty()),
            Self::Channels { .. } => channel(filter).is_some_and(|of| self.has(&of)),
        }
    }

    fn has(&self, channel: &Channel) -> bool {
        match self {
            Self::Everything | Self::EveryChannel => true,
            Self::Channels { own, more } => own == channel || more.contains(channel),
        }
    }
}

/// Whose topics or filters these are, if they are below one channel: a wildcard in its place is no channel.
fn channel(topic: &str) -> Option<Channel> {
    let (channel, _) = topic.strip_prefix(PREFIX)?.split_once('/')?;
    Channel::new(channel).ok()
}

fn is_the_servers(topic: &str) -> bool {
    let answer = || matches!(Topic::parse(topic), Some((_, Topic::LegacyData | Topic::Response)));
    topic.starts_with('$') || Claim::is_claim(topic) || answer()
}

fn is_bounded(topic: &str) -> bool {
    let slashes = topic.bytes().filter(|&byte| byte == b'/').count();
    !topic.is_empty() && topic.len() <= MAX_TOPIC && slashes < MAX_LEVELS
}

/// Whether wildcards are where MQTT allows them.
fn is_filter(filter: &str) -> bool {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let well_placed = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            _ => !level.contains(['+', '#', '\0']),
        };
        if !well_placed {
            return false;
        }
    }
    true
}
