//! The server's own broker: what it does for others than disks, and for many devices.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use vdisk_server::platform;

use crate::data::{Data, filling};
use crate::device::{Device, Message, packet, string};
use crate::program::Program;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, SECTORS, disk, read, sector, wait_until};

/// The longest packet that it takes.
const LONGEST_PACKET: usize = 65_535 + 1_024;

fn message(topic: &str, payload: &[u8], is_retained: bool) -> Message {
    Message { topic: topic.to_owned(), payload: payload.to_vec(), is_retained }
}

#[test]
fn terminals_talk_as_through_any_broker() {
    let data = Data::new();
    let server = Server::start(&data);
    let mut board = Device::connect(server.address(), "board");
    let mut screen = Device::connect(server.address(), "screen");
    for filter in ["altair/12345678/dev", "altair/+/web/#", "elsewhere"] {
        assert_eq!(screen.subscribe(filter), 0);
    }
    for topic in ["altair/12345678/dev", "altair/12345678/web", "altair/9/web/a/b", "elsewhere"] {
        board.send(topic, b"with QoS 0");
        board.publish(topic, b"with QoS 1");
        // Between the two there is no order.
        let mut heard = [screen.receive(), screen.receive()];
        heard.sort_by(|one, other| one.payload.cmp(&other.payload));
        assert_eq!(heard, [&b"with QoS 0"[..], b"with QoS 1"].map(|payload| message(topic, payload, false)));
    }
    board.publish("altair/12345678/dev/ctrl", b"for nobody");
    board.publish("elsewhere", b"");
    assert_eq!(screen.receive(), message("elsewhere", b"", false));
}

#[test]
fn what_others_retain_is_kept_until_it_is_emptied() {
    let data = Data::new();
    let server = Server::start(&data);
    let mut board = Device::connect(server.address(), "board");
    board.retain("altair/12345678/dev", b"here");
    board.retain("altair/12345678/web", b"gone");
    board.retain("altair/12345678/web", b"");
    let mut late = Device::connect(server.address(), "late");
    assert_eq!(late.subscribe("altair/#"), 0);
    assert_eq!(late.receive(), message("altair/12345678/dev", b"here", true));
    board.publish("altair/12345678/web", b"new");
    assert_eq!(late.receive(), message("altair/12345678/web", b"new", false));
}

#[test]
fn whoever_listens_to_all_sees_answers_and_no_requests() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let mut listener = Device::connect(server.address(), "listener");
    assert_eq!(listener.subscribe("#"), 0);
    let mut device = Device::listening(server.address(), CHANNEL);
    device.write_sector(CHANNEL, 0, &[1; SECTOR]);
    device.read_sector(CHANNEL, SECTOR as u32);
    assert_eq!(listener.receive().topic, "altair/12345678/vdisk/data");
    device.publish("mark", b"");
    assert_eq!(listener.receive().topic, "mark");
}

#[test]
fn a_packet_that_is_too_long_ends_its_connection_and_no_other() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let mut device = Device::listening(server.address(), CHANNEL);
    let mut flood = Device::connect(server.address(), "flood");
    assert_eq!(flood.subscribe("big"), 0);
    let head = string("big").len() + 2;
    // A head of four bytes goes before it.
    let longest = vec![7; LONGEST_PACKET - 4 - head];
    flood.publish("big", &longest);
    assert_eq!(flood.receive().payload.len(), longest.len());
    // It may be cut off before all is written.
    let _cut_off = flood.write(&packet(0x30, &[&string("big")[..], &vec![7; LONGEST_PACKET]].concat()));
    assert!(flood.is_ended());
    let mut claims = Device::connect(server.address(), "claims");
    claims.write(&[0x30, 0xff, 0xff, 0xff, 0x7f]).unwrap();
    assert!(claims.is_ended(), "it is not waited for");
    assert_eq!(device.read_sector(CHANNEL, 0), [filling(0); SECTOR]);
}

#[test]
fn the_last_who_takes_an_identifier_has_it() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let mut first = Device::listening(server.address(), CHANNEL);
    let mut second = Device::listening(server.address(), CHANNEL);
    assert!(first.is_ended());
    assert_eq!(second.read_sector(CHANNEL, 0), [filling(0); SECTOR]);
}

/// A server that may have so many files open at first, and so many at most.
fn limited(data: &Data, soft: &str, hard: &str) -> Server {
    limited_with(data, soft, hard, &[])
}

/// The same, with these options.
fn limited_with(data: &Data, soft: &str, hard: &str, options: &[&str]) -> Server {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -n $1; ulimit -H -n $2; shift 2; exec \"$@\"", "sh", soft, hard]);
    command.arg(env!("CARGO_BIN_EXE_vdisk-server")).args(["--listen", "127.0.0.1:0", "--data"]);
    Server::of(Program::run(command.arg(data.folder()).args(options)))
}

#[test]
fn three_thousand_devices_connect() {
    platform::raise_file_limit();
    let files = std::fs::read_to_string("/proc/self/limits").unwrap();
    let most = files.lines().find(|line| line.starts_with("Max open files")).unwrap();
    if most.split_whitespace().nth(3).unwrap().parse().unwrap_or(u64::MAX) < 16_384 {
        return real_parts::missing("a limit of 16,384 open files");
    }
    let data = Data::numbered();
    // As a shell has it by default: the server raises it.
    let server = limited(&data, "1024", "16384");
    let start = Instant::now();
    let mut devices: Vec<_> =
        (0..3_000).map(|number| Device::connect(server.address(), &format!("device-{number}"))).collect();
    for (number, device) in devices.iter_mut().enumerate().step_by(100) {
        let channel = number.to_string();
        assert_eq!(device.subscribe(&format!("altair/{channel}/vdisk/data")), 0);
        assert_eq!(device.read_sector(&channel, 0), [filling(0); SECTOR]);
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let log = server.stop();
    assert!(!log.contains("and not 10000"), "{log}");
    data.assert_closed();
}

#[test]
fn devices_beyond_what_the_process_may_open_are_refused_and_others_served() {
    let data = Data::numbered();
    let server = limited(&data, "200", "256");
    server.await_log("64 devices are connected at a time at most, and not 10000");
    let mut devices: Vec<_> =
        (0..64).map(|number| Device::connect(server.address(), &format!("device-{number}"))).collect();
    for _ in 0..200 {
        assert!(Device::stranger(server.address()).is_ended());
    }
    assert_eq!(devices[0].subscribe("altair/1/vdisk/data"), 0);
    devices[0].write_sector("1", 0, &[1; SECTOR]);
    assert_eq!(devices[0].read_sector("1", 0), [1; SECTOR]);
    drop(devices.split_off(1));
    crate::wait_until("there is room again", || {
        let mut stranger = Device::stranger(server.address());
        stranger.hello("new", None).is_ok()
    });
}

#[test]
fn strangers_who_say_nothing_are_sat_out_and_do_not_fill_the_log() {
    let data = Data::numbered();
    let server = limited(&data, "200", "256");
    let mut device = Device::listening(server.address(), CHANNEL);
    let strangers: Vec<_> = (0..300).map(|_| Device::stranger(server.address())).collect();
    let open = || std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count();
    crate::wait_until("no file is free", || open() == 256);
    assert_eq!(device.read_sector(CHANNEL, 0), [filling(0); SECTOR]);
    drop(strangers);
    let mut late = Device::listening(server.address(), "late");
    assert_eq!(late.read_sector("late", 0), [filling(0); SECTOR]);
    let log = server.stop();
    assert!(log.lines().count() < 20, "{} lines", log.lines().count());
}

#[test]
fn strangers_who_take_all_files_end_no_server_and_keep_no_old_segments() {
    let data = Data::numbered();
    let server = limited_with(&data, "200", "256", &["--segment-mib", "4"]);
    let disk = disk(&server, CHANNEL);
    // A group takes 4 KiB at least, so that this is more than a segment. Bytes that are there already would take less.
    let fill_segment = |base: u32| {
        for number in base..base + 1_100 {
            disk.write(sector(number % SECTORS), &[(number >> 3) as u8; SECTOR]).unwrap();
            disk.flush().unwrap();
        }
    };
    disk.write(sector(0), &[1; SECTOR]).unwrap();
    disk.flush().unwrap();
    Device::connect(server.address(), "another").write_sector("another", 0, &[1; SECTOR]);
    wait_until("the other has an image", || data.image("another").exists());
    let oldest = data.segments()[0].clone();

    platform::raise_file_limit();
    let (address, is_over) = (server.address(), Arc::new(AtomicBool::new(false)));
    // Each is sat out for 10 s, and others come.
    let crowd = Arc::clone(&is_over);
    let crowd = thread::spawn(move || {
        let strangers = (0..2_000).map(|_| Device::stranger(address));
        let held: Vec<_> = strangers.take_while(|_| !crowd.load(Ordering::Relaxed)).collect();
        drop(held);
    });
    let open = || std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count();
    wait_until("no file is free", || open() == 256);
    // It is noticed while nothing can be synced.
    let copy = data.path("copy.dsk");
    std::fs::copy(data.image("another"), &copy).unwrap();
    std::fs::rename(&copy, data.image("another")).unwrap();
    fill_segment(1);
    is_over.store(true, Ordering::Relaxed);
    crowd.join().unwrap();
    server.await_log("the image was replaced");
    fill_segment(1_200);
    wait_until("the oldest segment goes", || !oldest.exists());
    drop(disk);
    server.stop();
    data.assert_closed();
}

#[test]
fn a_client_that_ends_none_of_its_messages_of_qos_2_is_thrown_out() {
    let data = Data::new();
    let server = Server::start(&data);
    let mut client = Device::connect(server.address(), "board");
    let begin = |number: u16| {
        packet(0x34, &[&string("altair/1/dev")[..], &number.to_be_bytes(), b"for a while"].concat())
    };
    for number in 1..=256 {
        client.write(&begin(number)).unwrap();
    }
    client.ping();
    // It may be cut off before it is written.
    let _cut_off = client.write(&begin(257));
    assert!(client.is_ended());
}

#[test]
fn nobody_shares_subscriptions() {
    let data = Data::new();
    let server = Server::start(&data);
    let mut client = Device::connect(server.address(), "board");
    assert_eq!(client.subscribe("$share/group/altair/1/dev"), 0x80);
    assert_eq!(client.subscribe("altair/1/dev"), 0);
}

/// A property of MQTT 5 that says what somebody likes, as long as that.
fn user_property(length: usize) -> Vec<u8> {
    [&[0x26][..], &string("name"), &string(&"x".repeat(length))].concat()
}

/// Properties behind their length.
fn properties(bytes: &[u8]) -> Vec<u8> {
    packet(0, bytes).split_off(1)
}

/// Somebody who begins by MQTT 5, with what follows the client identifier; and what the broker says to that.
fn connect_5(server: &Server, flags: u8, more: &[u8]) -> (Device, u8) {
    let mut device = Device::stranger(server.address());
    let head = [&string("MQTT")[..], &[5, flags, 0, 60, 0], &string("board")].concat();
    device.write(&packet(0x10, &[&head[..], more].concat())).unwrap();
    let answer = device.read_packet().unwrap().1;
    (device, answer[1])
}

#[test]
fn what_is_retained_has_no_properties() {
    let data = Data::new();
    let server = Server::start(&data);
    let (mut board, code) = connect_5(&server, 2, &[]);
    assert_eq!(code, 0);
    let message =
        [&string("altair/1/dev")[..], &[0, 1], &properties(&user_property(50_000)), b"here"].concat();
    board.write(&packet(0x33, &message)).unwrap();
    assert_eq!(board.read_packet().unwrap().0, 0x40);
    board.write(&packet(0x82, &[&[0, 2, 0][..], &string("altair/1/dev"), &[0]].concat())).unwrap();
    let (_, retained) = loop {
        let found = board.read_packet().unwrap();
        if found.0 & 0xf0 == 0x30 {
            break found;
        }
    };
    assert_eq!(retained, [&string("altair/1/dev")[..], &[0], b"here"].concat());
}

#[test]
fn a_will_with_long_properties_is_not_retained() {
    let data = Data::new();
    let server = Server::start(&data);
    let will =
        |length: usize| [properties(&user_property(length)), string("altair/1/dev"), string("gone")].concat();
    let (retained, sent) = (0x26, 0x06);
    assert_ne!(connect_5(&server, retained, &will(50_000)).1, 0);
    assert_eq!(connect_5(&server, retained, &will(50)).1, 0);
    assert_eq!(connect_5(&server, sent, &will(50_000)).1, 0);
}

#[test]
fn a_channel_that_floods_waits_for_itself_alone() {
    let data = Data::numbered();
    let server = Server::start_with(&data, &["--rate", "500"]);
    let address = server.address();
    let mut calm = Device::listening(address, "calm");
    let mut listener = Device::listening(address, "flood");
    let flood = thread::spawn(move || {
        let mut device = Device::connect(address, "flooding");
        let start = Instant::now();
        for _ in 0..1_500 {
            device.send("altair/flood/vdisk/read", &[0; 4]);
        }
        device.ping();
        start.elapsed()
    });
    for _ in 0..70 {
        listener.receive();
    }
    // It has used its burst up.
    let start = Instant::now();
    for _ in 0..50 {
        calm.read_sector("calm", 0);
    }
    let calm = start.elapsed();
    assert!(!flood.is_finished());
    assert!(calm < Duration::from_secs(1), "{calm:?}");
    let flood = flood.join().unwrap();
    // 64 of them are free.
    assert!(flood >= Duration::from_millis((1_500 - 64) * 2 - 100), "{flood:?}");
}

#[test]
fn a_device_that_does_not_read_its_answers_slows_nobody_else() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let address = server.address();
    let mut deaf = Device::listening(address, "deaf");
    deaf.set_write_timeout(Duration::from_millis(500));
    let mut written = 0;
    while written < 200_000 {
        let read = packet(0x30, &[&string("altair/deaf/vdisk/read")[..], &[0; 4]].concat());
        if deaf.write(&read.repeat(100)).is_err() {
            break;
        }
        written += 100;
    }
    let disk = disk(&server, CHANNEL);
    for number in 0..200 {
        disk.write(sector(number), &[1; SECTOR]).unwrap();
    }
    disk.flush().unwrap();
    assert_eq!(read(&disk, 2_000), [filling(2_000); SECTOR]);
    assert!(written < 200_000, "it was not held up");
}
