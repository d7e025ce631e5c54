//! The thread of a disk: it owns session, cache and connection, and does everything that takes time.
//!
//! ```text
//!   callers ── commands ──▶ Driver ── Session ── Outbox ──▶ event loop ──▶ broker
//!           ◀── replies ───┘   ▲                               │
//!                              └────────── packets ────────────┘
//! ```
//!
//! The future that polls the event loop is kept from one round to the next: dropped half-way, it would begin the
//! connection again that it was making, or lose a message that it was writing.

mod callers;

use std::boxed::Box;
use std::future::Future;
use std::pin::{Pin, pin};
use std::string::ToString as _;
use std::sync::Arc;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use rumqttc::{ConnectionError, EventLoop, Outgoing, Packet};
use sector_cache::{Eviction, SectorCache};
use tokio::runtime;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::broker::{Broker, Outbox};
use super::command::{Command, Reply};
use super::device::{Device, State, Unreported};
use super::event::Events;
use super::pauses::Pauses;
use super::pending::{MOST_WAITING, Pending, Readers};
use super::{ConnectionFailure, Error, Event};
use crate::session::{self, Config, Session};

/// How long the broker has to take leave.
const PARTING: Duration = Duration::from_secs(1);

/// What a driver is told once.
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) broker: Broker,
    pub(super) cache_slots: usize,
    pub(super) connect_timeout: Duration,
    pub(super) open_timeout: Duration,
    pub(super) timeout: Duration,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// There is none.
    Down,
    /// The broker has let us in.
    Greeted,
    /// The topics are subscribed to.
    Up,
}

struct Driver<'s, 'm> {
    settings: &'s Settings,
    commands: mpsc::Receiver<Command>,
    session: Session<'m>,
    device: Device<'m>,
    pending: Pending,
    link: Link,
    connections: u64,
    /// Memory for a message to publish.
    payload: Box<[u8]>,
    started: Instant,
    /// Nobody wants anything any more.
    is_over: bool,
    /// What whoever closes the disk is told at the end.
    farewell: Option<(Reply<()>, Result<(), Error>)>,
}

/// What a round ended with.
enum Ended<T> {
    /// That for which it waited.
    With(T),
    /// The broker was too slow.
    InSilence,
    /// The disk is closed.
    Over,
}

/// Tells those who wait for events that no more will come, however the thread ends.
struct LastWord<'e>(&'e Events);

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Runs a driver until its disk is closed or dropped. The opener is told once the session is open, or why not.
pub(super) fn run(
    settings: &Settings,
    commands: mpsc::Receiver<Command>,
    events: &Arc<Events>,
    opener: Reply<()>,
) {
    let _last_word = LastWord(events);
    let (mut memory, mut slots) = (Vec::new(), Vec::new());
    let made = assemble(settings, &mut memory, &mut slots);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::System { what: "event queue", problem: error.to_string() });
    let (runtime, session, cache) = match (runtime, made) {
        (Ok(runtime), Ok((session, cache))) => (runtime, session, cache),
        (Err(error), _) | (_, Err(error)) => {
            // Who gave up does not want to know.
            let _unheard = opener.send(Err(error));
            return;
        }
    };
    let device = Device {
        cache,
        readers: Readers::default(),
        events: Arc::clone(events),
        unreported: Unreported::default(),
        state: State::Opening,
        failure: None,
    };
    let mut driver = Driver::new(settings, commands, session, device, opener);
    runtime.block_on(driver.drive());
    if let Some((reply, result)) = driver.farewell.take() {
        let _unheard = reply.send(result);
    }
    // A name that is being looked up is not waited for.
    runtime.shutdown_background();
}

/// Session and cache, in memory that becomes as long as they say.
fn assemble<'m>(
    settings: &Settings,
    memory: &'m mut Vec<u8>,
    slots: &'m mut Vec<u8>,
) -> Result<(Session<'m>, SectorCache<'m>), Error> {
    let config = settings.config;
    let length = usize::from(config.sector_length);
    let needed = Config::required_bytes(config.window, config.sector_length, config.sectors_per_track);
    *memory = zeroed(needed.unwrap_or_default())?;
    *slots = zeroed(SectorCache::<u16>::required_bytes(settings.cache_slots, length).unwrap_or_default())?;
    let session = Session::new(config, memory, 0).map_err(|error| match error {
        session::Error::FrameTooSmall { .. } => {
            Error::Options("the largest frame is too small for a sector, or for the list of drives")
        }
        _ => Error::Options("sectors or tracks have lengths that cannot be"),
    })?;
    let cache = SectorCache::new(slots, settings.cache_slots, length, Eviction::Lru)
        .map_err(|_| Error::Options("the cache has a size that cannot be"))?;
    Ok((session, cache))
}

impl<'s, 'm> Driver<'s, 'm> {
    fn new(
        settings: &'s Settings,
        commands: mpsc::Receiver<Command>,
        session: Session<'m>,
        device: Device<'m>,
        opener: Reply<()>,
    ) -> Self {
        let started = Instant::now();
        let until = later(settings.open_timeout);
        Self {
            settings,
            commands,
            session,
            device,
            pending: Pending { opener: Some((opener, until)), ..Pending::default() },
            link: Link::Down,
            connections: 0,
            payload: vec![0; Config::longest_payload(settings.config.sector_length)].into(),
            started,
            is_over: false,
            farewell: None,
        }
    }
}

impl Driver<'_, '_> {
    /// One connection after another, until the disk is closed.
    async fn drive(&mut self) {
        let mut pauses = Pauses::new();
        loop {
            let began = Instant::now();
            let Some(failure) = self.converse().await else { return };
            self.lost(failure);
            let pause = pauses.after(began.elapsed(), session::Host::random(&mut self.device));
            let rest = pin!(tokio::time::sleep(pause));
            if let Ended::Over = self.work_until(None, rest, None).await {
                return;
            }
        }
    }

    /// One connection, from its making to its end; `None` if the disk is closed.
    async fn converse(&mut self) -> Option<ConnectionFailure> {
        let (mut outbox, mut event_loop) = self.settings.broker.connection();
        let patience = later(self.settings.connect_timeout);
        loop {
            let poll = pin!(event_loop.poll());
            let patience = (self.link != Link::Up).then_some(patience);
            match self.work_until(Some(&mut outbox), poll, patience).await {
                Ended::With(Ok(event)) => {
                    if let Err(failure) = self.heard(event, &mut outbox) {
                        return Some(failure);
                    }
                }
                Ended::With(Err(error)) => return Some(self.failure(&error)),
                Ended::InSilence => return Some(self.settings.broker.silence()),
                Ended::Over => break,
            }
        }
        if self.link == Link::Up && outbox.disconnect() {
            let _late = timeout(PARTING, part(&mut event_loop)).await;
        }
        None
    }

    /// Does all that there is to do, again and again, until that future is ready.
    async fn work_until<T>(
        &mut self,
        mut outbox: Option<&mut Outbox>,
        mut until: Pin<&mut impl Future<Output = T>>,
        patience: Option<Instant>,
    ) -> Ended<T> {
        loop {
            self.transmit(outbox.as_deref_mut());
            self.serve_callers();
            // What was accepted just now is on its way at once.
            self.transmit(outbox.as_deref_mut());
            if self.is_over {
                return Ended::Over;
            }
            let wakes = self.wakes_at(outbox.as_deref());
            let end = patience.unwrap_or(wakes);
            let waiting = self.pending.len().saturating_add(self.device.readers.len());
            let takes_more = waiting < MOST_WAITING && self.pending.closer.is_none();
            tokio::select! {
                output = &mut until => return Ended::With(output),
                command = self.commands.recv(), if takes_more => match command {
                    Some(command) => self.take(command),
                    // The disk was dropped.
                    None => self.is_over = true,
                },
                () = sleep_until(end), if patience.is_some() => return Ended::InSilence,
                () = sleep_until(wakes) => {}
            }
        }
    }

    /// Publishes what the session has, as long as there is room for it.
    fn transmit(&mut self, outbox: Option<&mut Outbox>) {
        let now_ms = self.now_ms();
        let Some(outbox) = outbox else {
            // There is nothing to publish, but reads may have waited too long.
            let _nothing = self.session.poll_transmit(now_ms, &mut self.payload, &mut self.device);
            return;
        };
        while outbox.has_room() {
            let Some(message) = self.session.poll_transmit(now_ms, &mut self.payload, &mut self.device)
            else {
                return;
            };
            let payload = self.payload.get(..message.length).unwrap_or_default();
            outbox.publish(message.topic, payload);
        }
    }

    /// The event loop says something.
    fn heard(&mut self, event: rumqttc::Event, outbox: &mut Outbox) -> Result<(), ConnectionFailure> {
        let now_ms = self.now_ms();
        match event {
            rumqttc::Event::Incoming(Packet::ConnAck(_)) => {
                self.link = Link::Greeted;
                outbox.subscribe();
            }
            rumqttc::Event::Incoming(Packet::SubAck(answer)) => {
                self.settings.broker.subscribed(&answer.return_codes)?;
                self.link = Link::Up;
                self.connections = self.connections.saturating_add(1);
                self.device.failure = None;
                self.device.events.push(Event::Connected);
                self.session.connected(now_ms);
            }
            rumqttc::Event::Incoming(Packet::Publish(message)) => {
                if let Some(topic) = self.settings.broker.topic(&message.topic) {
                    self.session.received(topic, &message.payload, message.retain, now_ms, &mut self.device);
                }
            }
            rumqttc::Event::Outgoing(Outgoing::Publish(_) | Outgoing::Subscribe(_)) => outbox.taken(),
            _ => {}
        }
        Ok(())
    }

    fn failure(&self, error: &ConnectionError) -> ConnectionFailure {
        self.settings.broker.failure(error, self.link != Link::Down)
    }

    /// The connection is gone, or none came about.
    fn lost(&mut self, failure: ConnectionFailure) {
        self.link = Link::Down;
        self.session.disconnected();
        if let Some((opener, _)) = self.pending.opener.take() {
            self.is_over = true;
            let _unheard = opener.send(Err(failure.into()));
            return;
        }
        // Attempts that fail for the same reason are told once.
        if self.device.failure.as_ref() != Some(&failure) {
            self.device.events.push(Event::Disconnected(failure.clone()));
            self.device.failure = Some(failure);
        }
    }

    /// When there is something to do if nothing happens before.
    fn wakes_at(&self, outbox: Option<&Outbox>) -> Instant {
        let now_ms = self.now_ms();
        // A session that finds no room would be due all the time: the event loop makes room, and says so.
        let is_blocked = outbox.is_some_and(|outbox| !outbox.has_room());
        let session_ms = self.session.deadline_ms(now_ms).filter(|_| !is_blocked);
        let session = session_ms.map(|due_ms| {
            // At least a millisecond away: less cannot be slept, and would be a loop.
            later(Duration::from_millis(due_ms.saturating_sub(now_ms).max(1)))
        });
        let idle = later(Duration::from_secs(3_600));
        [session, self.pending.next_end()].into_iter().flatten().min().unwrap_or(idle)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Memory for what options may make gigabytes of: that it is not there is an error, and not the end of the process.
fn zeroed(length: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|error| Error::System { what: "memory", problem: error.to_string() })?;
    bytes.resize(length, 0);
    Ok(bytes)
}

/// A time from now, a year away at most: more is no time for every clock.
fn later(after: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
    let now = Instant::now();
    now.checked_add(after.min(YEAR)).unwrap_or(now)
}

/// Waits until the goodbye was sent.
async fn part(event_loop: &mut EventLoop) {
    loop {
        match event_loop.poll().await {
            Ok(rumqttc::Event::Outgoing(Outgoing::Disconnect)) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        assert_eq!(zeroed(3).unwrap(), [0; 3]);
        for length in [isize::MAX as usize, usize::MAX] {
            assert!(matches!(zeroed(length), Err(Error::System { what: "memory", .. })));
        }
    }
}
