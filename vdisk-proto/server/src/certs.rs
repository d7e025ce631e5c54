//! The certificates that `vdisk-server certs` makes, for the TLS listener and those who connect to it.
//!
//! | Files                   | Whose           | May                         | Valid    |
//! |-------------------------|-----------------|-----------------------------|----------|
//! | `ca.pem`, `ca.key`      | the authority's | sign the others             | 20 years |
//! | `server.pem`, `.key`    | the server's    | play a server, by its names | 5 years  |
//! | `<channel>.pem`, `.key` | a device's      | play a client               | 5 years  |
//!
//! All of them begin a day ago, for clocks that are slow. The authority lasts as long as boards do; the others are made
//! anew by removing them and asking again. Keys are of ECDSA with P-256, which the TLS 1.2 of a small board can do too.
//! What is there is kept, so that more devices can be made with the same authority. Nothing of it is needed where the
//! server runs but `ca.pem` and the server's two: keep `ca.key` elsewhere.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::access::Identity;
use crate::tls::TlsFiles;

/// What to make, and where.
#[derive(Clone, Debug)]
pub struct Order {
    /// Where the files are put. It is made if it is missing.
    pub folder: PathBuf,
    /// Names and addresses by which devices reach the server.
    pub hosts: Vec<String>,
    /// Whom to make certificates for.
    pub devices: Vec<Identity>,
}

/// What became of an order.
#[derive(Debug, Default)]
pub struct Report {
    /// The files that were made.
    pub made: Vec<PathBuf>,
    /// Those that were there, and are as they were.
    pub kept: Vec<PathBuf>,
}

/// Why there are no certificates, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificatesError {
    /// A file or the folder cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key to a certificate that is there is missing.
    #[error(
        "{} is there but its key {} is not: put it back, or remove the certificate for a new one",
        .certificate.display(), .key.display()
    )]
    KeyIsMissing {
        /// Which is there.
        certificate: PathBuf,
        /// Which is not.
        key: PathBuf,
    },
    /// A file that is there cannot be used.
    #[error("{} cannot be used: {problem}; mend it, or remove it for a new one", .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A host name is none.
    #[error("{0:?} is no host name and no IP address")]
    Host(String),
    /// A device has the name of files that are somebody else's.
    #[error("no device may be called {0}: the file {0}.pem is another's")]
    Device(Identity),
    /// The cryptography failed.
    #[error("no certificate can be made: {0}")]
    Cryptography(#[from] rcgen::Error),
}

const AUTHORITY: &str = "ca";
const SERVER: &str = "server";
const YEAR: Duration = Duration::from_secs(31_557_600);
const AUTHORITY_LASTS: Duration = YEAR.saturating_mul(20);
const OTHERS_LAST: Duration = YEAR.saturating_mul(5);
const SLOW_CLOCK: Duration = Duration::from_secs(86_400);

/// Makes what of an order is missing.
///
/// # Errors
/// [`CertificatesError`]; what was made before it stays, and is kept the next time.
pub fn make(order: &Order) -> Result<Report, CertificatesError> {
    let of_another = |device: &&Identity| {
        [AUTHORITY, SERVER].iter().any(|name| device.as_str().eq_ignore_ascii_case(name))
    };
    if let Some(device) = order.devices.iter().find(of_another) {
        return Err(CertificatesError::Device(*device));
    }
    if let Some(host) = order.hosts.iter().find(|host| !is_host(host)) {
        return Err(CertificatesError::Host(host.clone()));
    }
    fs::create_dir_all(&order.folder).map_err(at(&order.folder))?;
    let mut folder = Folder { path: &order.folder, report: Report::default() };
    folder.make(AUTHORITY, |key| Ok(authority()?.self_signed(key)?))?;
    let issuer = folder.authority()?;
    folder.make(SERVER, |key| Ok(server(&order.hosts)?.signed_by(key, &issuer)?))?;
    for device in &order.devices {
        folder.make(device.as_str(), |key| Ok(client(device)?.signed_by(key, &issuer)?))?;
    }
    Ok(folder.report)
}

/// Those of the files in a folder that the TLS listener needs.
pub(crate) fn listener_files(folder: &Path) -> TlsFiles {
    let folder = Folder { path: folder, report: Report::default() };
    TlsFiles {
        certificate: folder.file(SERVER, "pem"),
        key: folder.file(SERVER, "key"),
        client_authority: folder.file(AUTHORITY, "pem"),
    }
}

/// By what a server can be reached from its own machine, and the machine's name if it tells it.
#[must_use]
pub fn default_hosts() -> Vec<String> {
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if is_host(own.trim()) && own.trim() != "localhost" {
        hosts.push(own.trim().to_owned());
    }
    hosts
}

fn authority() -> Result<CertificateParams, rcgen::Error> {
    let mut params = valid(CertificateParams::new([])?, AUTHORITY_LASTS);
    params.distinguished_name.push(DnType::CommonName, "Platter authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn server(hosts: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = leaf(CertificateParams::new(hosts)?, ExtendedKeyUsagePurpose::ServerAuth);
    params.distinguished_name.push(DnType::CommonName, "vdisk-server");
    Ok(params)
}

fn client(device: &Identity) -> Result<CertificateParams, rcgen::Error> {
    let mut params = leaf(CertificateParams::new([])?, ExtendedKeyUsagePurpose::ClientAuth);
    params.distinguished_name.push(DnType::CommonName, device.as_str());
    Ok(params)
}

fn leaf(params: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = valid(params, OTHERS_LAST);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    params
}

fn valid(mut params: CertificateParams, lasts: Duration) -> CertificateParams {
    let now = SystemTime::now();
    params.not_before = (now - SLOW_CLOCK).into();
    params.not_after = (now + lasts).into();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

/// Labels of letters, digits and hyphens, of which the first may be a wildcard, or an IP address.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let of_host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(of_host)
    };
    let labels = host.strip_prefix("*.").unwrap_or(host);
    host.parse::<IpAddr>().is_ok() || (host.len() <= 253 && labels.split('.').all(is_label))
}

/// Where the files are, and what became of them so far.
struct Folder<'a> {
    path: &'a Path,
    report: Report,
}

impl Folder<'_> {
    fn file(&self, name: &str, extension: &str) -> PathBuf {
        self.path.join(format!("{name}.{extension}"))
    }

    /// Makes a key and its certificate, or what of them is missing. The key comes first: a certificate without one is
    /// of no use.
    fn make(
        &mut self,
        name: &str,
        certify: impl FnOnce(&KeyPair) -> Result<Certificate, CertificatesError>,
    ) -> Result<(), CertificatesError> {
        let (certificate, key) = (self.file(name, "pem"), self.file(name, "key"));
        match (exists(&certificate)?, exists(&key)?) {
            (true, true) => {
                self.report.kept.extend([certificate, key]);
                return Ok(());
            }
            (true, false) => return Err(CertificatesError::KeyIsMissing { certificate, key }),
            (false, true) => {
                let pair = read_key(&key)?;
                self.report.kept.push(key);
                write_new(&certificate, &certify(&pair)?.pem(), false).map_err(at(&certificate))?;
            }
            (false, false) => {
                let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
                write_new(&key, &pair.serialize_pem(), true).map_err(at(&key))?;
                self.report.made.push(key);
                write_new(&certificate, &certify(&pair)?.pem(), false).map_err(at(&certificate))?;
            }
        }
        self.report.made.push(certificate);
        Ok(())
    }

    /// Who signs, whose files are there.
    fn authority(&self) -> Result<Issuer<'static, KeyPair>, CertificatesError> {
        let path = self.file(AUTHORITY, "pem");
        let unusable = |problem: &dyn ToString| unusable(&path, problem);
        let pair = read_key(&self.file(AUTHORITY, "key"))?;
        let bytes = fs::read(&path).map_err(at(&path))?;
        let der = CertificateDer::from_pem_slice(&bytes).map_err(|error| unusable(&error))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).map_err(|error| unusable(&error))?;
        if !parsed.is_ca() {
            return Err(unusable(&"it is not of an authority"));
        }
        if !parsed.validity().is_valid() {
            return Err(unusable(&"it is not valid at this time"));
        }
        if *parsed.public_key().subject_public_key.data != *pair.public_key_raw() {
            return Err(unusable(&"ca.key is not its key"));
        }
        Issuer::from_ca_cert_der(&der, pair).map_err(|error| unusable(&error))
    }
}

fn read_key(path: &Path) -> Result<KeyPair, CertificatesError> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    KeyPair::from_pem(&text).map_err(|error| unusable(path, &error))
}

fn exists(path: &Path) -> Result<bool, CertificatesError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(at(path)(error)),
    }
}

/// Writes a file that nobody sees before it is whole, and that replaces none: a link, unlike a rename, does not.
fn write_new(path: &Path, text: &str, is_secret: bool) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _its_folder_decides = is_secret;
    let mut file = options.open(&temporary)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&temporary, path));
    fs::remove_file(&temporary)?;
    written
}

fn at(path: &Path) -> impl Fn(io::Error) -> CertificatesError + '_ {
    |source| CertificatesError::File { path: path.to_path_buf(), source }
}

fn unusable(path: &Path, problem: &dyn ToString) -> CertificatesError {
    CertificatesError::Unusable { path: path.to_path_buf(), problem: problem.to_string() }
}

#[cfg(test)]
mod tests;
