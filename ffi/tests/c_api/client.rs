//! Programs in C that open a client by URL, with a server.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use vdisk_server::commands;
use vdisk_server::options::{CertsOptions, DataFolder, Serve};

use crate::broker::{Broker, free_port};
use crate::language::{self, C99, CPP17, Language, assert_success};
use crate::served::{SECTOR, Served, image, joined, own_broker};

const CHANNEL: &str = "12345678";

// The results that `open` is to have.
const OK: &str = "0";
const ERROR_TLS: &str = "-32";
const ERROR_DENIED: &str = "-33";
const ERROR_NO_SERVER: &str = "-34";

/// A program of `tests/client`, under a name of the test's own; `None` without a compiler.
fn program(language: &Language, name: &str, of_test: &str) -> Option<PathBuf> {
    Some(language.compiler()?.compile(&source(name), of_test, &[]))
}

fn source(name: &str) -> PathBuf {
    language::package().join("tests/client").join(name)
}

fn url(port: u16) -> String {
    format!("mqtt://127.0.0.1:{port}")
}

#[test]
fn a_client_reads_and_writes_a_disk_as_c99() {
    use_a_disk_of_its_own(&C99);
}

#[test]
fn a_client_reads_and_writes_a_disk_as_cpp17() {
    use_a_disk_of_its_own(&CPP17);
}

#[test]
fn a_client_reads_and_writes_a_disk_through_mosquitto() {
    let Some(program) = program(&C99, "disk.c", "disk-through-mosquitto") else { return };
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    use_a_disk(&program, Some(broker.port()), &joined(broker.port()));
}

fn use_a_disk_of_its_own(language: &Language) {
    let Some(program) = program(language, "disk.c", "disk") else { return };
    use_a_disk(&program, None, &own_broker());
}

/// Runs the program with a server that serves so; at the server's own port, unless another is given.
fn use_a_disk(program: &Path, port: Option<u16>, options: &Serve) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let minidisk = folder.path().join("templates/a.dsk");
    fs::create_dir(folder.path().join("templates")).expect("the folder takes folders");
    fs::write(&minidisk, vec![0; 35 * 16 * SECTOR]).expect("the folder takes files");
    fs::set_permissions(&minidisk, fs::Permissions::from_mode(0o444)).expect("they can be locked");
    let mut server = Served::start_in(folder, options);
    let port = port.unwrap_or_else(|| server.port());
    let run = language::run(program, &[&url(port)]);
    server.stop();
    assert_success(&run, &source("disk.c"));
    let expected = image(&(100..300).collect::<Vec<_>>());
    assert!(server.written() == expected, "what was flushed is on the server's disk, and nothing else");
}

#[test]
fn the_example_of_the_client_works() {
    for language in [&C99, &CPP17] {
        let Some(program) = program(language, "client_example.c", "client_example") else { return };
        let mut server = Served::start(&own_broker());
        let run = language::run(&program, &[&url(server.port())]);
        server.stop();
        assert_success(&run, &source("client_example.c"));
        let mut expected = image(&[]);
        expected[0] ^= 1;
        assert!(server.written() == expected);
    }
}

#[test]
fn signals_are_the_programs_own() {
    passes_with_a_server("signals");
}

#[test]
fn a_child_is_refused_the_disk_of_its_parent() {
    passes_with_a_server("forks");
}

/// Runs a program with a server of its own.
fn passes_with_a_server(name: &str) {
    let file = format!("{name}.c");
    let Some(program) = program(&C99, &file, name) else { return };
    let mut server = Served::start(&own_broker());
    let run = language::run(&program, &[&url(server.port())]);
    server.stop();
    assert_success(&run, &source(&file));
}

#[test]
fn a_client_lives_through_restarts_of_its_server() {
    let Some(program) = program(&C99, "restarts.c", "restarts") else { return };
    let mut server = Served::start(&own_broker());
    let past = tempfile::tempdir().expect("there is room for a folder");
    let mut command = language::command(&program);
    command.arg(url(server.port())).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it is a program");
    let mut done = child.stdin.take().expect("it can be written to");
    let words = BufReader::new(child.stdout.take().expect("it can be read from")).lines();
    for word in words.map_while(Result::ok) {
        match word.as_str() {
            "stop" => server.stop(),
            "start" => server.start_again(),
            "start with another image" => {
                replace(&server.image());
                server.start_again();
            }
            "remember" => {
                server.stop();
                copy(&server.journal(), past.path());
                server.start_again();
            }
            "start from the past" => {
                server.stop();
                fs::remove_dir_all(server.journal()).expect("it is ours");
                copy(past.path(), &server.journal());
                server.start_again();
            }
            word => panic!("what is {word:?}?"),
        }
        // It may have failed and ended.
        let _unheard = writeln!(done, "done");
    }
    let output = child.wait_with_output().expect("it ends");
    assert_success(&output, &source("restarts.c"));
}

/// Puts another image in the place of one, as people do.
fn replace(image: &Path) {
    let new = image.with_extension("new");
    fs::write(&new, vec![99; 77 * 32 * SECTOR]).expect("the folder takes files");
    fs::rename(&new, image).expect("they can be renamed");
}

/// Copies a folder's files.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder takes folders");
    for entry in fs::read_dir(from).expect("it is a folder") {
        let path = entry.expect("it can be read").path();
        fs::copy(&path, to.join(path.file_name().expect("it has a name"))).expect("the folder takes files");
    }
}

/// Runs `open` with a URL and a channel, what is expected of it, and options by name.
fn open(program: &Path, url: &str, channel: &str, expected: [&str; 2], options: &[(&str, &str)]) {
    let options = options.iter().flat_map(|(name, value)| [*name, *value]);
    let arguments: Vec<_> = [url, channel, expected[0], expected[1]].into_iter().chain(options).collect();
    assert_success(&language::run(program, &arguments), &source("open.c"));
}

#[test]
fn who_is_not_let_in_is_told_so() {
    let Some(program) = program(&C99, "open.c", "open-with-a-password") else { return };
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let line = commands::password(CHANNEL, &[], "correct horse").expect("it is a name");
    let passwords = folder.path().join("passwords");
    fs::write(&passwords, line + "\n").expect("the folder takes files");
    let mut server = Served::start_in(folder, &Serve { password_file: Some(passwords), ..own_broker() });
    let url = url(server.port());
    let as_user = |password| [("user", CHANNEL), ("password", password), ("client_identifier", CHANNEL)];
    open(&program, &url, CHANNEL, [OK, ""], &as_user("correct horse"));
    open(&program, &url, CHANNEL, [ERROR_DENIED, "user or password is wrong"], &as_user("wrong"));
    open(&program, &url, CHANNEL, [ERROR_DENIED, "does not let this client in"], &[]);
    open(&program, &url, "87654321", [ERROR_DENIED, "subscribe"], &as_user("correct horse"));
    server.stop();
}

#[test]
fn a_broker_without_a_server_is_told_from_none() {
    let Some(program) = program(&C99, "open.c", "open-without-a-server") else { return };
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    // Time enough to connect, under valgrind, too.
    let soon = [("open_timeout_ms", "5000")];
    open(&program, &url(broker.port()), CHANNEL, [ERROR_NO_SERVER, "no disk server answered"], &soon);
}

#[test]
fn a_client_is_known_by_its_certificate() {
    let Some(program) = program(&C99, "open.c", "open-with-a-certificate") else { return };
    let (ours, strangers) = (certificates(), certificates());
    let file = |folder: &TempDir, name: &str| folder.path().join(name).display().to_string();
    let options = Serve {
        tls: Some(([127, 0, 0, 1], free_port()).into()),
        tls_ca: Some(file(&ours, "ca.pem").into()),
        tls_cert: Some(file(&ours, "server.pem").into()),
        tls_key: Some(file(&ours, "server.key").into()),
        ..own_broker()
    };
    let url = format!("mqtts://{}", options.tls.expect("it was set"));
    let mut server = Served::start(&options);
    let (certificate, key) = (file(&ours, "12345678.pem"), file(&ours, "12345678.key"));
    for (authority, expected) in
        [(file(&ours, "ca.pem"), [OK, ""]), (file(&strangers, "ca.pem"), [ERROR_TLS, "TLS with"])]
    {
        let options = [
            ("authority_file", authority.as_str()),
            ("certificate_file", &certificate),
            ("key_file", &key),
            ("client_identifier", CHANNEL),
        ];
        open(&program, &url, CHANNEL, expected, &options);
    }
    server.stop();
}

/// A folder with an authority's, a server's and a device's certificate and key.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let order = CertsOptions {
        data: DataFolder { data: None },
        out: Some(folder.path().to_owned()),
        hosts: vec!["127.0.0.1".to_owned()],
        devices: vec![CHANNEL.to_owned()],
    };
    commands::certs(&order).expect("the folder takes files");
    folder
}
