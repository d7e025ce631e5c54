//! `vdisk_client_*`: the drives of a channel, by URL, for programs on a host.

pub mod event;
mod fault;
pub mod options;

use core::ffi::c_char;
use core::time::Duration;
use std::string::ToString as _;

use core_cache::{Drive, SectorKey};
use vdisk_proto::client::{Disk, Event};
use vdisk_proto::codec::hello::DriveInfo;

use crate::codes::{self, SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_OK, VDISK_ERROR_NO_DRIVE, VDISK_NO_EVENT};
use crate::hosted::{self, Fault};
use crate::object::{Inside, Object, lent_bytes, lent_message};
use crate::session::device::SessionEvent;
use crate::session::options::SessionDrive;
use crate::threads::Threaded;
use options::{ClientOptions, ClientStatistics};

/// A disk, whose calls block.
pub struct Client {
    disk: Threaded<Disk>,
}

impl Inside for Client {
    const KIND: u8 = 0x9b;
}

/// # The client
/// The drives of a channel behind an MQTT broker: a program reads and writes them, and the library keeps the connection,
/// a session and a cache, on a thread of its own. All that a program needs:
///
///     #include <stdio.h>
///     #include "sector_cache.h"
///
///     int toggle_boot_sector(const char *url, const char *channel)
///     {
///         uint8_t sector[137] = {0};
///         vdisk_client *disk;
///         int32_t code = vdisk_client_open(&disk, SECTOR_CACHE_ABI_VERSION, url, channel, NULL);
///         if (code == SECTOR_CACHE_OK)
///             code = vdisk_client_read(disk, 1, 0, sector, sizeof sector);
///         sector[0] ^= 1;
///         if (code == SECTOR_CACHE_OK)
///             code = vdisk_client_write(disk, 1, 0, sector, sizeof sector);
///         if (code == SECTOR_CACHE_OK)
///             code = vdisk_client_close(&disk);
///         if (code != SECTOR_CACHE_OK)
///             fprintf(stderr, "%s\n", sector_cache_error_text());
///         vdisk_client_close(&disk);
///         return (int)code;
///     }
///
/// Promises. They are the session's, above. A write is accepted when the call returns, and on the server's disk after
/// vdisk_client_flush() or vdisk_client_close(), which say whether one failed meanwhile, once. A connection that is lost
/// is made again, after pauses of up to 30 s, and what was accepted is sent again.
///
/// Time. Every call returns within the time-outs of its client, whatever broker, server and network do; only
/// vdisk_client_open() gives up at the first connection that fails.
///
/// Threads. Several threads may use one client at the same time, with any functions but vdisk_client_close(). Writes
/// wait for room in the window, and reads of what is not cached while 4 tracks are on their way, each in the order of
/// the calls; where 256 calls wait, the time of the next one begins when one of them has ended. An event goes to one of
/// those who ask.
/// ---
/// Fills in the options that a client is opened with by default: no user, certificate or authority, a random client
/// identifier, 5,000 ms to connect, 15,000 to open and 8,000 for any other call, 4,096 sectors of 137 bytes in the
/// cache, 32 a track, frames of 16,384 bytes, a window of 64 writes, a server of version 1 if there is no other.
///
/// `options` is *borrowed* during the call; `abi_version` is `SECTOR_CACHE_ABI_VERSION`.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_VERSION`, and the options are as they were.
///
/// # Safety
/// `options` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_defaults(options: *mut ClientOptions, abi_version: u32) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { hosted::fill(options, abi_version, ClientOptions::by_default()) }
}

/// Connects to a broker, and waits until the server behind it has told what drives there are.
///
/// `client` is *borrowed* during the call, and what is written there is *owned* by you: close it. `abi_version` is
/// `SECTOR_CACHE_ABI_VERSION`. `url` is `mqtt://host:port`, or `mqtts://host:port` for TLS; the port may be left
/// out, and is 1883 then, or 8883 with TLS. A slash may end it, and the case of `mqtt` is of no account. `channel` is
/// the name of the device, 1 to 32 of the characters A to Z, a to z, 0 to 9, _ and -. `options` may be NULL for the
/// default. All are *borrowed* during the call.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_TEXT`, `_FILE` (a certificate or key) or
/// `_SYSTEM`, or `VDISK_ERROR_URL`, `_OPTIONS` (of the channel's name, too), `_UNREACHABLE`, `_TLS`, `_DENIED`,
/// `_NO_SERVER` or `_REFUSED`.
///
/// # Safety
/// `client` is NULL or points to a pointer; the others are NULL, or point to text that ends with a NUL and to one such
/// structure, whose pointers are NULL or to such text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_open(
    client: *mut *mut Object<Client>,
    abi_version: u32,
    url: *const c_char,
    channel: *const c_char,
    options: *const ClientOptions,
) -> i32 {
    let default = ClientOptions::by_default();
    let make = || {
        // SAFETY: the header demands the same of the caller, here and below.
        let (url, channel) = unsafe { (hosted::text(url, "URL")?, hosted::text(channel, "channel")?) };
        // SAFETY: as above.
        let options = unsafe { options.as_ref() }.unwrap_or(&default);
        // SAFETY: as above.
        let options = unsafe { options.options(url, channel) }?;
        Ok(Client { disk: Threaded::make(move || Ok(Disk::open(&options)?))? })
    };
    // SAFETY: as above.
    unsafe { hosted::open(client, abi_version, make) }
}

/// Reads a sector: what was last written, here or by others. One that is not cached is fetched with its whole track.
///
/// `bytes`, of `length` bytes, is *borrowed* during the call; `length` must be the sector length of the drive.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_OUT_OF_RANGE`, `_LENGTH`, or
/// `VDISK_ERROR_NO_DRIVE`, `_TOO_LONG`, `_REFUSED`, `_CHANGED`, `_TIMED_OUT` or `_TAKEN_OVER`, and the bytes are as they
/// were.
///
/// # Safety
/// `client` is NULL or what `vdisk_client_open()` wrote; `bytes` is NULL or points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_read(
    client: *const Object<Client>,
    drive: u8,
    sector: u32,
    bytes: *mut u8,
    length: usize,
) -> i32 {
    let read = |client: &Client| {
        // SAFETY: the header demands the same of the caller.
        let bytes = unsafe { lent_message(bytes, length) }?;
        client.disk.get()?.read(key(drive, sector)?, bytes)?;
        Ok(SECTOR_CACHE_OK)
    };
    // SAFETY: as above.
    unsafe { hosted::look(client, read) }
}

/// Writes a sector. It returns when the write is accepted, for which it waits while as many as the window holds are not
/// on the server's disk yet.
///
/// `bytes`, of `length` bytes, is *borrowed* during the call; `length` must be the sector length of the drive.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_OUT_OF_RANGE`, `_LENGTH`, or
/// `VDISK_ERROR_NO_DRIVE`, `_TOO_LONG`, `_READ_ONLY`, `_TIMED_OUT` or `_TAKEN_OVER`, and the write is not done.
///
/// # Safety
/// As `vdisk_client_read()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_write(
    client: *const Object<Client>,
    drive: u8,
    sector: u32,
    bytes: *const u8,
    length: usize,
) -> i32 {
    let write = |client: &Client| {
        if bytes.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL.into());
        }
        // SAFETY: the header demands the same of the caller.
        let bytes = unsafe { lent_bytes(bytes, length) }?;
        client.disk.get()?.write(key(drive, sector)?, bytes)?;
        Ok(SECTOR_CACHE_OK)
    };
    // SAFETY: as above.
    unsafe { hosted::look(client, write) }
}

/// Waits until all writes that were accepted are on the server's disk.
///
/// Returns `SECTOR_CACHE_OK`; `VDISK_ERROR_WRITES_FAILED` or `_DATA_LOSS` if since the last flush some were not done
/// after all, which is told once; `VDISK_ERROR_TIMED_OUT` or `_TAKEN_OVER` if they wait still; or
/// `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_client_read()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_flush(client: *const Object<Client>) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { hosted::look(client, |client| Ok(client.disk.get()?.flush().map(|()| SECTOR_CACHE_OK)?)) }
}

/// How many drives the channel has, as last told. `vdisk_client_drive()` says of each number whether it is one.
///
/// Returns that number, 0 to 16; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_client_read()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_drives(client: *const Object<Client>) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { hosted::look(client, |client| Ok(codes::count(client.disk.get()?.drives()?.len()))) }
}

/// Writes what the server told of a drive to `info`, *borrowed* during the call.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`, or
/// `VDISK_ERROR_NO_DRIVE` if the channel has none of that number.
///
/// # Safety
/// As `vdisk_client_read()`; `info` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_drive(
    client: *const Object<Client>,
    drive: u8,
    info: *mut SessionDrive,
) -> i32 {
    let tell = |client: &Client| {
        let drive = Drive::new(drive).map_err(|error| {
            Fault::new(codes::error(error), format_args!("a drive of {drive}: they are 0 to 15"))
        })?;
        let drives = client.disk.get()?.drives()?;
        let is_it = |known: &&DriveInfo| known.drive == drive;
        let known = drives.iter().find(is_it).ok_or_else(|| no_drive(drive))?;
        // SAFETY: the header demands the same of the caller.
        unsafe { hosted::put(info, SessionDrive::of(known)) }
    };
    // SAFETY: as above.
    unsafe { hosted::look(client, tell) }
}

/// Writes what the client has counted, and how it is, to `statistics`, *borrowed* during the call.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_client_read()`; `statistics` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_stats(
    client: *const Object<Client>,
    statistics: *mut ClientStatistics,
) -> i32 {
    let tell = |client: &Client| {
        let stats = client.disk.get()?.stats()?;
        // SAFETY: the header demands the same of the caller.
        unsafe { hosted::put(statistics, ClientStatistics::of(&stats)) }
    };
    // SAFETY: as above.
    unsafe { hosted::look(client, tell) }
}

/// Writes the next thing that happened by itself to `event`, *borrowed* during the call, and waits for it at most
/// `timeout_ms` milliseconds. Up to 64 events wait to be taken; of more, the oldest are missed.
///
/// Returns `SECTOR_CACHE_OK`; `VDISK_NO_EVENT` if nothing happened, and `event` is as it was; or
/// `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`. After `VDISK_EVENT_DISCONNECTED` sector_cache_error_text() says why.
///
/// # Safety
/// As `vdisk_client_read()`; `event` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_next_event(
    client: *const Object<Client>,
    timeout_ms: u32,
    event: *mut SessionEvent,
) -> i32 {
    let take = |client: &Client| {
        // Before one is taken, which would be lost.
        if event.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL.into());
        }
        let Some(next) = client.disk.get()?.next_event(Duration::from_millis(timeout_ms.into()))? else {
            return Ok(VDISK_NO_EVENT);
        };
        if let Event::Disconnected(failure) = &next {
            hosted::say(&failure.to_string());
        }
        // SAFETY: the header demands the same of the caller.
        unsafe { hosted::put(event, SessionEvent::of_client(&next)) }
    };
    // SAFETY: as above.
    unsafe { hosted::look(client, take) }
}

/// Takes the channel back after `VDISK_EVENT_TAKEN_OVER`, and does nothing at any other time. Writes that were accepted
/// before are sent again, unless the other changed their drive: then they fail.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_client_read()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_resume(client: *const Object<Client>) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { hosted::look(client, |client| Ok(client.disk.get()?.resume().map(|()| SECTOR_CACHE_OK)?)) }
}

/// Flushes, takes leave of the broker, and frees the client in any case: writes that wait still are lost then.
///
/// `*client` is what `vdisk_client_open()` wrote there, and NULL afterwards.
///
/// Returns as `vdisk_client_flush()`.
///
/// # Safety
/// `client` is NULL, or points to NULL or to what `vdisk_client_open()` wrote; nobody else uses that from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_client_close(client: *mut *mut Object<Client>) -> i32 {
    let end = |client: Client| Ok(client.disk.take()?.close().map(|()| SECTOR_CACHE_OK)?);
    // SAFETY: the header demands the same of the caller.
    unsafe { hosted::close(client, end) }
}

fn key(drive: u8, sector: u32) -> Result<SectorKey, Fault> {
    let text = "drives are 0 to 15, and sectors 0 to 16,777,215";
    SectorKey::try_new(drive, sector).map_err(|error| {
        Fault::new(codes::error(error), format_args!("sector {sector} of drive {drive}: {text}"))
    })
}

fn no_drive(drive: Drive) -> Fault {
    Fault::new(VDISK_ERROR_NO_DRIVE, format_args!("the channel has no drive {drive}"))
}
