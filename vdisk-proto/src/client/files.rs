//! The files that TLS needs, and what becomes of them.

use std::format;
use std::fs;
use std::path::Path;
use std::string::{String, ToString as _};
use std::sync::Arc;
use std::vec::Vec;

use rumqttc::TlsConfiguration;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::{Error, Options};

/// What TLS needs of the files that the options name.
///
/// It names its cryptography: where a program links two, rustls refuses to choose, by a panic.
pub(super) fn tls(options: &Options) -> Result<TlsConfiguration, Error> {
    let mut authorities = RootCertStore::empty();
    if let Some(path) = &options.authority_file {
        for certificate in certificates("authority's certificate", path)? {
            let fault = |error: rustls::Error| problem("authority's certificate", path, error.to_string());
            authorities.add(certificate).map_err(fault)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::System { what: "TLS", problem: error.to_string() })?
        .with_root_certificates(authorities);
    let config = match &options.certificate_files {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates("client's certificate", certificate)?;
            let bytes = read("client's key", key)?;
            let private = PrivateKeyDer::from_pem_slice(&bytes)
                .map_err(|error| problem("client's key", key, no_pem(&error)))?;
            builder
                .with_client_auth_cert(chain, private)
                .map_err(|error| problem("client's key", key, error.to_string()))?
        }
    };
    Ok(TlsConfiguration::Rustls(Arc::new(config)))
}

/// The certificates of a PEM file, one at least.
fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(what, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| problem(what, path, no_pem(&error)))?;
    if found.is_empty() {
        return Err(problem(what, path, "there is no certificate in PEM in it".to_string()));
    }
    Ok(found)
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| problem(what, path, error.to_string()))
}

fn no_pem(error: &rustls::pki_types::pem::Error) -> String {
    format!("it is not in PEM: {error}")
}

fn problem(what: &'static str, path: &Path, problem: String) -> Error {
    Error::File { what, path: path.to_path_buf(), problem }
}
