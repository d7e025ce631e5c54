use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::*;

fn order(folder: &Path, devices: &[&str]) -> Order {
    let devices = devices.iter().map(|name| Identity::new(name).unwrap()).collect();
    Order { folder: folder.to_path_buf(), hosts: default_hosts(), devices }
}

fn names(paths: &[PathBuf]) -> Vec<&str> {
    paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect()
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// Whether openssl is content, and what it said; `None` where there is none.
fn openssl(folder: &Path, arguments: &[&str]) -> Option<(bool, String)> {
    let mut command = Command::new(real_parts::program("openssl")?);
    let output = command.current_dir(folder).args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn openssl_takes_each_certificate_for_its_purpose_only() {
    let folder = tempfile::tempdir().unwrap();
    make(&order(folder.path(), &["12345678"])).unwrap();
    for (file, purpose, is_fit) in [
        ("server.pem", "sslserver", true),
        ("server.pem", "sslclient", false),
        ("12345678.pem", "sslclient", true),
        ("12345678.pem", "sslserver", false),
    ] {
        let arguments = ["verify", "-x509_strict", "-CAfile", "ca.pem", "-purpose", purpose, file];
        let Some((is_content, said)) = openssl(folder.path(), &arguments) else { return };
        assert_eq!(is_content, is_fit, "{file} as {purpose}: {said}");
    }
    for host in [["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]] {
        let arguments = [&["verify", "-CAfile", "ca.pem"][..], &host, &["server.pem"]].concat();
        let (is_content, said) = openssl(folder.path(), &arguments).unwrap();
        assert!(is_content, "{said}");
    }
}

#[test]
fn openssl_reads_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    make(&order(folder.path(), &["12345678"])).unwrap();
    for (file, words) in [
        ("ca.pem", &["CN = Platter authority", "CA:TRUE, pathlen:0", "Certificate Sign"][..]),
        ("server.pem", &["CN = vdisk-server", "DNS:localhost", "IP Address:127.0.0.1", "CA:FALSE"]),
        ("12345678.pem", &["CN = 12345678", "Issuer: CN = Platter authority", "Client Authentication"]),
    ] {
        let arguments = ["x509", "-text", "-noout", "-nameopt", "oneline", "-in", file];
        let Some((_, said)) = openssl(folder.path(), &arguments) else { return };
        for word in words.iter().chain(&["prime256v1", "ecdsa-with-SHA256", "Subject Key Identifier"]) {
            // A leaf needs no identifier of its own key.
            let is_of_authority = *word != "Subject Key Identifier" || file == "ca.pem";
            assert!(said.contains(word) || !is_of_authority, "{file} lacks {word}: {said}");
        }
    }
    for (file, years) in [("ca.pem", 20), ("server.pem", 5), ("12345678.pem", 5)] {
        for (days, is_valid) in [(years * 365, true), (years * 366, false)] {
            let seconds = (days * 86_400).to_string();
            let arguments = ["x509", "-noout", "-checkend", &seconds, "-in", file];
            assert_eq!(openssl(folder.path(), &arguments).unwrap().0, is_valid, "{file} in {days} days");
        }
    }
}

#[test]
fn more_devices_get_the_authority_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er");
    let first = make(&order(&path, &["a"])).unwrap();
    assert_eq!(names(&first.made), ["ca.key", "ca.pem", "server.key", "server.pem", "a.key", "a.pem"]);
    assert!(first.kept.is_empty());
    let before = contents(&path);
    let second = make(&order(&path, &["a", "b"])).unwrap();
    assert_eq!(names(&second.kept), ["ca.pem", "ca.key", "server.pem", "server.key", "a.pem", "a.key"]);
    assert_eq!(names(&second.made), ["b.key", "b.pem"]);
    let after = contents(&path);
    assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)));
    assert_eq!(after.len(), before.len() + 2);
    if let Some((is_content, said)) = openssl(&path, &["verify", "-CAfile", "ca.pem", "a.pem", "b.pem"]) {
        assert!(is_content, "{said}");
    }
}

#[test]
fn a_certificate_that_is_missing_is_made_of_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path(), &["a"]);
    make(&order).unwrap();
    let key = fs::read(folder.path().join("a.key")).unwrap();
    fs::remove_file(folder.path().join("a.pem")).unwrap();
    assert_eq!(names(&make(&order).unwrap().made), ["a.pem"]);
    assert_eq!(fs::read(folder.path().join("a.key")).unwrap(), key);
}

#[test]
fn what_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let order = order(folder.path(), &["a"]);
    make(&order).unwrap();
    make(&Order { folder: other.path().to_path_buf(), ..order.clone() }).unwrap();
    let (pem, key) = (folder.path().join("ca.pem"), folder.path().join("ca.key"));
    let [good_pem, good_key] = [&pem, &key].map(|path| fs::read(path).unwrap());
    let own_leaf = fs::read(folder.path().join("a.pem")).unwrap();
    let others_key = fs::read(other.path().join("ca.key")).unwrap();
    for (path, bytes, word) in [
        (&pem, &b"text"[..], "ca.pem cannot be used"),
        (&pem, &own_leaf, "not of an authority"),
        (&key, b"text", "ca.key cannot be used"),
        (&key, &others_key, "not its key"),
    ] {
        fs::write(path, bytes).unwrap();
        let message = make(&order).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
        fs::write(&pem, &good_pem).unwrap();
        fs::write(&key, &good_key).unwrap();
    }
    fs::remove_file(folder.path().join("a.key")).unwrap();
    let message = make(&order).unwrap_err().to_string();
    assert!(message.contains("a.pem is there but its key"), "{message}");
}

#[test]
fn odd_names_make_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for host in ["", "a b", "a/b", ".", "a..b", "-\u{e9}", "x.*", "1.2.3.4.5 "] {
        let order = Order { hosts: vec![host.to_owned()], ..order(folder.path(), &[]) };
        assert!(matches!(make(&order), Err(CertificatesError::Host(_))), "{host:?}");
    }
    for device in ["ca", "CA", "server"] {
        let refused = make(&order(folder.path(), &[device]));
        assert!(matches!(refused, Err(CertificatesError::Device(_))), "{device}");
    }
    assert!(contents(folder.path()).is_empty());
}

#[test]
fn a_file_that_is_there_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pem");
    fs::write(&path, "old").unwrap();
    assert_eq!(write_new(&path, "new", false).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(contents(folder.path()), BTreeMap::from([(path, b"old".to_vec())]));
}

#[cfg(unix)]
#[test]
fn keys_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    make(&order(folder.path(), &["a"])).unwrap();
    for name in ["ca.key", "server.key", "a.key"] {
        let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
