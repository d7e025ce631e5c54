//! Images that people replace.

use std::fs;
use std::process::Output;

use sector_cache::{Drive, SectorKey};
use vdisk_proto::client::{Disk, Error, Event};
use vdisk_proto::session::Failure;

use crate::data::{Data, numbered_image};
use crate::device::Device;
use crate::program::command;
use crate::server::Server;
use crate::{CHANNEL, LONG, SECTOR, SECTORS, disk, read, sector, wait_until};

/// An image that is full of a byte, in a file.
fn image(data: &Data, fill: u8) -> String {
    let path = data.path(&format!("{fill}.image"));
    fs::write(&path, vec![fill; SECTOR * SECTORS as usize]).unwrap();
    path.display().to_string()
}

/// Runs `vdisk-server replace`.
fn replace(data: &Data, arguments: &[&str]) -> Output {
    command(["replace", "--data"]).arg(data.folder()).args(arguments).output().unwrap()
}

/// Has an image replaced, and gives what is said.
fn assert_replaced(data: &Data, arguments: &[&str]) -> String {
    let output = replace(data, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("is a copy of"), "{said}");
    said
}

/// Waits until a disk is told that drive B is another one.
fn await_change(disk: &Disk) {
    loop {
        let event = disk.next_event(LONG).unwrap().expect("the change is not told");
        if event == Event::DriveChanged(Drive::B) {
            return;
        }
    }
}

#[test]
fn a_replaced_image_is_read_by_devices_that_have_the_old_one_cached() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let disk = disk(&server, CHANNEL);
    let mut device = Device::listening(server.address(), "1");
    disk.write(sector(0), &[1; SECTOR]).unwrap();
    disk.flush().unwrap();
    assert_eq!(read(&disk, 0), [1; SECTOR]);

    assert_replaced(&data, &["--channel", CHANNEL, "b", &image(&data, 2)]);
    await_change(&disk);
    assert_eq!(read(&disk, 0), [2; SECTOR]);
    assert_eq!(device.read_sector("1", 0), [0; SECTOR], "the template of others stays");

    // The new one is written to, and so are templates that are replaced.
    disk.write(sector(1), &[3; SECTOR]).unwrap();
    disk.flush().unwrap();
    assert_replaced(&data, &["b:", &image(&data, 4)]);
    wait_until("the new template is read", || device.read_sector("1", 0) == [4; SECTOR]);
    device.write_sector("1", 0, &[5; SECTOR]);
    let log = server.stop();
    assert!(log.contains("the image was replaced"), "{log}");
    assert_eq!(data.sector(CHANNEL, 0), [2; SECTOR]);
    assert_eq!(data.sector(CHANNEL, 1), [3; SECTOR]);
    assert_eq!(data.sector("1", 0), [5; SECTOR]);
    assert_eq!(data.sector("1", 1), [4; SECTOR]);
}

#[test]
fn an_image_that_a_person_renames_into_place_is_noticed() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let disk = disk(&server, CHANNEL);
    disk.write(sector(0), &[1; SECTOR]).unwrap();
    disk.flush().unwrap();
    assert_eq!(read(&disk, 7), numbered_image()[7 * SECTOR..][..SECTOR]);
    fs::rename(image(&data, 2), data.image(CHANNEL)).unwrap();
    await_change(&disk);
    assert_eq!(read(&disk, 7), [2; SECTOR], "the cache is dropped");
    assert_eq!(read(&disk, 0), [2; SECTOR]);

    // Without it the template shows again.
    fs::remove_file(data.image(CHANNEL)).unwrap();
    await_change(&disk);
    assert_eq!(read(&disk, 0), [0; SECTOR]);
    server.stop();
    data.assert_closed();
}

#[test]
fn writes_to_an_image_that_is_gone_are_not_in_the_new_one() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let disk = disk(&server, CHANNEL);
    disk.write(sector(0), &[1; SECTOR]).unwrap();
    disk.flush().unwrap();
    server.signal("-STOP");
    for number in 0..4 {
        disk.write(sector(number), &[7; SECTOR]).unwrap();
    }
    fs::rename(image(&data, 2), data.image(CHANNEL)).unwrap();
    server.signal("-CONT");
    // The server may look before or after it takes them. Then they fail, or were in the old one.
    let _failed_or_not = disk.flush();
    await_change(&disk);
    for number in 0..4 {
        assert_eq!(read(&disk, number), [2; SECTOR]);
    }
    assert_eq!(read(&disk, 4), [2; SECTOR]);
}

#[test]
fn a_write_that_is_acknowledged_is_in_the_image_that_is_there() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let disk = disk(&server, CHANNEL);
    disk.write(sector(0), &[1; SECTOR]).unwrap();
    disk.flush().unwrap();
    let mut failed = 0;
    for fill in 100..116 {
        fs::rename(image(&data, fill), data.image(CHANNEL)).unwrap();
        // At once: nobody has looked at the images since.
        disk.write(sector(0), &[1; SECTOR]).unwrap();
        let flushed = disk.flush();
        let expected = if flushed.is_ok() { 1 } else { fill };
        assert_eq!(data.sector(CHANNEL, 0), [expected; SECTOR], "{flushed:?}");
        assert_eq!(read(&disk, 0), [expected; SECTOR], "{flushed:?}");
        if let Err(error) = flushed {
            assert!(matches!(error, Error::WritesFailed { failure: Failure::Changed, .. }), "{error:?}");
            failed += 1;
        }
    }
    assert!(failed > 0, "nothing was written before the image was noticed");
}

#[test]
fn without_a_server_images_are_replaced_too() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let disk = disk(&server, CHANNEL);
    disk.write(sector(0), &[1; SECTOR]).unwrap();
    disk.close().unwrap();
    // Its journal would have written that sector.
    server.kill();
    assert!(!assert_replaced(&data, &["--channel", CHANNEL, "B", &image(&data, 2)]).contains("new"));
    assert!(!assert_replaced(&data, &["--channel", CHANNEL, "c", &image(&data, 3)]).contains("new"));
    let mistyped = assert_replaced(&data, &["--channel", "12345679", "b", &image(&data, 3)]);
    assert!(mistyped.contains("the channel is new"), "{mistyped}");
    let server = Server::start(&data);
    let disk = crate::disk(&server, CHANNEL);
    assert_eq!(read(&disk, 0), [2; SECTOR]);
    let mut bytes = [0; SECTOR];
    disk.read(SectorKey::try_new(2, 9).unwrap(), &mut bytes).unwrap();
    assert_eq!(bytes, [3; SECTOR]);
    let log = server.stop();
    assert!(log.contains("was changed while no server ran"), "{log}");
    let copy =
        data.channels().into_iter().find(|path| path.to_string_lossy().contains("b.replayed-")).unwrap();
    assert!(log.contains(&copy.display().to_string()), "{log}");
}

#[test]
fn a_file_of_a_length_that_no_drive_has_is_named_in_the_log() {
    let data = Data::numbered();
    let [short, long] = ["short", "long"].map(|channel| data.image(channel));
    for path in [&short, &long] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
    }
    fs::write(&short, [0; 300_000]).unwrap();
    let server = Server::start(&data);
    let warned = |path: &std::path::Path, length| {
        let warning = format!("{} has {length} bytes and is no drive", path.display());
        let log = server.await_log(&warning);
        assert!(log.contains("337,568") && log.contains("76,720") && log.contains("256,256"), "{log}");
        assert_eq!(log.matches(&warning).count(), 1, "{log}");
    };
    warned(&short, 300_000);
    fs::write(data.path("new"), [0; 400_000]).unwrap();
    fs::rename(data.path("new"), &long).unwrap();
    // Its name is looked at when a device asks for the drive.
    let request = 0_u32.to_le_bytes();
    Device::connect(server.address(), "long").publish("altair/long/vdisk/read", &request);
    warned(&long, 400_000);
    // A template, too.
    fs::write(data.path("new"), [0; 500_000]).unwrap();
    fs::rename(data.path("new"), data.template()).unwrap();
    warned(&data.template(), 500_000);
    warned(&short, 300_000);
}

#[test]
fn what_is_no_image_replaces_nothing() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let image = image(&data, 2);
    fs::write(data.path("short"), [0; 1_000]).unwrap();
    let short = data.path("short").display().to_string();
    for (arguments, code, problem) in [
        (&["b", &short][..], 78, "1000 bytes"),
        (&["b", "/nowhere/at/all"], 74, "/nowhere/at/all"),
        (&["q", &image], 78, "a to p"),
        (&["--channel", "a/b", "b", &image], 78, "--channel"),
        (&["b"], 2, "IMAGE"),
    ] {
        let output = replace(&data, arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains(problem), "{errors}");
    }
    server.stop();
    assert_eq!(fs::read(data.template()).unwrap(), numbered_image());
}
