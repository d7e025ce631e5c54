//! TLS with certificates of both ends.

use std::time::Duration;

use vdisk_proto::client::{ConnectionFailure, Disk, Error, Options};
use vdisk_proto::codec::Topic;

use crate::broker::{Broker, Folder};
use crate::certificates::{make, secure_broker, secure_server};
use crate::server::{CHANNEL, Server, filling};
use crate::{LONG, read, sector};

fn options(broker: &Broker) -> Options {
    Options::new(&format!("mqtts://127.0.0.1:{}", broker.port()), CHANNEL).timeout(LONG)
}

#[test]
fn a_disk_is_read_and_written_with_certificates() {
    let Some((broker, folder)) = secure_broker() else { return };
    let server = Server::start_with(secure_server(&broker, &folder), &[Topic::Request]);
    let options = options(&broker)
        .authority_file(folder.join("authority.pem"))
        .certificate_files(folder.join("device.pem"), folder.join("device.key"));
    let disk = Disk::open(&options).unwrap();
    assert_eq!(read(&disk, 40), [filling(40); 137]);
    disk.write(sector(40), &[7; 137]).unwrap();
    disk.close().unwrap();
    assert_eq!(server.sector(40), [7; 137]);
}

#[test]
fn ends_that_do_not_trust_each_other_are_told_so() {
    let Some((broker, folder)) = secure_broker() else { return };
    let options = options(&broker).open_timeout(Duration::from_secs(5));
    let name = |name| folder.join(name);
    for options in [
        options.clone().authority_file(name("stranger.pem")),
        options.clone().authority_file(name("authority.pem")),
        options
            .authority_file(name("authority.pem"))
            .certificate_files(name("stranger.pem"), name("stranger.key")),
    ] {
        let error = Disk::open(&options).unwrap_err();
        assert!(matches!(error, Error::Connection(ConnectionFailure::Tls { .. })), "{error:?}");
    }
    // Without TLS the broker hangs up.
    let plain = Options::new(&format!("mqtt://127.0.0.1:{}", broker.port()), CHANNEL);
    let error = Disk::open(&plain).unwrap_err();
    assert!(error.to_string().contains("wants mqtt or mqtts there"), "{error}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = Folder::new();
    if make(&folder.0).is_none() {
        return;
    }
    let name = |name| folder.0.join(name);
    std::fs::write(name("text.pem"), "no certificate").unwrap();
    let options = Options::new("mqtts://127.0.0.1:1", CHANNEL);
    let good = options.clone().authority_file(name("authority.pem"));
    for (options, path) in [
        (options.authority_file(name("text.pem")), "text.pem"),
        (good.clone().certificate_files(name("missing.pem"), name("device.key")), "missing.pem"),
        (good.clone().certificate_files(name("device.pem"), name("text.pem")), "text.pem"),
        (good.certificate_files(name("device.pem"), name("server.key")), "server.key"),
    ] {
        let error = Disk::open(&options).unwrap_err();
        assert!(matches!(error, Error::File { .. }) && error.to_string().contains(path), "{error:?}");
    }
}
