//! A server that serves, on a port of its own.

use std::net::SocketAddr;

use crate::data::Data;
use crate::program::{Program, command};

/// A server. It is killed with this.
pub(crate) struct Server {
    program: Program,
    /// Where devices connect: the server's own broker, or the other one.
    address: SocketAddr,
}

/// Why a server did not start, and with which exit code.
pub(crate) struct Refusal {
    pub(crate) code: i32,
    pub(crate) text: String,
}

impl Server {
    /// One with a broker of its own.
    pub(crate) fn start(data: &Data) -> Self {
        Self::start_with(data, &[])
    }

    /// The same, with these options. They may say where to listen.
    pub(crate) fn start_with(data: &Data, options: &[&str]) -> Self {
        let listens = options.contains(&"--listen");
        let anywhere: &[&str] = if listens { &[] } else { &["--listen", "127.0.0.1:0"] };
        Self::of(Self::launch(data, &[anywhere, options].concat()))
    }

    /// The one that a program is, once it says that it serves.
    pub(crate) fn of(program: Program) -> Self {
        let screen = program.output.wait_for("Ctrl-C ends it");
        let (_, rest) = screen.split_once("with a broker of its own on ").unwrap();
        let address = rest.lines().next().unwrap().parse().unwrap();
        Self { program, address }
    }

    /// One at somebody else's broker, on this port of the machine.
    pub(crate) fn join(data: &Data, port: u16, options: &[&str]) -> Self {
        Self::join_by("mqtt", data, port, options)
    }

    /// The same, by `mqtt` or `mqtts`.
    pub(crate) fn join_by(scheme: &str, data: &Data, port: u16, options: &[&str]) -> Self {
        let url = format!("{scheme}://127.0.0.1:{port}");
        let program = Self::launch(data, &[&["--broker", &url], options].concat());
        program.output.wait_for("through the broker");
        Self { program, address: ([127, 0, 0, 1], port).into() }
    }

    /// One that is only about to serve.
    pub(crate) fn launch(data: &Data, options: &[&str]) -> Program {
        Program::run(command(["--data"]).arg(data.folder()).args(options))
    }

    /// One that does not start.
    pub(crate) fn refused(data: &Data, options: &[&str]) -> Refusal {
        Refusal::of(Self::launch(data, options))
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    /// What it has logged, once this is among it.
    pub(crate) fn await_log(&self, what: &str) -> String {
        self.program.errors.wait_for(what)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        self.program.errors.text()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.program.signal(name);
    }

    /// Has it end well, and says what it had logged.
    pub(crate) fn stop(self) -> String {
        self.signal("-TERM");
        let Refusal { code, text } = Refusal::of(self.program);
        assert_eq!(code, 0, "{text}");
        text
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(self) -> Refusal {
        Refusal::of(self.program)
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.program.kill();
    }
}

impl Refusal {
    pub(crate) fn of(mut program: Program) -> Self {
        let status = program.wait();
        let code = status.code().unwrap_or_else(|| panic!("{status}: {}", program.errors.all()));
        Self { code, text: program.errors.all() }
    }
}
