//! `vdisk_session_*`: the device's side of the MQTT disk protocol, for whoever keeps a connection of their own.

pub mod device;
pub mod options;

// The functions that follow in the header, in its order.
pub mod wire;

pub mod sectors;

use core::ffi::c_char;

use vdisk_proto::codec::{Channel, topic};
use vdisk_proto::session::{Config, Flush, Session as Protocol};

use crate::codes::{
    self, SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_ERROR_TOO_SMALL, SECTOR_CACHE_ERROR_VERSION, SECTOR_CACHE_OK,
    result,
};
use crate::object::{Inside, Object, SECTOR_CACHE_ABI_VERSION, Stored};
use device::Device;
use options::SessionOptions;

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
}

impl Stored for Session {
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
///         if (vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, "12345678") != SECTOR_CACHE_OK)
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
/// options. `abi_version` is `SECTOR_CACHE_ABI_VERSION`.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_VERSION`, or `VDISK_ERROR_OPTIONS`, if that is no
/// channel's name, and the options are as they were.
///
/// # Safety
/// `options` is NULL or points to one such structure; `channel` is NULL or such text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_altair(
    options: *mut SessionOptions,
    abi_version: u32,
    channel: *const c_char,
) -> i32 {
    result(|| {
        if options.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL);
        }
        if abi_version != SECTOR_CACHE_ABI_VERSION {
            return Err(SECTOR_CACHE_ERROR_VERSION);
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
