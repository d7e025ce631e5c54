//! Why a server does not start, or cannot go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use vdisk_proto::client::{ConnectionFailure, Error as ClientError};
use vdisk_proto::store::FileStoreError;

use crate::access::{PasswordError, PasswordFileError};
use crate::certs::CertificatesError;
use crate::tls::TlsError;

/// Why a server does not start, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Options that do not go together, or a file that they name.
    #[error("{0}")]
    Settings(String),
    /// The data folder, or something that has to be in it.
    #[error("{}: cannot {operation}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The disks.
    #[error(transparent)]
    Store(#[from] FileStoreError),
    /// The address for devices is not to be had.
    #[error(
        "cannot listen on {address}: {source}; another server or broker may be there: end it, or choose another address \
        by --listen, or join that broker by --broker mqtt://{address}"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The address for TLS is not to be had.
    #[error("cannot listen for TLS on {address}: {source}; choose another address by --tls=ADDRESS:PORT")]
    ListenTls {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The files for TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The password file.
    #[error(transparent)]
    PasswordFile(#[from] PasswordFileError),
    /// A password, or the line that is made of it.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The certificates that were to be made.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// The options for somebody else's broker.
    #[error(transparent)]
    Joining(#[from] ClientError),
    /// Somebody else's broker.
    #[error(transparent)]
    Broker(ConnectionFailure),
    /// Somebody else's broker let us in, and then go.
    #[error(
        "{failure}; another server may be called {server} as well: if this folder is a copy of that one's, remove its file \
        client-identifier"
    )]
    ThrownOut {
        /// What happened.
        failure: ConnectionFailure,
        /// Our client identifier.
        server: String,
    },
    /// The broker keeps something from us.
    #[error(
        "{broker} does not let this server subscribe: allow it altair/+/vdisk/# and altair/vdisk-server/claim in the \
        broker's access list"
    )]
    NotSubscribed {
        /// Host and port.
        broker: String,
    },
    /// Another server serves the same channels.
    #[error(
        "{broker} has another server for these channels already, {server}: end it, serve one channel by --channel, or \
        put yourself in its place by --take-over"
    )]
    Claimed {
        /// Host and port.
        broker: String,
        /// Its client identifier.
        server: String,
    },
    /// A thread or a runtime.
    #[error("the system gives no {what}: {source}")]
    System {
        /// What it does not give.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl ServerError {
    /// How the process ends, so that who starts it knows whether to start it again: 78 if a person has to do something
    /// first, 74 if a disk failed, 69 if something else is not there or in the way.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::Joining(_)
            | Self::NotSubscribed { .. }
            | Self::Tls(_)
            | Self::PasswordFile(_)
            | Self::Password(_)
            | Self::Certificates(_) => 78,
            Self::Store(FileStoreError::Io { .. } | FileStoreError::Failed) | Self::Io { .. } => 74,
            Self::Store(FileStoreError::Locked { .. }) => 69,
            Self::Store(_) => 78,
            Self::Listen { .. }
            | Self::ListenTls { .. }
            | Self::Broker(_)
            | Self::ThrownOut { .. }
            | Self::Claimed { .. }
            | Self::System { .. } => 69,
        }
    }

    pub(crate) fn io(path: impl Into<PathBuf>, operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, operation, source }
    }
}
