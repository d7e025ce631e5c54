//! A mosquitto on a free port of this machine.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::LONG;

/// A broker, which ends with this.
pub(crate) struct Broker {
    program: PathBuf,
    port: u16,
    folder: Folder,
    child: Option<Child>,
}

/// A folder for a test's files, which goes with this.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("client-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_over = fs::remove_dir_all(&self.0);
    }
}

/// A port that nobody uses, of those that no system hands out by itself: nobody is given it meanwhile.
pub(crate) fn free_port() -> u16 {
    const PORTS: u32 = 10_000;
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // Programs that run at once start at different places.
    let start = std::process::id().wrapping_mul(97);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let tried = (0..PORTS).map(|_| start.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed)) % PORTS);
    tried.map(|number| 20_000 + u16::try_from(number).unwrap()).find(is_free).unwrap()
}

impl Broker {
    /// One that is configured so, behind its port; `None` where there is no mosquitto.
    pub(crate) fn start(configuration: &str) -> Option<Self> {
        Self::start_in(Folder::new(), configuration)
    }

    /// The same, with files in that folder.
    pub(crate) fn start_in(folder: Folder, configuration: &str) -> Option<Self> {
        // Debian has it where only root's shell looks.
        let at_debian = PathBuf::from("/usr/sbin/mosquitto");
        let program = if at_debian.is_file() { at_debian } else { real_parts::program("mosquitto")? };
        let mut broker = Self { program, port: 0, folder, child: None };
        // Another may take the port before it is used.
        for _ in 0..20 {
            broker.port = free_port();
            let text = format!("listener {} 127.0.0.1\nuser root\n{configuration}\n", broker.port);
            fs::write(broker.folder.0.join("mosquitto.conf"), text).unwrap();
            if broker.run() {
                return Some(broker);
            }
        }
        panic!("mosquitto does not start");
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it, as a power failure does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _gone = child.kill();
            child.wait().unwrap();
        }
    }

    /// Stops it, as a machine that hangs does, or lets it go on.
    pub(crate) fn hang(&self, hangs: bool) {
        let signal = if hangs { "-STOP" } else { "-CONT" };
        let process = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }

    /// Starts it again, on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.run(), "mosquitto does not start again");
    }

    /// Whether it runs: it says so, or ends.
    fn run(&mut self) -> bool {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(self.folder.0.join("mosquitto.conf")).arg("-v");
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let (sender, running) = mpsc::channel();
        thread::spawn(move || {
            if lines.any(|line| line.contains("running")) {
                sender.send(()).unwrap();
            }
            drop(sender);
            // It would stop at a full pipe.
            lines.for_each(drop);
        });
        self.child = Some(child);
        let runs = running.recv_timeout(LONG).is_ok();
        if !runs {
            self.kill();
        }
        runs
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}
