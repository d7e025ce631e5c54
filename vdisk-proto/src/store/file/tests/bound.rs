//! A group that is as long as a service makes it.

use std::vec;
use std::vec::Vec;

use bytes::Bytes;
use region_store::medium::{CrashMedium, Identity};
use sector_cache::{Drive, Geometry};

use super::super::log::BLOB_COST;
use super::super::record::{Journalled, JournalledWrite};
use super::super::{FileStore, FileStoreOptions};
use super::machine::{drive, medium, open_with};
use crate::codec::{Channel, Run, Status, frame};
use crate::service::{Limits, Now, Service};
use crate::store::{Author, Entry, Record, Session, Write};

const GEOMETRY: Geometry = Geometry::ALTAIR_8_INCH;

fn longest_name() -> Channel {
    Channel::new(&"x".repeat(32)).unwrap()
}

/// What a record takes in a block.
fn length(record: &Journalled) -> usize {
    let mut blob = Vec::new();
    record.encode(&mut blob);
    blob.len() + BLOB_COST as usize
}

fn name() -> Journalled {
    let identity = Identity { device: 1, inode: 2, length: 3, modified_ns: 4, is_read_only: false };
    Journalled::Image { channel: Some(longest_name()), drive: Drive::B, identity }
}

#[test]
fn a_service_counts_no_less_than_a_journal_takes() {
    let channel = longest_name();
    for count in 1..=32 {
        let run = Run::new(GEOMETRY, 0, count).unwrap();
        for author in [Author::Session { session: 1, sequence: 1 }, Author::Legacy { generation: 1 }] {
            let write = Write { drive: Drive::B, run, bytes: vec![7; run.bytes()].into(), author };
            let cost = Entry { channel, record: Record::Write(write.clone()) }.cost();
            let replaced = vec![0; count.into()];
            let write = Journalled::Write(channel, JournalledWrite { write, replaced });
            assert_eq!(cost, length(&write) + length(&name()));
        }
    }
    let session = Session { session: 1, nonce: 1, largest_frame: 1, floor: 1, growth: 0 };
    let cost = |record| Entry { channel, record }.cost();
    assert!(cost(Record::Session(session)) >= length(&Journalled::Session(channel, session)));
    let changed = Journalled::Changed { channel, drive: Drive::B, generation: 1, is_settled: true };
    assert!(cost(Record::Changed { drive: Drive::B, generation: 1 }) >= length(&changed) + length(&name()));
}

#[test]
fn nothing_of_a_full_group_is_busy() {
    let options = FileStoreOptions { segment_bytes: 4 << 20, ..FileStoreOptions::default() };
    let store = open_with(&medium(), &options).unwrap();
    let limits = Limits { channel_records: 10_000, ..Limits::default() };
    let now = Now::default();
    let mut service = Service::new(store, limits, now);
    let channel = Channel::new("a").unwrap();
    let send = |service: &mut Service<FileStore<CrashMedium>>, frame: &frame::Frame<'_>| {
        let mut payload = vec![0; frame::OVERHEAD + frame.body.len()];
        frame.encode(&channel, &mut payload);
        service.received("altair/a/vdisk/v2/req", &Bytes::from(payload), false, now);
    };
    let mut hello = [0; 20];
    hello[12..14].copy_from_slice(&1_000_u16.to_le_bytes());
    let blank = frame::Frame::blank(frame::Operation::Hello, 0, 1);
    send(&mut service, &frame::Frame { body: &hello, ..blank });
    service.commit().unwrap();
    // The shortest writes and longer ones.
    let bytes = vec![7; 16 * 137];
    for sequence in 1..=5_000 {
        let count = if sequence % 10 == 0 { 16 } else { 1 };
        let body = &bytes[..usize::from(count) * 137];
        let blank = frame::Frame::blank(frame::Operation::Write, 1, sequence);
        send(&mut service, &frame::Frame { drive: drive(1).number(), count, body, ..blank });
    }
    while service.commit().unwrap() {}
    let counters = service.counters();
    assert_eq!((counters.writes, counters.refused(Status::Busy)), (5_000, 0));
    assert!(counters.groups >= 3, "{}", counters.groups);
}
