//! Why there is no connection, in words that help.

use std::string::{String, ToString as _};

use rumqttc::{ConnectReturnCode, ConnectionError};

/// Why there is no connection to the broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionFailure {
    /// Nothing that speaks MQTT answers there.
    #[error(
        "{broker} cannot be reached: {reason}; check host and port, and whether the broker wants mqtt or mqtts there"
    )]
    Unreachable {
        /// Host and port.
        broker: String,
        /// What the system says.
        reason: String,
    },
    /// The two ends do not trust each other.
    #[error(
        "TLS with {broker} failed: {reason}; check the authority's file, and the client's certificate and key"
    )]
    Tls {
        /// Host and port.
        broker: String,
        /// What TLS says.
        reason: String,
    },
    /// The broker does not let this client in.
    #[error(
        "{broker} does not let this client in: {reason}; check user and password, and the client identifier"
    )]
    Denied {
        /// Host and port.
        broker: String,
        /// What the broker says.
        reason: String,
    },
    /// The broker does not let this client hear its channel.
    #[error("{broker} does not let this client subscribe to {topic}; allow it in the broker's access list")]
    NotSubscribed {
        /// Host and port.
        broker: String,
        /// The topic.
        topic: String,
    },
    /// There was a connection, and it ended.
    #[error("the connection to {broker} was lost: {reason}")]
    Lost {
        /// Host and port.
        broker: String,
        /// What is known of it.
        reason: String,
    },
}

impl ConnectionFailure {
    /// What an error of the event loop means: before the broker has let the client in, or after.
    pub(super) fn new(broker: &str, error: &ConnectionError, is_secure: bool, is_connected: bool) -> Self {
        let (broker, reason) = (broker.to_string(), error.to_string());
        match error {
            ConnectionError::ConnectionRefused(code) => {
                Self::Denied { broker, reason: refusal(*code).into() }
            }
            _ if is_connected => Self::Lost { broker, reason },
            ConnectionError::Tls(_) => Self::Tls { broker, reason },
            // TLS 1.3 tells a client that its certificate is no good only when the client thinks that all is well.
            ConnectionError::MqttState(_) if is_secure => Self::Tls { broker, reason },
            ConnectionError::NetworkTimeout => {
                Self::Unreachable { broker, reason: "no answer in time".into() }
            }
            _ => Self::Unreachable { broker, reason },
        }
    }
}

const fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::Success => "it changed its mind",
        ConnectReturnCode::RefusedProtocolVersion => "it does not speak MQTT 3.1.1",
        ConnectReturnCode::BadClientId => "it does not want this client identifier",
        ConnectReturnCode::ServiceUnavailable => "it is not available",
        ConnectReturnCode::BadUserNamePassword => "user or password is wrong",
        ConnectReturnCode::NotAuthorized => "it is not authorised",
    }
}
