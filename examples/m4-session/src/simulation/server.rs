//! The scripted side: a board whose clock stands still until told, and that keeps what is published for the script to
//! read; and the answers of a server.

use sector_cache::{Drive, Geometry};
use vdisk_proto::codec::frame::{self, Frame, Operation};
use vdisk_proto::codec::hello::{DriveInfo, HelloAnswer};
use vdisk_proto::codec::{Channel, Topic};
use vdisk_proto::session::{Config, Event};

use super::meter::check;
use crate::device::{Board, SECTOR_LENGTH, Wanted};

/// More than a window of writes.
const KEPT: usize = 16;
const PAYLOAD: usize = Config::longest_payload(SECTOR_LENGTH);

/// A board that does what the script says.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) now_ms: u64,
    random: u64,
    published: [([u8; PAYLOAD], usize); KEPT],
    /// How many of these were published and not read.
    waiting: usize,
    /// The last read that was done, or write that was accepted: its sector, and the first of its bytes.
    pub(super) done: Option<(u32, Option<u8>)>,
    pub(super) told: Option<Event>,
}

impl Script {
    pub(super) const fn new() -> Self {
        Self {
            now_ms: 1,
            random: 0x5eed,
            published: [([0; PAYLOAD], 0); KEPT],
            waiting: 0,
            done: None,
            told: None,
        }
    }

    /// Takes all that was published, in order.
    pub(super) fn take(&mut self, channel: &Channel, mut each: impl FnMut(usize, &Frame<'_>)) -> usize {
        for (index, (payload, length)) in self.published.iter().take(self.waiting).enumerate() {
            match Frame::decode(channel, payload.get(..*length).unwrap_or_default()) {
                Ok(frame) => each(index, &frame),
                Err(_) => check(false, c"a message is no frame"),
            }
        }
        core::mem::take(&mut self.waiting)
    }
}

impl Board for Script {
    fn now_ms(&mut self) -> u64 {
        self.now_ms
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random
    }

    fn is_connected(&mut self) -> bool {
        true
    }

    fn receive(&mut self, _payload: &mut [u8]) -> Option<(Topic, usize)> {
        None
    }

    fn publish(&mut self, topic: Topic, payload: &[u8]) {
        check(topic == Topic::Request, c"a message is for another topic than v2/req");
        let Some((place, length)) = self.published.get_mut(self.waiting) else {
            return check(false, c"more is published than there can be to say");
        };
        let Some(place) = place.get_mut(..payload.len()) else {
            return check(false, c"a payload is longer than the longest");
        };
        place.copy_from_slice(payload);
        *length = payload.len();
        self.waiting = self.waiting.saturating_add(1);
    }

    fn wanted(&mut self, _bytes: &mut [u8]) -> Option<Wanted> {
        None
    }

    fn done(&mut self, sector: u32, bytes: &[u8]) {
        self.done = Some((sector, bytes.first().copied()));
    }

    fn told(&mut self, event: Event) {
        self.told = Some(event);
    }
}

/// A frame of the server, whole: the memory that it lies in, and its length.
pub(super) type Message = ([u8; 1_024], usize);

/// An answer whose other fields are 0.
pub(super) const fn answer(operation: Operation, session: u32, sequence: u32) -> Frame<'static> {
    Frame { is_answer: true, drive: Drive::B.number(), ..Frame::blank(operation, session, sequence) }
}

pub(super) fn message(channel: &Channel, frame: &Frame<'_>) -> Message {
    let mut bytes = [0; 1_024];
    let length = frame.length();
    let is_written = bytes.get_mut(..length).is_some_and(|place| frame.encode(channel, place));
    check(is_written, c"the script's frame is too long");
    (bytes, length)
}

/// The answer to a HELLO: a session, and drive B.
pub(super) fn welcome(
    channel: &Channel,
    session: u32,
    sequence: u32,
    nonce: u64,
    generation: u64,
) -> Message {
    let drive =
        DriveInfo { drive: Drive::B, is_read_only: false, geometry: Geometry::ALTAIR_8_INCH, generation };
    let mut body = [0; HelloAnswer::length(1)];
    let hello = HelloAnswer { nonce, largest_frame: 8_192, window: 8 };
    check(hello.encode(&[drive], &mut body).is_some(), c"the script's HELLO is too long");
    message(channel, &Frame { drive: 0, body: &body, ..answer(Operation::Hello, session, sequence) })
}

/// A part of a READ's answer, each sector [filled](fill) with a byte of its own.
pub(super) fn sectors(channel: &Channel, session: u32, sequence: u32, sector: u32, count: u16) -> Message {
    let mut body = [0; 7 * SECTOR_LENGTH as usize];
    let length = usize::from(count) * usize::from(SECTOR_LENGTH);
    let numbers = (0..).map(|index| sector.wrapping_add(index));
    for (place, number) in body.chunks_exact_mut(SECTOR_LENGTH.into()).zip(numbers) {
        place.fill(fill(number));
    }
    let body = body.get(..length).unwrap_or_default();
    let read = Frame { sector, count, body, ..answer(Operation::Read, session, sequence) };
    check(body.len() == length && read.length() <= 1_024, c"the script's answer is too long");
    message(channel, &read)
}

/// What the bytes of a sector are on the scripted server.
pub(super) const fn fill(sector: u32) -> u8 {
    let [low, ..] = sector.to_le_bytes();
    low ^ 0xa5
}

const _: () = assert!(frame::OVERHEAD + 7 * SECTOR_LENGTH as usize <= 1_024);
