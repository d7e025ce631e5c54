//! What a session tells its device.

use sector_cache::{Drive, SectorKey};

use crate::codec::Status;

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A session is open: the drives are known, and reads and writes go on.
    Opened,
    /// The server speaks version 1 only, which is spoken from now on. What that cannot promise is in the
    /// [module's documentation](super).
    FellBack,
    /// A drive was changed by somebody else, or is gone. What was cached of it is dropped. So it is, too, if the server's
    /// folder was copied back from the past: what was acknowledged since the copy was made is gone.
    DriveChanged(Drive),
    /// A sector that was asked for will not come.
    ReadFailed(SectorKey, Failure),
    /// A write that was accepted will not be done.
    WriteFailed(SectorKey, Failure),
    /// Somebody else uses the channel. Nothing is sent any more before [`resume`](super::Session::resume). A session that
    /// another has ended takes the channel back by itself, and only one that loses it again within 60 s is told this.
    TakenOver,
    /// The server's disks are from the past, rolled back with their files: writes that it had acknowledged are lost.
    DataLoss,
    /// The nonce had been used before: [`random`](super::Host::random) is no good.
    NonceRepeated,
    /// The server does not want this device, for that reason. It is asked again from time to time.
    Refused(Status),
}

/// Why a read or a write failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The server said no.
    #[error("the server refused: {0}")]
    Refused(Status),
    /// No answer came in the time that was set.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The drive was changed by somebody else while the write waited: it was meant for what was there before.
    #[error("the drive was changed by somebody else before the write was done")]
    Changed,
    /// The server's disks are from the past, and the write with them.
    #[error("the server lost writes that it had acknowledged, and this one waited behind them")]
    DataLoss,
    /// Somebody else uses the channel.
    #[error("another device uses this channel")]
    TakenOver,
    /// A server of version 1 was sent the write again and again, and still answers other bytes.
    #[error("the server of version 1 does not keep what is written")]
    NotKept,
}

/// Why a call was refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's mistake: a window of 0 or more than 64 writes, or sectors or tracks of no length.
    #[error("a window has 1 to 64 writes, and sectors and tracks are not empty")]
    Configuration,
    /// The caller's mistake: a frame of this length holds neither a HELLO's answer nor a sector.
    #[error("the largest frame has {largest_frame} bytes; it takes {needed} at least")]
    FrameTooSmall {
        /// As configured.
        largest_frame: u16,
        /// What a HELLO's answer with one drive, and a sector, take.
        needed: u16,
    },
    /// The caller's mistake: the memory supplied is too short.
    #[error("{needed} bytes of memory are needed, {available} were supplied")]
    MemoryTooSmall {
        /// What `required_bytes` says.
        needed: usize,
        /// The length of the memory.
        available: usize,
    },
    /// No session was open yet since the device booted, so that nobody knows what drives there are.
    #[error("the server has not told yet what drives there are")]
    NotOpen,
    /// The channel has no such drive.
    #[error("there is no such drive")]
    NoDrive,
    /// The drive has no such sector.
    #[error("the drive has no such sector")]
    OutOfRange,
    /// The drive's sectors are longer than the session was configured for, or than the server takes.
    #[error("the drive's sectors are longer than this session, or the server, can carry")]
    TooLong,
    /// The bytes are not one sector of the drive.
    #[error("{actual} bytes were given, but a sector of this drive has {expected}")]
    WrongLength {
        /// The drive's.
        expected: u16,
        /// The length of what was given.
        actual: usize,
    },
    /// The drive cannot be written.
    #[error("the drive is read-only")]
    ReadOnly,
    /// As many writes wait as can: try again once one is acknowledged.
    #[error("the window of writes is full: try again when one of them is acknowledged")]
    WindowFull,
    /// As many reads wait as can: try again once one is done.
    #[error("too many reads wait: try again when one of them is done")]
    ReadsFull,
    /// Somebody else uses the channel.
    #[error("another device uses this channel")]
    TakenOver,
}
