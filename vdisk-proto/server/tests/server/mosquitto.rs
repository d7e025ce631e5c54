//! Programs of mosquitto's for clients.

use std::process::Command;

use crate::program::Program;

/// Runs a program of mosquitto's for clients; `None` where there is none.
pub(crate) fn run(name: &str, port: u16, options: &[&str]) -> Option<Program> {
    // It would keep what it says to itself, in a pipe.
    let mut command = Command::new(real_parts::program("stdbuf")?);
    command.arg("-oL").arg(real_parts::program(name)?);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-d", "-q", "1"]).args(options);
    Some(Program::run(&mut command))
}
