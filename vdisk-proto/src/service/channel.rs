//! What a service knows of a channel.

use std::boxed::Box;
use std::collections::VecDeque;

use bytes::Bytes;

use super::Now;
use crate::store::{Author, Ledger, Record};

/// For how long after a session was heard legacy writes are refused.
pub(super) const HEARD_MS: u64 = 90_000;

/// A channel with something durable, or on the way to it.
#[derive(Debug, Default)]
pub(super) struct ChannelState {
    /// As the store has it.
    durable: Ledger,
    /// As it will be once everything is durable that waits or is in flight; `None` if nothing does.
    staged: Option<Box<Ledger>>,
    /// How many records wait or are in flight: `staged` is there exactly if it is not 0.
    unsettled: usize,
    /// When a session was heard last.
    heard_ms: Option<u64>,
    /// Whether the current session carried a request beside its HELLO.
    carried: bool,
    /// The sequence of the last HELLO that asked for the session on its way to be durable.
    pub(super) hello_sequence: u32,
    /// The session that it named as the previous one.
    pub(super) hello_previous: u32,
    /// Legacy writes that wait or are in flight, oldest first: where, and the bytes.
    pub(super) legacy: VecDeque<(u64, Bytes)>,
}

impl ChannelState {
    /// A channel that a store knew when the service started: what it had may be in use.
    pub(super) fn restored(ledger: Ledger, now: Now) -> Self {
        let has_session = ledger.session != 0;
        let heard_ms = has_session.then_some(now.monotonic_ms);
        Self { durable: ledger, heard_ms, carried: has_session, ..Self::default() }
    }

    /// As the store has it.
    pub(super) const fn durable(&self) -> &Ledger {
        &self.durable
    }

    /// As it will be: what decides on requests.
    pub(super) fn staged(&self) -> &Ledger {
        self.staged.as_deref().unwrap_or(&self.durable)
    }

    /// Takes a record to be made durable.
    pub(super) fn stage(&mut self, record: &Record) {
        self.restage(record);
        if let Record::Session(_) = record {
            self.carried = false;
        }
        self.legacy.extend(legacy_write(record));
    }

    /// How many records wait or are in flight.
    pub(super) const fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// Whether nothing is known of it that a new channel does not have.
    pub(super) fn is_blank(&self) -> bool {
        self.unsettled == 0 && self.durable == Ledger::NEW
    }

    /// A record that waited was dropped.
    pub(super) fn dropped(&mut self) {
        self.unsettled = self.unsettled.saturating_sub(1);
        if self.unsettled == 0 {
            self.staged = None;
        }
    }

    /// A record is durable; or it never will be, and then [`unstage`](Self::unstage) follows.
    pub(super) fn settle(&mut self, record: &Record, is_durable: bool) {
        self.dropped();
        if is_durable {
            self.durable.apply(record);
        }
        if legacy_write(record).is_some() {
            self.legacy.pop_front();
        }
    }

    /// Forgets what was staged, to stage again what still waits: [`restage`](Self::restage) follows for each.
    pub(super) fn unstage(&mut self) {
        self.staged = None;
        self.unsettled = 0;
    }

    /// Takes a record again that waits.
    pub(super) fn restage(&mut self, record: &Record) {
        self.unsettled += 1;
        self.staged.get_or_insert_with(|| Box::new(self.durable.clone())).apply(record);
    }

    /// A request of the current session came.
    pub(super) fn heard(&mut self, now: Now) {
        self.carried = true;
        self.heard_ms = Some(now.monotonic_ms);
        self.durable.heard();
        if let Some(staged) = &mut self.staged {
            staged.heard();
        }
    }

    /// The current session's HELLO came again: a sign of life once it carried another request.
    pub(super) fn greeted_again(&mut self, now: Now) {
        if self.carried {
            self.heard_ms = Some(now.monotonic_ms);
        }
    }

    /// Whether a session was heard so recently that a legacy write cannot be its device's.
    pub(super) fn is_heard(&self, now: Now) -> bool {
        self.heard_ms.is_some_and(|heard_ms| now.monotonic_ms.saturating_sub(heard_ms) <= HEARD_MS)
    }
}

/// Where a legacy write goes, and its bytes.
fn legacy_write(record: &Record) -> Option<(u64, Bytes)> {
    match record {
        Record::Write(write) if matches!(write.author, Author::Legacy { .. }) => {
            let (offset, _) = write.run.pieces().next()?;
            Some((offset, write.bytes.clone()))
        }
        _ => None,
    }
}
