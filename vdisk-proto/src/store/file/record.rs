//! The records of the journal, as bytes.
//!
//! A group of the journal is a block, and each of its blobs is a record, whose first byte is its kind. Numbers are
//! little-endian. Bytes that no table names are 0, and not looked at.
//!
//! Every record starts so:
//!
//! | Offset | Size | Field          | Rule |
//! |-------:|-----:|----------------|------|
//! |      0 |    1 | kind           | 1 to 6, as below |
//! |      1 |    1 | drive          | 0 to 15; 0 if the kind has none |
//! |      2 |    1 | channel length | 0 to 32; 0 if the kind has none, and of an image a template's |
//! |      3 |    1 | flags          | of the kind |
//! |      4 |   32 | channel        | zeros behind it |
//!
//! Kind 1, a session that a HELLO is given:
//!
//! | Offset | Size | Field         | Rule |
//! |-------:|-----:|---------------|------|
//! |     36 |    4 | session       | |
//! |     40 |    2 | largest frame | |
//! |     48 |    8 | nonce         | |
//! |     56 |    8 | floor         | |
//! |     64 |    8 | growth        | |
//!
//! Kind 2, a write. Flag 1: its author is a legacy client; flag 2: the image has these bytes already, and neither bytes
//! nor checksums follow.
//!
//! | Offset | Size | Field             | Rule |
//! |-------:|-----:|-------------------|------|
//! |     36 |    4 | session           | 0 of a legacy write |
//! |     40 |    4 | sequence          | 0 of a legacy write |
//! |     44 |    4 | sector            | the first |
//! |     48 |    8 | image generation  | the new one, of a legacy write; else 0, and not looked at |
//! |     56 |    2 | count             | of sectors; it goes on round the track |
//! |     58 |    2 | tracks            | the image's shape |
//! |     60 |    2 | sectors a track   | |
//! |     62 |    2 | sector length     | |
//! |     64 | 4 each | replaced        | by sector, the CRC-32C of what the image had there before the group |
//! |    ... |  ... | bytes             | those of the sectors |
//!
//! Kind 3, an image that was changed by others. Flag 1: it is on the disk, with all that the journal has for it before, which
//! is not to be applied.
//!
//! | Offset | Size | Field      | Rule |
//! |-------:|-----:|------------|------|
//! |     36 |    4 | 0          | |
//! |     40 |    8 | generation | the new one |
//!
//! Kind 4, a channel's ledger as of the start of the segment:
//!
//! | Offset | Size | Field         | Rule |
//! |-------:|-----:|---------------|------|
//! |     36 |    4 | session       | |
//! |     40 |    4 | mark          | |
//! |     44 |    4 | writer        | |
//! |     48 |    2 | largest frame | |
//! |     50 |    1 | ended         | 0 or 1 |
//! |     51 |    1 | granted       | how many: 0 to 16 |
//! |     52 |    4 | 0             | |
//! |     56 |    8 | floor         | |
//! |     64 |    8 | highest       | |
//! |     72 |  128 | images        | generations by drive, 8 bytes each |
//! |    200 | 24 each | granted    | session 4, mark 4, nonce 8, growth 8; newest first |
//!
//! Kind 5, which file an image is. There is one for every image in the checkpoint that a segment opens with, one before
//! the first write to a file, and one behind a change: there it is the template's file if the channel has none of its
//! own. Of an image that is gone all is 0; where a change was noticed that is not durable yet, the time is one that no file
//! has.
//!
//! | Offset | Size | Field    | Rule |
//! |-------:|-----:|----------|------|
//! |     36 |    4 | 0        | |
//! |     40 |    8 | device   | |
//! |     48 |    8 | inode    | |
//! |     56 |    8 | length   | |
//! |     64 |    8 | modified | nanoseconds since 1970, signed |
//!
//! Kind 6, the end of the checkpoint that a segment opens with. A segment without it holds nothing.
//!
//! | Offset | Size | Field   | Rule |
//! |-------:|-----:|---------|------|
//! |     36 |    4 | 0       | |
//! |     40 |    8 | segment | its number, as in the file's name |
//! |     48 |    8 | lowest  | the number of the lowest segment that is not to be ignored |

use std::boxed::Box;
use std::vec::Vec;

use bytes::Bytes;
use region_store::medium::Identity;
use sector_cache::{Drive, Geometry};

use crate::codec::{Channel, Run};
use crate::store::{Author, Granted, Ledger, NONCES, Session, Write};

/// The bytes that every record starts with.
const HEAD_LENGTH: usize = 36;
const CHANNEL_LENGTH: usize = 32;
const _: () = assert!(HEAD_LENGTH == 4 + CHANNEL_LENGTH);

const SESSION: u8 = 1;
const WRITE: u8 = 2;
const CHANGED: u8 = 3;
const LEDGER: u8 = 4;
const IMAGE: u8 = 5;
const OPENING: u8 = 6;

/// Of a write: its author is a legacy client.
const LEGACY: u8 = 1;
/// Of a write: the image has its bytes already.
const IDENTICAL: u8 = 2;
/// Of a change: the image is on the disk, with all that was written to it before.
const SETTLED: u8 = 1;

/// A record, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Journalled {
    Session(Channel, Session),
    Write(Channel, JournalledWrite),
    Changed {
        channel: Channel,
        drive: Drive,
        generation: u64,
        /// Whether it is on the disk, with all that was written to it before.
        is_settled: bool,
    },
    Ledger(Channel, Box<Ledger>),
    Image {
        /// `None` of a template.
        channel: Option<Channel>,
        drive: Drive,
        /// Its permissions are not kept.
        identity: Identity,
    },
    Opening(Opening),
}

/// A write in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JournalledWrite {
    /// Its bytes are those of its run, or none if the image had them.
    pub(super) write: Write,
    /// A CRC-32C a sector, or none if the image had the bytes.
    pub(super) replaced: Vec<u32>,
}

/// What a segment's checkpoint ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) segment: u64,
    pub(super) lowest: u64,
}

/// Why bytes are no record of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Its kind is none of ours.
    #[error("a record is of kind {kind}, which this version does not know: a newer one wrote it")]
    Kind {
        /// As found.
        kind: u8,
    },
    /// It ends too early.
    #[error("a record of kind {kind} ends within its field {field}")]
    TooShort {
        /// Its kind.
        kind: u8,
        /// What is not there.
        field: &'static str,
    },
    /// It goes on where it should end.
    #[error("a record of kind {kind} has {bytes} bytes too many")]
    TooLong {
        /// Its kind.
        kind: u8,
        /// How many.
        bytes: usize,
    },
    /// A field has a value that it cannot have.
    #[error("a record of kind {kind} has a field {field} that makes no sense")]
    Field {
        /// Its kind.
        kind: u8,
        /// The field.
        field: &'static str,
    },
}

impl Journalled {
    /// Appends its bytes.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Session(channel, session) => encode_session(*channel, session, out),
            Self::Write(channel, write) => encode_write(*channel, write, out),
            Self::Changed { channel, drive, generation, is_settled } => {
                head(CHANGED, *drive, Some(*channel), if *is_settled { SETTLED } else { 0 }, out);
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&generation.to_le_bytes());
            }
            Self::Ledger(channel, ledger) => encode_ledger(*channel, ledger, out),
            Self::Image { channel, drive, identity } => encode_image(*channel, *drive, identity, out),
            Self::Opening(opening) => {
                head(OPENING, Drive::A, None, 0, out);
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&opening.segment.to_le_bytes());
                out.extend_from_slice(&opening.lowest.to_le_bytes());
            }
        }
    }

    /// Reads a record, which any bytes may pretend to be.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let kind = bytes.first().copied().unwrap_or_default();
        let mut fields = Fields { rest: bytes, kind };
        let [kind, drive, channel_length, flags] = fields.take("kind")?;
        let name: [u8; CHANNEL_LENGTH] = fields.take("channel")?;
        let drive = Drive::new(drive).map_err(|_| fields.wrong("drive"))?;
        let channel = channel(&name, channel_length).map_err(|()| fields.wrong("channel"))?;
        let named = channel.ok_or(fields.wrong("channel"));
        let record = match kind {
            SESSION => Self::Session(named?, decode_session(&mut fields)?),
            WRITE => Self::Write(named?, decode_write(drive, flags, &mut fields)?),
            CHANGED => {
                fields.take::<4>("generation")?;
                let generation = fields.u64("generation")?;
                Self::Changed { channel: named?, drive, generation, is_settled: flags & SETTLED != 0 }
            }
            LEDGER => Self::Ledger(named?, Box::new(decode_ledger(&mut fields)?)),
            IMAGE => Self::Image { channel, drive, identity: decode_image(&mut fields)? },
            OPENING => {
                fields.take::<4>("segment")?;
                let (segment, lowest) = (fields.u64("segment")?, fields.u64("lowest")?);
                Self::Opening(Opening { segment, lowest })
            }
            kind => return Err(RecordError::Kind { kind }),
        };
        fields.end(record)
    }
}

fn encode_session(channel: Channel, session: &Session, out: &mut Vec<u8>) {
    head(SESSION, Drive::A, Some(channel), 0, out);
    out.extend_from_slice(&session.session.to_le_bytes());
    out.extend_from_slice(&session.largest_frame.to_le_bytes());
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&session.nonce.to_le_bytes());
    out.extend_from_slice(&session.floor.to_le_bytes());
    out.extend_from_slice(&session.growth.to_le_bytes());
}

fn decode_session(fields: &mut Fields<'_>) -> Result<Session, RecordError> {
    let session = fields.u32("session")?;
    let largest_frame = fields.u16("largest frame")?;
    fields.take::<6>("nonce")?;
    let (nonce, floor) = (fields.u64("nonce")?, fields.u64("floor")?);
    Ok(Session { session, nonce, largest_frame, floor, growth: fields.u64("growth")? })
}

fn encode_write(channel: Channel, journalled: &JournalledWrite, out: &mut Vec<u8>) {
    let JournalledWrite { write, replaced } = journalled;
    let (mut flags, session, sequence, generation) = match write.author {
        Author::Session { session, sequence } => (0, session, sequence, 0),
        Author::Legacy { generation } => (LEGACY, 0, 0, generation),
    };
    if write.bytes.is_empty() {
        flags |= IDENTICAL;
    }
    head(WRITE, write.drive, Some(channel), flags, out);
    let geometry = write.run.geometry();
    for number in [session, sequence, write.run.sector()] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&generation.to_le_bytes());
    let shape = [geometry.tracks(), geometry.sectors_per_track(), geometry.sector_length()];
    for number in [write.run.count()].into_iter().chain(shape) {
        out.extend_from_slice(&number.to_le_bytes());
    }
    replaced.iter().for_each(|checksum| out.extend_from_slice(&checksum.to_le_bytes()));
    out.extend_from_slice(&write.bytes);
}

fn decode_write(drive: Drive, flags: u8, fields: &mut Fields<'_>) -> Result<JournalledWrite, RecordError> {
    let (session, sequence) = (fields.u32("session")?, fields.u32("sequence")?);
    let sector = fields.u32("sector")?;
    let generation = fields.u64("image generation")?;
    let count = fields.u16("count")?;
    let (tracks, sectors_per_track) = (fields.u16("tracks")?, fields.u16("sectors a track")?);
    let sector_length = fields.u16("sector length")?;
    let geometry = Geometry::new(tracks, sectors_per_track, sector_length);
    let geometry = geometry.map_err(|_| fields.wrong("tracks"))?;
    let run = Run::new(geometry, sector, count).map_err(|_| fields.wrong("sector"))?;
    let author = match flags & LEGACY {
        0 => Author::Session { session, sequence },
        _ => Author::Legacy { generation },
    };
    let (mut replaced, mut bytes) = (Vec::new(), Bytes::new());
    if flags & IDENTICAL == 0 {
        for _ in 0..count {
            replaced.push(fields.u32("replaced")?);
        }
        bytes = Bytes::copy_from_slice(fields.slice(run.bytes(), "bytes")?);
    }
    Ok(JournalledWrite { write: Write { drive, run, bytes, author }, replaced })
}

fn encode_ledger(channel: Channel, ledger: &Ledger, out: &mut Vec<u8>) {
    head(LEDGER, Drive::A, Some(channel), 0, out);
    for number in [ledger.session, ledger.mark, ledger.writer] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&ledger.largest_frame.to_le_bytes());
    out.extend_from_slice(&[ledger.ended.into(), ledger.granted_count, 0, 0, 0, 0]);
    for number in [ledger.floor, ledger.highest].iter().chain(&ledger.images) {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for granted in ledger.granted.iter().take(ledger.granted_count.into()) {
        out.extend_from_slice(&granted.session.to_le_bytes());
        out.extend_from_slice(&granted.mark.to_le_bytes());
        out.extend_from_slice(&granted.nonce.to_le_bytes());
        out.extend_from_slice(&granted.growth.to_le_bytes());
    }
}

fn decode_ledger(fields: &mut Fields<'_>) -> Result<Ledger, RecordError> {
    let mut ledger = Ledger::NEW;
    ledger.session = fields.u32("session")?;
    ledger.mark = fields.u32("mark")?;
    ledger.writer = fields.u32("writer")?;
    ledger.largest_frame = fields.u16("largest frame")?;
    let [ended, granted_count] = fields.take("granted")?;
    if ended > 1 {
        return Err(fields.wrong("ended"));
    }
    if usize::from(granted_count) > NONCES {
        return Err(fields.wrong("granted"));
    }
    (ledger.ended, ledger.granted_count) = (ended == 1, granted_count);
    fields.take::<4>("floor")?;
    (ledger.floor, ledger.highest) = (fields.u64("floor")?, fields.u64("highest")?);
    for generation in &mut ledger.images {
        *generation = fields.u64("images")?;
    }
    for granted in ledger.granted.iter_mut().take(granted_count.into()) {
        let (session, mark) = (fields.u32("granted")?, fields.u32("granted")?);
        *granted = Granted { session, mark, nonce: fields.u64("granted")?, growth: fields.u64("granted")? };
    }
    Ok(ledger)
}

fn encode_image(channel: Option<Channel>, drive: Drive, identity: &Identity, out: &mut Vec<u8>) {
    head(IMAGE, drive, channel, 0, out);
    out.extend_from_slice(&[0; 4]);
    for number in [identity.device, identity.inode, identity.length] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&identity.modified_ns.to_le_bytes());
}

fn decode_image(fields: &mut Fields<'_>) -> Result<Identity, RecordError> {
    fields.take::<4>("device")?;
    let (device, inode, length) = (fields.u64("device")?, fields.u64("inode")?, fields.u64("length")?);
    let modified_ns = i64::from_le_bytes(fields.take("modified")?);
    Ok(Identity { device, inode, length, modified_ns, is_read_only: false })
}

fn head(kind: u8, drive: Drive, channel: Option<Channel>, flags: u8, out: &mut Vec<u8>) {
    let name = channel.as_ref().map_or(&[][..], Channel::as_bytes);
    // A channel has at most 32 characters.
    let length = u8::try_from(name.len()).unwrap_or_default();
    out.extend_from_slice(&[kind, drive.number(), length, flags]);
    out.extend_from_slice(name);
    out.resize(out.len() + CHANNEL_LENGTH.saturating_sub(name.len()), 0);
}

/// The channel in a head, if there is one.
fn channel(name: &[u8], length: u8) -> Result<Option<Channel>, ()> {
    if length == 0 {
        return Ok(None);
    }
    let name = name.get(..length.into()).ok_or(())?;
    let name = core::str::from_utf8(name).map_err(|_| ())?;
    Channel::new(name).map(Some).map_err(|_| ())
}

/// What is not read yet of a record.
struct Fields<'a> {
    rest: &'a [u8],
    kind: u8,
}

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(self.short(field))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn slice(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(self.short(field))?;
        self.rest = rest;
        Ok(taken)
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, RecordError> {
        self.take(field).map(u16::from_le_bytes)
    }

    fn u32(&mut self, field: &'static str) -> Result<u32, RecordError> {
        self.take(field).map(u32::from_le_bytes)
    }

    fn u64(&mut self, field: &'static str) -> Result<u64, RecordError> {
        self.take(field).map(u64::from_le_bytes)
    }

    fn end(&self, record: Journalled) -> Result<Journalled, RecordError> {
        match self.rest.len() {
            0 => Ok(record),
            bytes => Err(RecordError::TooLong { kind: self.kind, bytes }),
        }
    }

    const fn short(&self, field: &'static str) -> RecordError {
        RecordError::TooShort { kind: self.kind, field }
    }

    const fn wrong(&self, field: &'static str) -> RecordError {
        RecordError::Field { kind: self.kind, field }
    }
}

#[cfg(test)]
mod tests;
