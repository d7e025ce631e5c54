//! The files that the TLS listener needs, and what becomes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

/// The files of a TLS listener, in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Who signs the certificates of those who may connect.
    pub client_authority: PathBuf,
}

/// Why there is no TLS listener.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be used.
    #[error("the {what} in {} cannot be used: {problem}; `vdisk-server certs` makes one", .path.display())]
    File {
        /// Which of them.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The cryptography cannot be used.
    #[error("TLS cannot be used: {0}")]
    Cryptography(#[from] rustls::Error),
}

const CERTIFICATE: &str = "server's certificate";
const KEY: &str = "server's key";
const AUTHORITY: &str = "clients' authority";

impl TlsFiles {
    /// What they say, for TLS 1.2 and 1.3 with certificates on both ends.
    ///
    /// It names its cryptography, as two are linked. Sessions are not resumed: each connection proves its certificate.
    pub(super) fn config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut authorities = RootCertStore::empty();
        for certificate in certificates(AUTHORITY, &self.client_authority)? {
            let fault = |error: rustls::Error| problem(AUTHORITY, &self.client_authority, &error);
            authorities.add(certificate).map_err(fault)?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider))
                .build()
                .map_err(|error| problem(AUTHORITY, &self.client_authority, &error))?;
        let chain = certificates(CERTIFICATE, &self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(KEY, &self.key)?)
            .map_err(|error| problem(KEY, &self.key, &no_pem(&error)))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| problem(KEY, &self.key, &error))?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// The certificates of a file, one at least.
fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(what, path)?).collect();
    let found = found.map_err(|error| problem(what, path, &no_pem(&error)))?;
    if found.is_empty() {
        return Err(problem(what, path, &"there is no certificate in PEM in it"));
    }
    Ok(found)
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| problem(what, path, &error))
}

fn no_pem(error: &pem::Error) -> String {
    format!("it is not in PEM: {error}")
}

fn problem(what: &'static str, path: &Path, problem: &dyn ToString) -> TlsError {
    TlsError::File { what, path: path.to_path_buf(), problem: problem.to_string() }
}
