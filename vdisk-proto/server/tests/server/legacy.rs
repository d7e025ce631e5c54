//! Devices of version 1, byte by byte, played by `mosquitto_sub` and `mosquitto_pub`: what an emulator in the field sees.

use std::fs;
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::data::{Data, filling, numbered_image};
use crate::device::Device;
use crate::mosquitto;
use crate::program::Program;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, SECTORS, disk, wait_until};

/// An emulator's connections, by which it listens and speaks.
struct Emulator<'a> {
    data: &'a Data,
    port: u16,
    channel: &'static str,
    listens: Program,
    /// Answers that were looked at.
    seen: usize,
}

impl<'a> Emulator<'a> {
    /// `None` where there is no mosquitto.
    fn start(data: &'a Data, port: u16, channel: &'static str) -> Option<Self> {
        let topic = format!("altair/{channel}/vdisk/data");
        let listens = mosquitto::run("mosquitto_sub", port, &["-F", "%t %q %r %x", "-t", &topic])?;
        listens.output.wait_for("Subscribed");
        Some(Self { data, port, channel, listens, seen: 0 })
    }

    fn publish(&self, topic: &str, payload: &[u8], more: &[&str]) {
        let file = self.data.path("payload");
        fs::write(&file, payload).unwrap();
        let topic = format!("altair/{}/vdisk/{topic}", self.channel);
        // With QoS 0, as emulators do.
        let options = [&["-q", "0", "-t", &topic, "-f", file.to_str().unwrap()], more].concat();
        assert!(mosquitto::run("mosquitto_pub", self.port, &options).unwrap().wait().success());
    }

    fn write(&self, offset: u32, bytes: &[u8]) {
        self.publish("write", &[&offset.to_le_bytes()[..], bytes].concat(), &[]);
    }

    /// Asks for a sector, and gives the bytes of the answer, as they came, in hexadecimal.
    fn read(&mut self, offset: u32) -> String {
        self.publish("read", &offset.to_le_bytes(), &[]);
        self.answer()
    }

    fn answer(&mut self) -> String {
        // With QoS 0, and not retained.
        let head = format!("\naltair/{}/vdisk/data 0 0 ", self.channel);
        let mut answer = None;
        wait_until("an answer comes", || {
            let text = self.listens.output.text();
            answer = text
                .split(&head)
                .nth(1 + self.seen)
                .and_then(|rest| rest.split_once('\n'))
                .map(|(answer, _)| answer.to_owned());
            answer.is_some()
        });
        self.seen += 1;
        answer.unwrap()
    }
}

/// An answer to a read: the offset, and the bytes there.
fn hex(offset: u32, bytes: &[u8]) -> String {
    offset.to_le_bytes().iter().chain(bytes).map(|byte| format!("{byte:02x}")).collect()
}

/// Messages that a broker may keep for another day.
fn retain(data: &Data, port: u16) -> Option<()> {
    let emulator = Emulator::start(data, port, CHANNEL)?;
    emulator.publish("read", &[0; 4], &["-r"]);
    emulator.publish("write", &[0; 4 + SECTOR], &["-r"]);
    Some(())
}

/// What every emulator needs, whatever broker is between.
fn works(data: &Data, port: u16) -> Option<()> {
    let mut emulator = Emulator::start(data, port, CHANNEL)?;
    let mut other = Emulator::start(data, port, "7")?;
    let at = |sector: u32| sector * SECTOR as u32;
    assert_eq!(emulator.read(at(5)), hex(at(5), &[filling(5); SECTOR]));
    assert_eq!(emulator.read(at(5)).len(), 2 * 141);

    let bytes: Vec<u8> = (0..SECTOR as u8).map(|byte| byte ^ 0x5a).collect();
    emulator.write(at(5), &bytes);
    wait_until("what was written is read", || emulator.read(at(5)) == hex(at(5), &bytes));
    assert_eq!(emulator.read(at(4)), hex(at(4), &[filling(4); SECTOR]));
    assert_eq!(emulator.read(at(6)), hex(at(6), &[filling(6); SECTOR]));
    assert_eq!(other.read(at(5)), hex(at(5), &[filling(5); SECTOR]), "every channel has its own");

    let end = at(SECTORS);
    assert_eq!(emulator.read(at(SECTORS - 1)), hex(at(SECTORS - 1), &[filling(SECTORS - 1); SECTOR]));
    assert_eq!(emulator.read(end), hex(end, &[0; SECTOR]));
    emulator.write(end, &bytes);
    Some(())
}

/// Sector 5 of the channel's drive B is the only one that was written.
fn assert_written(data: &Data) {
    let mut expected = numbered_image();
    expected[5 * SECTOR..][..SECTOR].copy_from_slice(&data.sector(CHANNEL, 5));
    assert_ne!(expected, numbered_image());
    assert_eq!(fs::read(data.image(CHANNEL)).unwrap(), expected);
    assert_eq!(data.channels(), [data.image(CHANNEL)]);
}

#[test]
fn an_emulator_has_its_disk_at_the_server_s_own_broker() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let port = server.address().port();
    if retain(&data, port).and_then(|()| works(&data, port)).is_some() {
        assert!(server.stop().contains("messages with the retain flag"));
        assert_written(&data);
    }
}

#[test]
fn an_emulator_has_its_disk_through_mosquitto() {
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    let data = Data::numbered();
    if retain(&data, broker.port()).is_none() {
        return;
    }
    let server = Server::join(&data, broker.port(), &[]);
    works(&data, broker.port()).unwrap();
    server.stop();
    assert_written(&data);
}

#[test]
fn an_emulator_that_loses_quick_answers_gets_slow_ones() {
    let data = Data::numbered();
    let server = Server::start_with(&data, &["--legacy-delay-us", "300000"]);
    let Some(mut emulator) = Emulator::start(&data, server.address().port(), CHANNEL) else { return };
    let start = Instant::now();
    emulator.read(0);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn an_emulator_does_not_write_over_a_session_s_disk() {
    let data = Data::numbered();
    let server = Server::start(&data);
    let Some(mut emulator) = Emulator::start(&data, server.address().port(), CHANNEL) else { return };
    let disk = disk(&server, CHANNEL);
    disk.write(crate::sector(5), &[0x77; SECTOR]).unwrap();
    disk.flush().unwrap();
    emulator.write(5 * SECTOR as u32, &[0; SECTOR]);
    server.await_log(&format!("1 legacy writes dropped beside a session of version 2, of {CHANNEL}"));
    assert_eq!(emulator.read(5 * SECTOR as u32), hex(5 * SECTOR as u32, &[0x77; SECTOR]));
}

/// Writes a whole disk, as quickly as it goes.
fn keeps_all(data: &Data, server: Server) {
    let mut device = Device::listening(server.address(), CHANNEL);
    for number in 0..SECTORS {
        let payload = [&(number * SECTOR as u32).to_le_bytes()[..], &[0xee; SECTOR]].concat();
        device.send("altair/12345678/vdisk/write", &payload);
    }
    let last = (SECTORS - 1) * SECTOR as u32;
    wait_until("the last is written", || device.read_sector(CHANNEL, last) == [0xee; SECTOR]);
    let log = server.stop();
    assert!(!log.contains("too much waits"), "{log}");
    assert!(fs::read(data.image(CHANNEL)).unwrap().iter().all(|byte| *byte == 0xee));
}

#[test]
fn an_emulator_that_formats_a_disk_loses_no_sector() {
    let data = Data::numbered();
    let server = Server::start(&data);
    keeps_all(&data, server);
    let Some(broker) = Broker::start("allow_anonymous true") else { return };
    let data = Data::numbered();
    let server = Server::join(&data, broker.port(), &[]);
    keeps_all(&data, server);
}
