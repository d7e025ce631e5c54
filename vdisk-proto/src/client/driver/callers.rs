//! What callers want, and what they are told.

use sector_cache::{Drive, SectorKey};
use tokio::time::Instant;

use super::{Driver, Link, later};
use crate::client::command::Command;
use crate::client::device::{State, Unreported};
use crate::client::pending::{Flusher, Reader, Writer};
use crate::client::{Drives, Error, Stats};
use crate::session::{self, Lookup};

impl Driver<'_, '_> {
    /// Takes a command: it is answered, or it waits.
    pub(super) fn take(&mut self, command: Command) {
        let until = later(self.settings.timeout);
        match command {
            Command::Read { key, reply } => {
                if let Some(reader) = self.read(Reader { key, reply, until }, true) {
                    self.pending.readers.push_back(reader);
                }
            }
            Command::Write { key, bytes, reply } => {
                self.pending.writers.push_back(Writer { key, bytes, reply, until });
            }
            Command::Flush(reply) => {
                let flush = self.session.flush();
                self.pending.flushers.push(Flusher { flush, reply, until });
            }
            Command::Close(reply) => {
                let flush = self.session.flush();
                self.pending.closer = Some(Flusher { flush, reply, until });
            }
            // Who asked and went away does not want to know, here and below.
            Command::Resume(reply) => {
                let now_ms = self.now_ms();
                self.session.resume(now_ms, &mut self.device);
                if self.device.state == State::TakenOver {
                    self.device.state = State::Two;
                }
                let _unheard = reply.send(Ok(()));
            }
            Command::Drives(reply) => {
                let _unheard = reply.send(Ok(self.drives()));
            }
            Command::Stats(reply) => {
                let _unheard = reply.send(Ok(self.stats()));
            }
        }
    }

    /// Goes on with those who wait, and ends the wait of those who waited long enough.
    pub(super) fn serve_callers(&mut self) {
        let now = Instant::now();
        self.open(now);
        self.write_waiting(now);
        self.read_waiting(now);
        self.end_flushes(now);
        self.end_close(now);
    }

    /// Reads a sector; `None` unless there is no room for another read.
    fn read(&mut self, reader: Reader, is_first: bool) -> Option<Reader> {
        let key = reader.key;
        // A look that is a second one is not counted as a miss.
        let may_hold = self.session.trusts(key) && (is_first || self.device.cache.contains(key));
        if may_hold && let Some(bytes) = self.device.cache.get(key) {
            let _unheard = reader.reply.send(Ok(bytes.into()));
            return None;
        }
        let now_ms = self.now_ms();
        let error = match self.session.read(key, now_ms) {
            Ok(Lookup::Held(bytes)) => {
                let _unheard = reader.reply.send(Ok(bytes.into()));
                return None;
            }
            Ok(Lookup::Asked) => {
                self.device.readers.push(reader);
                return None;
            }
            Err(session::Error::ReadsFull) => return Some(reader),
            Err(reason) => self.refusal(key, reason),
        };
        let _unheard = reader.reply.send(Err(error));
        None
    }

    fn read_waiting(&mut self, now: Instant) {
        while let Some(reader) = self.pending.readers.pop_front() {
            if reader.until <= now {
                let error = self.late("turn for a read");
                let _unheard = reader.reply.send(Err(error));
            } else if reader.reply.is_closed() {
                // Who asked went away.
            } else if let Some(reader) = self.read(reader, false) {
                self.pending.readers.push_front(reader);
                return;
            }
        }
    }

    fn write_waiting(&mut self, now: Instant) {
        while let Some(writer) = self.pending.writers.pop_front() {
            if writer.reply.is_closed() {
                // Who went away without having been told that it is accepted is not surprised if it is not done.
                continue;
            }
            let now_ms = self.now_ms();
            let result = match self.session.write(writer.key, &writer.bytes, now_ms, &mut self.device) {
                Ok(()) => Ok(()),
                Err(session::Error::WindowFull) if writer.until > now => {
                    self.pending.writers.push_front(writer);
                    return;
                }
                Err(session::Error::WindowFull) => Err(self.late("room in the window of writes")),
                Err(reason) => Err(self.refusal(writer.key, reason)),
            };
            let _unheard = writer.reply.send(result);
        }
    }

    /// Answers the flushes that are done, or have waited long enough.
    fn end_flushes(&mut self, now: Instant) {
        if self.pending.flushers.is_empty() {
            return;
        }
        let mut was_told = false;
        for flusher in core::mem::take(&mut self.pending.flushers) {
            match self.flushed(&flusher, now) {
                Some((result, reports)) => was_told |= flusher.reply.send(result).is_ok() && reports,
                None => self.pending.flushers.push(flusher),
            }
        }
        if was_told {
            self.device.unreported = Unreported::default();
        }
    }

    fn end_close(&mut self, now: Instant) {
        let Some(closer) = self.pending.closer.take() else { return };
        match self.flushed(&closer, now) {
            Some((result, _)) => {
                self.farewell = Some((closer.reply, result));
                self.is_over = true;
            }
            None => self.pending.closer = Some(closer),
        }
    }

    /// What a flush is to be told, if it is time; and whether that is all that went wrong with writes.
    fn flushed(&self, flusher: &Flusher, now: Instant) -> Option<(Result<(), Error>, bool)> {
        if self.session.is_flushed(&flusher.flush) {
            return Some((self.device.unreported.result(), true));
        }
        if self.device.state == State::TakenOver {
            return Some((Err(self.taken_over()), false));
        }
        (flusher.until <= now).then(|| (Err(self.late("acknowledgement of all writes")), false))
    }

    /// Tells whoever opens the disk how that went, if it is time.
    fn open(&mut self, now: Instant) {
        let Some((reply, until)) = self.pending.opener.take() else { return };
        let channel = self.settings.config.channel;
        let result = match self.device.state {
            State::Refused(status) => Err(Error::Refused { channel, status }),
            State::Opening if now < until => {
                self.pending.opener = Some((reply, until));
                return;
            }
            State::Opening if self.link != Link::Up => Err(self.settings.broker.silence().into()),
            State::Opening => Err(Error::NoServer { channel, waited: self.settings.open_timeout }),
            State::Two | State::One | State::TakenOver => Ok(()),
        };
        self.is_over = result.is_err();
        let _unheard = reply.send(result);
    }

    fn refusal(&self, key: SectorKey, reason: session::Error) -> Error {
        if reason == session::Error::TakenOver { self.taken_over() } else { Error::Call { key, reason } }
    }

    fn taken_over(&self) -> Error {
        Error::TakenOver { unacknowledged: self.session.unacknowledged() }
    }

    fn late(&self, operation: &'static str) -> Error {
        Error::TimedOut { operation, waited: self.settings.timeout, connection: self.device.failure.clone() }
    }

    fn drives(&self) -> Drives {
        let drives = (0..Drive::COUNT).filter_map(|number| Drive::new(number).ok());
        drives.filter_map(|drive| self.session.drive(drive).copied()).collect()
    }

    fn stats(&self) -> Stats {
        Stats {
            cache: self.device.cache.stats(),
            session: *self.session.counters(),
            connections: self.connections,
            is_connected: self.link == Link::Up,
            unacknowledged: self.session.unacknowledged(),
            is_version_1: self.device.state == State::One,
        }
    }
}
