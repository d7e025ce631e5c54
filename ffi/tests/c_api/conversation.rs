//! A device in C that keeps its own MQTT connection, with a server: one of the test's, and that of the porting guide.

use std::path::{Path, PathBuf};

use vdisk_server::options::Serve;

use crate::broker::Broker;
use crate::language::{self, C99, CPP17, Language, assert_success};
use crate::served::{Served, image, joined, own_broker};

/// The sectors that the device writes, from this one on, and how many.
const WRITTEN: (usize, usize) = (100, 200);

#[test]
fn a_device_keeps_its_own_connection_as_c99() {
    converse_with_a_server(&C99, "conversation");
}

#[test]
fn a_device_keeps_its_own_connection_as_cpp17() {
    converse_with_a_server(&CPP17, "conversation");
}

#[test]
fn the_porting_guide_works_as_c99() {
    converse_with_a_server(&C99, "porting");
}

#[test]
fn the_porting_guide_works_as_cpp17() {
    converse_with_a_server(&CPP17, "porting");
}

#[test]
fn a_device_keeps_its_own_connection_to_mosquitto() {
    let Some(program) = program(&C99, "conversation", "through-mosquitto") else { return };
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    converse(&program, Some(broker.port()), &joined(broker.port()));
}

/// Through the server's own broker.
fn converse_with_a_server(language: &Language, source: &str) {
    let Some(program) = program(language, source, source) else { return };
    converse(&program, None, &own_broker());
}

/// The device, under a name of the test's own; `None` without a compiler or libmosquitto.
fn program(language: &Language, source: &str, name: &str) -> Option<PathBuf> {
    let compiler = language.compiler()?;
    if !compiler.has_header("mosquitto.h") {
        real_parts::missing("libmosquitto-dev");
        return None;
    }
    let source = language::package().join(format!("tests/mqtt/{source}.c"));
    Some(compiler.compile(&source, name, &["-lmosquitto"]))
}

/// Runs the device with a server that serves so; at the server's own port, unless another is given.
fn converse(program: &Path, port: Option<u16>, options: &Serve) {
    let mut server = Served::start(options);
    let port = port.unwrap_or_else(|| server.port());
    let run = language::run(program, &[&port.to_string()]);
    server.stop();
    assert_success(&run, program);

    let (first, count) = WRITTEN;
    let expected = image(&(first..first + count).collect::<Vec<_>>());
    assert!(server.written() == expected, "what was flushed is on the server's disk, and nothing else");
}
