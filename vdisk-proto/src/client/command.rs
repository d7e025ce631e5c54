//! What callers ask the driver for.

use std::boxed::Box;
use std::string::ToString as _;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use sector_cache::SectorKey;
use tokio::sync::{mpsc, oneshot};

use super::broker::Broker;
use super::driver::{self, Settings};
use super::event::Events;
use super::{Drives, Error, Options, Stats, device};

/// How many commands wait for the driver at most. The next caller waits.
const CAPACITY: usize = 64;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What a caller wants. Once the driver has taken it, it is answered within the disk's time-out; a read that waits for
/// its turn within twice that, and a close after leave was taken of the broker, a second later at most.
pub(super) enum Command {
    Read {
        key: SectorKey,
        reply: Reply<Box<[u8]>>,
    },
    Write {
        key: SectorKey,
        bytes: Box<[u8]>,
        reply: Reply<()>,
    },
    Flush(Reply<()>),
    /// A flush, after which the driver ends, however that went.
    Close(Reply<()>),
    Resume(Reply<()>),
    Drives(Reply<Drives>),
    Stats(Reply<Stats>),
}

/// The callers' end of a driver: what both kinds of disk are made of. When it is dropped the driver ends.
#[derive(Debug)]
pub(super) struct Handle {
    commands: mpsc::Sender<Command>,
    pub(super) events: Arc<Events>,
    thread: JoinHandle<()>,
}

/// Told once the session is open, or why it is not.
pub(super) type Opened = oneshot::Receiver<Result<(), Error>>;

impl Handle {
    /// Starts a driver, and waits until its session is open.
    pub(super) async fn open(options: &Options) -> Result<Self, Error> {
        let (handle, opened) = Self::start(options)?;
        opened.await.unwrap_or(Err(Error::Stopped))?;
        Ok(handle)
    }

    /// Starts a driver, which begins to open its session.
    pub(super) fn start(options: &Options) -> Result<(Self, Opened), Error> {
        let (address, config) = options.check()?;
        // Asked for before anything is begun: later it cannot be told that there is none.
        device::entropy()?;
        let broker = Broker::new(options, &address, &config.channel)?;
        let (commands, receiver) = mpsc::channel(CAPACITY);
        let (reply, opened) = oneshot::channel();
        let events = Arc::new(Events::default());
        let settings = Settings {
            config,
            broker,
            cache_slots: usize::from(options.cache_slots),
            connect_timeout: options.connect_timeout,
            open_timeout: options.open_timeout,
            timeout: options.timeout,
        };
        let driver_events = Arc::clone(&events);
        let thread = thread::Builder::new()
            .name("platter-disk".into())
            .spawn(move || driver::run(&settings, receiver, &driver_events, reply))
            .map_err(|error| Error::System { what: "thread", problem: error.to_string() })?;
        Ok((Self { commands, events, thread }, opened))
    }

    /// Waits until a driver has ended that has answered its last command, or has not opened its session.
    pub(super) fn join(self) {
        drop(self.commands);
        // Whoever asked it for something was told if it panicked.
        let _panicked = self.thread.join();
    }

    /// Sends a command, as soon as there is room, and waits for its answer.
    pub(super) async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| Error::Stopped)?;
        answer.await.unwrap_or(Err(Error::Stopped))
    }

    pub(super) async fn read(&self, key: SectorKey, bytes: &mut [u8]) -> Result<(), Error> {
        let sector = self.ask(|reply| Command::Read { key, reply }).await?;
        if sector.len() != bytes.len() {
            let expected = u16::try_from(sector.len()).unwrap_or(u16::MAX);
            let reason = crate::session::Error::WrongLength { expected, actual: bytes.len() };
            return Err(Error::Call { key, reason });
        }
        bytes.copy_from_slice(&sector);
        Ok(())
    }

    pub(super) async fn write(&self, key: SectorKey, bytes: &[u8]) -> Result<(), Error> {
        self.ask(|reply| Command::Write { key, bytes: bytes.into(), reply }).await
    }
}

#[cfg(test)]
impl Handle {
    /// One whose thread has ended by itself.
    pub(super) fn dead() -> Self {
        let events = Arc::new(Events::default());
        events.end();
        Self { commands: mpsc::channel(1).0, events, thread: thread::spawn(|| ()) }
    }
}
