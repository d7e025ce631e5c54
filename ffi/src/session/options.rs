//! What a session is told once, and the structures in which it tells.

use core::ffi::{c_char, c_void};

use core_cache::Drive;
use vdisk_proto::codec::Channel;
use vdisk_proto::codec::channel::MAX_LENGTH;
use vdisk_proto::codec::hello::DriveInfo;
use vdisk_proto::session::{Config, Counters};

use super::device::{Arrived, Device, MailboxSend, Random, Told};
use crate::codes::{SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_ERROR_OUT_OF_RANGE, VDISK_ERROR_OPTIONS};

/// What a session is told once. `vdisk_session_altair()` fills it in.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SessionOptions {
    /// *Borrowed* during `vdisk_session_init()`: the name of the device, 1 to 32 of the characters A to Z, a to z, 0 to
    /// 9, _ and -, and a NUL.
    pub channel: *const c_char,
    /// How many sectors the cache holds: no more are read together.
    pub cacheable_sectors: u32,
    /// Milliseconds after which a read that is not answered fails; 0 for never.
    pub read_timeout_ms: u32,
    /// Bytes of the longest sector of any drive that is used, 1 to 65,535.
    pub sector_length: u16,
    /// How many sectors are read together at most, those of a track; 1 to 65,535.
    pub sectors_per_track: u16,
    /// Bytes of the longest payload that your MQTT client receives: its buffer, less 7 and the length of the topic
    /// `altair/CHANNEL/vdisk/v2/rsp`. At least 28 more than `sector_length`, and 56.
    pub largest_payload: u16,
    /// How many writes may be unacknowledged, 1 to 64; a server may allow fewer.
    pub window: u8,
    /// Whether a server that speaks version 1 only is spoken to: 0 or 1.
    pub may_fall_back: u8,
    /// Which drive the cache behind the mailbox is for, 0 to 15.
    pub mailbox_drive: u8,
    /// Entropy. May not be NULL.
    pub random: Random,
    /// Takes the sectors that were read. May not be NULL.
    pub arrived: Arrived,
    /// Takes the events. May not be NULL.
    pub told: Told,
    /// Sends to the cache behind the mailbox; NULL if there is none.
    pub mailbox: MailboxSend,
    /// What the callbacks are given. Yours; may be NULL.
    pub context: *mut c_void,
}

/// A message to publish: with QoS 0 or 1, and not retained.
#[repr(C)]
pub struct SessionMessage {
    /// *Borrowed* from the session until the next `vdisk_session_poll()`: text that ends with a NUL.
    pub topic: *const c_char,
    /// *Borrowed* from the session until the next `vdisk_session_poll()`.
    pub payload: *const u8,
    /// Bytes of the payload, without any NUL.
    pub length: usize,
}

/// What the server told of a drive.
#[repr(C)]
pub struct SessionDrive {
    /// A number that grows whenever somebody else changes the drive.
    pub generation: u64,
    /// How many tracks.
    pub tracks: u16,
    /// Sectors a track.
    pub sectors_per_track: u16,
    /// Bytes a sector.
    pub sector_length: u16,
    /// 1 if it cannot be written, else 0.
    pub is_read_only: u8,
}

/// What a session has counted since `vdisk_session_init()`. Each number stops at 4,294,967,295.
#[repr(C)]
pub struct SessionStatistics {
    /// Messages to publish: the requests of version 2 that were not sent before, and all of version 1.
    pub sent: u32,
    /// Requests of version 2 that were sent again.
    pub sent_again: u32,
    /// Messages that arrived with the retain flag, or on a topic that is not for devices.
    pub foreign: u32,
    /// Messages that are neither an answer nor an invalidation nor data.
    pub malformed: u32,
    /// Messages of version 2 to another session, or to no request in flight; data of version 1 while that is not spoken,
    /// or at no sector's offset.
    pub unmatched: u32,
    /// Sectors that came to a read, and were taken.
    pub sectors: u32,
    /// Sectors that came to a read, but were written, dropped or taken meanwhile.
    pub sectors_discarded: u32,
    /// Sessions of version 2 that were opened.
    pub sessions: u32,
}

impl SessionOptions {
    /// Those of an Altair's drives and the board in the field, without callbacks.
    pub(super) const fn altair(channel: *const c_char, config: &Config) -> Self {
        Self {
            channel,
            cacheable_sectors: config.cacheable_sectors,
            read_timeout_ms: config.read_timeout_ms,
            sector_length: config.sector_length,
            sectors_per_track: config.sectors_per_track,
            largest_payload: config.largest_frame,
            window: config.window,
            may_fall_back: config.may_fall_back as u8,
            mailbox_drive: Drive::B.number(),
            random: None,
            arrived: None,
            told: None,
            mailbox: None,
            context: core::ptr::null_mut(),
        }
    }

    /// What the session is told of it.
    ///
    /// # Errors
    /// A code.
    ///
    /// # Safety
    /// As [`channel`].
    pub(super) unsafe fn config(&self) -> Result<Config, i32> {
        if self.may_fall_back > 1 {
            return Err(VDISK_ERROR_OPTIONS);
        }
        Ok(Config {
            // SAFETY: the caller's promise is the same.
            channel: unsafe { channel(self.channel) }?,
            window: self.window,
            sector_length: self.sector_length,
            sectors_per_track: self.sectors_per_track,
            largest_frame: self.largest_payload,
            cacheable_sectors: self.cacheable_sectors,
            read_timeout_ms: self.read_timeout_ms,
            may_fall_back: self.may_fall_back == 1,
        })
    }

    /// The device that its callbacks reach.
    ///
    /// # Errors
    /// A code.
    pub(super) fn device(&self) -> Result<Device, i32> {
        Ok(Device {
            random: self.random.ok_or(SECTOR_CACHE_ERROR_NULL)?,
            arrived: self.arrived.ok_or(SECTOR_CACHE_ERROR_NULL)?,
            told: self.told.ok_or(SECTOR_CACHE_ERROR_NULL)?,
            mailbox: self.mailbox,
            context: self.context,
            drive: Drive::new(self.mailbox_drive).map_err(|_| SECTOR_CACHE_ERROR_OUT_OF_RANGE)?,
        })
    }
}

impl SessionDrive {
    pub(crate) const fn of(info: &DriveInfo) -> Self {
        Self {
            generation: info.generation,
            tracks: info.geometry.tracks(),
            sectors_per_track: info.geometry.sectors_per_track(),
            sector_length: info.geometry.sector_length(),
            is_read_only: info.is_read_only as u8,
        }
    }
}

impl SessionStatistics {
    pub(crate) const fn of(counters: &Counters) -> Self {
        Self {
            sent: counters.sent,
            sent_again: counters.sent_again,
            foreign: counters.foreign,
            malformed: counters.malformed,
            unmatched: counters.unmatched,
            sectors: counters.sectors,
            sectors_discarded: counters.sectors_discarded,
            sessions: counters.sessions,
        }
    }
}

/// The channel of a name that ends with a NUL.
///
/// # Errors
/// A code, for NULL and for what is no name.
///
/// # Safety
/// `name` is NULL, or points to text that ends with a NUL, or is longer than any name.
pub(super) unsafe fn channel(name: *const c_char) -> Result<Channel, i32> {
    if name.is_null() {
        return Err(SECTOR_CACHE_ERROR_NULL);
    }
    let mut bytes = [0; MAX_LENGTH + 1];
    let mut length = 0;
    for (at, place) in bytes.iter_mut().enumerate() {
        // SAFETY: no byte before this one is a NUL, so the text goes on at least until here.
        *place = unsafe { name.cast::<u8>().add(at).read() };
        if *place == 0 {
            break;
        }
        length = at + 1;
    }
    let name = bytes.get(..length).and_then(|name| core::str::from_utf8(name).ok());
    name.and_then(|name| Channel::new(name).ok()).ok_or(VDISK_ERROR_OPTIONS)
}
