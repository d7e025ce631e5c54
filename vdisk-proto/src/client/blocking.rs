//! A disk whose calls block.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use std::vec::Vec;

use sector_cache::SectorKey;

use super::command::{Command, Handle};
use super::{DriveInfo, Error, Event, Options, Stats};

/// The drives of a channel, by calls that block; see the [module](super).
///
/// Several threads may share one. In a program on an executor, [`AsyncDisk`](super::AsyncDisk) is the one to take: these
/// calls would block the executor.
#[derive(Debug)]
pub struct Disk {
    handle: Handle,
}

impl Disk {
    /// Connects, and waits until the server has told what drives there are. It is tried once: a broker that is not there
    /// is an error. A connection that is lost later is made again.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Channel`], [`Error::Options`], [`Error::File`], [`Error::Connection`],
    /// [`Error::NoServer`], [`Error::Refused`], [`Error::System`].
    pub fn open(options: &Options) -> Result<Self, Error> {
        let (handle, opened) = Handle::start(options)?;
        let result = wait(async { opened.await.unwrap_or(Err(Error::Stopped)) });
        if let Err(error) = result {
            handle.join();
            return Err(error);
        }
        Ok(Self { handle })
    }

    /// The drives that the channel has, as last told.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn drives(&self) -> Result<Vec<DriveInfo>, Error> {
        wait(self.handle.ask(Command::Drives))
    }

    /// Reads a sector: what was last written, here or by others.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Call`], [`Error::TimedOut`], [`Error::TakenOver`], [`Error::Stopped`]. The bytes are as
    /// they were then.
    pub fn read(&self, key: SectorKey, bytes: &mut [u8]) -> Result<(), Error> {
        wait(self.handle.read(key, bytes))
    }

    /// Writes a sector. It returns when the write is accepted, for which it waits while the window is full.
    ///
    /// # Errors
    /// [`Error::Call`], [`Error::TimedOut`], [`Error::TakenOver`], [`Error::Stopped`]. The write is not done then.
    pub fn write(&self, key: SectorKey, bytes: &[u8]) -> Result<(), Error> {
        wait(self.handle.write(key, bytes))
    }

    /// Waits until all writes that were accepted are on the server's disk.
    ///
    /// # Errors
    /// [`Error::WritesFailed`] or [`Error::DataLoss`] if since the last flush some were not done after all;
    /// [`Error::TimedOut`] or [`Error::TakenOver`] if they wait still; [`Error::Stopped`].
    pub fn flush(&self) -> Result<(), Error> {
        wait(self.handle.ask(Command::Flush))
    }

    /// What was counted, and how the disk is.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn stats(&self) -> Result<Stats, Error> {
        wait(self.handle.ask(Command::Stats))
    }

    /// The next thing that happened by itself, for which it waits so long at most; `None` if nothing did.
    ///
    /// # Errors
    /// [`Error::Stopped`]: nothing more will.
    pub fn next_event(&self, at_most: Duration) -> Result<Option<Event>, Error> {
        let end = Instant::now().checked_add(at_most);
        wait_until(self.handle.events.next(), end).transpose()
    }

    /// Takes the channel back after [`Event::TakenOver`]. Writes that were accepted before are sent again, unless the
    /// other changed their drive: then they fail.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn resume(&self) -> Result<(), Error> {
        wait(self.handle.ask(Command::Resume))
    }

    /// Flushes, takes leave of the broker, and ends, with the disk's thread. A disk that is dropped instead ends at once, and
    /// with it the writes that were accepted and not flushed.
    ///
    /// # Errors
    /// As [`flush`](Self::flush). The disk is closed in any case.
    pub fn close(self) -> Result<(), Error> {
        let result = wait(self.handle.ask(Command::Close));
        self.handle.join();
        result
    }
}

/// Wakes whoever waits for a future. Not by the thread's own means: the standard library would make a handle for a thread
/// that C started, and keeps the one of the main thread for ever.
#[derive(Default)]
struct Signal {
    is_given: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.is_given() = true;
        self.changed.notify_one();
    }
}

impl Signal {
    /// Waits for the signal, until then if there is a then, and takes it back.
    fn wait(&self, end: Option<Instant>) {
        let mut is_given = self.is_given();
        while !*is_given {
            let rest = end.map(|end| end.saturating_duration_since(Instant::now()));
            is_given = match rest {
                Some(Duration::ZERO) => return,
                Some(rest) => {
                    self.changed.wait_timeout(is_given, rest).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(is_given).unwrap_or_else(PoisonError::into_inner),
            };
        }
        *is_given = false;
    }

    fn is_given(&self) -> MutexGuard<'_, bool> {
        // Nothing in here stops half-way.
        self.is_given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a future. Those of a disk need no executor, but for the driver's, and every one ends in time.
fn wait<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    wait_until(future, None).unwrap_or(Err(Error::Stopped))
}

/// Waits for a future until then, if there is a then.
fn wait_until<T>(future: impl Future<Output = T>, end: Option<Instant>) -> Option<T> {
    let mut future = pin!(future);
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        if end.is_some_and(|end| end <= Instant::now()) {
            return None;
        }
        signal.wait(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_for_events_of_a_dead_thread_is_told_so() {
        let disk = Disk { handle: Handle::dead() };
        disk.handle.events.push(Event::Opened);
        assert!(matches!(disk.next_event(Duration::MAX), Ok(Some(Event::Opened))));
        for at_most in [Duration::ZERO, Duration::MAX] {
            assert!(matches!(disk.next_event(at_most), Err(Error::Stopped)));
        }
    }
}
