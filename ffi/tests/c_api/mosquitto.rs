//! A mosquitto on a free port of this machine.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

/// A broker, which ends with this.
pub(crate) struct Mosquitto {
    child: Child,
    pub(crate) port: u16,
}

impl Mosquitto {
    /// One with its file in that folder; `None` where there is no mosquitto.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        // Debian has it where only root's shell looks.
        let at_debian = PathBuf::from("/usr/sbin/mosquitto");
        let program = if at_debian.is_file() { at_debian } else { real_parts::program("mosquitto")? };
        // Another may take the port before it is used.
        (0..20).find_map(|_| Self::run(&program, folder)).or_else(|| panic!("mosquitto does not start"))
    }

    /// One that runs: it says so, or ends.
    fn run(program: &Path, folder: &Path) -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        drop(listener);
        let file = folder.join("mosquitto.conf");
        let text = format!("listener {port} 127.0.0.1\nuser root\nallow_anonymous true\n");
        fs::write(&file, text).expect("the folder takes files");
        let mut command = Command::new(program);
        command.arg("-c").arg(file).arg("-v").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut broker = Self { child: command.spawn().expect("it is a program"), port };
        let lines = BufReader::new(broker.child.stderr.take()?).lines();
        let mut lines = lines.map_while(Result::ok);
        let runs = lines.any(|line| line.contains("running"));
        // It would stop at a full pipe.
        thread::spawn(move || lines.for_each(drop));
        runs.then_some(broker)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}
