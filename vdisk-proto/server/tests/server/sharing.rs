//! Two servers where there is place for one.

use std::fs;

use crate::broker::Broker;
use crate::data::{Data, filling};
use crate::device::Device;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, wait_until};

const CLAIM: &str = "altair/vdisk-server/claim";

/// A mosquitto; `None` where there is none.
fn broker() -> Option<Broker> {
    Broker::start("allow_anonymous true")
}

/// Whose claim a broker has for somebody who asks now.
fn claim(broker: &Broker) -> String {
    let mut asking = Device::connect(([127, 0, 0, 1], broker.port()).into(), "asking");
    assert_eq!(asking.subscribe(CLAIM), 0);
    assert_eq!(asking.subscribe("mark"), 0);
    // What is retained comes before it.
    asking.publish("mark", b"");
    let first = asking.receive();
    if first.topic == CLAIM { String::from_utf8(first.payload).unwrap() } else { String::new() }
}

fn await_claim(broker: &Broker, expected: &str) {
    wait_until(&format!("the claim is {expected:?}"), || claim(broker) == expected);
}

/// What a server calls itself.
fn name(data: &Data) -> String {
    fs::read_to_string(data.path("client-identifier")).unwrap().trim().to_owned()
}

fn assert_serves(broker: &Broker, channel: &str) {
    let mut device = Device::listening(([127, 0, 0, 1], broker.port()).into(), channel);
    assert_eq!(device.read_sector(channel, SECTOR as u32), [filling(1); SECTOR]);
}

#[test]
fn a_second_server_on_a_broker_is_refused_and_the_first_is_unhurt() {
    let Some(broker) = broker() else { return };
    let (data, other) = (Data::numbered(), Data::numbered());
    let first = Server::join(&data, broker.port(), &[]);
    await_claim(&broker, &name(&data));
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    for options in [&["--broker", &url][..], &["--broker", &url, "--channel", CHANNEL]] {
        let second = Server::refused(&other, options);
        assert_eq!(second.code, 69);
        assert!(
            second.text.contains("another server") && second.text.contains(&name(&data)),
            "{}",
            second.text
        );
        assert_eq!(claim(&broker), name(&data));
    }
    assert_serves(&broker, CHANNEL);
    let log = first.stop();
    assert_eq!(log.matches("serving").count(), 1, "it was never away: {log}");
    assert_eq!(claim(&broker), "", "it takes its claim along");
}

#[test]
fn a_claim_that_somebody_empties_is_made_again() {
    let Some(broker) = broker() else { return };
    let data = Data::numbered();
    let _server = Server::join(&data, broker.port(), &[]);
    await_claim(&broker, &name(&data));
    // As the will of a server does that is killed before it finds itself refused.
    let mut other = Device::connect(([127, 0, 0, 1], broker.port()).into(), "other");
    assert_eq!(other.subscribe(CLAIM), 0);
    other.receive();
    other.retain(CLAIM, b"");
    assert_eq!(other.receive().payload, b"");
    assert_eq!(other.receive().payload, name(&data).as_bytes());
    await_claim(&broker, &name(&data));
}

#[test]
fn a_server_that_takes_over_ends_the_other_and_keeps_its_claim() {
    let Some(broker) = broker() else { return };
    let (data, other) = (Data::numbered(), Data::numbered());
    let first = Server::join(&data, broker.port(), &[]);
    let second = Server::join(&other, broker.port(), &["--take-over"]);
    let end = first.ended();
    assert_eq!(end.code, 69, "{}", end.text);
    assert!(end.text.contains(&name(&other)), "{}", end.text);
    data.assert_closed();
    assert_eq!(claim(&broker), format!("{} takes over", name(&other)));
    assert_serves(&broker, CHANNEL);
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    assert_eq!(Server::refused(&data, &["--broker", &url]).code, 69, "it stays out");
    second.stop();
    assert_eq!(claim(&broker), "");
}

#[test]
fn a_server_that_is_killed_leaves_its_place_to_another() {
    let Some(broker) = broker() else { return };
    let (data, other) = (Data::numbered(), Data::numbered());
    let first = Server::join(&data, broker.port(), &[]);
    await_claim(&broker, &name(&data));
    first.kill();
    await_claim(&broker, "");
    let _second = Server::join(&other, broker.port(), &[]);
    assert_serves(&broker, CHANNEL);
}

#[test]
fn a_copy_of_a_server_s_folder_is_not_served_beside_it() {
    let Some(broker) = broker() else { return };
    let (data, copy) = (Data::numbered(), Data::numbered());
    let first = Server::join(&data, broker.port(), &[]);
    fs::copy(data.path("client-identifier"), copy.path("client-identifier")).unwrap();
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    let second = Server::refused(&copy, &["--broker", &url]);
    assert_eq!(second.code, 69, "{}", second.text);
    assert!(second.text.contains("remove its file client-identifier"), "{}", second.text);
    await_claim(&broker, &name(&data));
    assert_serves(&broker, CHANNEL);
    first.stop();
}

#[test]
fn servers_of_one_channel_each_share_a_broker() {
    let Some(broker) = broker() else { return };
    let (data, other) = (Data::numbered(), Data::numbered());
    let _one = Server::join(&data, broker.port(), &["--channel", "1"]);
    let _two = Server::join(&other, broker.port(), &["--channel", "2"]);
    assert_serves(&broker, "1");
    assert_serves(&broker, "2");
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    let third = Data::numbered();
    for options in [&["--broker", &url][..], &["--broker", &url, "--channel", "2"]] {
        assert_eq!(Server::refused(&third, options).code, 69);
    }
    let _three = Server::join(&third, broker.port(), &["--channel", "3"]);
    assert_serves(&broker, "3");
    assert_serves(&broker, "2");
}

#[test]
fn a_folder_has_one_server() {
    let data = Data::numbered();
    let first = Server::start(&data);
    let second = Server::refused(&data, &["--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 69);
    assert!(second.text.contains("another server serves this folder"), "{}", second.text);
    let mut device = Device::listening(first.address(), CHANNEL);
    device.write_sector(CHANNEL, 0, &[1; SECTOR]);
    first.stop();
    assert_eq!(data.sector(CHANNEL, 0), [1; SECTOR]);
    data.assert_closed();
}
