//! The mailbox between a Cortex-M4 and the processor beside it: its messages, and the three services that answer them.
//!
//! A disk message has 144 bytes, behind a header of the mailbox's own that is no concern of this module:
//!
//! | Offset | Size | Field         | Rule                                     |
//! |-------:|-----:|---------------|------------------------------------------|
//! |      0 |    1 | type          | 0 unknown, 1 read, 2 write, 3 clear      |
//! |      1 |    2 | sector number | little-endian                            |
//! |      3 |    1 | cached        | 1 in the answer to a hit                 |
//! |      4 |    1 | success       | 1 in an answer that holds what was asked |
//! |      5 |    1 | drive         | 0 to 15                                  |
//! |      6 |  137 | sector        |                                          |
//! |    143 |    1 | padding       | 0 in answers                             |
//!
//! What is sent may be shorter: a read 3 to 144 bytes, a write 143 or 144, a clear 1 to 144. Any other length or type
//! changes nothing and is not answered. All fields are read and written bytewise, at any alignment.
//!
//! | Service | A read | A write | A clear |
//! |---------|--------|---------|---------|
//! | [`serve`], cache | hit: 144 bytes; miss: 4 zeros | kept | drops all |
//! | [`serve`], difference disk ([`Eviction::Never`](crate::Eviction::Never)) | the same | kept, or refused when full | drops all |
//! | [`CardService`] | 144 bytes, `success` tells | 144 bytes, `success` tells | drops all |

#[cfg(test)]
mod tests;

use crate::{BlockDevice, CachedDisk, Drive, Error, NoReadAhead, Sector, SectorCache, SectorKey, WriteMode};

/// Bytes of a whole disk message.
pub const MESSAGE_LENGTH: usize = 144;
/// Bytes of a sector in a disk message.
pub const SECTOR_LENGTH: usize = 137;
/// Bytes of the answer to a miss, all zero.
pub const MISS_LENGTH: usize = 4;
/// Bytes of a read as the boards in the field send it, and the fewest that one may have.
pub const SHORT_READ_LENGTH: usize = 3;
/// The fewest bytes that a read which names its drive may have.
pub const DRIVE_READ_LENGTH: usize = 6;
/// The fewest bytes that a write may have: all but the padding.
pub const SHORT_WRITE_LENGTH: usize = 143;

const TYPE_READ: u8 = 1;
const TYPE_WRITE: u8 = 2;
const TYPE_CLEAR: u8 = 3;

const SUCCESS_AT: usize = 4;
const SECTOR_AT: usize = 6;
const PADDING_AT: usize = SECTOR_AT + SECTOR_LENGTH;
const _: () = assert!(PADDING_AT + 1 == MESSAGE_LENGTH && SHORT_WRITE_LENGTH == PADDING_AT);

/// What the processor beside the M4 asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Asks for a sector; the drive is missing from a short message.
    Read {
        /// Which sector.
        sector: u16,
        /// Of which drive.
        drive: Option<u8>,
    },
    /// Brings a sector: written by the emulator, or fetched after a miss.
    Write {
        /// Which sector.
        sector: u16,
        /// Of which drive.
        drive: u8,
        /// Its bytes.
        bytes: &'a [u8; SECTOR_LENGTH],
    },
    /// Asks to forget everything.
    Clear,
}

impl<'a> Request<'a> {
    /// Reads a message; `None` if its length or type is none of those above.
    #[must_use]
    #[inline(always)]
    pub fn decode(message: &'a [u8]) -> Option<Self> {
        if message.len() > MESSAGE_LENGTH {
            return None;
        }
        match *message.first()? {
            TYPE_READ => {
                let &[_, low, high] = message.first_chunk()?;
                Some(Self::Read { sector: u16::from_le_bytes([low, high]), drive: message.get(5).copied() })
            }
            TYPE_WRITE => {
                let &[_, low, high, _, _, drive] = message.first_chunk()?;
                let bytes = message.get(SECTOR_AT..)?.first_chunk()?;
                Some(Self::Write { sector: u16::from_le_bytes([low, high]), drive, bytes })
            }
            TYPE_CLEAR => Some(Self::Clear),
            _ => None,
        }
    }

    /// Writes the message, and says how long it is: 3 or 6 bytes for a read, 144 for a write, 1 for a clear.
    pub fn encode(&self, message: &mut [u8; MESSAGE_LENGTH]) -> usize {
        match *self {
            Self::Read { sector, drive } => {
                let [low, high] = sector.to_le_bytes();
                [message[0], message[1], message[2]] = [TYPE_READ, low, high];
                [message[3], message[4], message[5]] = [0, 0, drive.unwrap_or(0)];
                if drive.is_some() { DRIVE_READ_LENGTH } else { SHORT_READ_LENGTH }
            }
            Self::Write { sector, drive, bytes } => {
                write_header(message, TYPE_WRITE, sector, 0, 0, drive);
                if let Some(place) = message.get_mut(SECTOR_AT..PADDING_AT) {
                    place.copy_from_slice(bytes);
                }
                MESSAGE_LENGTH
            }
            Self::Clear => {
                message[0] = TYPE_CLEAR;
                1
            }
        }
    }
}

/// What a service answers, as the processor beside the M4 reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The cache does not have the sector.
    Miss,
    /// The sector, or how a card service fared.
    Sector {
        /// Which sector.
        sector: u16,
        /// Of which drive.
        drive: u8,
        /// Whether it was done.
        success: bool,
        /// Its bytes.
        bytes: &'a [u8; SECTOR_LENGTH],
    },
}

impl<'a> Answer<'a> {
    /// Reads an answer; `None` if it is neither 4 zeros nor a read or write of 144 bytes.
    #[must_use]
    pub fn decode(message: &'a [u8]) -> Option<Self> {
        if message == [0; MISS_LENGTH] {
            return Some(Self::Miss);
        }
        let message: &[u8; MESSAGE_LENGTH] = message.try_into().ok()?;
        let &[kind, low, high, _, success, drive] = message.first_chunk()?;
        let bytes = message.get(SECTOR_AT..)?.first_chunk()?;
        matches!(kind, TYPE_READ | TYPE_WRITE).then_some(Self::Sector {
            sector: u16::from_le_bytes([low, high]),
            drive,
            success: success == 1,
            bytes,
        })
    }
}

/// Which drive a message to a cache means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drives {
    /// One drive, whatever the message says: boards in the field send what happens to be in memory there. It is kept,
    /// and answered, as drive 0.
    #[default]
    One,
    /// The drive that the message names; reads must be 6 bytes or more. A drive from 16 on is never held.
    Many,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Not a message of ours, or too little room for the answer: nothing has changed and nothing is to be sent.
    Ignored,
    /// Done; nothing is to be sent.
    Done,
    /// A new sector found no slot, and is not held; nothing is to be sent. The cache counts it as refused.
    Refused,
    /// That many bytes of the message are now the answer.
    Answered(usize),
}

impl Served {
    /// How many bytes are to be sent; 0 for none.
    #[must_use]
    pub const fn answer_length(self) -> usize {
        match self {
            Self::Answered(length) => length,
            _ => 0,
        }
    }
}

/// Serves one message as the cache of a drive that is elsewhere, or, if the cache never evicts, as a difference disk:
/// the base image is read-only, and what was written stays here until a clear.
///
/// The message is the first `length` bytes of `buffer`, and the answer takes its place.
///
/// ```
/// use sector_cache::mailbox::{self, Drives, Request, Served};
/// use sector_cache::{Eviction, SectorCache};
///
/// let mut memory = [0; 149 * 4];
/// let mut cache = SectorCache::new(&mut memory, 4, 137, Eviction::Lru)?;
/// let mut message = [0; mailbox::MESSAGE_LENGTH];
///
/// let length = Request::Read { sector: 7, drive: None }.encode(&mut message);
/// assert_eq!(mailbox::serve(&mut cache, Drives::One, &mut message, length), Served::Answered(4)); // a miss
///
/// let length = Request::Write { sector: 7, drive: 0, bytes: &[0xe5; 137] }.encode(&mut message);
/// assert_eq!(mailbox::serve(&mut cache, Drives::One, &mut message, length), Served::Done); // filled
///
/// let length = Request::Read { sector: 7, drive: None }.encode(&mut message);
/// assert_eq!(mailbox::serve(&mut cache, Drives::One, &mut message, length), Served::Answered(144)); // a hit
/// # Ok::<(), sector_cache::Error>(())
/// ```
pub fn serve(cache: &mut SectorCache<'_>, drives: Drives, buffer: &mut [u8], length: usize) -> Served {
    if cache.sector_length() != SECTOR_LENGTH {
        return Served::Ignored;
    }
    let Some(request) = buffer.get(..length).and_then(Request::decode) else { return Served::Ignored };
    match request {
        Request::Clear => {
            cache.clear();
            Served::Done
        }
        Request::Write { sector, drive, bytes } => match drives.key(sector, Some(drive)) {
            Some(key) => cache.put(key, bytes).map_or(Served::Refused, |_| Served::Done),
            None => Served::Ignored,
        },
        Request::Read { drive: None, .. } if drives == Drives::Many => Served::Ignored,
        Request::Read { sector, drive } => answer_read(cache, drives.key(sector, drive), sector, buffer),
    }
}

impl Drives {
    fn key(self, sector: u16, drive: Option<u8>) -> Option<SectorKey> {
        let drive = match self {
            Self::One => Drive::A,
            Self::Many => Drive::new(drive?).ok()?,
        };
        Some(SectorKey::new(drive, Sector::from(sector)))
    }
}

fn answer_read(
    cache: &mut SectorCache<'_>,
    key: Option<SectorKey>,
    sector: u16,
    buffer: &mut [u8],
) -> Served {
    let Some(message) = buffer.first_chunk_mut::<MESSAGE_LENGTH>() else { return Served::Ignored };
    let [_, _, _, _, _, _, place @ .., _] = message;
    let Some(key) = key.filter(|&key| cache.read(key, place) == Ok(true)) else {
        [message[0], message[1], message[2], message[3]] = [0; MISS_LENGTH];
        return Served::Answered(MISS_LENGTH);
    };
    write_header(message, TYPE_READ, sector, 1, 1, key.drive().number());
    message[PADDING_AT] = 0;
    Served::Answered(MESSAGE_LENGTH)
}

/// An SD card, in blocks of 512 bytes.
pub trait Card {
    /// What goes wrong.
    type Error;

    /// Reads a block.
    ///
    /// # Errors
    /// The card's own.
    fn read(&mut self, block: u32, bytes: &mut [u8; BLOCK_LENGTH]) -> Result<(), Self::Error>;

    /// Writes a block.
    ///
    /// # Errors
    /// The card's own.
    fn write(&mut self, block: u32, bytes: &[u8; BLOCK_LENGTH]) -> Result<(), Self::Error>;
}

/// Bytes of a card's block. A sector is at its start, followed by zeros.
pub const BLOCK_LENGTH: usize = 512;
/// Blocks that a drive has on a card: sector *s* of drive *d* is block *s* + 3,000 *d*.
pub const BLOCKS_PER_DRIVE: u16 = 3_000;

/// Serves the drives that are on a card behind the M4, with a cache in front of it.
///
/// A miss goes to the card and into the cache; a write goes to the card, then into the cache. Sectors from 3,000 and
/// drives from 16 on fail, as a card that fails does: `success` is 0, and a read's sector is zeroed.
#[derive(Debug)]
pub struct CardService<'m, C> {
    disk: CachedDisk<'m, CardDisk<C>>,
}

impl<'m, C: Card> CardService<'m, C> {
    /// Puts a cache in front of a card.
    ///
    /// # Errors
    /// [`Error::WrongLength`] if the cache's sectors do not have 137 bytes.
    pub fn new(cache: SectorCache<'m>, card: C) -> Result<Self, Error> {
        cache.check_length(&[0; SECTOR_LENGTH])?;
        Ok(Self { disk: CachedDisk::new(cache, CardDisk(card), NoReadAhead, WriteMode::Through) })
    }

    /// The cache, to look at.
    pub const fn cache(&self) -> &SectorCache<'m> {
        self.disk.cache()
    }

    /// Serves one message: the first `length` bytes of `buffer`, where the answer takes its place.
    pub fn serve(&mut self, buffer: &mut [u8], length: usize) -> Served {
        let Some(request) = buffer.get(..length).and_then(Request::decode) else { return Served::Ignored };
        if request == Request::Clear {
            self.disk.cache_mut().clear();
            return Served::Done;
        }
        let Some(message) = buffer.first_chunk_mut::<MESSAGE_LENGTH>() else { return Served::Ignored };
        if length != MESSAGE_LENGTH {
            return Served::Ignored;
        }
        message[SUCCESS_AT] = u8::from(self.transfer(message));
        message[PADDING_AT] = 0;
        Served::Answered(MESSAGE_LENGTH)
    }

    /// Reads or writes the sector that a whole message names, and says whether that worked.
    fn transfer(&mut self, message: &mut [u8; MESSAGE_LENGTH]) -> bool {
        let &mut [kind, low, high, _, _, drive, ref mut sector @ .., _] = message;
        let number = u16::from_le_bytes([low, high]);
        let key = match Drive::new(drive) {
            Ok(drive) if number < BLOCKS_PER_DRIVE => Some(SectorKey::new(drive, Sector::from(number))),
            _ => None,
        };
        if kind == TYPE_WRITE {
            return key.is_some_and(|key| self.disk.write(key, sector).is_ok());
        }
        let done = key.is_some_and(|key| self.disk.read(key, sector).is_ok());
        if !done {
            sector.fill(0);
        }
        done
    }
}

/// A card as a device of sectors.
#[derive(Debug)]
struct CardDisk<C>(C);

impl<C: Card> BlockDevice for CardDisk<C> {
    type Error = C::Error;

    fn read(&mut self, key: SectorKey, bytes: &mut [u8]) -> Result<(), C::Error> {
        let mut block = [0; BLOCK_LENGTH];
        self.0.read(block_number(key), &mut block)?;
        bytes.iter_mut().zip(block).for_each(|(byte, read)| *byte = read);
        Ok(())
    }

    fn write(&mut self, key: SectorKey, bytes: &[u8]) -> Result<(), C::Error> {
        let mut block = [0; BLOCK_LENGTH];
        block.iter_mut().zip(bytes).for_each(|(byte, &written)| *byte = written);
        self.0.write(block_number(key), &block)
    }
}

fn block_number(key: SectorKey) -> u32 {
    // Cannot wrap: 24 bits, and at most 15 times 3,000.
    let first = u32::from(key.drive().number()).wrapping_mul(u32::from(BLOCKS_PER_DRIVE));
    first.wrapping_add(key.sector().number())
}

fn write_header(
    message: &mut [u8; MESSAGE_LENGTH],
    kind: u8,
    sector: u16,
    cached: u8,
    success: u8,
    drive: u8,
) {
    let [low, high] = sector.to_le_bytes();
    [message[0], message[1], message[2], message[3], message[4], message[5]] =
        [kind, low, high, cached, success, drive];
}
