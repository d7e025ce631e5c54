//! The frame of version 2.
//!
//! | Offset | Size | Field        | Rule |
//! |-------:|-----:|--------------|------|
//! |      0 |    2 | magic        | `56 44` ("VD"), else not a frame |
//! |      2 |    1 | version      | 2; a newer one is refused with UNSUPPORTED_VERSION |
//! |      3 |    1 | operation    | 1 HELLO, 2 READ, 3 WRITE, 4 FLUSH, 5 INVALIDATE; an answer sets bit 7 |
//! |      4 |    4 | session      | 0 in HELLO's request |
//! |      8 |    4 | sequence     | an answer repeats the request's |
//! |     12 |    4 | acknowledged | in answers: the last WRITE of the session that is applied and durable; in HELLO's request, what the device knows of that for its previous session |
//! |     16 |    4 | sector       | the first; in HELLO's answer, the last WRITE of the previous session that is applied |
//! |     20 |    2 | count        | of sectors in READ and WRITE |
//! |     22 |    1 | drive        | 0 to 15 |
//! |     23 |    1 | status       | of an answer; 0 in requests |
//! |     24 |    n | body         | sectors, or what [HELLO](super::hello) has |
//! |   24+n |    4 | checksum     | CRC-32C of the channel's name, then of all before it |
//!
//! Fields that an operation does not use are 0. What of a request's fields makes sense, a service decides.

pub(super) mod fields;

use super::{Channel, Status, crc32c};
use fields::{array, put};

/// How a frame starts.
pub const MAGIC: [u8; 2] = *b"VD";
/// The version of the protocol.
pub const VERSION: u8 = 2;
/// Bytes of a frame before its body.
pub const HEAD_LENGTH: usize = 24;
/// Bytes of a frame without its body.
pub const OVERHEAD: usize = HEAD_LENGTH + CHECKSUM_LENGTH;

const CHECKSUM_LENGTH: usize = 4;
const ANSWER: u8 = 0x80;

const VERSION_AT: usize = 2;
const SESSION_AT: usize = 4;
const SEQUENCE_AT: usize = 8;
const ACKNOWLEDGED_AT: usize = 12;
const SECTOR_AT: usize = 16;
const COUNT_AT: usize = 20;
const DRIVE_AT: usize = 22;
const STATUS_AT: usize = 23;

const _: () = assert!(VERSION_AT == MAGIC.len() && STATUS_AT + 1 == HEAD_LENGTH);

/// What a frame asks for, or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Operation {
    /// A device begins a session.
    Hello = 1,
    /// Sectors are read.
    Read = 2,
    /// Sectors are written.
    Write = 3,
    /// An answer is prodded for, that says what is durable.
    Flush = 4,
    /// A server says that a drive was changed by others, and that the session has ended.
    Invalidate = 5,
}

impl Operation {
    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Hello),
            2 => Some(Self::Read),
            3 => Some(Self::Write),
            4 => Some(Self::Flush),
            5 => Some(Self::Invalidate),
            _ => None,
        }
    }
}

/// Why bytes are no frame, or none that can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// They are too few.
    #[error("a frame has {OVERHEAD} bytes at least, not {length}")]
    TooShort {
        /// How many there are.
        length: usize,
    },
    /// They do not start like one.
    #[error("the bytes do not start like a frame")]
    Magic,
    /// They are not those that were sent to this channel.
    #[error("the checksum is not the frame's")]
    Checksum,
    /// The version is older than any.
    #[error("there never was a version {version}")]
    Version {
        /// As received.
        version: u8,
    },
    /// An answer is not understood.
    #[error("the answer has an unknown version, operation or status")]
    Answer,
    /// A request is whole but not understood: to be answered with a [refusal](Head::refusal).
    #[error("the request is refused: {1}")]
    Refused(Head, Status),
}

/// What the refusal of a request repeats, whatever its version and its operation are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// As received, which has no bit 7.
    pub operation: u8,
    /// As received.
    pub session: u32,
    /// As received.
    pub sequence: u32,
}

impl Head {
    /// The answer that says no.
    #[must_use]
    pub fn refusal(&self, channel: &Channel, status: Status) -> [u8; OVERHEAD] {
        let mut out = [0; OVERHEAD];
        put(&mut out, 0, &MAGIC);
        put(&mut out, VERSION_AT, &[VERSION, self.operation | ANSWER]);
        put(&mut out, SESSION_AT, &self.session.to_le_bytes());
        put(&mut out, SEQUENCE_AT, &self.sequence.to_le_bytes());
        put(&mut out, STATUS_AT, &[status.number()]);
        seal(channel, &mut out);
        out
    }
}

/// A frame, whose body is where it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it asks for or answers.
    pub operation: Operation,
    /// Whether it answers.
    pub is_answer: bool,
    /// Which session it belongs to.
    pub session: u32,
    /// Which request it is, or answers.
    pub sequence: u32,
    /// In an answer: the last WRITE of the session that is applied and durable. In HELLO's request: that of the previous
    /// session, as far as the device was told.
    pub acknowledged: u32,
    /// The first sector. In HELLO's answer: the last WRITE of the session named as the previous one that is applied.
    pub sector: u32,
    /// How many sectors.
    pub count: u16,
    /// The drive's number, which may be none.
    pub drive: u8,
    /// How it went, in an answer.
    pub status: Status,
    /// Sectors, or what HELLO has.
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A request of which nothing else is set.
    #[must_use]
    pub const fn blank(operation: Operation, session: u32, sequence: u32) -> Self {
        Self {
            operation,
            is_answer: false,
            session,
            sequence,
            acknowledged: 0,
            sector: 0,
            count: 0,
            drive: 0,
            status: Status::Ok,
            body: &[],
        }
    }

    /// Decodes what was received on a channel.
    ///
    /// # Errors
    /// [`FrameError`]; only [`Refused`](FrameError::Refused) is to be answered.
    pub fn decode(channel: &Channel, bytes: &'a [u8]) -> Result<Self, FrameError> {
        if bytes.len() < OVERHEAD {
            return Err(FrameError::TooShort { length: bytes.len() });
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(FrameError::Magic);
        }
        let (checked, checksum) = bytes.split_at_checked(bytes.len() - CHECKSUM_LENGTH).unwrap_or_default();
        if crc32c(&[channel.as_bytes(), checked]).to_le_bytes() != checksum {
            return Err(FrameError::Checksum);
        }
        let [version, operation] = array(bytes, VERSION_AT);
        let head = Head {
            operation,
            session: u32::from_le_bytes(array(bytes, SESSION_AT)),
            sequence: u32::from_le_bytes(array(bytes, SEQUENCE_AT)),
        };
        let is_answer = operation & ANSWER != 0;
        let refused = |status| if is_answer { FrameError::Answer } else { FrameError::Refused(head, status) };
        if version < VERSION {
            return Err(FrameError::Version { version });
        }
        if version > VERSION {
            return Err(refused(Status::UnsupportedVersion));
        }
        let [drive, status] = array(bytes, DRIVE_AT);
        Ok(Self {
            operation: Operation::from_number(operation & !ANSWER).ok_or(refused(Status::BadRequest))?,
            is_answer,
            session: head.session,
            sequence: head.sequence,
            acknowledged: u32::from_le_bytes(array(bytes, ACKNOWLEDGED_AT)),
            sector: u32::from_le_bytes(array(bytes, SECTOR_AT)),
            count: u16::from_le_bytes(array(bytes, COUNT_AT)),
            drive,
            status: Status::from_number(status).ok_or(refused(Status::BadRequest))?,
            body: checked.get(HEAD_LENGTH..).unwrap_or_default(),
        })
    }

    /// Bytes of the whole frame.
    #[must_use]
    pub const fn length(&self) -> usize {
        OVERHEAD + self.body.len()
    }

    /// Writes the frame to memory of its [`length`](Self::length). To memory of another nothing is written, and the
    /// result is `false`.
    pub fn encode(&self, channel: &Channel, out: &mut [u8]) -> bool {
        if out.len() != self.length() {
            return false;
        }
        put(out, HEAD_LENGTH, self.body);
        self.seal(channel, out)
    }

    /// The same around a body that is in its place already, whatever `body` says; `false` for memory that is shorter
    /// than a frame without one.
    pub fn seal(&self, channel: &Channel, out: &mut [u8]) -> bool {
        if out.len() < OVERHEAD {
            return false;
        }
        put(out, 0, &MAGIC);
        let operation = self.operation as u8 | if self.is_answer { ANSWER } else { 0 };
        put(out, VERSION_AT, &[VERSION, operation]);
        put(out, SESSION_AT, &self.session.to_le_bytes());
        put(out, SEQUENCE_AT, &self.sequence.to_le_bytes());
        put(out, ACKNOWLEDGED_AT, &self.acknowledged.to_le_bytes());
        put(out, SECTOR_AT, &self.sector.to_le_bytes());
        put(out, COUNT_AT, &self.count.to_le_bytes());
        put(out, DRIVE_AT, &[self.drive, self.status.number()]);
        seal(channel, out);
        true
    }
}

/// Writes the checksum of all that is before it.
fn seal(channel: &Channel, out: &mut [u8]) {
    if let Some((checked, checksum)) = out.split_last_chunk_mut::<CHECKSUM_LENGTH>() {
        *checksum = crc32c(&[channel.as_bytes(), checked]).to_le_bytes();
    }
}

#[cfg(test)]
mod tests;
