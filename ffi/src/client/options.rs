//! How a client is opened, and the structures in which it tells.

use core::ffi::c_char;
use core::time::Duration;

use vdisk_proto::client::{Options, Stats};

use crate::cache::iteration::Statistics;
use crate::codes::VDISK_ERROR_OPTIONS;
use crate::hosted::{Fault, optional_text, text};
use crate::session::options::SessionStatistics;

/// How a client is opened. `vdisk_client_defaults()` fills it in. All of it is *borrowed* during `vdisk_client_open()`.
#[repr(C)]
pub struct ClientOptions {
    /// The user for the broker, or NULL; with it `password` may not be NULL.
    pub user: *const c_char,
    /// The password of `user`, or NULL.
    pub password: *const c_char,
    /// The client identifier, 1 to 128 bytes, where the broker wants a certain one; NULL for a random one. Two clients
    /// of one identifier throw each other out.
    pub client_identifier: *const c_char,
    /// The PEM file of the authority that signed the broker's certificate, which mqtts:// needs; else NULL.
    pub authority_file: *const c_char,
    /// The PEM file of the client's certificate, or NULL; with it `key_file` may not be NULL.
    pub certificate_file: *const c_char,
    /// The PEM file of the key to `certificate_file`, or NULL.
    pub key_file: *const c_char,
    /// Milliseconds that it may take until the broker has let the client in, 1,000 at least.
    pub connect_timeout_ms: u32,
    /// Milliseconds that `vdisk_client_open()` waits for the server; an open that fails may take a second more. That one
    /// speaks version 1 only turns out after 7,000 to 9,000.
    pub open_timeout_ms: u32,
    /// Milliseconds that a read, a write, a flush or a close may take, 1 at least. A read that waits for its turn may
    /// take twice as long, and a close a second more.
    pub timeout_ms: u32,
    /// How many sectors the cache holds.
    pub cache_slots: u16,
    /// Bytes of the longest sector of any drive that is used, 1 to 65,535. Shorter ones are not cached.
    pub sector_length: u16,
    /// Sectors of the longest track, 1 to 65,535.
    pub sectors_per_track: u16,
    /// Bytes of the largest frame that is taken; a track that is longer comes in several. At least 28 more than
    /// `sector_length`, and 56.
    pub largest_frame: u16,
    /// How many writes may be accepted and not on the server's disk, 1 to 64.
    pub window: u8,
    /// Whether a server that speaks version 1 only is spoken to: 0 or 1.
    pub may_fall_back: u8,
}

/// What a client has counted since it was opened, and how it is.
#[repr(C)]
pub struct ClientStatistics {
    /// Its cache.
    pub cache: Statistics,
    /// Its session with the server.
    pub session: SessionStatistics,
    /// Connections to the broker that were made, the first included.
    pub connections: u64,
    /// Writes that are accepted, and not on the server's disk yet.
    pub unacknowledged: u32,
    /// 1 if there is a connection now, else 0.
    pub is_connected: u8,
    /// 1 if the server speaks version 1 only, which can promise less, else 0.
    pub is_version_1: u8,
}

impl ClientOptions {
    pub(super) const fn by_default() -> Self {
        Self {
            user: core::ptr::null(),
            password: core::ptr::null(),
            client_identifier: core::ptr::null(),
            authority_file: core::ptr::null(),
            certificate_file: core::ptr::null(),
            key_file: core::ptr::null(),
            connect_timeout_ms: 5_000,
            open_timeout_ms: 15_000,
            timeout_ms: 8_000,
            cache_slots: 4_096,
            sector_length: 137,
            sectors_per_track: 32,
            largest_frame: 16_384,
            window: 64,
            may_fall_back: 1,
        }
    }

    /// These options for a channel behind a broker.
    ///
    /// # Errors
    /// A fault, for text that is not UTF-8 and for half of a pair.
    ///
    /// # Safety
    /// The pointers are NULL or to text that ends with a NUL.
    pub(super) unsafe fn options(&self, url: &str, channel: &str) -> Result<Options, Fault> {
        if self.may_fall_back > 1 {
            return Err(Fault::new(VDISK_ERROR_OPTIONS, "may_fall_back is 0 or 1"));
        }
        let mut options = Options::new(url, channel)
            .connect_timeout(milliseconds(self.connect_timeout_ms))
            .open_timeout(milliseconds(self.open_timeout_ms))
            .timeout(milliseconds(self.timeout_ms))
            .cache_slots(self.cache_slots)
            .largest_track(self.sector_length, self.sectors_per_track)
            .largest_frame(self.largest_frame)
            .window(self.window)
            .may_fall_back(self.may_fall_back == 1);
        // SAFETY: the caller's promise is the same, here and below.
        if let Some((user, password)) = unsafe { pair((self.user, "user"), (self.password, "password")) }? {
            options = options.credentials(user, password);
        }
        let certificate = (self.certificate_file, "certificate_file");
        // SAFETY: as above.
        if let Some((certificate, key)) = unsafe { pair(certificate, (self.key_file, "key_file")) }? {
            options = options.certificate_files(certificate, key);
        }
        // SAFETY: as above.
        if let Some(file) = unsafe { optional_text(self.authority_file, "authority_file") }? {
            options = options.authority_file(file);
        }
        // SAFETY: as above.
        if let Some(identifier) = unsafe { optional_text(self.client_identifier, "client_identifier") }? {
            options = options.client_identifier(identifier);
        }
        Ok(options)
    }
}

impl ClientStatistics {
    pub(super) fn of(stats: &Stats) -> Self {
        Self {
            cache: Statistics::of(&stats.cache),
            session: SessionStatistics::of(&stats.session),
            connections: stats.connections,
            unacknowledged: u32::try_from(stats.unacknowledged).unwrap_or(u32::MAX),
            is_connected: u8::from(stats.is_connected),
            is_version_1: u8::from(stats.is_version_1),
        }
    }
}

const fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count as u64)
}

/// Two texts, or neither.
///
/// # Safety
/// As [`text`], for both.
unsafe fn pair<'a>(
    first: (*const c_char, &str),
    second: (*const c_char, &str),
) -> Result<Option<(&'a str, &'a str)>, Fault> {
    if first.0.is_null() && second.0.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise is the same.
    Ok(Some(unsafe { (text(first.0, first.1)?, text(second.0, second.1)?) }))
}
