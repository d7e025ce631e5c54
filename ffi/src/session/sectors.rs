//! A session's side of the CPU: sectors of the drives.

use core_cache::Drive;
use vdisk_proto::session::Lookup;

use super::Session;
use super::options::SessionDrive;
use crate::codes::{
    self, SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_OK, VDISK_BYPASS, VDISK_ERROR_NO_DRIVE, VDISK_PENDING, count,
    key, result,
};
use crate::object::{Object, lent_bytes};

/// Whether the cache behind the mailbox may be asked for a sector. Not if no message can name the sector, since it is of
/// another drive or its number is above 65,535: that cache may take it for one of its own. And it may hold older bytes
/// after a message to it failed, and until it was cleared after the boot.
///
/// Returns `SECTOR_CACHE_OK`; `VDISK_BYPASS` if it may not: then `vdisk_session_read()`; or `SECTOR_CACHE_ERROR_NULL`,
/// `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_trusts(
    session: *const Object<Session>,
    drive: u8,
    sector: u32,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::look(session) }?;
        let key = key(drive, sector)?;
        let is_trusted = inside.device.may_cache(key) && inside.protocol.trusts(key);
        Ok(if is_trusted { SECTOR_CACHE_OK } else { VDISK_BYPASS })
    })
}

/// Reads a sector that the cache does not have, or is not to be trusted with. The rest of its track is asked for, too.
/// Up to 4 tracks may be asked for at a time.
///
/// Returns `SECTOR_CACHE_OK` if `arrived` was called meanwhile, with bytes that were written and the server does not
/// have yet; `VDISK_PENDING` if it will be called, or `told` with `VDISK_EVENT_READ_FAILED`, once; or
/// `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`, or `VDISK_ERROR_NO_DRIVE`, `_TOO_LONG`,
/// `_READS_FULL` or `_TAKEN_OVER`, and neither will be.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_read(
    session: *mut Object<Session>,
    drive: u8,
    sector: u32,
    now_ms: u64,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        let key = key(drive, sector)?;
        match inside.protocol.read(key, now_ms).map_err(codes::session_error)? {
            Lookup::Held(bytes) => {
                inside.device.arrived(key, bytes);
                Ok(SECTOR_CACHE_OK)
            }
            Lookup::Asked => Ok(VDISK_PENDING),
        }
    })
}

/// Nobody waits for a sector any more: neither `arrived` nor `told` is called for it. It may come into the cache still.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_give_up(session: *mut Object<Session>, drive: u8, sector: u32) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        inside.protocol.give_up(key(drive, sector)?);
        Ok(SECTOR_CACHE_OK)
    })
}

/// Accepts a write of a sector: it is sent to the cache, found by `vdisk_session_read()`, and on its way to the server.
/// If somebody waits for the sector, `arrived` is called with the bytes.
///
/// `bytes`, of `length` bytes, is *borrowed* during the call; `length` must be the sector length of the drive.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_OUT_OF_RANGE` or `_LENGTH`, or
/// `VDISK_ERROR_NOT_OPEN` (before the first `VDISK_EVENT_OPENED` or `_FELL_BACK`), `_NO_DRIVE`, `_TOO_LONG`,
/// `_READ_ONLY`, `_WINDOW_FULL` (try again after the next `vdisk_session_received()`) or `_TAKEN_OVER`, and nothing has
/// changed.
///
/// # Safety
/// As `vdisk_session_connected()`; `bytes` is NULL or points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_write(
    session: *mut Object<Session>,
    drive: u8,
    sector: u32,
    bytes: *const u8,
    length: usize,
    now_ms: u64,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        // SAFETY: the same.
        let bytes = unsafe { lent_bytes(bytes, length) }?;
        let key = key(drive, sector)?;
        let written = inside.protocol.write(key, bytes, now_ms, &mut inside.device.host());
        written.map(|()| SECTOR_CACHE_OK).map_err(codes::session_error)
    })
}

/// How many writes are accepted, and neither acknowledged nor failed: what a reboot now would lose.
///
/// Returns that number, 0 to 64; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_unacknowledged(session: *const Object<Session>) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        Ok(count(unsafe { Object::look(session) }?.protocol.unacknowledged()))
    })
}

/// Asks for all writes that were accepted so far to be done. `vdisk_session_is_flushed()` says when they are.
///
/// Returns as `vdisk_session_is_flushed()`.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_flush(session: *mut Object<Session>) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        inside.flush = Some(inside.protocol.flush());
        Ok(inside.flushed())
    })
}

/// Whether all writes that were accepted before the last `vdisk_session_flush()` are on the server's disk, or failed,
/// which was told.
///
/// Returns `SECTOR_CACHE_OK` if they are, or none was asked for; `VDISK_PENDING` if not yet; or
/// `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_is_flushed(session: *const Object<Session>) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        Ok(unsafe { Object::look(session) }?.flushed())
    })
}

/// Writes what the server told of a drive to `info`, *borrowed* during the call.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`, or
/// `VDISK_ERROR_NO_DRIVE` if the channel has none of that number or the server has not told yet.
///
/// # Safety
/// As `vdisk_session_connected()`; `info` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_drive(
    session: *const Object<Session>,
    drive: u8,
    info: *mut SessionDrive,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::look(session) }?;
        if info.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL);
        }
        let drive = Drive::new(drive).map_err(codes::error)?;
        let known = inside.protocol.drive(drive).ok_or(VDISK_ERROR_NO_DRIVE)?;
        // SAFETY: the same; C may never have written there.
        unsafe { info.write(SessionDrive::of(known)) };
        Ok(SECTOR_CACHE_OK)
    })
}

impl Session {
    fn flushed(&self) -> i32 {
        let is_done = self.flush.is_none_or(|flush| self.protocol.is_flushed(&flush));
        if is_done { SECTOR_CACHE_OK } else { VDISK_PENDING }
    }
}
