//! Power cuts on a real file system: an ext4 that is shut down, so that it loses what was not synced.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::broker::Folder;
use crate::chance::Chance;
use crate::data::Data;
use crate::kills::OPTIONS;
use crate::server::Server;
use crate::written::Written;

/// An ext4 in a file, mounted on a folder until this goes.
struct Ext4 {
    file: Folder,
    folder: PathBuf,
}

impl Ext4 {
    /// `None` where the programs are missing.
    fn on(folder: &Path) -> Option<Self> {
        for name in ["mkfs.ext4", "xfs_io", "mount", "umount"] {
            real_parts::program(name)?;
        }
        let this = Self { file: Folder::new(), folder: folder.to_owned() };
        File::create(this.file()).unwrap().set_len(256 << 20).unwrap();
        run("mkfs.ext4", ["-q".as_ref(), this.file().as_os_str()]);
        this.mount();
        Some(this)
    }

    fn file(&self) -> PathBuf {
        self.file.0.join("ext4")
    }

    fn mount(&self) {
        run("mount", ["-o".as_ref(), "loop".as_ref(), self.file().as_os_str(), self.folder.as_os_str()]);
    }

    /// The power fails: nothing is written any more, not even what the file system's own journal has in memory.
    fn cut(&self) {
        run("xfs_io", ["-x".as_ref(), "-c".as_ref(), "shutdown".as_ref(), self.folder.as_os_str()]);
    }

    /// The power is back.
    fn restart(&self) {
        run("umount", [&self.folder]);
        self.mount();
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        // After a test that failed, whatever comes of it.
        let _unmounted = Command::new("umount").arg(&self.folder).status();
    }
}

fn run<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) {
    assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program}");
}

#[test]
#[ignore = "mounts a file system, as root"]
fn an_ext4_that_is_shut_down_keeps_what_was_acknowledged() {
    let (mut chance, rounds) = Chance::new("power cuts");
    let (data, mut written) = (Data::new(), Written::default());
    let Some(ext4) = Ext4::on(data.folder()) else { return };
    let mut server = Server::start_with(&data, &OPTIONS);
    for _ in 0..rounds {
        written.until(&mut chance, server, |server| {
            ext4.cut();
            server.kill();
        });
        ext4.restart();
        server = Server::start_with(&data, &OPTIONS);
        written.check(&server);
    }
    written.end(server, &data, rounds);
}
