//! What devices and people do wrong: the server says so, answers where the protocol can, and goes on.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use vdisk_proto::codec::frame::{self, Frame, Operation};
use vdisk_proto::codec::{Channel, Status, crc32c};

use crate::data::{Data, filling, numbered_image};
use crate::device::Device;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, SECTORS, disk, sector};

const READ: &str = "altair/12345678/vdisk/read";
const WRITE: &str = "altair/12345678/vdisk/write";

/// A server with a numbered disk, and a device.
fn parts() -> (Data, Server, Device) {
    let data = Data::numbered();
    let server = Server::start(&data);
    let device = Device::listening(server.address(), CHANNEL);
    (data, server, device)
}

/// The server serves, and has changed nothing. Says what it logged.
fn unhurt(data: &Data, mut device: Device, server: Server) -> String {
    assert_eq!(device.read_sector(CHANNEL, 3 * SECTOR as u32), [filling(3); SECTOR]);
    let log = server.stop();
    assert!(data.channels().is_empty(), "{:?}", data.channels());
    assert_eq!(fs::read(data.template()).unwrap(), numbered_image());
    data.assert_closed();
    log
}

/// How many of something were logged, in all.
fn counted(log: &str, what: &str) -> u64 {
    let counts = log.lines().filter_map(|line| line.split_once(what)?.0.trim_end().rsplit(' ').next());
    counts.map(|count| count.parse::<u64>().unwrap()).sum()
}

/// A legacy message: an offset, and so many bytes.
fn message(offset: u32, length: usize) -> Vec<u8> {
    [&offset.to_le_bytes()[..], &vec![0xaa; length]].concat()
}

#[test]
fn legacy_messages_of_wrong_lengths_are_dropped_and_counted() {
    let (data, server, mut device) = parts();
    for length in [0, 3, 5, 141] {
        device.publish(READ, &message(0, 141)[..length]);
    }
    for length in [0, 4, 140, 142, 4 + 2 * SECTOR, 60_000] {
        device.publish(WRITE, &message(0, 60_000)[..length]);
    }
    let log = unhurt(&data, device, server);
    assert_eq!(counted(&log, "legacy messages of a wrong length"), 10, "{log}");
}

#[test]
fn legacy_offsets_that_are_no_sector_s_change_nothing() {
    let (data, server, mut device) = parts();
    let end = SECTORS * SECTOR as u32;
    for offset in [0xffff_fff0, u32::MAX, end, end - 1, 1, 138] {
        device.publish(WRITE, &message(offset, SECTOR));
    }
    for offset in [0xffff_fff0, end, end + 137 * 7] {
        assert_eq!(device.read_sector(CHANNEL, offset), [0; SECTOR]);
    }
    let across = [[filling(SECTORS - 1); SECTOR - 7].as_slice(), &[0; 7]].concat();
    assert_eq!(device.read_sector(CHANNEL, end - (SECTOR as u32 - 7)), across);
    let between = [[filling(0); SECTOR - 1].as_slice(), &[filling(1)]].concat();
    assert_eq!(device.read_sector(CHANNEL, 1), between);
    let log = unhurt(&data, device, server);
    assert_eq!(counted(&log, "legacy writes dropped that are no sector of the image"), 6, "{log}");
    assert_eq!(counted(&log, "legacy reads past the image"), 4, "{log}");
}

#[test]
fn channels_that_are_none_get_nothing() {
    let (data, server, mut device) = parts();
    let short = ["", "a b", "..", "a.b", "\u{e4}", "b.dsk", "../templates"];
    for name in short.map(str::to_owned).iter().chain(&["x".repeat(33), "x".repeat(200)]) {
        device.publish(&format!("altair/{name}/vdisk/read"), &message(0, 0));
        device.publish(&format!("altair/{name}/vdisk/write"), &message(0, SECTOR));
    }
    for name in ["x".repeat(300), "a/b/c/d/e/f".to_owned()] {
        device.publish(&format!("altair/{name}/vdisk/read"), &message(0, 0));
    }
    let log = unhurt(&data, device, server);
    assert_eq!(counted(&log, "messages on topics of no channel"), 18, "{log}");
    assert_eq!(counted(&log, "messages on topics that their sender may not use"), 2, "{log}");
}

#[test]
fn a_channel_called_like_a_folder_of_the_server_s_has_its_own() {
    let (data, server, mut device) = parts();
    let names = ["templates", "channels", "journal", "lock", "b", "vdisk-server"];
    for name in names {
        assert_eq!(device.subscribe(&format!("altair/{name}/vdisk/data")), 0);
        device.write_sector(name, 0, &[0x11; SECTOR]);
        assert_eq!(device.read_sector(name, 0), [0x11; SECTOR]);
    }
    assert_eq!(device.read_sector(CHANNEL, 0), [filling(0); SECTOR]);
    server.stop();
    for name in names {
        assert_eq!(data.sector(name, 0), [0x11; SECTOR], "{name}");
    }
    assert_eq!(fs::read(data.template()).unwrap(), numbered_image());
}

#[test]
fn frames_that_are_none_get_no_answer_and_those_of_the_future_one() {
    let (data, server, mut device) = parts();
    assert_eq!(device.subscribe("altair/12345678/vdisk/v2/rsp"), 0);
    let channel = Channel::new(CHANNEL).unwrap();
    let sealed = |change: fn(&mut [u8])| {
        let mut bytes = [0; frame::OVERHEAD];
        assert!(Frame::blank(Operation::Read, 0, 1).encode(&channel, &mut bytes));
        let (head, checksum) = bytes.split_at_mut(frame::HEAD_LENGTH);
        change(head);
        checksum.copy_from_slice(&crc32c(&[channel.as_bytes(), head]).to_le_bytes());
        bytes
    };
    let mut damaged = sealed(|_| {});
    damaged[9] ^= 1;
    let malformed: [&[u8]; 5] = [b"", b"VD", &sealed(|head| head[0] = 0), &damaged, &[0xff; 20_000]];
    for bytes in malformed {
        device.publish("altair/12345678/vdisk/v2/req", bytes);
    }
    device.publish("altair/12345678/vdisk/v2/req", &sealed(|head| head[3] |= 0x80));
    for (change, status) in [
        ((|head| head[2] = 3) as fn(&mut [u8]), Status::UnsupportedVersion),
        (|head| head[3] = 0x7f, Status::BadRequest),
        (|_| {}, Status::StaleSession),
    ] {
        device.publish("altair/12345678/vdisk/v2/req", &sealed(change));
        assert_eq!(device.receive().payload[23], status as u8);
    }
    let log = unhurt(&data, device, server);
    assert_eq!(counted(&log, "messages that are no frame"), malformed.len() as u64, "{log}");
    assert_eq!(counted(&log, "answers that a device sent"), 1, "{log}");
}

#[test]
fn retained_messages_of_disks_are_dropped_and_not_kept() {
    let (data, server, mut device) = parts();
    device.retain(READ, &message(0, 0));
    device.retain(WRITE, &message(0, SECTOR));
    let mut late = Device::connect(server.address(), "late");
    assert_eq!(late.subscribe("altair/#"), 0);
    assert_eq!(device.read_sector(CHANNEL, 0), [filling(0); SECTOR]);
    assert_eq!(late.receive().topic, "altair/12345678/vdisk/data", "nothing was kept for it");
    let log = unhurt(&data, device, server);
    assert_eq!(counted(&log, "messages with the retain flag"), 2, "{log}");
}

#[test]
fn answers_that_a_device_sends_reach_nobody() {
    let (data, server, mut device) = parts();
    let mut liar = Device::connect(server.address(), "liar");
    liar.publish("altair/12345678/vdisk/data", &message(0, SECTOR));
    liar.publish("altair/vdisk-server/claim", b"me");
    assert_eq!(device.read_sector(CHANNEL, 0), [filling(0); SECTOR]);
    let log = unhurt(&data, device, server);
    assert_eq!(counted(&log, "messages on topics that their sender may not use"), 2, "{log}");
}

#[test]
fn bytes_that_are_no_mqtt_end_their_connection_and_no_other() {
    let (data, server, device) = parts();
    let beginnings: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 64],
        &[0x10, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x10, 4, 0, 4, b'M', b'Q'],
        &[0x00, 0x00],
        &[0x10, 0x02, 0xff, 0xff],
    ];
    for bytes in beginnings {
        let mut stranger = Device::stranger(server.address());
        stranger.write(bytes).unwrap();
        stranger.hang_up();
        assert!(stranger.is_ended(), "{bytes:?}");
    }
    for bytes in [&[0x30, 1, 0][..], &[0x36, 0], &[0x82, 2, 0, 1], &[0xf0, 0], &[0x20, 0]] {
        let mut member = Device::connect(server.address(), "member");
        member.write(bytes).unwrap();
        assert!(member.is_ended(), "{bytes:?}");
    }
    unhurt(&data, device, server);
}

#[test]
fn a_stop_loses_nothing_that_was_accepted() {
    let (data, server, mut device) = parts();
    let disk = disk(&server, "two");
    for number in 0..64 {
        device.write_sector(CHANNEL, number * SECTOR as u32, &[0x21; SECTOR]);
        disk.write(sector(number), &[0x22; SECTOR]).unwrap();
    }
    disk.flush().unwrap();
    server.stop();
    for number in 0..64 {
        assert_eq!(data.sector(CHANNEL, number), [0x21; SECTOR]);
        assert_eq!(data.sector("two", number), [0x22; SECTOR]);
    }
    assert_eq!(data.sector("two", 64), [filling(64); SECTOR]);
    data.assert_closed();
}

#[test]
fn a_stop_under_way_loses_nothing_that_the_broker_took() {
    const WRITTEN: u32 = 16;
    let (data, server, _) = parts();
    let address = server.address();
    let taken = AtomicU32::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut device = Device::connect(address, "quick");
            let bytes = |number: u32| number.to_le_bytes().repeat(SECTOR.div_ceil(4))[..SECTOR].to_vec();
            for number in 1.. {
                let offset = number % WRITTEN * SECTOR as u32;
                let payload = [offset.to_le_bytes().to_vec(), bytes(number)].concat();
                if device.try_publish(WRITE, &payload).is_err() {
                    break;
                }
                taken.store(number, Ordering::Relaxed);
            }
        });
        crate::wait_until("it is under way", || taken.load(Ordering::Relaxed) > 100);
        server.stop();
    });
    let taken = taken.into_inner();
    for last in taken - WRITTEN + 1..=taken {
        let bytes = data.sector(CHANNEL, last % WRITTEN);
        let number = u32::from_le_bytes(bytes[..4].try_into().unwrap());
        // The broker may have taken one more, and not said so.
        assert!(number == last || number == taken + 1, "{number} is there, and {last} was taken");
    }
    data.assert_closed();
}

#[test]
fn a_kill_while_images_are_made_leaves_whole_ones() {
    let data = Data::numbered();
    for round in 0..6_u8 {
        let server = Server::start(&data);
        let address = server.address();
        let writer = thread::spawn(move || {
            let mut device = Device::connect(address, "device");
            for number in 0.. {
                let topic = format!("altair/c{round}-{number}/vdisk/write");
                if device.try_publish(&topic, &message(0, SECTOR)).is_err() {
                    break;
                }
            }
        });
        let made = || fs::read_dir(data.path("channels")).unwrap().count();
        let before = made();
        crate::wait_until("images are made", || made() >= before + 3);
        thread::sleep(Duration::from_millis(u64::from(round)));
        server.kill();
        writer.join().unwrap();
    }
    Server::start(&data).stop();
    // What was half made has another name.
    let images = data.channels().into_iter().filter(|path| path.ends_with("b.dsk"));
    let images: Vec<_> = images.collect();
    assert!(images.len() >= 12, "{images:?}");
    for image in &images {
        let bytes = fs::read(image).unwrap();
        assert!([[0xaa; SECTOR], [0; SECTOR]].contains(&bytes[..SECTOR].try_into().unwrap()), "{image:?}");
        assert!(bytes[SECTOR..] == numbered_image()[SECTOR..], "{image:?} is not whole");
    }
}

#[test]
fn new_channels_cost_others_nothing() {
    let (data, server, mut device) = parts();
    let disk = disk(&server, "two");
    for number in 0..100 {
        device.publish(&format!("altair/new-{number}/vdisk/write"), &message(0, SECTOR));
        disk.write(sector(number), &[0x33; SECTOR]).unwrap();
    }
    disk.flush().unwrap();
    server.stop();
    for number in 0..100 {
        assert_eq!(data.sector("two", number), [0x33; SECTOR]);
        assert_eq!(data.sector(&format!("new-{number}"), 0), [0xaa; SECTOR]);
    }
}
