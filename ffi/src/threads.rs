//! The library's own threads, which a C program does not know of: no signal reaches them, and a fork() leaves them behind.

mod forks;
#[cfg(unix)]
mod signals;

use core::mem;
use std::{format, thread};

use crate::codes::SECTOR_CACHE_ERROR_SYSTEM;
use crate::hosted::{Fault, defect};
use forks::Home;
#[cfg(unix)]
use signals::NoSignals;

/// Something that has threads, which is nothing to a child of the process that has them.
pub(crate) struct Threaded<T> {
    inside: T,
    home: Home,
}

impl<T: Send + 'static> Threaded<T> {
    /// Makes it on a thread that has signals blocked, and so do those that it starts; the caller, whom it may keep
    /// waiting, can be interrupted.
    ///
    /// # Errors
    /// A fault of the maker's; or that there is no thread.
    pub(crate) fn make(make: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<Self, Fault> {
        let home = Home::here()?;
        #[cfg(unix)]
        let blocked = NoSignals::new()?;
        let maker = thread::Builder::new().spawn(make).map_err(|error| {
            Fault::new(SECTOR_CACHE_ERROR_SYSTEM, format!("the system gives no thread: {error}"))
        })?;
        #[cfg(unix)]
        drop(blocked);
        let inside = maker.join().unwrap_or_else(|panic| Err(defect(&*panic)))?;
        Ok(Self { inside, home })
    }
}

impl<T> Threaded<T> {
    /// # Errors
    /// A fault, in a child.
    pub(crate) fn get(&self) -> Result<&T, Fault> {
        self.home.check().map(|()| &self.inside)
    }

    /// # Errors
    /// A fault, in a child.
    pub(crate) fn get_mut(&mut self) -> Result<&mut T, Fault> {
        self.home.check().map(|()| &mut self.inside)
    }

    /// Hands out what ends. In a child it is forgotten: to drop it would wait for a thread that is not there, or for a
    /// lock that one had, and remove what the parent writes.
    ///
    /// # Errors
    /// A fault, in a child.
    pub(crate) fn take(self) -> Result<T, Fault> {
        match self.home.check() {
            Ok(()) => Ok(self.inside),
            Err(fault) => {
                mem::forget(self);
                Err(fault)
            }
        }
    }
}
