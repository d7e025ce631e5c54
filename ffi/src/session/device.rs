//! The device around a session: callbacks of C.

use core::ffi::{c_int, c_void};

use core_cache::{Drive, SectorKey};
use vdisk_proto::session::{Event, Failure, Host, Mailbox};

/// An event: a session is open. The drives are known, and reads and writes go on.
pub const VDISK_EVENT_OPENED: u8 = 1;
/// An event: the server speaks version 1 only, which is spoken from now on. A write then counts as done once it was
/// read back, which says nothing of the server's disk; and what others write is not noticed.
pub const VDISK_EVENT_FELL_BACK: u8 = 2;
/// An event: a drive was changed by somebody else, or is gone. What was cached of it is dropped. So it is, too, if the
/// server's folder was copied back from the past: what was acknowledged since the copy was made is gone.
pub const VDISK_EVENT_DRIVE_CHANGED: u8 = 3;
/// An event: a sector that was asked for will not come.
pub const VDISK_EVENT_READ_FAILED: u8 = 4;
/// An event: a write that was accepted will not be done.
pub const VDISK_EVENT_WRITE_FAILED: u8 = 5;
/// An event: another device uses the channel. Nothing is sent before `vdisk_session_resume()`, or a client's
/// `vdisk_client_resume()`. A session that another has ended takes the channel back by itself, and only one that loses
/// it again within 60 s is told this.
pub const VDISK_EVENT_TAKEN_OVER: u8 = 6;
/// An event: the server's disks are from the past, rolled back with their files. Writes that it acknowledged are lost.
pub const VDISK_EVENT_DATA_LOSS: u8 = 7;
/// An event: the entropy is no good. A nonce had been used before.
pub const VDISK_EVENT_NONCE_REPEATED: u8 = 8;
/// An event: the server does not want this device. It is asked again from time to time.
pub const VDISK_EVENT_REFUSED: u8 = 9;

/// Why a read or a write failed: the server said no.
pub const VDISK_FAILURE_REFUSED: u8 = 1;
/// Why a read failed: no answer came in `read_timeout_ms`.
pub const VDISK_FAILURE_TIMED_OUT: u8 = 2;
/// Why a read or a write failed: the drive was changed by somebody else meanwhile.
pub const VDISK_FAILURE_CHANGED: u8 = 3;
/// Why a write failed: the server lost what was written before it.
pub const VDISK_FAILURE_DATA_LOSS: u8 = 4;
/// Why a read failed: another device uses the channel.
pub const VDISK_FAILURE_TAKEN_OVER: u8 = 5;
/// Why a write failed: the server of version 1 does not keep it.
pub const VDISK_FAILURE_NOT_KEPT: u8 = 6;

/// What happened.
#[repr(C)]
pub struct SessionEvent {
    /// The sector whose read or write failed; how many events a client missed; else 0.
    pub sector: u32,
    /// `VDISK_EVENT_OPENED` or another of those above; a client's are told by clients alone. Pass over what you do not
    /// know: some may be added.
    pub kind: u8,
    /// The drive of that sector, or the one that was changed, else 0.
    pub drive: u8,
    /// `VDISK_FAILURE_REFUSED` or another of those above if a read or a write failed, else 0. Some may be added.
    pub failure: u8,
    /// The server's status if it refused: 1 the request makes no sense to it, 2 nor does the version, 3 no such drive, 4
    /// no such sector, 5 read-only, 6 too large, 7 its disk is full, 8 its disk failed, 9 the session has ended, 10 the
    /// device may not do that, 11 busy; else 0.
    pub status: u8,
}

/// Returns 64 bits out of the hardware's entropy, which nobody can know before. They may never repeat, across boots
/// too: a generator with the same seed at every boot is not good enough.
pub type Random = Option<unsafe extern "C" fn(context: *mut c_void) -> u64>;

/// Takes a sector that `vdisk_session_read()` asked for.
///
/// `bytes`, *borrowed* until the callback returns, is one sector of `length` bytes. If the drive is the mailbox's, the
/// cache was sent it, too.
pub type Arrived = Option<
    unsafe extern "C" fn(context: *mut c_void, drive: u8, sector: u32, bytes: *const u8, length: usize),
>;

/// Takes an event, *borrowed* until the callback returns.
pub type Told = Option<unsafe extern "C" fn(context: *mut c_void, event: *const SessionEvent)>;

/// Sends a message to the M4, behind the mailbox's header, and returns 0; or anything else if it was not sent: the
/// mailbox is full, say.
///
/// `message`, of `length` bytes, 144 at most, is *borrowed* until the callback returns. It is a write, which fills the
/// cache with a sector, or a clear. After a failure the session does not trust the cache with what it missed, until a
/// later message made up for it.
pub type MailboxSend =
    Option<unsafe extern "C" fn(context: *mut c_void, message: *const u8, length: usize) -> c_int>;

/// The callbacks of a session, and what they are given.
#[derive(Clone, Copy)]
pub(super) struct Device {
    pub(super) random: unsafe extern "C" fn(*mut c_void) -> u64,
    pub(super) arrived: unsafe extern "C" fn(*mut c_void, u8, u32, *const u8, usize),
    pub(super) told: unsafe extern "C" fn(*mut c_void, *const SessionEvent),
    pub(super) mailbox: MailboxSend,
    pub(super) context: *mut c_void,
    /// Which drive's cache is behind the mailbox.
    pub(super) drive: Drive,
}

impl Device {
    /// The device during one call.
    pub(super) fn host(self) -> impl Host {
        CallbackHost { device: self, cache: self.cache() }
    }

    /// Whether there is a cache behind the mailbox, and a message to it can name a sector.
    pub(super) fn may_cache(self, key: SectorKey) -> bool {
        self.mailbox.is_some() && self.cache().names(key)
    }

    fn cache(self) -> Mailbox<impl FnMut(&[u8]) -> bool> {
        Mailbox::new(self.drive, move |message: &[u8]| self.send(message))
    }

    /// Whether a message was sent. Without a mailbox there is no cache that could miss it.
    fn send(self, message: &[u8]) -> bool {
        self.mailbox.is_none_or(|mailbox| {
            // SAFETY: the caller of `vdisk_session_init` says that it is such a function and goes with `context`.
            unsafe { mailbox(self.context, message.as_ptr(), message.len()) == 0 }
        })
    }

    pub(super) fn arrived(self, key: SectorKey, bytes: &[u8]) {
        let (drive, sector) = (key.drive().number(), key.sector().number());
        // SAFETY: as above.
        unsafe { (self.arrived)(self.context, drive, sector, bytes.as_ptr(), bytes.len()) }
    }
}

struct CallbackHost<F> {
    device: Device,
    cache: Mailbox<F>,
}

impl<F: FnMut(&[u8]) -> bool> Host for CallbackHost<F> {
    type Cache = Mailbox<F>;

    fn cache(&mut self) -> &mut Mailbox<F> {
        &mut self.cache
    }

    fn random(&mut self) -> u64 {
        // SAFETY: the caller of `vdisk_session_init` says that it is such a function and goes with `context`.
        unsafe { (self.device.random)(self.device.context) }
    }

    fn arrived(&mut self, key: SectorKey, bytes: &[u8]) {
        self.device.arrived(key, bytes);
    }

    fn told(&mut self, event: Event) {
        let event = SessionEvent::of(event);
        // SAFETY: as above.
        unsafe { (self.device.told)(self.device.context, &raw const event) }
    }
}

impl SessionEvent {
    pub(crate) const fn of(event: Event) -> Self {
        match event {
            Event::Opened => Self::kind(VDISK_EVENT_OPENED),
            Event::FellBack => Self::kind(VDISK_EVENT_FELL_BACK),
            Event::DriveChanged(drive) => {
                Self { drive: drive.number(), ..Self::kind(VDISK_EVENT_DRIVE_CHANGED) }
            }
            Event::ReadFailed(key, failure) => Self::failed(VDISK_EVENT_READ_FAILED, key, failure),
            Event::WriteFailed(key, failure) => Self::failed(VDISK_EVENT_WRITE_FAILED, key, failure),
            Event::TakenOver => Self::kind(VDISK_EVENT_TAKEN_OVER),
            Event::DataLoss => Self::kind(VDISK_EVENT_DATA_LOSS),
            Event::NonceRepeated => Self::kind(VDISK_EVENT_NONCE_REPEATED),
            Event::Refused(status) => Self { status: status.number(), ..Self::kind(VDISK_EVENT_REFUSED) },
            _ => Self::kind(u8::MAX),
        }
    }

    pub(crate) const fn kind(kind: u8) -> Self {
        Self { sector: 0, kind, drive: 0, failure: 0, status: 0 }
    }

    const fn failed(kind: u8, key: SectorKey, failure: Failure) -> Self {
        let (failure, status) = match failure {
            Failure::Refused(status) => (VDISK_FAILURE_REFUSED, status.number()),
            Failure::TimedOut => (VDISK_FAILURE_TIMED_OUT, 0),
            Failure::Changed => (VDISK_FAILURE_CHANGED, 0),
            Failure::DataLoss => (VDISK_FAILURE_DATA_LOSS, 0),
            Failure::TakenOver => (VDISK_FAILURE_TAKEN_OVER, 0),
            Failure::NotKept => (VDISK_FAILURE_NOT_KEPT, 0),
            _ => (u8::MAX, 0),
        };
        Self { sector: key.sector().number(), kind, drive: key.drive().number(), failure, status }
    }
}
