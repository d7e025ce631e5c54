//! Disks that cannot be opened: clear words, in bounded time.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use vdisk_proto::client::{ConnectionFailure, Disk, Error, Options};

use crate::broker::{Broker, Folder, free_port};
use crate::server::CHANNEL;
use crate::{LONG, options};

/// The error of an open, which has to come soon, and its words.
fn refused(options: &Options) -> (Error, String) {
    let began = Instant::now();
    let error = Disk::open(options).unwrap_err();
    assert!(began.elapsed() < LONG);
    let text = error.to_string();
    (error, text)
}

#[test]
fn a_wrong_password_is_told() {
    let Some(program) = real_parts::program("mosquitto_passwd") else { return };
    let folder = Folder::new();
    let file = folder.0.join("passwords");
    let status = Command::new(program).arg("-b").arg("-c").arg(&file).args(["altair", "secret"]).status();
    assert!(status.unwrap().success());
    let configuration = format!("allow_anonymous false\npassword_file {}", file.display());
    let Some(broker) = Broker::start_in(folder, &configuration) else { return };
    for options in [options(&broker), options(&broker).credentials("altair", "wrong")] {
        let (error, text) = refused(&options);
        assert!(matches!(error, Error::Connection(ConnectionFailure::Denied { .. })), "{error:?}");
        assert!(text.contains("check user and password") && !text.contains("wrong"), "{text}");
    }
    // The right one gets as far as a channel without a server.
    let options = options(&broker).credentials("altair", "secret").open_timeout(Duration::from_millis(200));
    let (error, text) = refused(&options);
    assert!(matches!(error, Error::NoServer { .. }), "{error:?}");
    assert!(text.contains("channel 12345678"), "{text}");
    assert!(!format!("{options:?}").contains("secret"));
}

#[test]
fn a_broker_that_is_not_there_is_told() {
    let port = free_port();
    let (error, text) = refused(&Options::new(&format!("mqtt://127.0.0.1:{port}"), CHANNEL));
    assert!(matches!(error, Error::Connection(ConnectionFailure::Unreachable { .. })), "{error:?}");
    assert!(text.contains(&format!("127.0.0.1:{port}")) && text.contains("refused"), "{text}");
    let (error, text) = refused(&Options::new("mqtt://no-such-host.invalid", CHANNEL));
    assert!(matches!(error, Error::Connection(ConnectionFailure::Unreachable { .. })), "{error:?}");
    assert!(text.contains("no-such-host.invalid:1883"), "{text}");
}

#[test]
fn a_host_that_says_nothing_is_told() {
    // The system takes the connection, and nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let (error, text) = refused(&Options::new(&url, CHANNEL).connect_timeout(Duration::from_secs(1)));
    assert!(matches!(error, Error::Connection(ConnectionFailure::Unreachable { .. })), "{error:?}");
    assert!(text.contains("no answer in time"), "{text}");
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_tried() {
    let plain = || Options::new("mqtt://127.0.0.1:1", CHANNEL);
    assert!(matches!(refused(&Options::new("127.0.0.1", CHANNEL)).0, Error::Url { .. }));
    assert!(matches!(refused(&Options::new("mqtt://127.0.0.1", "a/b")).0, Error::Channel { .. }));
    let secure = Options::new("mqtts://127.0.0.1:1", CHANNEL);
    let missing = secure.clone().authority_file("/no/such/file.pem");
    let (error, text) = refused(&missing);
    assert!(matches!(error, Error::File { .. }) && text.contains("/no/such/file.pem"), "{text}");
    for options in [
        secure,
        plain().authority_file("x"),
        plain().window(0),
        plain().window(65),
        plain().largest_track(0, 32),
        plain().largest_frame(100),
        plain().timeout(Duration::ZERO),
        plain().connect_timeout(Duration::from_millis(999)),
        plain().client_identifier("a/b"),
        plain().client_identifier(""),
    ] {
        let (error, _) = refused(&options);
        assert!(matches!(error, Error::Options(_)), "{error:?}");
    }
}
