//! The service over its store, and the two threads that drive it.
//!
//! ```text
//!   a broker's tasks ── received ──▶ Service ◀── begin_group, end_group ── the writer ── write_group, sync ──▶ FileStore
//!                    ◀── answers ──     ▲
//!                                       ├── image_changed ── the writer, after each group ── noticed_images ──▶ FileStore
//!                                       └── image_changed ── the watcher, every second ── changed_images ──▶ FileStore
//! ```
//!
//! Reads are answered in the task that brought them. What is to be durable waits for the writer, which needs no timer: a
//! group begins when the last one ended.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sector_cache::Drive;
use tokio::sync::Notify;
use vdisk_proto::codec::{Channel, Topic};
use vdisk_proto::service::{Counters, Limits, Now, Service, Transmit};
use vdisk_proto::store::{FileStore, FileStoreError, Group, Store as _};

use crate::complaints::{Counted, complaints};
use crate::news::News;

/// How often images are looked at, and complaints made.
const WATCH: Duration = Duration::from_secs(1);

/// The service, shared by everything that drives it.
pub(crate) struct Engine {
    state: Mutex<State>,
    /// Told when there is something to write, and at the end.
    work: Condvar,
    /// Told at the end.
    ended: Condvar,
    /// Told after each group, and at the end.
    settled: Notify,
    started: Instant,
}

struct State {
    /// `None` once it is closed: what a broker keeps of its connections may outlive it.
    service: Option<Service<Arc<FileStore>>>,
    /// Nothing more is accepted.
    is_ending: bool,
    /// The writer has something to do.
    is_writing: bool,
    /// Messages that did not come this far.
    not_allowed: u64,
    news: News,
}

impl State {
    fn next_answer(&mut self) -> Option<Answer> {
        let service = self.service.as_mut()?;
        let transmit = service.poll_transmit()?;
        Some(Answer { transmit, is_last: !service.has_transmit() })
    }

    /// A group is durable.
    fn end_group(&mut self, group: Group) {
        if let Some(service) = &mut self.service {
            self.news.group(&group, service);
            service.end_group(group);
        }
    }

    /// Passes on that images are others, which ends their channels' sessions.
    fn images_changed(&mut self, changed: &[(Channel, Drive)], now: Now) {
        for (channel, drive) in changed {
            tracing::info!(%channel, %drive, "the image was replaced");
            if let Some(service) = &mut self.service {
                service.image_changed(*channel, *drive, now);
            }
        }
    }
}

/// An answer to publish.
pub(crate) struct Answer {
    pub(crate) transmit: Transmit,
    /// Whether none waits behind it. Whoever makes others publishes them.
    pub(crate) is_last: bool,
}

impl Engine {
    pub(crate) fn new(store: FileStore, limits: Limits) -> Self {
        let started = Instant::now();
        let service = Service::new(Arc::new(store), limits, now(started));
        let state = State {
            service: Some(service),
            is_ending: false,
            is_writing: false,
            not_allowed: 0,
            news: News::default(),
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            ended: Condvar::new(),
            settled: Notify::new(),
            started,
        }
    }

    /// Takes a message, and gives an answer: its own, or one that waited. [`next_answer`](Self::next_answer) has the
    /// others.
    pub(crate) fn received(
        &self,
        channel: Channel,
        topic: Topic,
        payload: &Bytes,
        is_retained: bool,
    ) -> Option<Answer> {
        tracing::debug!(%channel, topic = topic.suffix(), bytes = payload.len(), "received");
        let now = now(self.started);
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.is_ending {
            return None;
        }
        let service = state.service.as_mut()?;
        if topic == Topic::LegacyWrite {
            let before = *service.counters();
            service.received_on(channel, topic, payload, is_retained, now);
            state.news.message(channel, &before, service.counters());
        } else {
            service.received_on(channel, topic, payload, is_retained, now);
        }
        let has_work = service.waiting_bytes() > 0;
        if has_work && !state.is_writing {
            state.is_writing = true;
            self.work.notify_one();
        }
        state.next_answer()
    }

    /// A message came on a topic that is no disk's: it is counted.
    pub(crate) fn received_elsewhere(&self, topic: &str) {
        tracing::debug!(topic, "received");
        if let Some(service) = &mut self.lock().service {
            service.received_elsewhere();
        }
    }

    /// Waits until there is room for a write of this channel's, or for so long.
    pub(crate) async fn room(&self, channel: Channel, at_most: Duration) {
        let is_full = |state: &State| state.service.as_ref().is_some_and(|service| service.is_full(channel));
        self.settled(at_most, is_full).await;
    }

    /// Waits until all that was accepted is durable and answered, or for so long.
    pub(crate) async fn rest(&self, at_most: Duration) {
        self.settled(at_most, |state| state.is_writing).await;
    }

    async fn settled(&self, at_most: Duration, waits: impl Fn(&State) -> bool) {
        let settled = async {
            loop {
                // Before the look, so that it hears of what comes between.
                let told = self.settled.notified();
                let is_over = {
                    let state = self.lock();
                    state.is_ending || !waits(&state)
                };
                if is_over {
                    return;
                }
                told.await;
            }
        };
        // What cannot be waited for is refused.
        let _settled = tokio::time::timeout(at_most, settled).await;
    }

    /// Counts a message on a topic that its sender may not publish on.
    pub(crate) fn refused(&self) {
        self.lock().not_allowed += 1;
    }

    /// The next message to publish, if there is one.
    pub(crate) fn next_answer(&self) -> Option<Answer> {
        self.lock().next_answer()
    }

    /// Makes what waits durable, group by group, and calls `publish` after each. Returns when all that was accepted is
    /// durable, after [`end`](Self::end).
    ///
    /// # Errors
    /// The disk's: the process has to end.
    pub(crate) fn write_groups(&self, publish: impl Fn()) -> Result<(), FileStoreError> {
        let mut state = self.lock();
        while let Some(service) = &mut state.service {
            let Some(mut group) = service.begin_group() else {
                state.is_writing = false;
                self.settled.notify_waiters();
                if state.is_ending {
                    break;
                }
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.is_writing = true;
                continue;
            };
            let store = Arc::clone(service.store());
            drop(state);
            store.write_group(&mut group)?;
            store.sync(&group)?;
            let changed = store.noticed_images();
            state = self.lock();
            state.end_group(group);
            state.images_changed(&changed, now(self.started));
            drop(state);
            self.settled.notify_waiters();
            publish();
            state = self.lock();
        }
        Ok(())
    }

    /// Looks every second whether somebody changed an image, and says which devices came and what they do wrong, until
    /// the [end](Self::end).
    pub(crate) fn watch(&self) {
        let mut said = Counted::default();
        let mut state = self.lock();
        while let Some(service) = &state.service {
            let counted = Counted { service: *service.counters(), not_allowed: state.not_allowed };
            let (store, is_ending) = (Arc::clone(service.store()), state.is_ending);
            let (dropped, news) = (state.news.take_dropped(), state.news.take());
            drop(state);
            for (what, channels) in news {
                tracing::info!(%channels, "{what}");
            }
            for complaint in complaints(&said, &counted, &dropped) {
                tracing::warn!("{complaint}");
            }
            if is_ending {
                return;
            }
            said = counted;
            let changed = store.changed_images();
            for notice in store.new_notices() {
                tracing::warn!("{notice}");
            }
            state = self.lock();
            if !changed.is_empty() {
                state.images_changed(&changed, now(self.started));
                state.is_writing = true;
                self.work.notify_one();
            }
            if !state.is_ending {
                state = self.ended.wait_timeout(state, WATCH).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// Accepts nothing any more. The threads end when what was accepted is durable.
    pub(crate) fn end(&self) {
        self.lock().is_ending = true;
        self.work.notify_all();
        self.ended.notify_all();
        self.settled.notify_waiters();
    }

    pub(crate) fn counters(&self) -> Counters {
        self.lock().service.as_ref().map(|service| *service.counters()).unwrap_or_default()
    }

    /// Closes the store, whose images have everything then. The threads have ended.
    ///
    /// # Errors
    /// What could not be written. The journal has it.
    pub(crate) fn close(&self) -> Result<(), FileStoreError> {
        let Some(service) = self.lock().service.take() else { return Ok(()) };
        let store = Arc::clone(service.store());
        drop(service);
        Arc::into_inner(store).map_or(Ok(()), FileStore::close)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked in the service left it as it was between two messages, or some waiting ones unsent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
