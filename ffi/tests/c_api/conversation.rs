//! A device in C that keeps its own MQTT connection, with a server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;
use vdisk_server::options::Serve;
use vdisk_server::{Server, Settings};

use crate::broker::Broker;
use crate::language::{self, C99, CPP17, Language, assert_success};

const SECTOR: usize = 137;
const SECTORS: usize = 77 * 32;
/// The sectors that the device writes, from this one on, and how many.
const WRITTEN: (usize, usize) = (100, 200);

#[test]
fn a_device_keeps_its_own_connection_as_c99() {
    converse_with_a_server(&C99);
}

#[test]
fn a_device_keeps_its_own_connection_as_cpp17() {
    converse_with_a_server(&CPP17);
}

#[test]
fn a_device_keeps_its_own_connection_to_mosquitto() {
    let Some(program) = program(&C99, "through-mosquitto") else { return };
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    converse(&program, Some(broker.port()), &Serve { broker: Some(url), ..Serve::default() });
}

/// Through the server's own broker.
fn converse_with_a_server(language: &Language) {
    let Some(program) = program(language, "conversation") else { return };
    let listen: SocketAddr = ([127, 0, 0, 1], 0).into();
    converse(&program, None, &Serve { listen: Some(listen), ..Serve::default() });
}

/// The device, under a name of the test's own; `None` without a compiler or libmosquitto.
fn program(language: &Language, name: &str) -> Option<PathBuf> {
    let compiler = language.compiler()?;
    if !compiler.has_header("mosquitto.h") {
        real_parts::missing("libmosquitto-dev");
        return None;
    }
    Some(compiler.compile(&source(), name, &["-lmosquitto"]))
}

/// Runs the device with a server that serves so; at the server's own port, unless another is given.
fn converse(program: &Path, port: Option<u16>, options: &Serve) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    std::fs::create_dir(folder.path().join("templates")).expect("the folder takes folders");
    std::fs::write(folder.path().join("templates/b.dsk"), image(&[])).expect("the folder takes files");
    let options = Serve { data: Some(folder.path().to_owned()), ..options.clone() };
    let settings = Settings::new(&options).expect("the options go together");

    let runtime = Runtime::new().expect("there are threads");
    let server = runtime.block_on(Server::start(&settings)).expect("the server starts");
    let port = port.or_else(|| Some(server.address()?.port())).expect("somebody listens");
    let run = language::run(program, &[&port.to_string()]);
    runtime.block_on(server.stop()).expect("the server stops");
    assert_success(&run, &source());

    let written = std::fs::read(folder.path().join("channels/12345678/b.dsk")).expect("a disk was written");
    let (first, count) = WRITTEN;
    let expected = image(&(first..first + count).collect::<Vec<_>>());
    assert!(written == expected, "what was flushed is on the server's disk, and nothing else");
}

fn source() -> PathBuf {
    language::package().join("tests/mqtt/conversation.c")
}

/// The bytes of drive B: its sectors are told apart, and those that were written are.
fn image(written: &[usize]) -> Vec<u8> {
    let fill = |sector: usize| sector * 7 + 1 + if written.contains(&sector) { 100 } else { 0 };
    (0..SECTORS).flat_map(|sector| [u8::try_from(fill(sector) % 251).unwrap_or(0); SECTOR]).collect()
}
