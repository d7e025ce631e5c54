//! `vdisk-server` itself, from end to end: the program that people start, its files, and devices over the network.
//!
//! Nothing here is a stand-in. Where a program is missing that a test needs, such as mosquitto, the test says so and
//! passes, unless `REQUIRE_REAL=1` is set.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]
#![cfg(unix)]

mod bad_input;
#[path = "../../../tests/client/broker.rs"]
mod broker;
mod broker_away;
mod chance;
mod channels;
mod cpmtools;
mod data;
mod device;
mod embedded;
mod full_disk;
mod kills;
mod legacy;
mod mosquitto;
mod nats;
mod noise;
mod past;
mod power_cuts;
mod program;
mod recovery;
mod replaced;
mod secure;
mod server;
mod sharing;
mod soak;
mod start;
mod written;

use std::time::{Duration, Instant};

use sector_cache::SectorKey;
use vdisk_proto::client::{Disk, Options};

use server::Server;

/// More than anything here takes, on a machine that others use too.
const LONG: Duration = Duration::from_secs(30);

/// The channel of a test that needs only one.
const CHANNEL: &str = "12345678";

/// How long a legacy sector is, and how many an 8-inch disk has.
const SECTOR: usize = 137;
const SECTORS: u32 = 77 * 32;

/// A disk of version 2.
fn disk(server: &Server, channel: &str) -> Disk {
    Disk::open(&options(&server.url(), channel)).unwrap()
}

fn options(url: &str, channel: &str) -> Options {
    Options::new(url, channel).may_fall_back(false).open_timeout(LONG).timeout(LONG)
}

/// A sector of drive B.
fn sector(number: u32) -> SectorKey {
    SectorKey::try_new(1, number).unwrap()
}

fn read(disk: &Disk, number: u32) -> Vec<u8> {
    let mut bytes = vec![0; SECTOR];
    disk.read(sector(number), &mut bytes).unwrap();
    bytes
}

/// Waits until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "{what}: it does not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}
