//! How a disk is opened.

use std::fmt;
use std::path::PathBuf;
use std::string::String;
use std::time::Duration;

use super::Error;
use super::url::Address;
use crate::codec::Channel;
use crate::session::Config;

/// Which disk to open, where, and how.
#[derive(Clone)]
pub struct Options {
    pub(super) url: String,
    pub(super) channel: String,
    pub(super) client_identifier: Option<String>,
    pub(super) credentials: Option<(String, String)>,
    pub(super) authority_file: Option<PathBuf>,
    /// Of the certificate and of its key.
    pub(super) certificate_files: Option<(PathBuf, PathBuf)>,
    pub(super) cache_slots: u16,
    pub(super) window: u8,
    pub(super) sector_length: u16,
    pub(super) sectors_per_track: u16,
    pub(super) largest_frame: u16,
    pub(super) connect_timeout: Duration,
    pub(super) open_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) may_fall_back: bool,
}

impl Options {
    /// A channel's drives behind the broker at a URL: `mqtt://host:port`, or `mqtts://host:port` for TLS. The port may be
    /// left out: it is 1883, or 8883 with TLS. A slash may end the URL, and the case of `mqtt` is of no account.
    #[must_use]
    pub fn new(url: &str, channel: &str) -> Self {
        Self {
            url: url.into(),
            channel: channel.into(),
            client_identifier: None,
            credentials: None,
            authority_file: None,
            certificate_files: None,
            cache_slots: 4_096,
            window: 64,
            sector_length: 137,
            sectors_per_track: 32,
            largest_frame: 16_384,
            connect_timeout: Duration::from_secs(5),
            open_timeout: Duration::from_secs(15),
            timeout: Duration::from_secs(8),
            may_fall_back: true,
        }
    }

    /// User and password for the broker.
    #[must_use]
    pub fn credentials(mut self, user: &str, password: &str) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// The client identifier, where the broker wants a certain one. By default it is random. Two clients of one
    /// identifier throw each other out.
    #[must_use]
    pub fn client_identifier(mut self, identifier: &str) -> Self {
        self.client_identifier = Some(identifier.into());
        self
    }

    /// The PEM file of the authority that signed the broker's certificate; TLS needs it.
    #[must_use]
    pub fn authority_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authority_file = Some(path.into());
        self
    }

    /// The PEM files of the client's certificate and of its key, for a broker that asks for them.
    #[must_use]
    pub fn certificate_files(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.certificate_files = Some((certificate.into(), key.into()));
        self
    }

    /// How many sectors the cache holds: 4,096 by default, 65,535 at most.
    #[must_use]
    pub const fn cache_slots(mut self, slots: u16) -> Self {
        self.cache_slots = slots;
        self
    }

    /// How many writes may be accepted and not on the server's disk: 64 by default, 1 to 64; each takes the bytes of the
    /// longest sector and 8 more. A server may send for fewer at a time.
    #[must_use]
    pub const fn window(mut self, writes: u8) -> Self {
        self.window = writes;
        self
    }

    /// The longest sector of any drive that is used, in bytes, and the most sectors of a track: 137 and 32 by default,
    /// those of an Altair's 8-inch disks. Sectors that are shorter are read and written, but not cached.
    #[must_use]
    pub const fn largest_track(mut self, sector_length: u16, sectors_per_track: u16) -> Self {
        self.sector_length = sector_length;
        self.sectors_per_track = sectors_per_track;
        self
    }

    /// The largest frame that is taken, in bytes: 16,384 by default. A track that is longer comes in several.
    #[must_use]
    pub const fn largest_frame(mut self, bytes: u16) -> Self {
        self.largest_frame = bytes;
        self
    }

    /// How long it may take until the broker has let the client in: 5 s by default, 1 s at least.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long [`open`](super::Disk::open) waits for the server: 15 s by default. Whether a server speaks version 1
    /// only turns out after 7 to 9 s.
    #[must_use]
    pub const fn open_timeout(mut self, timeout: Duration) -> Self {
        self.open_timeout = timeout;
        self
    }

    /// How long a read, a write, a flush or a close may take: 8 s by default. Some [take longer](super#promises).
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether a server that speaks version 1 only is spoken to, which can
    /// [promise less](crate::session#promises). It is by default.
    #[must_use]
    pub const fn may_fall_back(mut self, may_fall_back: bool) -> Self {
        self.may_fall_back = may_fall_back;
        self
    }

    /// All of it, checked.
    pub(super) fn check(&self) -> Result<(Address, Config), Error> {
        let address = Address::parse(&self.url)?;
        let channel = Channel::new(&self.channel)
            .map_err(|source| Error::Channel { name: self.channel.clone(), source })?;
        let config = Config {
            channel,
            window: self.window,
            sector_length: self.sector_length,
            sectors_per_track: self.sectors_per_track,
            largest_frame: self.largest_frame,
            cacheable_sectors: u32::from(self.cache_slots),
            read_timeout_ms: u32::try_from(self.timeout.as_millis()).unwrap_or(u32::MAX),
            may_fall_back: self.may_fall_back,
        };
        let problem = if address.is_secure && self.authority_file.is_none() {
            "mqtts:// needs the option authority_file: the authority that signed the broker's certificate"
        } else if !address.is_secure && (self.authority_file.is_some() || self.certificate_files.is_some()) {
            "certificates are for mqtts:// only"
        } else if self.timeout < Duration::from_millis(1) || self.connect_timeout < Duration::from_secs(1) {
            "the time-out has 1 ms at least, and that of a connection 1 s"
        } else if Config::required_bytes(self.window, self.sector_length, self.sectors_per_track).is_none() {
            "the window has 1 to 64 writes, and sectors and tracks are not empty"
        } else if self.client_identifier.as_ref().is_some_and(|identifier| !is_identifier(identifier)) {
            "a client identifier has 1 to 128 bytes, and no spaces, control characters, +, #, / or $"
        } else {
            return Ok((address, config));
        };
        Err(Error::Options(problem))
    }
}

/// What brokers take that compare it with topics and with users.
fn is_identifier(text: &str) -> bool {
    let is_other = |character: char| {
        character.is_control() || character.is_whitespace() || matches!(character, '+' | '#' | '/' | '$')
    };
    (1..=128).contains(&text.len()) && !text.contains(is_other)
}

/// All but the password.
impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("url", &self.url)
            .field("channel", &self.channel)
            .field("user", &self.credentials.as_ref().map(|(user, _)| user))
            .finish_non_exhaustive()
    }
}
