//! `vdisk_session_*`: the device's side of the MQTT disk protocol, for whoever keeps a connection of their own.

pub mod device;
pub mod options;

use core::ffi::c_char;

use core_cache::Drive;
use vdisk_proto::codec::{Channel, Topic, topic};
use vdisk_proto::session::{Config, Flush, Lookup, Session as Protocol};

use crate::codes::{
    self, SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_ERROR_TOO_SMALL, SECTOR_CACHE_OK, VDISK_BYPASS,
    VDISK_ERROR_NO_DRIVE, VDISK_FOREIGN, VDISK_PENDING, VDISK_PUBLISH, count, key, result,
};
use crate::object::{Inside, Object, lent_bytes};
use device::Device;
use options::{SessionDrive, SessionMessage, SessionOptions, SessionStatistics};

/// A session, and what it needs to speak with C.
pub struct Session {
    protocol: Protocol<'static>,
    channel: Channel,
    device: Device,
    /// What was asked for last, if anything was.
    flush: Option<Flush>,
    /// Lent to C with every message: the longest payload, and the longest topic with a NUL.
    payload: &'static mut [u8],
    topic: &'static mut [u8],
}

impl Inside for Session {
    const KIND: u8 = 0xb9;
    const HEADER_BYTES: usize = if size_of::<usize>() == 4 { 1_024 } else { 1_280 };
}

/// Bytes of the longest topic and a NUL.
const TOPIC_BYTES: usize = topic::MAX_LENGTH + 1;

/// # The session
/// A device's side of the MQTT disk protocol. You keep the connection to the broker, with wolfMQTT, say; the session
/// says what to publish, takes what arrives, and reads and writes the sectors of the channel's drives, with a cache of
/// one drive on the other side of a mailbox. All of an emulator's part:
///
///     #include "sector_cache.h"
///
///     VDISK_SESSION_STORAGE(disk, 8, 137, 32);
///
///     static void arrived(void *context, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length)
///     {
///         (void)context;
///         cpu_goes_on(drive, sector, bytes, length);
///     }
///
///     static void told(void *context, const vdisk_session_event *event)
///     {
///         (void)context;
///         if (event->kind == VDISK_EVENT_READ_FAILED)
///             cpu_goes_on(event->drive, event->sector, NULL, 0);
///     }
///
///     int disk_start(void)
///     {
///         vdisk_session_options options;
///         if (vdisk_session_altair(&options, "12345678") != SECTOR_CACHE_OK)
///             return -1;
///         options.random = hardware_random;
///         options.arrived = arrived;
///         options.told = told;
///         options.mailbox = mailbox_send;
///         return (int)vdisk_session_init(disk, sizeof disk_storage, SECTOR_CACHE_ABI_VERSION, &options, clock_ms());
///     }
///
///     void disk_received(const char *topic, size_t topic_length, const uint8_t *payload, size_t length, int retained)
///     {
///         vdisk_session_received(disk, topic, topic_length, payload, length, retained, clock_ms());
///     }
///
///     void disk_publish(void)
///     {
///         vdisk_session_message message;
///         while (vdisk_session_poll(disk, clock_ms(), &message) == VDISK_PUBLISH)
///             mqtt_publish(message.topic, message.payload, message.length);
///     }
///
/// When the broker is connected, subscribe to `altair/CHANNEL/vdisk/v2/rsp` and `altair/CHANNEL/vdisk/data` with QoS 0
/// or 1, then call vdisk_session_connected(). After any call, and whenever vdisk_session_deadline() has come, publish
/// all that vdisk_session_poll() has. What cannot be published is dropped: the session sends it again, in order, until
/// it is answered.
///
/// A read: if vdisk_session_trusts() says so, ask the M4, which answers with the sector or a miss. If not, or on a
/// miss, vdisk_session_read(). A miss asks for the whole track, and each sector that comes is sent to the M4. A write:
/// vdisk_session_write(), and nothing else, since the session writes it to the M4, too.
///
/// Promises. A write that is acknowledged is on the server's disk. One that was accepted is sent until it is
/// acknowledged, across lost connections and restarts of the server, or its failure is told. A reboot of the device
/// loses those not acknowledged: vdisk_session_flush() first. A read returns the last write that was accepted, or else
/// what the server has; old bytes never come back over new ones. A server of version 1 lets a session promise less: see
/// VDISK_EVENT_FELL_BACK.
///
/// Callbacks rather than a queue: one message may bring a track, and a queue would have to hold all of it. A callback
/// lends each sector where your MQTT client received it, and says at once whether the mailbox took it. They are called
/// from inside your calls and at no other time, on the same thread; they may not call this library for the same
/// session, nor be left by an exception or longjmp().
///
/// Time. `now_ms` is in milliseconds since some time before the start, and never goes back.
/// ---
/// Fills in options for an Altair's 8-inch drives and the board in the field, whose MQTT client has 1,024 bytes for a
/// packet: a window of 8 writes, sectors of 137 bytes, 32 a track, 1,154 in the cache of drive 1 (B), 8,000 ms for a
/// read, a server of version 1 if there is no other. The callbacks are NULL.
///
/// `options` is *borrowed* during the call; `channel`, which ends with a NUL, until `vdisk_session_init()` took the
/// options.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `VDISK_ERROR_OPTIONS`, if that is no channel's name, and
/// the options are as they were.
///
/// # Safety
/// `options` is NULL or points to one such structure; `channel` is NULL or such text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_altair(options: *mut SessionOptions, channel: *const c_char) -> i32 {
    result(|| {
        if options.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL);
        }
        // SAFETY: the header demands the same of the caller.
        let config = Config::altair(unsafe { options::channel(channel) }?);
        // SAFETY: the same; C may never have written there.
        unsafe { options.write(SessionOptions::altair(channel, &config)) };
        Ok(SECTOR_CACHE_OK)
    })
}

/// The bytes of storage for a session, as `VDISK_SESSION_BYTES` computes them; 0 if there can be no such session.
#[unsafe(no_mangle)]
pub extern "C" fn vdisk_session_bytes(window: u8, sector_length: u16, sectors_per_track: u16) -> usize {
    let needed = Config::required_bytes(window, sector_length, sectors_per_track);
    needed.map_or(0, |needed| {
        Session::HEADER_BYTES + needed + Config::longest_payload(sector_length) + TOPIC_BYTES
    })
}

/// Makes the session of a device that boots, in storage of yours. It first clears the cache behind the mailbox.
///
/// `session`, of `storage_bytes` bytes, is *borrowed* until you stop using it: it has to stay where it is, and nothing
/// else may write there. There is nothing to free. `abi_version` is `SECTOR_CACHE_ABI_VERSION`; `options` is *borrowed*
/// during the call, and the callbacks and the context in it until you stop using the session.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` (of a callback other than `mailbox`, too), `_VERSION`,
/// `_ALIGNMENT` (the address must be a multiple of 8), `_TOO_SMALL` or `_OUT_OF_RANGE` (`mailbox_drive`), or
/// `VDISK_ERROR_OPTIONS` (anything else in the options), and the object is as it was.
///
/// # Safety
/// `session` is NULL or points to `storage_bytes` bytes; `options` is NULL or points to one such structure, whose
/// pointers are NULL or what their fields say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_init(
    session: *mut Object<Session>,
    storage_bytes: usize,
    abi_version: u32,
    options: *const SessionOptions,
    now_ms: u64,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let (place, memory) = unsafe { Object::storage(session, storage_bytes, abi_version) }?;
        // SAFETY: the same.
        let options = unsafe { options.as_ref() }.ok_or(SECTOR_CACHE_ERROR_NULL)?;
        // SAFETY: the same.
        let config = unsafe { options.config() }?;
        let device = options.device()?;
        let (topic, memory) = memory.split_at_mut_checked(TOPIC_BYTES).ok_or(SECTOR_CACHE_ERROR_TOO_SMALL)?;
        let longest = Config::longest_payload(config.sector_length);
        let (payload, memory) = memory.split_at_mut_checked(longest).ok_or(SECTOR_CACHE_ERROR_TOO_SMALL)?;
        let protocol = Protocol::new(config, memory, now_ms).map_err(codes::session_error)?;
        let channel = config.channel;
        Ok(place.initialise(Session { protocol, channel, device, flush: None, payload, topic }))
    })
}

/// The broker is connected, and the topics are subscribed to. All that waits for an answer is sent again.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// `session` is NULL or points to storage of a session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_connected(session: *mut Object<Session>, now_ms: u64) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        unsafe { Object::inside(session) }?.protocol.connected(now_ms);
        Ok(SECTOR_CACHE_OK)
    })
}

/// The connection is gone. Reads and writes are accepted still; nothing is sent.
///
/// Returns as `vdisk_session_connected()`.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_disconnected(session: *mut Object<Session>) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        unsafe { Object::inside(session) }?.protocol.disconnected();
        Ok(SECTOR_CACHE_OK)
    })
}

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

/// Takes the channel back after `VDISK_EVENT_TAKEN_OVER`, and does nothing at any other time.
///
/// Returns as `vdisk_session_connected()`.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_resume(session: *mut Object<Session>, now_ms: u64) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        inside.protocol.resume(now_ms, &mut inside.device.host());
        Ok(SECTOR_CACHE_OK)
    })
}

/// Takes the next message to publish, and fails reads that have waited too long.
///
/// `message` is *borrowed* during the call; what it points to then is the session's until the next call of this
/// function.
///
/// Returns `VDISK_PUBLISH`; `SECTOR_CACHE_OK` if there is nothing to publish now, and `message` is as it was; or
/// `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_session_connected()`; `message` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_poll(
    session: *mut Object<Session>,
    now_ms: u64,
    message: *mut SessionMessage,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        if message.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL);
        }
        let Some(next) = inside.next_message(now_ms) else { return Ok(SECTOR_CACHE_OK) };
        // SAFETY: the same; C may never have written there.
        unsafe { message.write(next) };
        Ok(VDISK_PUBLISH)
    })
}

/// When `vdisk_session_poll()` has something to do again if nothing else is called before, by the clock of `now_ms`;
/// it may have come already.
///
/// Returns that time; `UINT64_MAX` if it has nothing to do, and for a `session` that is NULL or not initialised.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_deadline(session: *const Object<Session>, now_ms: u64) -> u64 {
    // SAFETY: the header demands the same of the caller.
    let Ok(inside) = (unsafe { Object::look(session) }) else { return u64::MAX };
    inside.protocol.deadline_ms(now_ms).unwrap_or(u64::MAX)
}

/// Takes a message that arrived. Any bytes may come: what is damaged, late or repeated is counted and dropped.
///
/// `topic`, of `topic_length` bytes, needs no NUL; `payload` is all of the message's `length` bytes, and may be NULL if
/// they are none. Both are *borrowed* during the call. `is_retained` is not 0 if the broker said that the message is.
///
/// Returns `SECTOR_CACHE_OK`; `VDISK_FOREIGN` if the topic is not one of the session's channel and disk, and nothing
/// was done; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_LENGTH` (more than can be).
///
/// # Safety
/// As `vdisk_session_connected()`; `topic` and `payload` are NULL or point to so many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_received(
    session: *mut Object<Session>,
    topic: *const c_char,
    topic_length: usize,
    payload: *const u8,
    length: usize,
    is_retained: i32,
    now_ms: u64,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        // SAFETY: the same.
        let topic = unsafe { lent_bytes(topic.cast(), topic_length) }?;
        // SAFETY: the same.
        let payload = unsafe { lent_bytes(payload, length) }?;
        let topic = core::str::from_utf8(topic).ok().and_then(Topic::parse);
        let Some((_, topic)) = topic.filter(|(channel, _)| *channel == inside.channel) else {
            return Ok(VDISK_FOREIGN);
        };
        let host = &mut inside.device.host();
        inside.protocol.received(topic, payload, is_retained != 0, now_ms, host);
        Ok(SECTOR_CACHE_OK)
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

/// Writes what the session has counted to `statistics`, *borrowed* during the call.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_session_connected()`; `statistics` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_stats(
    session: *const Object<Session>,
    statistics: *mut SessionStatistics,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::look(session) }?;
        if statistics.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL);
        }
        // SAFETY: the same; C may never have written there.
        unsafe { statistics.write(SessionStatistics::of(inside.protocol.counters())) };
        Ok(SECTOR_CACHE_OK)
    })
}

impl Session {
    fn next_message(&mut self, now_ms: u64) -> Option<SessionMessage> {
        let next = self.protocol.poll_transmit(now_ms, self.payload, &mut self.device.host())?;
        let length = next.topic.write(&self.channel, self.topic)?.len();
        *self.topic.get_mut(length)? = 0;
        Some(SessionMessage {
            topic: self.topic.as_ptr().cast(),
            payload: self.payload.as_ptr(),
            length: next.length,
        })
    }

    fn flushed(&self) -> i32 {
        let is_done = self.flush.is_none_or(|flush| self.protocol.is_flushed(&flush));
        if is_done { SECTOR_CACHE_OK } else { VDISK_PENDING }
    }
}
