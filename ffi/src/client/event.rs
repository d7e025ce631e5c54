//! What happens to a client by itself, as C gets it: the session's events, and some more.

use vdisk_proto::client::Event;
use vdisk_proto::session;

use crate::session::device::SessionEvent;

/// An event of a client: there is a connection to the broker.
pub const VDISK_EVENT_CONNECTED: u8 = 10;
/// An event of a client: there is no connection, and another is being made.
pub const VDISK_EVENT_DISCONNECTED: u8 = 11;
/// An event of a client: so many events as `sector` says were dropped, the oldest, since nobody took them.
pub const VDISK_EVENT_MISSED: u8 = 12;

impl SessionEvent {
    pub(super) fn of_client(event: &Event) -> Self {
        match *event {
            Event::Connected => Self::kind(VDISK_EVENT_CONNECTED),
            Event::Disconnected(_) => Self::kind(VDISK_EVENT_DISCONNECTED),
            Event::Opened => Self::of(session::Event::Opened),
            Event::FellBack => Self::of(session::Event::FellBack),
            Event::DriveChanged(drive) => Self::of(session::Event::DriveChanged(drive)),
            Event::WriteFailed(key, failure) => Self::of(session::Event::WriteFailed(key, failure)),
            Event::TakenOver => Self::of(session::Event::TakenOver),
            Event::DataLoss => Self::of(session::Event::DataLoss),
            Event::Refused(status) => Self::of(session::Event::Refused(status)),
            Event::Missed(count) => {
                let sector = u32::try_from(count).unwrap_or(u32::MAX);
                Self { sector, ..Self::kind(VDISK_EVENT_MISSED) }
            }
            _ => Self::kind(u8::MAX),
        }
    }
}
