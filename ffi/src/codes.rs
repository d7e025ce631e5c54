//! Results: zero is success, positive a documented outcome, negative an error. Codes are only ever added.

use core_cache::{Error, Outcome, SectorKey};
use vdisk_proto::session::Error as SessionError;

/// Done.
pub const SECTOR_CACHE_OK: i32 = 0;
/// The sector is not held.
pub const SECTOR_CACHE_MISS: i32 = 1;
/// The sector was not held, and got a free slot.
pub const SECTOR_CACHE_INSERTED: i32 = 2;
/// The sector was held with other bytes.
pub const SECTOR_CACHE_REPLACED: i32 = 3;
/// The sector was held with the same bytes.
pub const SECTOR_CACHE_UNCHANGED: i32 = 4;
/// The sector was not held, and got the slot of another.
pub const SECTOR_CACHE_EVICTED: i32 = 5;
/// It is on its way, and not done.
pub const VDISK_PENDING: i32 = 6;
/// There is a message to publish.
pub const VDISK_PUBLISH: i32 = 7;
/// A message is not for this session.
pub const VDISK_FOREIGN: i32 = 8;
/// The cache is not to be asked for the sector: it may hold older bytes, or another sector's.
pub const VDISK_BYPASS: i32 = 9;
/// Nothing happened in the time given.
pub const VDISK_NO_EVENT: i32 = 10;
/// The region has no more blobs.
pub const REGION_END: i32 = 11;

/// A pointer is NULL that may not be.
pub const SECTOR_CACHE_ERROR_NULL: i32 = -1;
/// The storage is not aligned; declare it with the macro.
pub const SECTOR_CACHE_ERROR_ALIGNMENT: i32 = -2;
/// The storage has too few bytes; see the macros for its size.
pub const SECTOR_CACHE_ERROR_TOO_SMALL: i32 = -3;
/// Header and library do not belong together: compile again with the library's header.
pub const SECTOR_CACHE_ERROR_VERSION: i32 = -4;
/// The object was not initialised, or something wrote over it.
pub const SECTOR_CACHE_ERROR_NOT_INITIALISED: i32 = -5;
/// A drive from 16 on, a sector from 16,777,216 on or that a session's drive does not have, more than 65,535 slots, a
/// sector length of 0 or too many, or an alignment or a version that no region has.
pub const SECTOR_CACHE_ERROR_OUT_OF_RANGE: i32 = -6;
/// A length that is not the sector length, or a buffer that is too short.
pub const SECTOR_CACHE_ERROR_LENGTH: i32 = -7;
/// No slot is free and nothing may be evicted.
pub const SECTOR_CACHE_ERROR_FULL: i32 = -8;
/// A sector that would be overwritten is dirty: write it to its device and mark it clean first.
pub const SECTOR_CACHE_ERROR_DIRTY: i32 = -9;
/// A flag that this version does not know.
pub const SECTOR_CACHE_ERROR_FLAGS: i32 = -10;
/// The sector is being filled in place: finish or cancel that first.
pub const SECTOR_CACHE_ERROR_FILLING: i32 = -11;
/// An option that cannot be; `vdisk_session_options` and `vdisk_client_options` say what can.
pub const VDISK_ERROR_OPTIONS: i32 = -12;
/// The server has not told yet what drives there are.
pub const VDISK_ERROR_NOT_OPEN: i32 = -13;
/// The channel has no such drive.
pub const VDISK_ERROR_NO_DRIVE: i32 = -14;
/// The drive's sectors are longer than the session, or the server, can carry.
pub const VDISK_ERROR_TOO_LONG: i32 = -15;
/// The drive cannot be written.
pub const VDISK_ERROR_READ_ONLY: i32 = -16;
/// As many writes wait as can: try again when one of them is acknowledged.
pub const VDISK_ERROR_WINDOW_FULL: i32 = -17;
/// As many reads wait as can: try again when one of them is done.
pub const VDISK_ERROR_READS_FULL: i32 = -18;
/// Another device uses the channel.
pub const VDISK_ERROR_TAKEN_OVER: i32 = -19;
/// A defect of the library, on a host. The text says more; close the object, and please report it.
pub const SECTOR_CACHE_ERROR_INTERNAL: i32 = -20;
/// Text is not UTF-8.
pub const SECTOR_CACHE_ERROR_TEXT: i32 = -21;
/// The operating system gives no thread, no entropy, or the like.
pub const SECTOR_CACHE_ERROR_SYSTEM: i32 = -22;
/// A file that an option names cannot be used.
pub const SECTOR_CACHE_ERROR_FILE: i32 = -23;
/// A URL is none of a broker.
pub const VDISK_ERROR_URL: i32 = -30;
/// There is no connection to the broker.
pub const VDISK_ERROR_UNREACHABLE: i32 = -31;
/// Client and broker do not trust each other's certificates, or one of them does not speak TLS.
pub const VDISK_ERROR_TLS: i32 = -32;
/// The broker does not let the client in, or does not let it hear its channel.
pub const VDISK_ERROR_DENIED: i32 = -33;
/// There is a broker, but no server behind it answers on the channel.
pub const VDISK_ERROR_NO_SERVER: i32 = -34;
/// The server said no.
pub const VDISK_ERROR_REFUSED: i32 = -35;
/// It was not done in time.
pub const VDISK_ERROR_TIMED_OUT: i32 = -36;
/// The drive was changed by somebody else meanwhile, and has no such sector any more.
pub const VDISK_ERROR_CHANGED: i32 = -37;
/// Writes that had been accepted were not done.
pub const VDISK_ERROR_WRITES_FAILED: i32 = -38;
/// The server's disks are from the past: writes that it had acknowledged are gone.
pub const VDISK_ERROR_DATA_LOSS: i32 = -39;
/// The file is not what it should be. The text says what of it, at which offset.
pub const REGION_ERROR_DAMAGED: i32 = -40;
/// The file is no region.
pub const REGION_ERROR_NOT_A_REGION: i32 = -41;
/// The region was written by a newer version: upgrade the library.
pub const REGION_ERROR_NEWER: i32 = -42;
/// There is no such file or folder.
pub const REGION_ERROR_NOT_FOUND: i32 = -43;
/// There is such a file already.
pub const REGION_ERROR_EXISTS: i32 = -44;
/// A process has locked the file to change it.
pub const REGION_ERROR_LOCKED: i32 = -45;
/// A blob is too long, blocks are too many, or a file does not fit into memory.
pub const REGION_ERROR_TOO_LONG: i32 = -46;
/// The disk is full.
pub const REGION_ERROR_DISK_FULL: i32 = -47;
/// The operating system refused something else. The text says what, and with which file.
pub const REGION_ERROR_IO: i32 = -48;
/// The region could not be written, as an earlier call has told.
pub const REGION_ERROR_FAILED: i32 = -49;

pub(crate) fn error(error: Error) -> i32 {
    match error {
        Error::OutOfRange | Error::Unaddressable => SECTOR_CACHE_ERROR_OUT_OF_RANGE,
        Error::WrongLength { .. } => SECTOR_CACHE_ERROR_LENGTH,
        Error::MemoryTooSmall { .. } => SECTOR_CACHE_ERROR_TOO_SMALL,
        Error::Dirty(_) => SECTOR_CACHE_ERROR_DIRTY,
        Error::Filling => SECTOR_CACHE_ERROR_FILLING,
        // The compiler asks for a last arm, and the next error to come is no success.
        Error::Full | _ => SECTOR_CACHE_ERROR_FULL,
    }
}

pub(crate) fn session_error(error: SessionError) -> i32 {
    match error {
        SessionError::MemoryTooSmall { .. } => SECTOR_CACHE_ERROR_TOO_SMALL,
        SessionError::NotOpen => VDISK_ERROR_NOT_OPEN,
        SessionError::NoDrive => VDISK_ERROR_NO_DRIVE,
        SessionError::OutOfRange => SECTOR_CACHE_ERROR_OUT_OF_RANGE,
        SessionError::TooLong => VDISK_ERROR_TOO_LONG,
        SessionError::WrongLength { .. } => SECTOR_CACHE_ERROR_LENGTH,
        SessionError::ReadOnly => VDISK_ERROR_READ_ONLY,
        SessionError::WindowFull => VDISK_ERROR_WINDOW_FULL,
        SessionError::ReadsFull => VDISK_ERROR_READS_FULL,
        SessionError::TakenOver => VDISK_ERROR_TAKEN_OVER,
        // The compiler asks for a last arm, and the next error to come is no success.
        SessionError::Configuration | SessionError::FrameTooSmall { .. } | _ => VDISK_ERROR_OPTIONS,
    }
}

pub(crate) fn outcome(outcome: Outcome) -> i32 {
    match outcome {
        Outcome::Inserted => SECTOR_CACHE_INSERTED,
        Outcome::Replaced => SECTOR_CACHE_REPLACED,
        Outcome::Unchanged => SECTOR_CACHE_UNCHANGED,
        Outcome::Evicted(_) => SECTOR_CACHE_EVICTED,
    }
}

/// OK if the sector was held, else a miss.
pub(crate) fn found(held: bool) -> i32 {
    if held { SECTOR_CACHE_OK } else { SECTOR_CACHE_MISS }
}

/// Calls what can fail with a code, and makes that code the result.
#[inline(always)]
pub(crate) fn result(call: impl FnOnce() -> Result<i32, i32>) -> i32 {
    call().unwrap_or_else(|code| code)
}

/// The sector that C names.
#[inline(always)]
pub(crate) fn key(drive: u8, sector: u32) -> Result<SectorKey, i32> {
    SectorKey::try_new(drive, sector).map_err(error)
}

/// A number of something as a result.
pub(crate) fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
