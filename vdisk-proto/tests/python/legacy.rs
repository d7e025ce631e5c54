//! Legacy, byte by byte.

use sector_cache::Drive;
use vdisk_proto::codec::Topic;

use crate::caller::hex;
use crate::link::Link;

/// Sector 3 starts there: 411.
const OFFSET: [u8; 4] = [0x9b, 0x01, 0, 0];

/// A device that found no server of version 2, and wants sector 3.
fn fallen_back() -> Option<Link> {
    let mut link = Link::new(&[])?;
    link.call("read 1 1 3");
    for _ in 0..3 {
        assert!(link.requests.iter().all(|(topic, _)| *topic == Topic::Request), "HELLOs");
        assert_eq!(link.requests.drain(..).count(), 1);
        link.wait(10_000);
    }
    let [(Topic::Request, _), (Topic::LegacyRead, probe)] = &link.requests[..] else {
        panic!("three HELLOs were unanswered: {:?}", link.requests)
    };
    assert_eq!(probe[..], [0, 0, 0, 0]);
    link.requests.remove(0);
    assert_eq!(link.told(), [""; 0], "nobody answered a legacy read yet");
    let [(Topic::LegacyData, data)] = &link.answers()[..] else { panic!("one data") };
    assert_eq!(data[..], [0; 141]);
    link.bring(Topic::LegacyData, data);
    assert_eq!(link.told(), ["speaks 1"]);
    assert_eq!(link.requests, [(Topic::LegacyRead, OFFSET.to_vec())]);
    Some(link)
}

fn data(fill: u8) -> Vec<u8> {
    [&OFFSET[..], &[fill; 137]].concat()
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn a_legacy_read_takes_data_of_its_offset_and_length_only() {
    let Some(mut link) = fallen_back() else { return };
    link.bring(Topic::LegacyData, &[&[0; 4][..], &[7; 137]].concat());
    link.bring(Topic::LegacyData, &[&[0x9c, 1, 0, 0][..], &[7; 137]].concat());
    for length in [0, 3, 4, 140] {
        link.bring(Topic::LegacyData, &data(7)[..length]);
    }
    link.bring(Topic::LegacyData, &[&data(7)[..], &[7]].concat());
    link.tell("altair/12345678/vdisk/data", &data(7), true);
    link.tell("altair/12345679/vdisk/data", &data(7), false);
    assert_eq!(link.told(), [""; 0], "none of these is the answer");
    link.carry();
    assert_eq!(link.told(), [format!("read 1 {}", "00".repeat(137))]);
    link.bring(Topic::LegacyData, &data(7));
    assert_eq!(link.told(), [""; 0], "nothing is asked for any more");
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn a_legacy_write_is_done_when_it_is_read_back_equal() {
    let Some(mut link) = fallen_back() else { return };
    link.carry();
    link.told();
    let written = hex(&[0xe5; 137]);
    link.call(&format!("write 2 1 3 {written}"));
    let [write, read] = &link.requests[..] else { panic!("a write and a read") };
    assert_eq!(*write, (Topic::LegacyWrite, data(0xe5)));
    assert_eq!(*read, (Topic::LegacyRead, OFFSET.to_vec()));

    link.call(&format!("write 3 1 3 {}", hex(&[0xaa; 137])));
    assert_eq!(link.requests.len(), 2, "one write a sector in flight");
    link.call("read 4 1 3");
    assert_eq!(link.told(), [format!("read 4 {}", hex(&[0xaa; 137]))], "its own window first");
    link.requests.remove(0);
    link.carry();
    assert_eq!(link.told(), [""; 0], "the write was lost, and is not there");

    link.wait(2_000);
    let [write, read] = &link.requests[..] else { panic!("both again") };
    assert_eq!(*write, (Topic::LegacyWrite, data(0xe5)));
    assert_eq!(*read, (Topic::LegacyRead, OFFSET.to_vec()));
    link.carry();
    assert_eq!(link.told(), ["acknowledged 2", "acknowledged 3"]);
    assert_eq!(link.server.sector(Drive::B, 3), [0xaa; 137]);
    link.device.end();
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn version_2_returns_with_an_empty_window_and_stays() {
    let Some(mut link) = fallen_back() else { return };
    link.carry();
    link.call(&format!("write 2 1 3 {}", hex(&[0xe5; 137])));
    let write: Vec<_> = link.requests.drain(..).collect();
    while !link.requests.iter().any(|(topic, _)| *topic == Topic::Request) {
        link.requests.clear();
        link.wait(5_000);
    }
    link.requests.retain(|(topic, _)| *topic == Topic::Request);
    link.told();
    link.carry();
    assert_eq!(link.told(), [""; 0], "a HELLO is answered too early");

    link.requests = write;
    link.carry();
    assert_eq!(link.told(), ["acknowledged 2"]);
    // The write has ended the session of that HELLO, so that its nonce is no good any more.
    link.wait(60_000);
    link.carry();
    let told = link.told();
    assert!(told[0].starts_with("begins ") && told[1..] == ["speaks 2"], "{told:?}");
    link.call("read 3 1 3");
    assert!(link.requests.iter().all(|(topic, _)| *topic == Topic::Request));
    link.carry();
    assert_eq!(link.told(), [format!("read 3 {}", hex(&[0xe5; 137]))]);

    for _ in 0..20 {
        link.wait(60_000);
        assert!(link.requested().len() <= 2, "never legacy again");
    }
    link.device.end();
}
