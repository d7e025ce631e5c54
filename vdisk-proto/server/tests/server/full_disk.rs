//! Disks that are full, read-only, or of no known shape.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sector_cache::Drive;
use vdisk_proto::client::{Disk, Error};
use vdisk_proto::codec::Status;
use vdisk_proto::session::Failure;

use crate::broker::Broker;
use crate::data::{Data, filling, numbered_image};
use crate::device::Device;
use crate::program::Program;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, SECTORS, disk, options, read, sector, wait_until};

/// A file system of its own at a folder, which is unmounted with this.
struct Mount(PathBuf);

impl Mount {
    /// One in memory; `None` where nobody may mount.
    fn new(folder: &Path, mib: u32) -> Option<Self> {
        let size = format!("size={mib}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(folder).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder.to_owned()));
        }
        real_parts::missing("the right to mount");
        None
    }

    fn make_read_only(&self) {
        let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status();
        assert!(remount.unwrap().success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Somebody may look into it now.
        let _unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// A numbered disk for everybody.
fn put_template(data: &Data) {
    fs::create_dir(data.path("templates")).unwrap();
    fs::write(data.template(), numbered_image()).unwrap();
}

/// Makes a file of all the room that there is.
fn fill(path: &Path) {
    let mut file = fs::File::options().append(true).create(true).open(path).unwrap();
    while file.write_all(&[0; 1 << 16]).is_ok() {}
}

/// Why writes that were accepted failed.
fn failure(flushed: Result<(), Error>) -> Status {
    match flushed {
        Err(Error::WritesFailed { failure: Failure::Refused(status), .. }) => status,
        other => panic!("{other:?}"),
    }
}

const SMALL: [&str; 6] = ["--segment-mib", "4", "--journal-mib", "8", "--reserve-mib", "4"];

#[test]
fn a_full_disk_takes_no_new_images_and_later_no_writes_and_goes_on_reading() {
    let data = Data::new();
    let Some(_mount) = Mount::new(data.folder(), 24) else { return };
    put_template(&data);
    let server = Server::start_with(&data, &SMALL);
    let first = disk(&server, "first");
    first.write(sector(0), &[1; SECTOR]).unwrap();
    first.flush().unwrap();

    // The reserve is all that is left.
    let ballast = data.path("ballast");
    fill(&ballast);
    let length = fs::metadata(&ballast).unwrap().len();
    fs::File::options().write(true).open(&ballast).unwrap().set_len(length - (4 << 20)).unwrap();
    let late = disk(&server, "late");
    late.write(sector(0), &[2; SECTOR]).unwrap();
    assert_eq!(failure(late.flush()), Status::DiskFull);
    assert_eq!(read(&late, 7), [filling(7); SECTOR]);
    let mut device = Device::listening(server.address(), "legacy");
    device.write_sector("legacy", 0, &[3; SECTOR]);
    server.await_log("legacy writes dropped to an image that is read-only or full");
    assert_eq!(device.read_sector("legacy", 0), [filling(0); SECTOR]);
    first.write(sector(1), &[4; SECTOR]).unwrap();
    first.flush().expect("images that are there are written to");
    assert!(!data.image("late").exists() && !data.image("legacy").exists());
    fs::remove_file(ballast).unwrap();

    // When there is room again, devices that ask again get it.
    late.write(sector(0), &[2; SECTOR]).unwrap();
    late.flush().unwrap();
    device.write_sector("legacy", 0, &[3; SECTOR]);
    wait_until("it is written", || device.read_sector("legacy", 0) == [3; SECTOR]);
    server.stop();
    data.assert_closed();
    for (channel, fill) in [("first", 1), ("late", 2), ("legacy", 3)] {
        let mut expected = numbered_image();
        expected[..SECTOR].fill(fill);
        if channel == "first" {
            expected[SECTOR..2 * SECTOR].fill(4);
        }
        assert!(fs::read(data.image(channel)).unwrap() == expected, "{channel}");
    }
}

#[test]
fn a_disk_that_somebody_else_fills_takes_no_writes_until_there_is_room() {
    let data = Data::new();
    let Some(_mount) = Mount::new(data.folder(), 32) else { return };
    put_template(&data);
    let server = Server::start_with(&data, &SMALL);
    let (disk, reader) = (disk(&server, CHANNEL), disk(&server, "reader"));
    disk.write(sector(0), &[0; SECTOR]).unwrap();
    disk.flush().unwrap();

    let ballast = data.path("ballast");
    let is_over = AtomicBool::new(false);
    let last = thread::scope(|scope| {
        // It takes whatever the journal lets go.
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                fill(&ballast);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let written = (1_u32..1_000_000).find_map(|number| {
            disk.write(sector(number % SECTORS), &stamp(number)).unwrap();
            disk.flush().err().map(|error| (number, failure(Err(error))))
        });
        is_over.store(true, Ordering::Relaxed);
        let (number, status) = written.unwrap();
        assert_eq!(status, Status::DiskFull);
        number - 1
    });
    let content = |number: u32| {
        let newest = (0..=last).rev().find(|write| write % SECTORS == number);
        newest.map_or(
            vec![filling(number); SECTOR],
            |write| if write == 0 { vec![0; SECTOR] } else { stamp(write) },
        )
    };
    // A new session has to be written, too. Who has one, or needs none, goes on reading.
    let mut device = Device::listening(server.address(), CHANNEL);
    for number in (0..SECTORS).step_by(50) {
        assert_eq!(read(&reader, number), [filling(number); SECTOR]);
        assert_eq!(device.read_sector(CHANNEL, number * SECTOR as u32), content(number));
    }
    fs::remove_file(ballast).unwrap();
    disk.write(sector(5), &[0xdd; SECTOR]).unwrap();
    disk.flush().unwrap();
    server.stop();
    data.assert_closed();
    for number in 0..SECTORS {
        let expected = if number == 5 { vec![0xdd; SECTOR] } else { content(number) };
        assert_eq!(data.sector(CHANNEL, number), expected, "sector {number}");
    }
}

/// A sector that tells by which write it was made.
fn stamp(number: u32) -> Vec<u8> {
    number.to_le_bytes().into_iter().cycle().take(SECTOR).collect()
}

#[test]
fn a_journal_that_cannot_be_synced_ends_the_server() {
    let Some(strace) = real_parts::program("strace") else { return };
    let data = Data::numbered();
    let mut command = Command::new(strace);
    // Those of the start are fewer.
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"]);
    command.args(["-e", "inject=fdatasync:error=EIO:when=40+", env!("CARGO_BIN_EXE_vdisk-server")]);
    let program = Program::run(command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data.folder()));
    let server = Server::of(program);
    let impatient = options(&server.url(), CHANNEL).timeout(Duration::from_secs(2));
    let disk = Disk::open(&impatient).unwrap();
    let written = (1_u8..100).find(|number| {
        disk.write(sector(0), &[*number; SECTOR]).unwrap();
        disk.flush().is_err()
    });
    let end = server.ended();
    assert_eq!(end.code, 74, "{}", end.text);
    let acknowledged = written.unwrap() - 1;
    let server = Server::start(&data);
    let found = read(&crate::disk(&server, CHANNEL), 0);
    assert!(
        [acknowledged, acknowledged + 1].map(|number| [number; SECTOR].to_vec()).contains(&found),
        "{found:?}"
    );
}

#[test]
fn a_folder_without_write_access_is_read_from() {
    let data = Data::new();
    let Some(mount) = Mount::new(data.folder(), 24) else { return };
    put_template(&data);
    let server = Server::start_with(&data, &SMALL);
    let disk = crate::disk(&server, CHANNEL);
    disk.write(sector(1), &[8; SECTOR]).unwrap();
    disk.close().unwrap();
    server.stop();
    mount.make_read_only();
    let server = Server::start_with(&data, &SMALL);
    let disk = crate::disk(&server, CHANNEL);
    assert_eq!(read(&disk, 1), [8; SECTOR]);
    assert_eq!(read(&disk, 2), [filling(2); SECTOR]);
    refuses_writes(&server, &disk);
    server.stop();
    // Somebody else's broker is joined from there, too.
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    let server = Server::join(&data, broker.port(), &SMALL);
    assert_eq!(read(&crate::disk(&server, CHANNEL), 1), [8; SECTOR]);
    server.stop();
}

/// A drive is told to be read-only, and takes no write of either version.
fn refuses_writes(server: &Server, disk: &Disk) {
    assert!(disk.drives().unwrap().iter().any(|drive| drive.drive == Drive::B && drive.is_read_only));
    let refused = disk.write(sector(1), &[9; SECTOR]).and_then(|()| disk.flush());
    assert!(refused.is_err());
    let mut device = Device::listening(server.address(), CHANNEL);
    let before = device.read_sector(CHANNEL, SECTOR as u32);
    device.write_sector(CHANNEL, SECTOR as u32, &[9; SECTOR]);
    assert_eq!(device.read_sector(CHANNEL, SECTOR as u32), before);
}

#[test]
fn a_folder_without_write_access_whose_journal_has_writes_is_refused() {
    let data = Data::new();
    let Some(mount) = Mount::new(data.folder(), 24) else { return };
    put_template(&data);
    let server = Server::start_with(&data, &SMALL);
    let disk = disk(&server, CHANNEL);
    disk.write(sector(1), &[8; SECTOR]).unwrap();
    disk.flush().unwrap();
    server.kill();
    mount.make_read_only();
    let refusal = Server::refused(&data, &["--listen", "127.0.0.1:0"]);
    assert_eq!(refusal.code, 78);
    assert!(refusal.text.contains("make it writable once"), "{}", refusal.text);
}

#[test]
fn an_image_that_is_read_only_is_read_from() {
    let data = Data::numbered();
    fs::create_dir_all(data.path("channels/12345678")).unwrap();
    fs::write(data.image(CHANNEL), numbered_image()).unwrap();
    fs::set_permissions(data.image(CHANNEL), fs::Permissions::from_mode(0o444)).unwrap();
    let server = Server::start(&data);
    let disk = disk(&server, CHANNEL);
    assert_eq!(read(&disk, 2), [filling(2); SECTOR]);
    refuses_writes(&server, &disk);
    server.stop();
    assert!(fs::read(data.image(CHANNEL)).unwrap() == numbered_image());
}

#[test]
fn images_of_no_known_shape_are_no_drives() {
    let data = Data::numbered();
    fs::create_dir_all(data.path("channels/12345678")).unwrap();
    fs::write(data.image(CHANNEL), [1; 1_000]).unwrap();
    let server = Server::start(&data);
    let mut device = Device::listening(server.address(), CHANNEL);
    device.write_sector(CHANNEL, 0, &[9; SECTOR]);
    assert_eq!(device.read_sector(CHANNEL, 0), [0; SECTOR], "as past an image");
    let mut other = Device::listening(server.address(), "1");
    assert_eq!(other.read_sector("1", 0), [filling(0); SECTOR]);
    server.stop();
    assert_eq!(fs::read(data.image(CHANNEL)).unwrap(), [1; 1_000]);

    fs::write(data.path("templates/c.dsk"), [1; 77]).unwrap();
    let refusal = Server::refused(&data, &["--listen", "127.0.0.1:0"]);
    assert_eq!(refusal.code, 78);
    assert!(refusal.text.contains("c.dsk: an image of 77 bytes"), "{}", refusal.text);
}
