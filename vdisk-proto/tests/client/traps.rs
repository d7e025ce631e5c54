//! What rumqttc does that must not hurt. Its other traps are in `restarts`: it does not subscribe again, and drops
//! what waited when a broker comes back.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};

use rumqttc::QoS;
use vdisk_proto::client::{Disk, Error, Options};

use crate::proxy::{Proxy, join, packet};
use crate::server::CHANNEL;
use crate::{LONG, options, parts, sector};

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const PINGRESP: u8 = 0xd0;

#[test]
fn everything_is_published_with_qos_0_and_not_retained() {
    // So that no packet identifier can collide with another, which would lose a publication.
    let Some((broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    for number in 0..20 {
        disk.write(sector(number), &[1; 137]).unwrap();
    }
    disk.flush().unwrap();
    server.wait(|seen| {
        assert!(seen.messages.iter().all(|qos| *qos == QoS::AtMostOnce));
        seen.messages.len() > 20
    });
    // What is retained is marked so only for whoever subscribes after it was published.
    let mut late = TcpStream::connect(("127.0.0.1", broker.port())).unwrap();
    late.set_read_timeout(Some(LONG)).unwrap();
    // A CONNECT, a SUBSCRIBE and a PINGREQ.
    late.write_all(b"\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0").unwrap();
    late.write_all(b"\x82\x0d\0\x01\0\x08altair/#\0").unwrap();
    late.write_all(b"\xc0\0").unwrap();
    assert_eq!([(); 3].map(|()| packet(&mut late)[0]), [CONNACK, SUBACK, PINGRESP]);
    disk.close().unwrap();
}

#[test]
fn more_writes_than_the_queue_holds_do_not_freeze_it() {
    let Some((broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker).window(64)).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let disk = &disk;
            scope.spawn(move || {
                for number in 0..100 {
                    disk.write(sector(thread * 100 + number), &[3; 137]).unwrap();
                }
            });
        }
    });
    disk.flush().unwrap();
    assert!((0..400).all(|number| server.sector(number) == [3; 137]));
    disk.close().unwrap();
}

#[test]
fn callers_do_not_disturb_a_connection_in_the_making_and_it_begins_with_a_subscription() {
    let Some((broker, server)) = parts() else { return };
    let proxy = Proxy::new();
    let (disk, link, _ended) = proxy.open(&broker);
    // Written and not acknowledged, so that rumqttc would have something to send again.
    server.hold(true);
    disk.write(sector(0), &[1; 137]).unwrap();
    server.wait(|seen| seen.holds_group);
    link.shutdown(Shutdown::Both).unwrap();
    let mut link = proxy.accept();
    let connect = packet(&mut link);
    assert_eq!(connect[0], CONNECT);
    // The broker takes its time.
    for number in 1..8 {
        disk.write(sector(number), &[1; 137]).unwrap();
        assert!(!disk.stats().unwrap().is_connected);
        assert!(!proxy.has_another(), "the connection was begun again");
    }
    let mut broker = TcpStream::connect(("127.0.0.1", broker.port())).unwrap();
    broker.write_all(&connect).unwrap();
    link.write_all(&packet(&mut broker)).unwrap();
    let subscribe = packet(&mut link);
    assert_eq!(subscribe[0], SUBSCRIBE, "before anything is published");
    join(&link, &broker, &subscribe);
    server.hold(false);
    disk.flush().unwrap();
    assert!((0..8).all(|number| server.sector(number) == [1; 137]));
    disk.close().unwrap();
}

/// An open that is let in, and whose subscription is answered so; and the broker's end of its connection.
fn let_in(answer: u8) -> (TcpStream, JoinHandle<Result<Disk, Error>>) {
    let proxy = Proxy::new();
    let options = Options::new(&proxy.url(), CHANNEL);
    let opening = thread::spawn(move || Disk::open(&options));
    let mut link = proxy.accept();
    assert_eq!(packet(&mut link)[0], CONNECT);
    link.write_all(&[CONNACK, 2, 0, 0]).unwrap();
    assert_eq!(packet(&mut link)[0], SUBSCRIBE);
    link.write_all(&[SUBACK, 4, 0, 1, 0, answer]).unwrap();
    (link, opening)
}

#[test]
fn a_connection_that_breaks_ends_an_open() {
    let (mut link, opening) = let_in(0);
    assert_eq!(packet(&mut link)[0], PUBLISH);
    drop(link);
    let error = opening.join().unwrap().unwrap_err();
    assert!(matches!(error, Error::Connection(_)) && error.to_string().contains("was lost"), "{error}");
}

#[test]
fn a_subscription_that_is_refused_is_told() {
    let (_link, opening) = let_in(0x80);
    let error = opening.join().unwrap().unwrap_err();
    assert!(error.to_string().contains("subscribe to altair/12345678/vdisk/v2/rsp"), "{error}");
}
