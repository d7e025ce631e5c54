//! Disks with files on them, by cpmtools: what they made is served, and what devices write is theirs to read.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use sector_cache::{Geometry, SectorKey};
use vdisk_proto::client::Disk;

use crate::data::Data;
use crate::server::Server;
use crate::{CHANNEL, options};

/// The only shape of ours that Debian's cpmtools know.
const FORMAT: [&str; 2] = ["-f", "ibm-3740"];
const LENGTH: usize = 128;

/// Runs one of them; `None` where there are none.
fn run(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> Option<String> {
    let mut command = Command::new(real_parts::program(program)?);
    let output =
        command.args(FORMAT).args(arguments.iter().map(|argument| argument.as_ref())).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// A disk with a file on it.
fn format(image: &Path, file: &Path) -> Option<()> {
    run("mkfs.cpm", &[&image])?;
    // It makes the directory only.
    let mut bytes = fs::read(image).unwrap();
    bytes.resize(Geometry::IBM_3740.bytes() as usize, 0xe5);
    fs::write(image, bytes).unwrap();
    run("cpmcp", &[&image, &file, &"0:first.txt"])?;
    Some(())
}

/// A file of so many bytes that can be told from others.
fn write(path: &Path, length: usize, seed: u8) -> Vec<u8> {
    let bytes: Vec<u8> = (0..length).map(|at| (at * 31 / 7) as u8 ^ seed).collect();
    fs::write(path, &bytes).unwrap();
    bytes
}

/// Sectors of drive C.
fn keys() -> impl Iterator<Item = SectorKey> {
    (0..Geometry::IBM_3740.sectors()).map(|number| SectorKey::try_new(2, number).unwrap())
}

fn read_all(disk: &Disk) -> Vec<u8> {
    let mut bytes = vec![0; Geometry::IBM_3740.bytes() as usize];
    for (key, sector) in keys().zip(bytes.chunks_mut(LENGTH)) {
        disk.read(key, sector).unwrap();
    }
    bytes
}

#[test]
fn what_cpmtools_write_devices_read_and_the_other_way_round() {
    let data = Data::numbered();
    let (image, first, second) = (data.path("templates/c.dsk"), data.path("first"), data.path("second"));
    let contents = [write(&first, 20_000, 0x11), write(&second, 9_999, 0x22)];
    if format(&image, &first).is_none() {
        return;
    }
    let before = fs::read(&image).unwrap();
    let server = Server::start(&data);
    let of_its_shape = options(&server.url(), CHANNEL).largest_track(128, 26);
    let disk = Disk::open(&of_its_shape).unwrap();
    assert!(read_all(&disk) == before);

    // As CP/M does, a device writes the sectors that a new file changes.
    let changed = data.path("changed");
    fs::copy(&image, &changed).unwrap();
    run("cpmcp", &[&changed, &second, &"0:second.txt"]).unwrap();
    let after = fs::read(&changed).unwrap();
    let sectors = keys().zip(before.chunks(LENGTH).zip(after.chunks(LENGTH)));
    let new: Vec<_> =
        sectors.filter(|(_, (old, new))| old != new).map(|(key, (_, new))| (key, new)).collect();
    assert!(new.len() >= 9_999 / LENGTH, "{}", new.len());
    for (key, bytes) in new {
        disk.write(key, bytes).unwrap();
    }
    assert!(read_all(&disk) == after);
    disk.close().unwrap();
    server.stop();

    let served = data.path("channels/12345678/c.dsk");
    assert_eq!(data.channels(), std::slice::from_ref(&served));
    assert!(fs::read(&image).unwrap() == before, "the template is as it was");
    assert!(fs::read(&served).unwrap() == after, "nothing else was changed");
    run("fsck.cpm", &[&"-n", &served]).unwrap();
    let names = run("cpmls", &[&served]).unwrap();
    assert!(names.contains("first.txt") && names.contains("second.txt"), "{names}");
    for (name, contents) in ["0:first.txt", "0:second.txt"].into_iter().zip(contents) {
        let copy = data.path("copy");
        run("cpmcp", &[&served, &name, &copy]).unwrap();
        let copied = fs::read(copy).unwrap();
        // CP/M counts in records of 128 bytes.
        assert!(copied.starts_with(&contents) && copied.len() < contents.len() + LENGTH, "{name}");
    }
}
