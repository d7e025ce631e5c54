//! TLS with certificates of both ends.

use rumqttc::{TlsConfiguration, Transport};
use vdisk_proto::codec::Topic;

use crate::broker::{Broker, Folder};
use crate::certificates::{file, make};
use crate::server::{self, Server};
use crate::{complaint, run};

#[test]
fn all_of_it_goes_over_tls() {
    let folder = Folder::new();
    let path = folder.0.clone();
    if make(&path).is_none() {
        return;
    }
    let name = |name| file(&path, name).display().to_string();
    let configuration = format!(
        "allow_anonymous true\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true",
        name("authority.pem"),
        name("server.pem"),
        name("server.key"),
    );
    let Some(broker) = Broker::start_in(folder, &configuration) else { return };
    let bytes = |name| std::fs::read(file(&path, name)).unwrap();
    let mut mqtt = server::mqtt(broker.port());
    mqtt.set_transport(Transport::Tls(TlsConfiguration::Simple {
        ca: bytes("authority.pem"),
        alpn: None,
        client_auth: Some((bytes("server.pem"), bytes("server.key"))),
    }));
    let _server = Server::start_with(mqtt, &[Topic::LegacyRead, Topic::LegacyWrite, Topic::Request]);

    let url = format!("mqtts://127.0.0.1:{}", broker.port());
    let certificate = format!("--cert {} --key {}", name("device.pem"), name("device.key"));
    let trusted = format!("--json --ca {} {certificate}", name("authority.pem"));
    let session = file(&path, "session.trace");
    std::fs::write(&session, "R 1 0\nW 1 0 7\nR 1 1\n").unwrap();
    let trace = format!("--trace {} --delay-ms 2", session.display());
    for arguments in ["--requests 20 --echo", "--connect 3", &trace] {
        let output = run(&url, &format!("{trusted} {arguments}"));
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let stranger = complaint(&url, &format!("--ca {} {certificate}", name("stranger.pem")));
    assert!(stranger.contains("TLS with 127.0.0.1"), "{stranger}");
}
