//! `vdisk-bench` itself, with a real broker: mosquitto.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

#[path = "../../../tests/client/broker.rs"]
#[expect(dead_code, reason = "the client's tests do more to their broker")]
mod broker;
#[path = "../../../tests/client/certificates.rs"]
mod certificates;
mod faults;
mod legacy;
mod load;
mod other;
mod secure;
#[path = "../../../tests/client/server.rs"]
#[expect(dead_code, reason = "the client's tests do more to their server")]
mod server;

use std::process::{Command, Output};
use std::time::Duration;

use broker::Broker;
use serde_json::Value;

/// More than anything takes that is going to happen.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A broker that lets everybody in; `None` where there is no mosquitto.
fn broker() -> Option<Broker> {
    Broker::start("allow_anonymous true")
}

fn url(broker: &Broker) -> String {
    format!("mqtt://127.0.0.1:{}", broker.port())
}

/// Runs the program with these arguments, between spaces.
fn run(broker: &str, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vdisk-bench"));
    command.args(["--broker", broker]).args(arguments.split_whitespace()).output().unwrap()
}

/// What it prints for people.
fn printed(broker: &Broker, arguments: &str) -> String {
    let output = run(&url(broker), arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it prints for programs.
fn json(broker: &Broker, arguments: &str) -> Value {
    serde_json::from_str(&printed(broker, &format!("--json {arguments}"))).unwrap()
}

/// Why it could not measure.
fn complaint(broker: &str, arguments: &str) -> String {
    let output = run(broker, arguments);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}
