//! Disks through a mosquitto, from a server that is the service over a store in memory.
//!
//! Nothing here is a stand-in but where a test says so: the broker is real, and the server is the one that there is.
//! Where mosquitto or openssl is missing the tests that need it say so, and pass unless `REQUIRE_REAL=1` is set.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod broker;
mod certificates;
mod disk;
mod failures;
mod open;
mod proxy;
mod restarts;
mod secure;
mod server;
mod sharing;
mod traps;
mod version_1;

use std::time::Duration;

use sector_cache::SectorKey;
use vdisk_proto::client::{Disk, Event, Options};

use broker::Broker;
use server::{CHANNEL, Server};

/// More than anything here takes, on a machine that others use too.
const LONG: Duration = Duration::from_secs(30);

/// A broker with a server that speaks both versions; `None` where there is no mosquitto.
fn parts() -> Option<(Broker, Server)> {
    let broker = Broker::start("allow_anonymous true")?;
    let server = Server::start(broker.port());
    Some((broker, server))
}

fn options(broker: &Broker) -> Options {
    Options::new(&format!("mqtt://127.0.0.1:{}", broker.port()), CHANNEL).timeout(LONG)
}

/// A sector of drive B.
fn sector(number: u32) -> SectorKey {
    SectorKey::try_new(1, number).unwrap()
}

fn read(disk: &Disk, number: u32) -> Vec<u8> {
    let mut bytes = vec![0; 137];
    disk.read(sector(number), &mut bytes).unwrap();
    bytes
}

/// Waits for an event, over others.
fn await_event(disk: &Disk, is_it: impl Fn(&Event) -> bool) {
    loop {
        let event = disk.next_event(LONG).unwrap().expect("the event does not come");
        if is_it(&event) {
            return;
        }
    }
}
