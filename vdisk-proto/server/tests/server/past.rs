//! A server whose folder is restored from an older copy, under a device that knows more.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use vdisk_proto::client::{Disk, Error, Event};

use crate::broker::free_port;
use crate::data::Data;
use crate::server::Server;
use crate::{CHANNEL, LONG, SECTOR, disk, read, sector};
use sector_cache::Drive;

/// Copies what is in a folder, with its times.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(status.success());
}

/// Makes the files of a folder what they were, without making others of them, as a snapshot of a disk does.
fn roll_back(folder: &Path, past: &Path) {
    let entries = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in entries(folder).filter(|path| path.is_file()) {
        if !past.join(path.file_name().unwrap()).exists() {
            fs::remove_file(path).unwrap();
        }
    }
    for old in entries(past) {
        let path = folder.join(old.file_name().unwrap());
        if old.is_dir() {
            roll_back(&path, &old);
        } else {
            fs::write(&path, fs::read(&old).unwrap()).unwrap();
            let modified = fs::metadata(&old).unwrap().modified().unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        }
    }
}

/// A device whose second write is acknowledged and not in the folder any more, and the server of that.
fn set_back(restore: impl FnOnce(&Path, &Path)) -> (Server, Disk, (Data, Data)) {
    let (data, past) = (Data::numbered(), Data::new());
    let listen = format!("127.0.0.1:{}", free_port());
    let options = ["--listen", &listen];
    let server = Server::start_with(&data, &options);
    let disk = disk(&server, CHANNEL);
    disk.write(sector(0), &[1; SECTOR]).unwrap();
    disk.flush().unwrap();
    server.stop();
    copy(data.folder(), past.folder());
    let server = Server::start_with(&data, &options);
    disk.write(sector(0), &[2; SECTOR]).unwrap();
    disk.flush().unwrap();
    server.stop();
    restore(data.folder(), past.folder());
    (Server::start_with(&data, &options), disk, (data, past))
}

/// What a device is told first of what became of its disks.
fn told(disk: &Disk) -> Event {
    loop {
        let event = disk.next_event(LONG).unwrap().expect("it is not told");
        if matches!(event, Event::DataLoss | Event::DriveChanged(_)) {
            return event;
        }
    }
}

#[test]
fn a_folder_that_is_copied_back_has_other_drives() {
    let (server, disk, _folders) = set_back(|data, past| {
        // Made while the files that it replaces are there: a file system may number new ones as it did those that went.
        let restored = data.with_extension("restored");
        fs::create_dir(&restored).unwrap();
        copy(past, &restored);
        fs::remove_dir_all(data).unwrap();
        fs::rename(restored, data).unwrap();
    });
    assert_eq!(told(&disk), Event::DriveChanged(Drive::B));
    assert_eq!(read(&disk, 0), [1; SECTOR]);
    disk.flush().unwrap();
    assert!(server.stop().contains("was changed while no server ran"));
}

#[test]
fn files_that_are_rolled_back_are_a_loss_of_data() {
    let (_server, disk, _folders) = set_back(roll_back);
    assert_eq!(told(&disk), Event::DataLoss);
    let error = disk.flush().unwrap_err();
    assert!(matches!(error, Error::DataLoss { unacknowledged: 0 }), "{error:?}");
    assert_eq!(read(&disk, 0), [1; SECTOR]);
    disk.flush().unwrap();
}
