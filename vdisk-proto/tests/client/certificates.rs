//! TLS with certificates of both ends: these, by openssl, a broker that wants them, and a server that has them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rumqttc::tokio_rustls::rustls;
use rumqttc::{MqttOptions, TlsConfiguration, Transport};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::broker::{Broker, Folder};
use crate::server;

/// A broker that wants certificates, and the folder of those.
pub(crate) fn secure_broker() -> Option<(Broker, PathBuf)> {
    let folder = Folder::new();
    let path = folder.0.clone();
    make(&path)?;
    let name = |name| file(&path, name).display().to_string();
    let configuration = format!(
        "allow_anonymous true\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true",
        name("authority.pem"),
        name("server.pem"),
        name("server.key"),
    );
    Some((Broker::start_in(folder, &configuration)?, path))
}

/// How a server gets in there.
pub(crate) fn secure_server(broker: &Broker, folder: &Path) -> MqttOptions {
    let certificate = |name| CertificateDer::from_pem_file(file(folder, name)).unwrap();
    let mut authorities = RootCertStore::empty();
    authorities.add(certificate("authority.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file(folder, "server.key")).unwrap();
    // Named, because rustls would refuse to choose where two are linked.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authorities)
        .with_client_auth_cert(vec![certificate("server.pem")], key)
        .unwrap();
    let mut mqtt = server::mqtt(broker.port());
    mqtt.set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::new(config))));
    mqtt
}

/// An authority, and what it signed: `authority.pem`, `server.pem`, `device.pem` and their keys, `*.key`, in a folder.
///
/// `None` where there is no openssl.
pub(crate) fn make(folder: &Path) -> Option<()> {
    let openssl = real_parts::program("openssl")?;
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&openssl);
        let output = command.current_dir(folder).args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    for authority in ["authority", "stranger"] {
        let (key, pem) = (format!("{authority}.key"), format!("{authority}.pem"));
        let subject = format!("/CN={authority}");
        let rest = ["-keyout", &key, "-out", &pem, "-days", "2", "-subj", &subject];
        run(&[&["req", "-x509"], &new_key[..], &rest].concat());
    }
    for (name, extension) in
        [("server", "subjectAltName=IP:127.0.0.1,DNS:localhost"), ("device", "keyUsage=digitalSignature")]
    {
        let (key, request, pem) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        run(&[&["req"], &new_key[..], &["-keyout", &key, "-out", &request, "-subj", &subject]].concat());
        let extensions = format!("{name}.cnf");
        std::fs::write(folder.join(&extensions), extension).unwrap();
        let signed_by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"];
        let rest = ["-in", &request, "-out", &pem, "-days", "2", "-extfile", &extensions];
        run(&[&["x509", "-req"], &signed_by[..], &rest].concat());
    }
    Some(())
}

/// The path of one of those files.
pub(crate) fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}
