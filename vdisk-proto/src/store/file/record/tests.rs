//! Records by literal bytes, both ways.

use proptest::prelude::*;
use std::format;
use std::vec;

use super::*;

fn channel_head(kind: u8, drive: u8, flags: u8) -> Vec<u8> {
    let mut bytes = vec![kind, drive, 3, flags, b'a', b'-', b'1'];
    bytes.resize(36, 0);
    bytes
}

fn a1() -> Channel {
    Channel::new("a-1").unwrap()
}

fn drive(number: u8) -> Drive {
    Drive::new(number).unwrap()
}

/// That a record has these bytes, and that they are it.
fn is(record: &Journalled, parts: &[&[u8]]) {
    let mut bytes = vec![];
    record.encode(&mut bytes);
    assert_eq!(bytes, parts.concat());
    assert_eq!(Journalled::decode(&bytes).as_ref(), Ok(record));
    for length in 0..bytes.len() {
        Journalled::decode(&bytes[..length]).unwrap_err();
    }
    bytes.push(0);
    let kind = bytes[0];
    assert_eq!(Journalled::decode(&bytes), Err(RecordError::TooLong { kind, bytes: 1 }));
}

fn write(author: Author, bytes: &'static [u8], replaced: &[u32]) -> Journalled {
    let run = Run::new(Geometry::new(4, 3, 2).unwrap(), 8, 2).unwrap();
    let write = Write { drive: drive(1), run, bytes: Bytes::from_static(bytes), author };
    Journalled::Write(a1(), JournalledWrite { write, replaced: replaced.to_vec() })
}

#[test]
fn a_session_has_these_bytes() {
    let session = Session {
        session: 0x0403_0201,
        nonce: 0x1817_1615_1413_1211,
        largest_frame: 0x0605,
        floor: 0x2827_2625_2423_2221,
        growth: 0x3837_3635_3433_3231,
    };
    let fields = [
        [1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0].as_slice(),
        &[0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18],
        &[0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28],
        &[0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38],
    ]
    .concat();
    is(&Journalled::Session(a1(), session), &[&channel_head(1, 0, 0), &fields]);
}

#[test]
fn a_write_has_these_bytes() {
    let shape = [2, 0, 4, 0, 3, 0, 2, 0];
    let author = Author::Session { session: 0x0403_0201, sequence: 0x0807_0605 };
    is(
        &write(author, b"wxyz", &[0x1413_1211, 0x1817_1615]),
        &[
            &channel_head(2, 1, 0),
            &[1, 2, 3, 4, 5, 6, 7, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &shape,
            &[0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18],
            b"wxyz",
        ],
    );
    is(
        &write(Author::Legacy { generation: 0x0a09 }, b"", &[]),
        &[&channel_head(2, 1, 3), &[0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 9, 10, 0, 0, 0, 0, 0, 0], &shape],
    );
}

#[test]
fn a_change_has_these_bytes() {
    for (is_settled, flags) in [(false, 0), (true, 1)] {
        let changed = Journalled::Changed { channel: a1(), drive: drive(15), generation: 0x0201, is_settled };
        is(&changed, &[&channel_head(3, 15, flags), &[0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0]]);
    }
}

#[test]
fn a_ledger_has_these_bytes() {
    let mut ledger = Ledger { session: 1, mark: 2, writer: 3, largest_frame: 4, ended: true, ..Ledger::NEW };
    (ledger.floor, ledger.highest, ledger.images[15], ledger.granted_count) = (5, 6, 7, 1);
    ledger.granted[0] = Granted { session: 8, nonce: 9, growth: 10, mark: 11 };
    let numbers = [1_u32, 2, 3].map(u32::to_le_bytes).concat();
    let mut generations = vec![0; 120];
    generations.extend_from_slice(&7_u64.to_le_bytes());
    is(
        &Journalled::Ledger(a1(), Box::new(ledger)),
        &[
            &channel_head(4, 0, 0),
            &numbers,
            &[4, 0, 1, 1, 0, 0, 0, 0],
            &[5_u64, 6].map(u64::to_le_bytes).concat(),
            &generations,
            &[8, 0, 0, 0, 11, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0],
        ],
    );
}

#[test]
fn a_ledger_has_as_many_nonces_as_are_granted() {
    let mut ledger = Ledger { granted_count: 16, ..Ledger::NEW };
    for (session, granted) in (1..).zip(&mut ledger.granted) {
        *granted = Granted { session, nonce: 1, growth: 2, mark: 3 };
    }
    let record = Journalled::Ledger(a1(), Box::new(ledger));
    let mut bytes = vec![];
    record.encode(&mut bytes);
    assert_eq!((bytes.len(), Journalled::decode(&bytes)), (200 + 16 * 24, Ok(record)));
}

#[test]
fn an_image_has_these_bytes() {
    let identity = Identity { device: 1, inode: 2, length: 3, modified_ns: -1, is_read_only: false };
    let mut fields = vec![0; 4];
    fields.extend([1_u64, 2, 3, u64::MAX].into_iter().flat_map(u64::to_le_bytes));
    let image = |channel| Journalled::Image { channel, drive: drive(2), identity };
    is(&image(Some(a1())), &[&channel_head(5, 2, 0), &fields]);
    let mut template = vec![5, 2];
    template.resize(36, 0);
    is(&image(None), &[&template, &fields]);
}

#[test]
fn an_opening_has_these_bytes() {
    let mut head = vec![6];
    head.resize(40, 0);
    let opening = Journalled::Opening(Opening { segment: 0x0201, lowest: 3 });
    is(&opening, &[&head, &[1, 2, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]]);
}

#[test]
fn what_makes_no_sense_is_named() {
    let mut bytes = vec![];
    write(Author::Legacy { generation: 1 }, b"", &[]).encode(&mut bytes);
    let wrong = |kind, field| Err(RecordError::Field { kind, field });
    for (at, value, expected) in [
        (0, 7, Err(RecordError::Kind { kind: 7 })),
        (0, 0, Err(RecordError::Kind { kind: 0 })),
        (1, 16, wrong(2, "drive")),
        (2, 0, wrong(2, "channel")),
        (2, 33, wrong(2, "channel")),
        (4, b'/', wrong(2, "channel")),
        (44, 12, wrong(2, "sector")),
        (56, 0, wrong(2, "sector")),
        (56, 4, wrong(2, "sector")),
        (58, 0, wrong(2, "tracks")),
    ] {
        let mut damaged = bytes.clone();
        damaged[at] = value;
        assert_eq!(Journalled::decode(&damaged), expected, "{at}");
    }
    let mut ledger = vec![];
    Journalled::Ledger(a1(), Box::new(Ledger::NEW)).encode(&mut ledger);
    for (at, value, field) in [(50, 2, "ended"), (51, 17, "granted")] {
        let mut damaged = ledger.clone();
        damaged[at] = value;
        assert_eq!(Journalled::decode(&damaged), wrong(4, field));
    }
    let short = RecordError::TooShort { kind: 0, field: "kind" };
    assert_eq!(Journalled::decode(&[]), Err(short));
    assert_eq!(format!("{short}"), "a record of kind 0 ends within its field kind");
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_a_named_error(
        kind in 0..8_u8,
        head in proptest::collection::vec(0..18_u8, 35),
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [&[kind][..], &head, &rest].concat();
        if let Ok(record) = Journalled::decode(&bytes) {
            let mut again = vec![];
            record.encode(&mut again);
            prop_assert_eq!(Journalled::decode(&again), Ok(record));
        }
    }
}
