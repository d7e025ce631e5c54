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
    #[error("{0}{hint}", hint = hint(.0))]
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
    /// The broker does not carry what one client publishes to another that has subscribed.
    #[error(
        "{broker} is there, but the echo on channel {channel} is not heard within {waited:?}: may clients meet there?"
    )]
    NoEcho {
        /// Host and port.
        broker: String,
        /// The channel.
        channel: String,
        /// How long it was waited for.
        waited: Duration,
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

/// What else might help.
const fn hint(failure: &ConnectionFailure) -> &'static str {
    match failure {
        ConnectionFailure::Unreachable { .. } => {
            ". Is a broker there? `vdisk-server` has one of its own; --broker names another"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_asked_for_only_where_none_is_reached() {
        let (broker, reason) = ("b:1883".to_owned(), "no".to_owned());
        let unreachable = ConnectionFailure::Unreachable { broker: broker.clone(), reason: reason.clone() };
        assert!(Error::from(unreachable).to_string().contains("--broker names another"));
        let denied = ConnectionFailure::Denied { broker, reason };
        let said = denied.to_string();
        assert_eq!(Error::from(denied).to_string(), said);
    }
}
