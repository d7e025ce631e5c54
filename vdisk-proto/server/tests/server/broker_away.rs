//! A broker that is not there, or goes away.

use std::time::{Duration, Instant};

use crate::broker::{Broker, free_port};
use crate::data::{Data, filling};
use crate::device::Device;
use crate::server::{Refusal, Server};
use crate::{CHANNEL, SECTOR, disk, read, sector, wait_until};

fn broker() -> Option<Broker> {
    Broker::start("allow_anonymous true")
}

#[test]
fn a_server_without_its_broker_says_so_and_may_be_started_again() {
    let data = Data::new();
    let url = format!("mqtt://127.0.0.1:{}", free_port());
    let refusal = Server::refused(&data, &["--broker", &url]);
    assert_eq!(refusal.code, 69, "{}", refusal.text);
    assert!(refusal.text.contains(&url["mqtt://".len()..]), "{}", refusal.text);
    data.assert_closed();
}

#[test]
fn a_broker_that_comes_back_has_its_server_again() {
    let Some(mut broker) = broker() else { return };
    let data = Data::numbered();
    let server = Server::join(&data, broker.port(), &[]);
    let disk = disk(&server, CHANNEL);
    for round in 0..3_u8 {
        for number in 0..50 {
            disk.write(sector(number), &[round; SECTOR]).unwrap();
        }
        broker.restart();
        disk.write(sector(50), &[round; SECTOR]).unwrap();
        disk.flush().unwrap();
        assert_eq!(data.sector(CHANNEL, 50), [round; SECTOR]);
        assert_eq!(read(&disk, 1_000 + u32::from(round))[0], filling(1_000 + u32::from(round)));
    }
    disk.close().unwrap();
    let log = server.stop();
    assert_eq!(log.matches("the broker is away").count(), 3, "{log}");
    for number in 0..=50 {
        assert_eq!(data.sector(CHANNEL, number), [2; SECTOR]);
    }
    data.assert_closed();
}

#[test]
fn a_message_that_is_too_long_for_any_frame_takes_no_other_channel_its_server() {
    let Some(broker) = broker() else { return };
    let data = Data::numbered();
    let server = Server::join(&data, broker.port(), &[]);
    let mut device = Device::listening(server.address(), CHANNEL);
    let mut other = Device::connect(server.address(), "other");
    for topic in ["altair/other/vdisk/v2/req", "altair/other/vdisk/write", "altair/other/vdisk/read"] {
        other.publish(topic, &[0; 200_000]);
        assert_eq!(device.read_sector(CHANNEL, 0), [filling(0); SECTOR]);
        // The next server is told of it, too.
        other.retain(topic, &[0; 200_000]);
        assert_eq!(device.read_sector(CHANNEL, 0), [filling(0); SECTOR]);
    }
    let log = server.stop();
    assert!(!log.contains("the broker is away"), "{log}");
    let server = Server::join(&data, broker.port(), &[]);
    assert_eq!(device.read_sector(CHANNEL, 0), [filling(0); SECTOR]);
    server.stop();
}

#[test]
fn a_server_whose_broker_is_gone_for_good_ends_in_time_and_keeps_all() {
    let Some(mut broker) = broker() else { return };
    let data = Data::numbered();
    let server = Server::join(&data, broker.port(), &[]);
    let mut device = Device::connect(server.address(), "device");
    let disk = disk(&server, "two");
    for number in 0..32 {
        device.write_sector(CHANNEL, number * SECTOR as u32, &[0x31; SECTOR]);
        disk.write(sector(number), &[0x32; SECTOR]).unwrap();
    }
    disk.flush().unwrap();
    broker.kill();
    server.await_log("the broker is away");
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    for number in 0..32 {
        assert_eq!(data.sector("two", number), [0x32; SECTOR]);
    }
    // The last flush was behind these.
    assert_eq!(data.sector(CHANNEL, 0), [0x31; SECTOR]);
    data.assert_closed();
}

#[test]
fn a_broker_that_hangs_does_not_keep_a_server_from_ending() {
    let Some(broker) = broker() else { return };
    let data = Data::numbered();
    let server = Server::join(&data, broker.port(), &[]);
    let disk = disk(&server, CHANNEL);
    disk.write(sector(0), &[0x41; SECTOR]).unwrap();
    disk.flush().unwrap();
    broker.hang(true);
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    broker.hang(false);
    assert_eq!(data.sector(CHANNEL, 0), [0x41; SECTOR]);
    data.assert_closed();
}

#[test]
fn a_server_that_waits_for_its_first_broker_ends_when_it_is_told_to() {
    let Some(broker) = broker() else { return };
    let data = Data::numbered();
    broker.hang(true);
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    let program = Server::launch(&data, &["--broker", &url]);
    wait_until("it is about to join", || data.path("client-identifier").exists());
    // It has nothing to read again yet.
    program.signal("-HUP");
    program.signal("-TERM");
    let end = Refusal::of(program);
    broker.hang(false);
    assert_eq!(end.code, 0, "{}", end.text);
    // It may be started again at once.
    Server::join(&data, broker.port(), &[]).stop();
    data.assert_closed();
}
