//! Where the broker is, and how to get in.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use vdisk_proto::client::ConnectionFailure;

use crate::{Error, Options};

/// How long a connection may take until the broker has let the client in.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the broker is, and how to get in.
#[derive(Clone)]
pub(crate) struct Broker {
    /// Host and port, for people.
    name: String,
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    credentials: Option<(String, String)>,
}

/// Bytes to and from the broker.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Broker {
    pub(crate) fn new(options: &Options) -> Result<Self, Error> {
        let (is_secure, host, port) = parse(&options.broker).ok_or_else(|| {
            Error::Option(format!("{:?} is no mqtt://host[:port] or mqtts://", options.broker))
        })?;
        if !is_secure && (options.ca.is_some() || options.cert.is_some()) {
            return Err(Error::Option("certificates are for mqtts:// only".to_owned()));
        }
        let tls = if is_secure { Some(tls(options)?) } else { None };
        let credentials = match (&options.user, &options.password_file) {
            (Some(user), Some(path)) => {
                let text = fs::read_to_string(path).map_err(|error| unusable(path, &error))?;
                Some((user.clone(), text.lines().next().unwrap_or_default().to_owned()))
            }
            _ => None,
        };
        Ok(Self { name: format!("{host}:{port}"), host, port, tls, credentials })
    }

    /// The same behind a port of this machine, where there is no TLS.
    pub(crate) fn behind(&self, port: u16) -> Self {
        Self { host: "127.0.0.1".to_owned(), port, tls: None, ..self.clone() }
    }

    /// As Platter's client wants it. There is no TLS.
    pub(crate) fn url(&self) -> String {
        format!("mqtt://{}:{}", self.host, self.port)
    }

    /// Host and port, for people.
    pub(crate) fn name(&self) -> String {
        self.name.clone()
    }

    /// User and password.
    pub(crate) fn credentials(&self) -> Option<(&str, &str)> {
        self.credentials.as_ref().map(|(user, password)| (user.as_str(), password.as_str()))
    }

    /// A new connection, in which nothing of MQTT was said yet.
    pub(crate) async fn reach(&self) -> Result<Box<dyn Stream>, Error> {
        timeout(CONNECT_TIMEOUT, self.open())
            .await
            .unwrap_or_else(|_| Err(self.unreachable("no answer in time")))
    }

    async fn open(&self) -> Result<Box<dyn Stream>, Error> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let tcp = TcpStream::connect((host, self.port)).await.map_err(|error| self.refused(error))?;
        tcp.set_nodelay(true).map_err(|error| self.refused(error))?;
        let Some(tls) = &self.tls else { return Ok(Box::new(tcp)) };
        let name =
            ServerName::try_from(host.to_owned()).map_err(|error| self.distrusted(&error.to_string()))?;
        let secure = tls.connect(name, tcp).await.map_err(|error| self.distrusted(&error.to_string()))?;
        Ok(Box::new(secure))
    }

    fn refused(&self, error: io::Error) -> Error {
        match error.raw_os_error() {
            // EMFILE and ENFILE, wherever there is a Unix.
            Some(23 | 24) if cfg!(unix) => Error::TooManyFiles(error),
            _ => self.unreachable(&error.to_string()),
        }
    }

    pub(crate) fn unreachable(&self, reason: &str) -> Error {
        ConnectionFailure::Unreachable { broker: self.name(), reason: reason.to_owned() }.into()
    }

    fn distrusted(&self, reason: &str) -> Error {
        ConnectionFailure::Tls { broker: self.name(), reason: reason.to_owned() }.into()
    }
}

/// Whether it is secure, the host, and the port.
fn parse(url: &str) -> Option<(bool, String, u16)> {
    let (is_secure, rest) = match url.strip_prefix("mqtts://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix("mqtt://")?),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let behind_brackets = rest.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match rest.rfind(':').filter(|&at| at >= behind_brackets) {
        Some(at) => (rest.get(..at)?, rest.get(at + 1..)?.parse().ok().filter(|&port| port != 0)?),
        None => (rest, if is_secure { 8883 } else { 1883 }),
    };
    let is_host = !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ']);
    let has_brackets = host.starts_with('[') && host.ends_with(']');
    (is_host && (has_brackets || !host.contains(':'))).then(|| (is_secure, host.to_owned(), port))
}

fn tls(options: &Options) -> Result<TlsConnector, Error> {
    let authority = options.ca.as_ref().ok_or_else(|| {
        Error::Option("mqtts:// needs --ca, the authority that signed the broker's certificate".to_owned())
    })?;
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(authority)? {
        authorities.add(certificate).map_err(|error| unusable(authority, &error))?;
    }
    // Named, because rustls would refuse to choose where two are linked.
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Option(format!("TLS is not to be had: {error}")))?
        .with_root_certificates(authorities);
    let config = match (&options.cert, &options.key) {
        (Some(certificate), Some(key)) => {
            let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
            let chain = certificates(certificate)?;
            builder.with_client_auth_cert(chain, private).map_err(|error| unusable(key, &error))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The certificates of a PEM file, one at least.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| unusable(path, &error))?;
    if found.is_empty() {
        return Err(unusable(path, &"there is no certificate in PEM in it"));
    }
    Ok(found)
}

fn unusable(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    Error::File { path: path.to_path_buf(), problem: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_others_refused() {
        for (url, is_secure, host, port) in [
            ("mqtt://127.0.0.1:1884", false, "127.0.0.1", 1884),
            ("mqtt://broker.example/", false, "broker.example", 1883),
            ("mqtts://broker.example", true, "broker.example", 8883),
            ("mqtt://[::1]:5", false, "[::1]", 5),
            ("mqtt://[::1]", false, "[::1]", 1883),
        ] {
            assert_eq!(parse(url), Some((is_secure, host.to_owned(), port)), "{url}");
        }
        for url in [
            "",
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://:1",
            "mqtt://b:0",
            "mqtt://b:65536",
            "mqtt://::1",
            "mqtt://u:p@b",
            "mqtt://b/topic",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }
}
