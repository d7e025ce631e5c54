//! TLS with certificates of both ends.

use vdisk_proto::codec::Topic;

use crate::certificates::{secure_broker, secure_server};
use crate::server::Server;
use crate::{complaint, run};

#[test]
fn all_of_it_goes_over_tls() {
    let Some((broker, path)) = secure_broker() else { return };
    let mqtt = secure_server(&broker, &path);
    let _server = Server::start_with(mqtt, &[Topic::LegacyRead, Topic::LegacyWrite, Topic::Request]);

    let name = |name| path.join(name).display().to_string();
    let url = format!("mqtts://127.0.0.1:{}", broker.port());
    let certificate = format!("--cert {} --key {}", name("device.pem"), name("device.key"));
    let trusted = format!("--json --ca {} {certificate}", name("authority.pem"));
    let session = path.join("session.trace");
    std::fs::write(&session, "R 1 0\nW 1 0 7\nR 1 1\n").unwrap();
    let trace = format!("--trace {} --delay-ms 2", session.display());
    for arguments in ["--requests 20 --echo", "--connect 3", &trace] {
        let output = run(&url, &format!("{trusted} {arguments}"));
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let stranger = complaint(&url, &format!("--ca {} {certificate}", name("stranger.pem")));
    assert!(stranger.contains("TLS with 127.0.0.1"), "{stranger}");
}
