//! The command `region store`, run as people run it.

#![cfg(all(unix, feature = "command"))]
#![allow(missing_docs, clippy::indexing_slicing, clippy::unwrap_used)]

#[cfg(feature = "object-store")]
mod objects;
mod process;
mod slices;
mod told;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use region_store::format::Version;
use region_store::{Options, RegionWriter};
use serde_json::Value;

/// A folder with folders for two spindles in it.
struct Disks(tempfile::TempDir);

impl Disks {
    fn new() -> Self {
        let disks = Self(tempfile::tempdir().unwrap());
        fs::create_dir(disks.path("d1")).unwrap();
        fs::create_dir(disks.path("d2")).unwrap();
        disks
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What is in a spindle's folder, but for the store's own files.
    fn files(&self, name: &str) -> Vec<String> {
        let names = fs::read_dir(self.path(name)).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        names.filter(|name| !name.starts_with("store.")).collect()
    }

    /// `region store` on both, the second of which is called `two`.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_region"));
        command.args(["store", "--spindle", "d1", "--spindle", "two=d2", "--regions", "3"]);
        command.args(["--memory", "100M"]).args(arguments).current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str], code: i32) -> (String, String) {
        check(&self.command(arguments).stdin(Stdio::null()).output().unwrap(), code)
    }

    /// The same with something on its standard input.
    fn feed(&self, arguments: &[&str], input: &[u8], code: i32) -> (String, String) {
        let mut child = self.start(arguments);
        child.stdin.take().unwrap().write_all(input).unwrap();
        check(&child.wait_with_output().unwrap(), code)
    }

    fn start(&self, arguments: &[&str]) -> Child {
        piped(&mut self.command(arguments))
    }

    /// The same where Ctrl-C is not ignored, as it is in the background: `env` sees to that.
    #[cfg(target_os = "linux")]
    fn interruptible(&self, arguments: &[&str]) -> Child {
        let command = self.command(arguments);
        let mut through = Command::new("env");
        through.arg("--default-signal=INT").arg(command.get_program()).args(command.get_args());
        piped(through.current_dir(self.path("")))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[&["--json"], arguments].concat(), 0).0).unwrap()
    }

    /// Loads the lines of a text.
    fn load(&self, slice: &str, text: &str) {
        self.feed(&["load", slice, "--lines", "-"], text.as_bytes(), 0);
    }

    fn write_region(&self, name: &str, version: Version, blobs: &[&str]) {
        let options = Options { version, block_bytes: 16, ..Options::default() };
        let mut writer = RegionWriter::create(self.path(name), &options).unwrap();
        blobs.iter().for_each(|blob| writer.push(blob.as_bytes()).unwrap());
        writer.seal().unwrap();
    }

    /// A region of one block that is not what was written.
    fn write_damaged(&self, name: &str) {
        self.write_region(name, Version::Two, &["a blob"]);
        let mut bytes = fs::read(self.path(name)).unwrap();
        bytes[4_096 + 40] ^= 1;
        fs::remove_file(self.path(name)).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn check(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{error}");
    (out, error)
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Waits until something is so.
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Presses Ctrl-C, and waits for the end.
#[cfg(target_os = "linux")]
fn interrupt(mut child: Child) -> (String, String) {
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    wait_for("the command ends", || child.try_wait().unwrap().is_some());
    check(&child.wait_with_output().unwrap(), 130)
}
