//! Callers that wait, and until when.

use std::boxed::Box;
use std::collections::VecDeque;
use std::vec::Vec;

use sector_cache::SectorKey;
use tokio::time::Instant;

use super::command::Reply;
use super::{ConnectionFailure, Error};
use crate::session::{Failure, Flush};

/// How many callers may wait inside the driver; more wait in its queue.
pub(super) const MOST_WAITING: usize = 256;

/// Somebody who wants a sector.
pub(super) struct Reader {
    pub(super) key: SectorKey,
    pub(super) reply: Reply<Box<[u8]>>,
    pub(super) until: Instant,
}

/// Somebody who wants a sector written.
pub(super) struct Writer {
    pub(super) key: SectorKey,
    pub(super) bytes: Box<[u8]>,
    pub(super) reply: Reply<()>,
    pub(super) until: Instant,
}

/// Somebody who wants all accepted writes done.
pub(super) struct Flusher {
    pub(super) flush: Flush,
    pub(super) reply: Reply<()>,
    pub(super) until: Instant,
}

/// Those who wait for sectors that the session has asked for. The session's own time-out ends their wait.
#[derive(Default)]
pub(super) struct Readers(Vec<Reader>);

impl Readers {
    pub(super) fn push(&mut self, reader: Reader) {
        self.0.push(reader);
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn arrived(&mut self, key: SectorKey, bytes: &[u8]) {
        for reader in self.0.extract_if(.., |reader| reader.key == key) {
            // Who does not wait any more does not want to know.
            let _unheard = reader.reply.send(Ok(bytes.into()));
        }
    }

    pub(super) fn failed(
        &mut self,
        key: SectorKey,
        failure: Failure,
        connection: Option<&ConnectionFailure>,
    ) {
        for reader in self.0.extract_if(.., |reader| reader.key == key) {
            let error = Error::Read { key, failure, connection: connection.cloned() };
            let _unheard = reader.reply.send(Err(error));
        }
    }
}

/// Those who wait for room, or for a flush.
#[derive(Default)]
pub(super) struct Pending {
    /// In the order in which they came: no write overtakes another.
    pub(super) writers: VecDeque<Writer>,
    pub(super) readers: VecDeque<Reader>,
    pub(super) flushers: Vec<Flusher>,
    /// Whoever closes the disk.
    pub(super) closer: Option<Flusher>,
    /// Whoever opens it.
    pub(super) opener: Option<(Reply<()>, Instant)>,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.writers.len().saturating_add(self.readers.len()).saturating_add(self.flushers.len())
    }

    /// When the first of them has waited long enough.
    pub(super) fn next_end(&self) -> Option<Instant> {
        // All have the same time-out, so that the first of each queue waits longest.
        let writers = self.writers.front().map(|writer| writer.until);
        let readers = self.readers.front().map(|reader| reader.until);
        let flushers = self.flushers.iter().map(|flusher| flusher.until).min();
        let closer = self.closer.as_ref().map(|closer| closer.until);
        let opener = self.opener.as_ref().map(|(_, until)| *until);
        [writers, readers, flushers, closer, opener].into_iter().flatten().min()
    }
}
