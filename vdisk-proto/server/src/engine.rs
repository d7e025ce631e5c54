//! The service over its store, and the two threads that drive it.
//!
//! ```text
//!   a broker's tasks ── received ──▶ Service ◀── begin_group, end_group ── the writer ── write_group, sync ──▶ FileStore
//!                    ◀── answers ──     ▲
//!                                       └── image_changed ── the watcher, every second ── changed_images ──▶ FileStore
//! ```
//!
//! Reads are answered in the task that brought them. What is to be durable waits for the writer, which needs no timer: a
//! group begins when the last one ended.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use vdisk_proto::service::{Counters, Limits, Now, Service, Transmit};
use vdisk_proto::store::{FileStore, FileStoreError, Store as _};

use crate::complaints::complaints;

/// How often images are looked at, and complaints made.
const WATCH: Duration = Duration::from_secs(1);

/// The service, shared by everything that drives it.
pub(crate) struct Engine {
    /// `None` once it has ended.
    service: Mutex<State>,
    /// Told when there is something to write, and at the end.
    work: Condvar,
    /// Told at the end.
    ended: Condvar,
    store: Arc<FileStore>,
    started: Instant,
}

struct State {
    service: Service<Arc<FileStore>>,
    /// Nothing more is accepted.
    is_ending: bool,
}

impl Engine {
    pub(crate) fn new(store: FileStore, limits: Limits) -> Self {
        let store = Arc::new(store);
        let started = Instant::now();
        let service = Service::new(Arc::clone(&store), limits, now(started));
        let state = State { service, is_ending: false };
        Self { service: Mutex::new(state), work: Condvar::new(), ended: Condvar::new(), store, started }
    }

    /// Takes a message, and gives an answer: its own, or one that waited. [`next_answer`](Self::next_answer) has the
    /// others.
    pub(crate) fn received(&self, topic: &str, payload: &Bytes, is_retained: bool) -> Option<Transmit> {
        let mut state = self.lock();
        if state.is_ending {
            return None;
        }
        tracing::debug!(topic, bytes = payload.len(), "received");
        state.service.received(topic, payload, is_retained, now(self.started));
        if state.service.waiting_bytes() > 0 {
            self.work.notify_one();
        }
        state.service.poll_transmit()
    }

    /// The next message to publish, if there is one.
    pub(crate) fn next_answer(&self) -> Option<Transmit> {
        self.lock().service.poll_transmit()
    }

    /// Makes what waits durable, group by group, and calls `publish` after each. Returns when all that was accepted is
    /// durable, after [`end`](Self::end).
    ///
    /// # Errors
    /// The disk's: the process has to end.
    pub(crate) fn write_groups(&self, publish: impl Fn()) -> Result<(), FileStoreError> {
        let mut state = self.lock();
        loop {
            let Some(mut group) = state.service.begin_group() else {
                if state.is_ending {
                    return Ok(());
                }
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            self.store.write_group(&mut group)?;
            self.store.sync(&group)?;
            self.lock().service.end_group(group);
            publish();
            state = self.lock();
        }
    }

    /// Looks every second whether somebody changed an image, and says what devices do wrong, until the [end](Self::end).
    pub(crate) fn watch(&self) {
        let mut said = Counters::default();
        let mut state = self.lock();
        while !state.is_ending {
            let counters = *state.service.counters();
            drop(state);
            for complaint in complaints(&said, &counters) {
                tracing::warn!("{complaint}");
            }
            said = counters;
            let changed = self.store.changed_images();
            state = self.lock();
            for (channel, drive) in changed {
                tracing::info!(%channel, %drive, "the image was replaced");
                state.service.image_changed(channel, drive, now(self.started));
                self.work.notify_one();
            }
            state = self.ended.wait_timeout(state, WATCH).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Accepts nothing any more. The threads end when what was accepted is durable.
    pub(crate) fn end(&self) {
        self.lock().is_ending = true;
        self.work.notify_all();
        self.ended.notify_all();
    }

    pub(crate) fn counters(&self) -> Counters {
        *self.lock().service.counters()
    }

    /// Closes the store, whose images have everything then.
    ///
    /// # Errors
    /// What could not be written. The journal has it.
    pub(crate) fn close(self) -> Result<(), FileStoreError> {
        drop(self.service);
        Arc::into_inner(self.store).map_or(Ok(()), FileStore::close)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked in the service left it as it was between two messages, or some waiting ones unsent.
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now(started: Instant) -> Now {
    Now { monotonic_ms: millis(started.elapsed()), wall_ns: wall_ns() }
}

/// Nanoseconds since 1970.
pub(crate) fn wall_ns() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
