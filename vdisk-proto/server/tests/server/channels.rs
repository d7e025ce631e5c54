//! What the log says of channels, so that a mistyped one is seen.

use crate::data::Data;
use crate::device::Device;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, disk, sector};

/// The line of a server's log that says something of a channel.
fn line(server: &Server, what: &str, channel: &str) -> String {
    let mut found = None;
    crate::wait_until(what, || {
        let log = server.log();
        let is_it = |line: &&str| line.contains(what) && line.ends_with(&format!("channels={channel}"));
        found = log.lines().find(is_it).map(str::to_owned);
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn a_channel_s_first_session_and_another_beside_it_are_in_the_log() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let one = disk(&server, CHANNEL);
    assert!(line(&server, "new channels", CHANNEL).contains(" INFO "));
    assert!(!server.log().contains("in the place of"), "there was none");
    let _two = disk(&server, CHANNEL);
    assert!(line(&server, "new sessions in the place of", CHANNEL).contains(" INFO "));
    drop(one);

    // An emulator has no session; it writes.
    let mut emulator = Device::connect(server.address(), "emulator");
    emulator.write_sector("12345679", 0, &[1; SECTOR]);
    line(&server, "new channels", "12345679");
    server.stop();

    let server = Server::start(&data);
    let disk = disk(&server, CHANNEL);
    line(&server, "channels are back", CHANNEL);
    disk.write(sector(0), &[1; SECTOR]).unwrap();
    disk.close().unwrap();
    let log = server.stop();
    assert_eq!(log.matches("channels are back").count(), 1, "{log}");
    assert!(!log.contains("new channels"), "{log}");
}
