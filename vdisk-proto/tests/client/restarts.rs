//! What comes and goes under way.

use std::thread;

use vdisk_proto::client::{Disk, Event};

use crate::{LONG, await_event, options, parts, read, sector};

#[test]
fn a_broker_that_is_killed_with_writes_in_flight_loses_none() {
    let Some((mut broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    thread::scope(|scope| {
        let (sender, written) = std::sync::mpsc::channel();
        let disk = &disk;
        scope.spawn(move || {
            for number in 0..300_u32 {
                disk.write(sector(number), &[number as u8 ^ 0x55; 137]).unwrap();
                // Nobody listens any more after the second kill.
                let _unheard = sender.send(number);
            }
        });
        for kill_at in [50, 150] {
            while written.recv_timeout(LONG).unwrap() < kill_at {}
            broker.kill();
            broker.restart();
        }
    });
    disk.flush().unwrap();
    for number in 0..300 {
        assert_eq!(server.sector(number), [number as u8 ^ 0x55; 137], "sector {number}");
    }
    await_event(&disk, |event| matches!(event, Event::Disconnected(_)));
    await_event(&disk, |event| *event == Event::Connected);
    // A sector that nothing cached: the answers' topic is subscribed to again.
    read(&disk, 2_000);
    assert!(disk.stats().unwrap().connections >= 2);
    disk.close().unwrap();
}

#[test]
fn a_server_that_crashes_with_a_group_unsynced_loses_no_accepted_write() {
    let Some((broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    server.hold(true);
    for number in 0..8 {
        disk.write(sector(number), &[0xaa; 137]).unwrap();
    }
    server.wait(|seen| seen.holds_group);
    server.crash(None);
    disk.flush().unwrap();
    for number in 0..8 {
        assert_eq!(server.sector(number), [0xaa; 137]);
    }
    disk.close().unwrap();
}

#[test]
fn writes_that_wait_while_the_broker_is_away_are_sent_when_it_is_back() {
    let Some((mut broker, server)) = parts() else { return };
    // More than rumqttc's queue holds.
    let disk = Disk::open(&options(&broker).window(64)).unwrap();
    broker.kill();
    await_event(&disk, |event| matches!(event, Event::Disconnected(_)));
    for number in 0..64 {
        disk.write(sector(number), &[0xbb; 137]).unwrap();
    }
    assert_eq!(read(&disk, 63), [0xbb; 137], "what was accepted is read");
    assert_eq!(disk.stats().unwrap().unacknowledged, 64);
    broker.restart();
    disk.flush().unwrap();
    assert!((0..64).all(|number| server.sector(number) == [0xbb; 137]));
    disk.close().unwrap();
}

#[test]
fn a_broker_that_hangs_is_noticed_and_what_was_written_meanwhile_arrives() {
    let Some((broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    broker.hang(true);
    disk.write(sector(5), &[0xcc; 137]).unwrap();
    await_event(&disk, |event| matches!(event, Event::Disconnected(_)));
    broker.hang(false);
    disk.flush().unwrap();
    assert_eq!(server.sector(5), [0xcc; 137]);
    disk.close().unwrap();
}
