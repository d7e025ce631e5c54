//! A device in C that keeps its own MQTT connection, with a server.

use std::net::SocketAddr;
use std::path::Path;

use tokio::runtime::Runtime;
use vdisk_server::options::Serve;
use vdisk_server::{Server, Settings};

use crate::language::{self, C99, CPP17, Language, assert_success};

const SECTOR: usize = 137;
const SECTORS: usize = 77 * 32;
/// The sectors that the device writes, from this one on, and how many.
const WRITTEN: (usize, usize) = (100, 200);

#[test]
fn a_device_keeps_its_own_connection_as_c99() {
    converse(&C99);
}

#[test]
fn a_device_keeps_its_own_connection_as_cpp17() {
    converse(&CPP17);
}

fn converse(language: &Language) {
    let Some(compiler) = language.compiler() else { return };
    if !compiler.has_header("mosquitto.h") {
        return real_parts::missing("libmosquitto-dev");
    }
    let source = language::package().join("tests/mqtt/conversation.c");
    let program = compiler.compile(&source, &["-lmosquitto"]);

    let folder = tempfile::tempdir().expect("there is room for a folder");
    let template = image(&[]);
    std::fs::create_dir(folder.path().join("templates")).expect("the folder takes folders");
    std::fs::write(folder.path().join("templates/b.dsk"), &template).expect("the folder takes files");

    let runtime = Runtime::new().expect("there are threads");
    let server = runtime.block_on(Server::start(&settings(folder.path()))).expect("the server starts");
    let address = server.address().expect("its broker listens");
    let run = language::run(&program, &[&address.port().to_string()]);
    runtime.block_on(server.stop()).expect("the server stops");
    assert_success(&run, &source);

    let written = std::fs::read(folder.path().join("channels/12345678/b.dsk")).expect("a disk was written");
    let (first, count) = WRITTEN;
    let expected = image(&(first..first + count).collect::<Vec<_>>());
    assert!(written == expected, "what was flushed is on the server's disk, and nothing else");
}

/// The bytes of drive B: its sectors are told apart, and those that were written are.
fn image(written: &[usize]) -> Vec<u8> {
    let fill = |sector: usize| sector * 7 + 1 + if written.contains(&sector) { 100 } else { 0 };
    (0..SECTORS).flat_map(|sector| [u8::try_from(fill(sector) % 251).unwrap_or(0); SECTOR]).collect()
}

fn settings(data: &Path) -> Settings {
    let listen: SocketAddr = ([127, 0, 0, 1], 0).into();
    let options = Serve { data: Some(data.to_owned()), listen: Some(listen), ..Serve::default() };
    Settings::new(&options).expect("the options go together")
}
