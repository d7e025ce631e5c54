//! A server that speaks version 1 only.

use sector_cache::Drive;
use vdisk_proto::client::{Disk, Error, Event};
use vdisk_proto::codec::Topic;

use crate::broker::Broker;
use crate::server::{self, Server, filling};
use crate::{LONG, await_event, options, read, sector};

#[test]
fn a_server_of_version_1_is_found_and_spoken_to() {
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    let server = Server::start_with(server::mqtt(broker.port()), &[Topic::LegacyRead, Topic::LegacyWrite]);
    let disk = Disk::open(&options(&broker).open_timeout(LONG)).unwrap();
    await_event(&disk, |event| *event == Event::FellBack);
    assert!(disk.stats().unwrap().is_version_1);
    assert_eq!(disk.drives().unwrap().iter().map(|info| info.drive).collect::<Vec<_>>(), [Drive::B]);
    assert_eq!(read(&disk, 40), [filling(40); 137]);
    for number in 40..60 {
        disk.write(sector(number), &[7; 137]).unwrap();
    }
    disk.flush().unwrap();
    assert!((40..60).all(|number| server.sector(number) == [7; 137]));
    disk.close().unwrap();
}

#[test]
fn it_is_not_spoken_to_if_the_options_say_so() {
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    let _server = Server::start_with(server::mqtt(broker.port()), &[Topic::LegacyRead, Topic::LegacyWrite]);
    let options = options(&broker).may_fall_back(false).open_timeout(std::time::Duration::from_secs(12));
    assert!(matches!(Disk::open(&options), Err(Error::NoServer { .. })));
}
