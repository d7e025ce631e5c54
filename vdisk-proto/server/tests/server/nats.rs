//! Another make of broker: NATS, whose MQTT is a layer on its own streams.

use std::fs;
use std::process::Command;

use crate::broker::Folder;
use crate::data::{Data, filling};
use crate::device::Device;
use crate::program::Program;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, disk, read, sector};

/// A broker, which ends with this.
struct Nats {
    _program: Program,
    _folder: Folder,
    port: u16,
}

impl Nats {
    /// `None` where there is none.
    fn start() -> Option<Self> {
        let nats = real_parts::program("nats-server")?;
        let folder = Folder::new();
        let configuration = folder.0.join("nats.conf");
        let text = format!(
            "server_name: test\nlisten: 127.0.0.1:-1\nmqtt {{ listen: 127.0.0.1:-1 }}\njetstream {{ store_dir: {:?} }}\n",
            folder.0
        );
        fs::write(&configuration, text).unwrap();
        let program = Program::run(Command::new(nats).arg("-c").arg(configuration));
        let log = program.errors.wait_for("Server is ready");
        let (_, rest) = log.split_once("MQTT clients on mqtt://127.0.0.1:").unwrap();
        let port = rest.lines().next().unwrap().parse().unwrap();
        Some(Self { _program: program, _folder: folder, port })
    }
}

#[test]
fn devices_of_both_versions_have_their_disks_through_nats() {
    let Some(nats) = Nats::start() else { return };
    let data = Data::numbered();
    let server = Server::join(&data, nats.port, &[]);
    let disk = disk(&server, CHANNEL);
    assert_eq!(read(&disk, 40), [filling(40); SECTOR]);
    disk.write(sector(40), &[7; SECTOR]).unwrap();
    disk.close().unwrap();
    let mut device = Device::listening(server.address(), "legacy");
    assert_eq!(device.read_sector("legacy", 41 * SECTOR as u32), [filling(41); SECTOR]);
    server.stop();
    assert_eq!(data.sector(CHANNEL, 40), [7; SECTOR]);
    data.assert_closed();
}

#[test]
fn a_second_server_at_nats_is_refused() {
    let Some(nats) = Nats::start() else { return };
    let (data, other) = (Data::new(), Data::new());
    let server = Server::join(&data, nats.port, &[]);
    let refusal = Server::refused(&other, &["--broker", &server.url()]);
    assert_eq!(refusal.code, 69, "{}", refusal.text);
    assert!(refusal.text.contains("has another server"), "{}", refusal.text);
    server.stop();
    Server::join(&other, nats.port, &[]).stop();
}
