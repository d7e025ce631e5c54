//! The messages of the examples are those of the service.

use std::iter::from_fn;

use bytes::Bytes;
use sector_cache::{Drive, Geometry};
use vdisk_proto::codec::frame::{Frame, Operation};
use vdisk_proto::codec::hello::HelloRequest;
use vdisk_proto::codec::legacy::{DATA_LENGTH, Read, Write};
use vdisk_proto::codec::{Channel, Topic};
use vdisk_proto::service::{Limits, Now, Service};
use vdisk_proto::store::{Image, MemoryStore};

use crate::{dumps, section};

/// The server of the examples: drive B has 2 tracks of 4 sectors of 16 bytes, each filled with its number.
struct Server {
    service: Service<MemoryStore>,
    now: Now,
}

impl Server {
    fn new() -> Self {
        let store = MemoryStore::new();
        let image = Image { geometry: Geometry::new(2, 4, 16).unwrap(), is_read_only: false };
        store.set_template(Drive::B, image, (0..8).flat_map(|sector| [sector; 16]).collect());
        let now = Now { monotonic_ms: 0, wall_ns: 1_700_000_000_000_000_000 };
        Self { service: Service::new(store, Limits { window: 8, ..Limits::default() }, now), now }
    }

    /// What is sent after a request, once all is durable.
    fn answers(&mut self, request: &[u8]) -> Vec<Vec<u8>> {
        let payload = Bytes::copy_from_slice(request);
        self.service.received("altair/12345678/vdisk/v2/req", &payload, false, self.now);
        self.sent()
    }

    fn image_changed(&mut self) -> Vec<Vec<u8>> {
        self.now.wall_ns += 60_000_000_000;
        self.service.image_changed(channel(), Drive::B, self.now);
        self.sent()
    }

    fn sent(&mut self) -> Vec<Vec<u8>> {
        self.service.commit().unwrap();
        let sent = from_fn(|| self.service.poll_transmit());
        sent.inspect(|sent| assert_eq!(sent.topic, Topic::Response))
            .map(|sent| sent.payload.to_vec())
            .collect()
    }
}

fn channel() -> Channel {
    Channel::new("12345678").unwrap()
}

#[test]
fn the_examples_are_what_the_service_says() {
    let examples = dumps(&section("## Examples"));
    let [
        hello,
        welcome,
        read,
        first,
        second,
        write,
        written,
        flush,
        flushed,
        invalidate,
        stale,
        next,
        renewed,
    ] = &examples[..]
    else {
        panic!("there are {} examples", examples.len())
    };
    let mut server = Server::new();
    same(&server.answers(hello), &[welcome]);
    same(&server.answers(read), &[first, second]);
    same(&server.answers(write), &[written]);
    same(&server.answers(flush), &[flushed]);
    same(&server.image_changed(), &[invalidate]);
    same(&server.answers(&late_read()), &[stale]);
    same(&server.answers(next), &[renewed]);
}

fn same(sent: &[Vec<u8>], expected: &[&Vec<u8>]) {
    let sent: Vec<_> = sent.iter().collect();
    assert_eq!(sent, expected, "\nsent: {sent:02x?}");
}

/// The READ that is answered with STALE_SESSION in the examples.
fn late_read() -> Vec<u8> {
    let read = Frame { count: 4, drive: 1, ..Frame::blank(Operation::Read, 1_700_000_000, 0x5eed_0004) };
    let mut bytes = vec![0; read.length()];
    assert!(read.encode(&channel(), &mut bytes));
    bytes
}

#[test]
fn the_hellos_say_what_is_written_beside_them() {
    let examples = dumps(&section("## Examples"));
    let said = |example: usize| {
        let channel = channel();
        let frame = Frame::decode(&channel, &examples[example]).unwrap();
        (frame.sequence, HelloRequest::decode(frame.body).unwrap())
    };
    let first = HelloRequest {
        nonce: 0x1122_3344_5566_7788,
        previous: 0,
        largest_frame: 60,
        cacheable_sectors: 1_154,
    };
    assert_eq!(said(0), (0x5eed_0001, first));
    let next = HelloRequest { nonce: 0x99aa_bbcc_ddee_ff00, previous: 1_700_000_000, ..first };
    assert_eq!(said(11), (0x5eed_0005, next));
}

#[test]
fn the_legacy_examples_are_what_the_codec_says() {
    let legacy = section("## Legacy").replace("e5 e5 ... e5 ", &"e5 ".repeat(137));
    let [read, data] = &dumps(&legacy)[..] else { panic!("a read and data are shown") };
    assert_eq!(read[..], Read { offset: 137 }.encode());
    assert_eq!(data[..], Write { offset: 137, sector: &[0xe5; 137] }.encode());
    assert_eq!(data.len(), DATA_LENGTH);
}
