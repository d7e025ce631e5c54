//! How a request went.

/// How a request of version 2 went. Numbers are only ever added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum Status {
    /// It was done.
    #[error("done")]
    Ok = 0,
    /// It makes no sense.
    #[error("the request makes no sense to the server")]
    BadRequest = 1,
    /// It is of a newer version.
    #[error("the server does not know this version of the protocol")]
    UnsupportedVersion = 2,
    /// The channel has no such drive.
    #[error("there is no such drive")]
    UnknownDrive = 3,
    /// The drive has no such sector.
    #[error("the drive has no such sector")]
    OutOfRange = 4,
    /// The drive cannot be written.
    #[error("the drive is read-only")]
    ReadOnly = 5,
    /// The frame, or its answer, is too large.
    #[error("the frame or its answer is too large")]
    TooLarge = 6,
    /// There is no space left.
    #[error("the server's disk is full")]
    DiskFull = 7,
    /// The server's disk failed.
    #[error("the server's disk failed")]
    IoError = 8,
    /// The session has ended.
    #[error("the session has ended")]
    StaleSession = 9,
    /// The device may not do that.
    #[error("the device may not do that")]
    NotAuthorised = 10,
    /// Not now: it is to be asked again.
    #[error("the server is busy")]
    Busy = 11,
}

impl Status {
    /// All of them, each at its number.
    pub const ALL: [Self; 12] = [
        Self::Ok,
        Self::BadRequest,
        Self::UnsupportedVersion,
        Self::UnknownDrive,
        Self::OutOfRange,
        Self::ReadOnly,
        Self::TooLarge,
        Self::DiskFull,
        Self::IoError,
        Self::StaleSession,
        Self::NotAuthorised,
        Self::Busy,
    ];

    /// The status of a number, if it is known.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_wire() {
        for (number, status) in (0..).zip(Status::ALL) {
            assert_eq!((status.number(), Status::from_number(number)), (number, Some(status)));
        }
        assert_eq!(Status::from_number(12), None);
        assert_eq!((Status::DiskFull.number(), Status::Busy.number()), (7, 11));
    }
}
