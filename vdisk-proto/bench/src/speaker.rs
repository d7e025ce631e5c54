//! A device's side of a protocol, without I/O: what it sends, and what it makes of answers.

use std::time::{Duration, Instant};

use vdisk_proto::codec::{Channel, Topic, topic};

use crate::tally::Tally;
use crate::{Error, Options};

/// A device that asks for as much as it is let.
pub(crate) trait Speaker: Send {
    /// Appends packets: what is due to be sent again, and new requests as long as there are some to make and room in the
    /// window. It takes what it makes off `left`.
    fn send(&mut self, left: &mut u64, now: Instant, tally: &mut Tally, out: &mut Vec<u8>);

    /// An answer came.
    fn receive(&mut self, payload: &[u8], is_retained: bool, now: Instant, tally: &mut Tally);

    /// Gives up what was waited for too long.
    fn expire(&mut self, now: Instant, tally: &mut Tally);

    /// When there is something to send or to give up, if nothing is received before.
    fn due(&self) -> Option<Instant>;

    /// Whether nothing is on its way.
    fn is_idle(&self) -> bool;

    /// Whether the server has answered yet; the reason why it is of no use, if it is of none.
    fn is_open(&self) -> Result<bool, Error>;
}

/// How much a device asks for, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) window: usize,
    pub(crate) writes_percent: u8,
    pub(crate) timeout: Duration,
    pub(crate) seed: u64,
}

impl Load {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            window: usize::from(options.window),
            writes_percent: options.writes,
            timeout: timeout(options),
            seed: options.seed,
        }
    }
}

pub(crate) fn timeout(options: &Options) -> Duration {
    Duration::from_millis(options.timeout_ms.into())
}

/// The name of one of a channel's topics.
pub(crate) fn topic_name(topic: Topic, channel: &Channel) -> String {
    let mut memory = [0; topic::MAX_LENGTH];
    topic.write(channel, &mut memory).unwrap_or_default().to_owned()
}

/// The name of a device's channel.
pub(crate) fn channel(prefix: &str, number: u32) -> Result<Channel, Error> {
    let name = format!("{prefix}-{number}");
    Channel::new(&name).map_err(|error| {
        Error::Option(format!("{name:?} is no channel: {error}; --channel-prefix gives another"))
    })
}
