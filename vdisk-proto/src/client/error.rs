//! What can go wrong.

use std::path::PathBuf;
use std::string::String;
use std::time::Duration;

use sector_cache::SectorKey;

use super::ConnectionFailure;
use crate::codec::{Channel, ChannelError, Status};
use crate::session::{self, Failure};

/// What can go wrong with a disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL is none of a broker.
    #[error("{url:?} is no broker's URL: {problem}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The channel's name is none.
    #[error("{name:?} is no channel: {source}")]
    Channel {
        /// As given.
        name: String,
        /// What is wrong with it.
        source: ChannelError,
    },
    /// An option is out of its range, or does not go with another.
    #[error("{0}")]
    Options(&'static str),
    /// A file of an authority, a certificate or a key cannot be used.
    #[error("the {what} in {path:?} cannot be used: {problem}")]
    File {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The system has no random numbers, no memory or no thread to give.
    #[error("the system gives no {what}: {problem}")]
    System {
        /// What it does not give.
        what: &'static str,
        /// Why not.
        problem: String,
    },
    /// There is no connection to the broker.
    #[error(transparent)]
    Connection(#[from] ConnectionFailure),
    /// There is a broker, but no server behind it answers on this channel.
    #[error(
        "no disk server answered for channel {channel} within {waited:?}; check that one runs on this broker, and serves \
         this channel"
    )]
    NoServer {
        /// The channel.
        channel: Channel,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The server does not want this channel.
    #[error("the server refused channel {channel}: {status}")]
    Refused {
        /// The channel.
        channel: Channel,
        /// The server's reason.
        status: Status,
    },
    /// Something was not done in time. A write that was not accepted in time will not be done; what a flush waited for
    /// still is.
    #[error("no {operation} within {waited:?}{}", because(.connection))]
    TimedOut {
        /// What did not come.
        operation: &'static str,
        /// How long it was waited for.
        waited: Duration,
        /// Why there is no connection, if there is none.
        connection: Option<ConnectionFailure>,
    },
    /// A sector could not be read.
    #[error("sector {key} could not be read: {failure}{}", because(.connection))]
    Read {
        /// The sector.
        key: SectorKey,
        /// Why not.
        failure: Failure,
        /// Why there is no connection, if there is none.
        connection: Option<ConnectionFailure>,
    },
    /// The call makes no sense for the channel's drives.
    #[error("sector {key}: {reason}")]
    Call {
        /// The sector.
        key: SectorKey,
        /// What is wrong.
        reason: session::Error,
    },
    /// Writes that had been accepted were not done. Each is told by one flush or close.
    #[error("accepted writes were not done: {count}, the first of them of sector {key}: {failure}")]
    WritesFailed {
        /// How many, since this was last told.
        count: u64,
        /// The sector of the first.
        key: SectorKey,
        /// Why that was not done.
        failure: Failure,
    },
    /// The server's disks are from the past: writes that it had acknowledged are gone. It is told by one flush or close.
    #[error(
        "the server's disks were set back to the past: writes that it had acknowledged are gone, and {unacknowledged} \
         that waited were given up; read again what matters, and write it"
    )]
    DataLoss {
        /// How many of those that waited failed, since this was last told.
        unacknowledged: u64,
    },
    /// Somebody else uses the channel.
    #[error(
        "another device uses this channel; give each its own, or end the other and resume ({unacknowledged} accepted \
         writes wait)"
    )]
    TakenOver {
        /// How many accepted writes wait.
        unacknowledged: usize,
    },
    /// The disk's thread has ended, which a defect of this library must have done.
    #[error("the disk's thread has ended; open the disk again")]
    Stopped,
}

fn because(connection: &Option<ConnectionFailure>) -> String {
    connection.as_ref().map_or_else(String::new, |failure| std::format!("; {failure}"))
}
