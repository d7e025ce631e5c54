//! Who gets in, and how far: certificates, passwords, and brokers that ask for them.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use vdisk_proto::client::{Disk, Error, Options};

use crate::broker::{Broker, Folder, free_port};
use crate::data::{Data, filling};
use crate::device::Device;
use crate::mosquitto;
use crate::program::command;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, options, read, sector};

const OTHER: &str = "87654321";

/// What a broker of MQTT 3.1.1 answers to a CONNECT.
const NO_SUCH_IDENTIFIER: u8 = 2;
const WRONG_PASSWORD: u8 = 4;

/// Has `vdisk-server certs` make the files of an authority, a server and two devices in a folder of data.
fn make_certificates(data: &Data) {
    let mut certs =
        command(["certs", "--host", "127.0.0.1", "--device", CHANNEL, "--device", OTHER, "--data"]);
    let folder = data.path("certs");
    let output = certs.arg(data.folder()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    for name in ["ca.pem", "server.pem", "server.key", "12345678.pem", "12345678.key"] {
        assert!(said.contains(&format!("{}\n", folder.join(name).display())), "{said}");
    }
}

/// A server that listens by TLS, on this port.
fn tls() -> (Data, Server, u16) {
    let data = Data::numbered();
    make_certificates(&data);
    let port = free_port();
    let server = Server::start_with(&data, &[&format!("--tls=127.0.0.1:{port}")]);
    (data, server, port)
}

fn file(data: &Data, name: &str) -> String {
    data.path("certs").join(name).display().to_string()
}

/// How a device gets in, whose certificate these files are.
fn certified(data: &Data, port: u16, name: &str) -> Options {
    options(&format!("mqtts://127.0.0.1:{port}"), name)
        .authority_file(file(data, "ca.pem"))
        .certificate_files(file(data, &format!("{name}.pem")), file(data, &format!("{name}.key")))
        .client_identifier(name)
}

#[test]
fn a_board_gets_in_by_its_certificate_and_reaches_its_channel_only() {
    let (data, server, port) = tls();
    let (ca, pem, key) = (file(&data, "ca.pem"), file(&data, "12345678.pem"), file(&data, "12345678.key"));
    let board = ["--cafile", &ca, "--cert", &pem, "--key", &key, "--tls-version", "tlsv1.2", "-i", CHANNEL];
    let payload = data.path("payload");
    fs::write(&payload, [[0; 4].as_slice(), &[7; SECTOR]].concat()).unwrap();
    let payload = payload.display().to_string();
    let write = ["-t", "altair/12345678/vdisk/write", "-f", &payload];
    let publish = |options: &[&[&str]]| mosquitto::run("mosquitto_pub", port, &options.concat());
    let Some(mut published) = publish(&[&board, &write]) else { return };
    assert!(published.wait().success(), "{}", published.errors.all());

    let topic = ["-t", "altair/12345678/vdisk/data", "-F", "%x"];
    let listening = mosquitto::run("mosquitto_sub", port, &[&board[..], &topic].concat()).unwrap();
    listening.output.wait_for("Subscribed");
    let mut device = Device::connect(server.address(), "on this machine");
    device.send("altair/12345678/vdisk/read", &[0; 4]);
    listening.output.wait_for(&format!("00000000{}", "07".repeat(SECTOR)));

    let others_topic = ["-t", "altair/87654321/vdisk/data"];
    let mut denied = mosquitto::run("mosquitto_sub", port, &[&board[..], &others_topic].concat()).unwrap();
    denied.wait();
    denied.errors.wait_for("denied");
    let others_disk = ["-t", "altair/87654321/vdisk/write", "-f", &payload];
    publish(&[&board, &others_disk]).unwrap().wait();
    server.await_log("1 messages on topics that their sender may not use");
    for (why, options) in [
        ("another's identifier", [&board[..8], &["-i", OTHER], &write]),
        ("no certificate", [&board[..2], &["-i", CHANNEL], &write]),
        ("no TLS", [&[], &["-i", CHANNEL], &write]),
    ] {
        let mut refused = publish(&options).unwrap();
        assert!(!refused.wait().success(), "{why}");
    }
    assert_eq!(data.channels(), [data.image(CHANNEL)]);
    server.stop();
}

#[test]
fn a_disk_is_read_and_written_over_tls() {
    let (data, server, port) = tls();
    let disk = Disk::open(&certified(&data, port, CHANNEL)).unwrap();
    assert_eq!(read(&disk, 1), [filling(1); SECTOR]);
    disk.write(sector(1), &[9; SECTOR]).unwrap();
    disk.flush().unwrap();

    let stranger = Data::new();
    make_certificates(&stranger);
    let as_stranger = options(&format!("mqtts://127.0.0.1:{port}"), CHANNEL)
        .authority_file(file(&data, "ca.pem"))
        .certificate_files(file(&stranger, "12345678.pem"), file(&stranger, "12345678.key"))
        .client_identifier(CHANNEL);
    let without =
        options(&format!("mqtts://127.0.0.1:{port}"), CHANNEL).authority_file(file(&data, "ca.pem"));
    let of_another_server = certified(&data, port, CHANNEL).authority_file(file(&stranger, "ca.pem"));
    for (who, options) in [
        ("of another authority", as_stranger),
        ("without a certificate", without),
        ("who trusts another authority", of_another_server),
    ] {
        let refused = Disk::open(&options).err();
        assert!(matches!(refused, Some(Error::Connection(_))), "{who}: {refused:?}");
    }
    assert_eq!(read(&disk, 2), [filling(2); SECTOR]);
    disk.close().unwrap();
    server.stop();
    assert_eq!(data.sector(CHANNEL, 1), [9; SECTOR]);
}

#[test]
fn certificates_that_are_there_are_kept() {
    let data = Data::new();
    let folder = data.path("certs");
    make_certificates(&data);
    let before = fs::read(folder.join("12345678.pem")).unwrap();
    make_certificates(&data);
    assert_eq!(fs::read(folder.join("12345678.pem")).unwrap(), before);
    let output = command(["certs", "--device", "vdisk/1", "--out"]).arg(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
}

/// Runs `vdisk-server password`, with a password in its input.
fn password(arguments: &[&str], password: &str) -> Output {
    let mut command = command([&["password"], arguments].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    child.wait_with_output().unwrap()
}

/// The line of a password file that it prints.
fn line(arguments: &[&str], secret: &str) -> String {
    let output = password(arguments, secret);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = String::from_utf8(output.stdout).unwrap();
    assert!(!line.contains(secret) && line.lines().count() == 1, "{line}");
    line
}

#[test]
fn users_get_in_by_their_passwords_and_reach_their_channels_only() {
    let data = Data::numbered();
    let file = data.path("passwords");
    let lines = line(&[CHANNEL], "correct horse") + &line(&["alice", "--channels", "*"], "battery staple");
    fs::write(&file, lines).unwrap();
    let server = Server::start_with(&data, &["--password-file", file.to_str().unwrap()]);
    let enter = |identifier: &str, user: Option<(&str, &str)>| {
        Device::try_connect(server.address(), identifier, user)
    };
    let right = Some((CHANNEL, "correct horse"));
    assert_eq!(enter(CHANNEL, None).err(), Some(WRONG_PASSWORD));
    assert_eq!(enter(CHANNEL, Some((CHANNEL, "wrong horse"))).err(), Some(WRONG_PASSWORD));
    assert_eq!(enter(OTHER, Some((OTHER, "correct horse"))).err(), Some(WRONG_PASSWORD));
    assert_eq!(enter(OTHER, right).err(), Some(NO_SUCH_IDENTIFIER));

    let mut device = enter(CHANNEL, right).unwrap();
    assert_eq!(device.subscribe("altair/12345678/vdisk/data"), 0);
    for filter in ["altair/87654321/vdisk/data", "altair/+/vdisk/data", "#", "elsewhere"] {
        assert_eq!(device.subscribe(filter), 0x80, "{filter}");
    }
    device.write_sector(OTHER, 0, &[1; SECTOR]);
    device.publish("elsewhere", b"");
    assert_eq!(device.read_sector(CHANNEL, 0), [filling(0); SECTOR]);

    let mut alice = enter("alice-1", Some(("alice", "battery staple"))).unwrap();
    assert_eq!(alice.subscribe("altair/+/vdisk/data"), 0);
    assert_eq!(alice.read_sector(OTHER, 0), [filling(0); SECTOR], "nobody wrote it");
    // Behind it, the server lets nobody of its address try for a while.
    let disk = Disk::open(
        &options(&server.url(), CHANNEL).credentials(CHANNEL, "correct horse").client_identifier(CHANNEL),
    );
    assert_eq!(read(&disk.unwrap(), 1), [filling(1); SECTOR]);
    let log = server.stop();
    assert!(log.contains("2 messages on topics that their sender may not use"), "{log}");
    assert_eq!(log.matches("refused: ").count(), 4, "{log}");
    assert!(!log.contains("horse"), "no password is logged");
    assert!(data.channels().is_empty());
}

#[test]
fn a_password_file_is_read_again_at_sighup() {
    let data = Data::numbered();
    let file = data.path("passwords");
    let (first, second) = (line(&[CHANNEL], "correct horse"), line(&[OTHER], "battery staple"));
    fs::write(&file, &first).unwrap();
    let server = Server::start_with(&data, &["--password-file", file.to_str().unwrap()]);
    let enter = |name: &str, secret: &str| Device::try_connect(server.address(), name, Some((name, secret)));
    let mut device = enter(CHANNEL, "correct horse").unwrap();
    assert_eq!(device.subscribe("altair/12345678/vdisk/data"), 0);

    fs::write(&file, &second).unwrap();
    server.signal("-HUP");
    server.await_log("the password file was read again");
    let mut other = enter(OTHER, "battery staple").unwrap();
    assert_eq!(other.subscribe("altair/87654321/vdisk/data"), 0);
    assert_eq!(other.read_sector(OTHER, 0), [filling(0); SECTOR]);
    device.write_sector(CHANNEL, 0, &[1; SECTOR]);
    assert_eq!(device.subscribe("altair/12345678/dev"), 0x80, "it may do nothing any more");

    fs::write(&file, "a line that is none\n").unwrap();
    server.signal("-HUP");
    server.await_log("nobody gets in any more");
    assert!(enter(OTHER, "battery staple").is_err());
    other.write_sector(OTHER, 0, &[1; SECTOR]);

    fs::write(&file, first + &second).unwrap();
    server.signal("-HUP");
    crate::wait_until("it is read again", || enter(CHANNEL, "correct horse").is_ok());
    let log = server.stop();
    assert!(log.contains("topics that their sender may not use"), "{log}");
    assert!(data.channels().is_empty(), "neither was written");
}

#[test]
fn passwords_and_users_that_are_none_end_with_78() {
    for (arguments, secret) in [
        (&[CHANNEL][..], "short"),
        (&["a/b"], "correct horse"),
        (&[CHANNEL, "--channels", "+"], "correct horse"),
    ] {
        let output = password(arguments, secret);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(78), 0), "{arguments:?}");
    }
}

#[test]
fn a_server_joins_a_broker_by_tls_with_a_certificate_and_a_password() {
    let Some(mosquitto_passwd) = real_parts::program("mosquitto_passwd") else { return };
    let (data, folder) = (Data::numbered(), Folder::new());
    make_certificates(&data);
    let certs = command(["certs", "--device", "disks", "--out"]).arg(data.path("certs")).output().unwrap();
    assert!(certs.status.success());
    let users = folder.0.join("users");
    for (create, name, secret) in [(&["-c"][..], "disks", "correct horse"), (&[], CHANNEL, "battery staple")]
    {
        let mut command = Command::new(&mosquitto_passwd);
        assert!(command.arg("-b").args(create).arg(&users).args([name, secret]).status().unwrap().success());
    }
    let configuration = format!(
        "allow_anonymous false\npassword_file {}\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true",
        users.display(),
        file(&data, "ca.pem"),
        file(&data, "server.pem"),
        file(&data, "server.key"),
    );
    let Some(broker) = Broker::start_in(folder, &configuration) else { return };
    let secret = data.path("secret");
    fs::write(&secret, "correct horse\nand what is not the password\n").unwrap();
    let secret = secret.display().to_string();
    let (ca, certificate, key) = (file(&data, "ca.pem"), file(&data, "disks.pem"), file(&data, "disks.key"));
    let trusted = ["--broker-ca", &ca, "--broker-cert", &certificate, "--broker-key", &key];
    let user = ["--broker-user", "disks", "--broker-password-file", &secret];

    let url = format!("mqtts://127.0.0.1:{}", broker.port());
    let (server_pem, wrong) = (file(&data, "server.pem"), data.path("wrong").display().to_string());
    fs::write(&wrong, "wrong horse").unwrap();
    for (why, options) in [
        ("no certificate", [&["--broker-ca", &ca][..], &user].concat()),
        ("another authority", [&["--broker-ca", &server_pem], &trusted[2..], &user].concat()),
        ("no password", trusted.to_vec()),
        (
            "a wrong one",
            [&trusted[..], &["--broker-user", "disks", "--broker-password-file", &wrong]].concat(),
        ),
    ] {
        let refusal = Server::refused(&data, &[&["--broker", &url][..], &options].concat());
        assert_eq!(refusal.code, 69, "{why}: {}", refusal.text);
        assert!(!refusal.text.contains("horse"), "{}", refusal.text);
    }

    let server = Server::join_by("mqtts", &data, broker.port(), &[&trusted[..], &user].concat());
    let disk = Disk::open(&certified(&data, broker.port(), CHANNEL).credentials(CHANNEL, "battery staple"));
    let disk = disk.unwrap();
    disk.write(sector(1), &[9; SECTOR]).unwrap();
    disk.flush().unwrap();
    assert_eq!(read(&disk, 2), [filling(2); SECTOR]);
    disk.close().unwrap();
    server.stop();
    assert_eq!(data.sector(CHANNEL, 1), [9; SECTOR]);
    data.assert_closed();
}
