//! A server of ours with a folder of its own, which may be stopped and started again.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use vdisk_server::options::Serve;
use vdisk_server::{Server, Settings};

pub(crate) const SECTOR: usize = 137;
const SECTORS: usize = 77 * 32;

pub(crate) struct Served {
    folder: TempDir,
    /// With where it listens, once that is known.
    options: Serve,
    runtime: Runtime,
    server: Option<Server>,
}

impl Served {
    /// One that serves so, with a template for drive B whose sectors are told apart.
    pub(crate) fn start(options: &Serve) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        Self::start_in(folder, options)
    }

    /// The same in a folder, with what is there.
    pub(crate) fn start_in(folder: TempDir, options: &Serve) -> Self {
        let templates = folder.path().join("templates");
        fs::create_dir_all(&templates).expect("the folder takes folders");
        fs::write(templates.join("b.dsk"), image(&[])).expect("the folder takes files");
        let options = Serve { data: Some(folder.path().to_owned()), ..options.clone() };
        let runtime = Runtime::new().expect("there are threads");
        let mut served = Self { folder, options, runtime, server: None };
        served.start_again();
        served
    }

    /// Starts it where it was before.
    pub(crate) fn start_again(&mut self) {
        let settings = Settings::new(&self.options).expect("the options go together");
        let server = self.runtime.block_on(Server::start(&settings)).expect("the server starts");
        if self.options.listen.is_some() {
            self.options.listen = server.address();
        }
        self.server = Some(server);
    }

    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop()).expect("the server stops");
        }
    }

    /// The port of its own broker.
    pub(crate) fn port(&self) -> u16 {
        self.options.listen.expect("it has a broker of its own").port()
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// The drive B of channel 12345678.
    pub(crate) fn image(&self) -> PathBuf {
        self.folder.path().join("channels/12345678/b.dsk")
    }

    /// Its bytes.
    pub(crate) fn written(&self) -> Vec<u8> {
        fs::read(self.image()).expect("a disk was written")
    }
}

/// A broker of the server's own, on a free port of this machine.
pub(crate) fn own_broker() -> Serve {
    let anywhere: SocketAddr = ([127, 0, 0, 1], 0).into();
    Serve { listen: Some(anywhere), ..Serve::default() }
}

/// Somebody else's broker, on a port of this machine.
pub(crate) fn joined(port: u16) -> Serve {
    Serve { broker: Some(format!("mqtt://127.0.0.1:{port}")), ..Serve::default() }
}

/// The bytes of drive B: its sectors are told apart, and those that were written are.
pub(crate) fn image(written: &[usize]) -> Vec<u8> {
    let fill = |sector: usize| sector * 7 + 1 + if written.contains(&sector) { 100 } else { 0 };
    (0..SECTORS).flat_map(|sector| [u8::try_from(fill(sector) % 251).unwrap_or(0); SECTOR]).collect()
}
