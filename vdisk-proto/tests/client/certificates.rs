//! TLS with certificates of both ends: these, by openssl, a broker that wants them, and a server that has them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rumqttc::MqttOptions;
use vdisk_proto::client::Options;
use vdisk_proto::client::joining::Joining;

use crate::broker::{Broker, Folder};
use crate::server::CHANNEL;

/// A broker that wants certificates, and the folder of those.
pub(crate) fn secure_broker() -> Option<(Broker, PathBuf)> {
    let folder = Folder::new();
    let path = folder.0.clone();
    make(&path)?;
    let name = |name| path.join(name).display().to_string();
    let configuration = format!(
        "allow_anonymous true\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true",
        name("authority.pem"),
        name("server.pem"),
        name("server.key"),
    );
    Some((Broker::start_in(folder, &configuration)?, path))
}

/// How a server gets in there: as `vdisk-server` does.
pub(crate) fn secure_server(broker: &Broker, folder: &Path) -> MqttOptions {
    let options = Options::new(&format!("mqtts://127.0.0.1:{}", broker.port()), CHANNEL)
        .authority_file(folder.join("authority.pem"))
        .certificate_files(folder.join("server.pem"), folder.join("server.key"));
    Joining::new(&options).unwrap().mqtt()
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
