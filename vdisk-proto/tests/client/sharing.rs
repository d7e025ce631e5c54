//! Two clients on a channel.

use vdisk_proto::client::{Disk, Error, Event};

use crate::{await_event, options, parts, read, sector};

#[test]
fn of_two_clients_on_a_channel_one_is_told_that_it_is_taken_over() {
    let Some((broker, server)) = parts() else { return };
    let first = Disk::open(&options(&broker)).unwrap();
    let second = Disk::open(&options(&broker)).unwrap();
    // Each ends the other's session; after the second time, a client gives way.
    let loser = (0..8).find_map(|round| {
        let disk = if round % 2 == 0 { &first } else { &second };
        let done = disk.write(sector(round), &[round as u8; 137]).and_then(|()| disk.flush());
        match done {
            Ok(()) | Err(Error::WritesFailed { .. }) => None,
            Err(Error::TakenOver { .. }) => Some(disk),
            Err(error) => panic!("{error}"),
        }
    });
    let loser = loser.expect("nobody gave way");
    await_event(loser, |event| *event == Event::TakenOver);
    assert!(matches!(loser.read(sector(0), &mut [0; 137]), Err(Error::TakenOver { .. })));
    assert!(matches!(loser.write(sector(0), &[0; 137]), Err(Error::TakenOver { .. })));
    loser.resume().unwrap();
    let bytes = read(loser, 1_000);
    assert_eq!(bytes, server.sector(1_000));
    loser.write(sector(9), &[99; 137]).unwrap();
    assert!(matches!(loser.flush(), Ok(()) | Err(Error::WritesFailed { .. })));
}
