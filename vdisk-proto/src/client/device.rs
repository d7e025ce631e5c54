//! What a session needs around it: the cache, entropy, and those who wait.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::string::ToString as _;
use std::sync::Arc;

use sector_cache::{SectorCache, SectorKey};

use super::event::Events;
use super::pending::Readers;
use super::{ConnectionFailure, Error, Event};
use crate::codec::Status;
use crate::session::{self, Failure, Host};

/// The device around a session.
pub(super) struct Device<'m> {
    pub(super) cache: SectorCache<'m>,
    pub(super) readers: Readers,
    pub(super) events: Arc<Events>,
    pub(super) unreported: Unreported,
    pub(super) state: State,
    /// Why there is no connection, if there is none.
    pub(super) failure: Option<ConnectionFailure>,
}

/// How far the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody has answered yet.
    Opening,
    /// The server does not want us, and nothing was open before.
    Refused(Status),
    Two,
    One,
    TakenOver,
}

/// What went wrong with accepted writes, and was told to no flush yet.
#[derive(Debug, Default)]
pub(super) struct Unreported {
    has_lost_data: bool,
    count: u64,
    first: Option<(SectorKey, Failure)>,
}

impl Unreported {
    fn failed(&mut self, key: SectorKey, failure: Failure) {
        self.count = self.count.saturating_add(1);
        self.first.get_or_insert((key, failure));
    }

    /// What a flush is to say of it.
    pub(super) fn result(&self) -> Result<(), Error> {
        match self.first {
            _ if self.has_lost_data => Err(Error::DataLoss { unacknowledged: self.count }),
            Some((key, failure)) => Err(Error::WritesFailed { count: self.count, key, failure }),
            None => Ok(()),
        }
    }
}

impl<'m> Host for Device<'m> {
    type Cache = SectorCache<'m>;

    fn cache(&mut self) -> &mut SectorCache<'m> {
        &mut self.cache
    }

    fn random(&mut self) -> u64 {
        // The system gave entropy when the disk was opened, and does not cease to. Should it, these keys are still others
        // each time, and were made of its entropy.
        entropy().unwrap_or_else(|_| RandomState::new().build_hasher().finish())
    }

    fn arrived(&mut self, key: SectorKey, bytes: &[u8]) {
        self.readers.arrived(key, bytes);
    }

    fn told(&mut self, event: session::Event) {
        let event = match event {
            session::Event::Opened => {
                self.state = State::Two;
                Event::Opened
            }
            session::Event::FellBack => {
                self.state = State::One;
                Event::FellBack
            }
            session::Event::TakenOver => {
                self.state = State::TakenOver;
                Event::TakenOver
            }
            session::Event::ReadFailed(key, failure) => {
                self.readers.failed(key, failure, self.failure.as_ref());
                return;
            }
            session::Event::WriteFailed(key, failure) => {
                self.unreported.failed(key, failure);
                Event::WriteFailed(key, failure)
            }
            session::Event::DataLoss => {
                self.unreported.has_lost_data = true;
                Event::DataLoss
            }
            session::Event::Refused(status) => {
                if self.state == State::Opening {
                    self.state = State::Refused(status);
                }
                Event::Refused(status)
            }
            session::Event::DriveChanged(drive) => Event::DriveChanged(drive),
            // The session has taken another one, and nothing is lost.
            session::Event::NonceRepeated => return,
        };
        self.events.push(event);
    }
}

/// 64 bits that nobody can know.
pub(super) fn entropy() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::System { what: "random numbers", problem: error.to_string() })?;
    Ok(u64::from_le_bytes(bytes))
}
