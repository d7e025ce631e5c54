//! What happens to a disk by itself, and the queue of it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sector_cache::{Drive, SectorKey};
use tokio::sync::Notify;

use super::{ConnectionFailure, Error};
use crate::codec::Status;
use crate::session::Failure;

/// How many events wait at most.
const CAPACITY: usize = 64;

/// What happened to a disk by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// There is a connection to the broker.
    Connected,
    /// There is none, for that reason, and another is being made.
    Disconnected(ConnectionFailure),
    /// A session is open: the drives are known, and reads and writes go on.
    Opened,
    /// The server speaks version 1 only, which is spoken from now on. What that cannot promise is
    /// [said there](crate::session#promises).
    FellBack,
    /// A drive was changed by somebody else, or is gone. What was cached of it is dropped. So it is, too, if the server's
    /// folder was copied back from the past: what was acknowledged since the copy was made is gone.
    DriveChanged(Drive),
    /// A write that was accepted will not be done. The next flush or close says so too.
    WriteFailed(SectorKey, Failure),
    /// Somebody else uses the channel. Nothing is sent any more before [`resume`](super::Disk::resume).
    TakenOver,
    /// The server's disks are from the past, rolled back with their files: writes that it had acknowledged are lost. The
    /// next flush or close says so too.
    DataLoss,
    /// The server does not want this client, for that reason. It is asked again from time to time.
    Refused(Status),
    /// So many events were dropped here, the oldest, since nobody took them.
    Missed(u64),
}

/// The events that nobody has taken yet, from the driver to whoever asks.
#[derive(Debug, Default)]
pub(super) struct Events {
    queue: Mutex<Queue>,
    /// Told at each event, and at the end.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// At most `CAPACITY`, oldest first.
    waiting: VecDeque<Event>,
    /// How many were dropped before the oldest.
    missed: u64,
    has_ended: bool,
}

impl Events {
    pub(super) fn push(&self, event: Event) {
        let mut queue = self.queue();
        if queue.waiting.len() >= CAPACITY {
            queue.waiting.pop_front();
            queue.missed = queue.missed.saturating_add(1);
        }
        queue.waiting.push_back(event);
        drop(queue);
        self.changed.notify_one();
    }

    /// No more will come.
    pub(super) fn end(&self) {
        self.queue().has_ended = true;
        self.changed.notify_one();
    }

    /// The next event; an error if no more will come.
    pub(super) async fn next(&self) -> Result<Event, Error> {
        loop {
            // Before the look at the queue, so that nothing can come in between.
            let changed = self.changed.notified();
            match self.take() {
                (None, false) => changed.await,
                (event, _) => {
                    // There may be more, for another who waits.
                    self.changed.notify_one();
                    return event.ok_or(Error::Stopped);
                }
            }
        }
    }

    /// The next event, if there is one, and whether no more will come.
    fn take(&self) -> (Option<Event>, bool) {
        let mut queue = self.queue();
        if queue.missed > 0 {
            return (Some(Event::Missed(core::mem::take(&mut queue.missed))), false);
        }
        (queue.waiting.pop_front(), queue.has_ended)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here stops half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_the_oldest_and_says_so() {
        let events = Events::default();
        for _ in 0..CAPACITY + 3 {
            events.push(Event::Opened);
        }
        events.push(Event::FellBack);
        events.end();
        assert_eq!(events.take(), (Some(Event::Missed(4)), false));
        for _ in 0..CAPACITY - 1 {
            assert_eq!(events.take(), (Some(Event::Opened), true));
        }
        assert_eq!(events.take(), (Some(Event::FellBack), true));
        assert_eq!(events.take(), (None, true));
    }
}
