//! Writes that fail after they were accepted, and disks that others change.

use sector_cache::Drive;
use vdisk_proto::client::{Disk, Error, Event};
use vdisk_proto::codec::Status;
use vdisk_proto::session::Failure;
use vdisk_proto::store::Faults;

use crate::server::filling;
use crate::{await_event, options, parts, read, sector};

#[test]
fn a_refused_write_is_told_by_an_event_and_by_one_flush() {
    let Some((broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    server.store.set_faults(Faults { refuse: Some(Status::DiskFull), ..Faults::default() });
    disk.write(sector(3), &[1; 137]).unwrap();
    let error = disk.flush().unwrap_err();
    let Error::WritesFailed { count: 1, key, failure } = &error else { panic!("{error:?}") };
    assert_eq!((*key, *failure), (sector(3), Failure::Refused(Status::DiskFull)));
    assert!(error.to_string().contains("B:3") && error.to_string().contains("disk is full"), "{error}");
    let failed = Event::WriteFailed(sector(3), Failure::Refused(Status::DiskFull));
    await_event(&disk, |event| *event == failed);
    disk.flush().unwrap();
    assert_eq!(read(&disk, 3), [filling(3); 137], "the cache keeps nothing that the disk has not");
    // One that nobody flushed is told by the close.
    disk.write(sector(4), &[1; 137]).unwrap();
    await_event(&disk, |event| matches!(event, Event::WriteFailed(..)));
    assert!(matches!(disk.close(), Err(Error::WritesFailed { count: 1, .. })));
}

#[test]
fn an_image_that_is_replaced_goes_from_the_cache() {
    let Some((broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    assert_eq!(read(&disk, 7), [filling(7); 137]);
    server.replace(vec![0xee; 337_568]);
    await_event(&disk, |event| *event == Event::DriveChanged(Drive::B));
    assert_eq!(read(&disk, 7), [0xee; 137]);
    disk.close().unwrap();
}

#[test]
fn writes_that_were_meant_for_a_replaced_image_fail() {
    let Some((broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    server.hold(true);
    disk.write(sector(7), &[1; 137]).unwrap();
    server.wait(|seen| seen.holds_group);
    disk.write(sector(8), &[1; 137]).unwrap();
    server.replace(vec![0xee; 337_568]);
    server.crash(None);
    server.replace(vec![0xee; 337_568]);
    let error = disk.flush().unwrap_err();
    assert!(matches!(error, Error::WritesFailed { failure: Failure::Changed, .. }), "{error:?}");
    assert_eq!(read(&disk, 8), [0xee; 137]);
    disk.close().unwrap();
}

#[test]
fn a_server_set_back_to_the_past_is_told_as_a_loss_of_data() {
    let Some((mut broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    disk.write(sector(1), &[1; 137]).unwrap();
    disk.flush().unwrap();
    let past = server.store.save();
    disk.write(sector(1), &[2; 137]).unwrap();
    disk.flush().unwrap();
    server.crash(Some(past));
    // On a new connection the session asks at once, and not only after a while.
    broker.restart();
    await_event(&disk, |event| *event == Event::DataLoss);
    let error = disk.flush().unwrap_err();
    assert!(matches!(error, Error::DataLoss { unacknowledged: 0 }), "{error:?}");
    assert_eq!(read(&disk, 1), [1; 137]);
    disk.flush().unwrap();
    disk.close().unwrap();
}
