//! Why nothing can be measured.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use vdisk_proto::client::ConnectionFailure;

/// Why nothing can be measured. Lost and wrong answers are none of these: they are counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option makes no sense, or not with another.
    #[error("{0}")]
    Option(String),
    /// A file cannot be used.
    #[error("{path:?} cannot be used: {problem}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no connection to the broker.
    #[error("{0}. Is a broker there? `vdisk-server` has one of its own; --broker names another")]
    Connection(#[from] ConnectionFailure),
    /// This process may not have so many connections.
    #[error("this process may not open so many connections: {0}; allow more files, as with `ulimit -n 8192`")]
    TooManyFiles(io::Error),
    /// The broker is there, and nobody behind it answers.
    #[error(
        "{broker} is there, but no server answers a request of {protocol} on channel {channel} within {waited:?}. \
         Does one run, connected to this broker, that serves this channel?{hint}"
    )]
    NoServer {
        /// Host and port.
        broker: String,
        /// In which protocol it was asked.
        protocol: &'static str,
        /// The first channel that stayed without an answer.
        channel: String,
        /// How long it was waited for.
        waited: Duration,
        /// What else might help.
        hint: &'static str,
    },
    /// The server does not want this channel.
    #[error("the server refuses channel {channel}: {reason}")]
    Refused {
        /// The channel.
        channel: String,
        /// Why.
        reason: String,
    },
    /// Platter's client gave up.
    #[error("the disk of channel {channel}: {source}")]
    Disk {
        /// The channel.
        channel: String,
        /// Why.
        source: vdisk_proto::client::Error,
    },
    /// The system does not do what is needed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}
