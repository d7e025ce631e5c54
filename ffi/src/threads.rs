//! The library's own threads, which a C program does not know of: no signal reaches them, and a fork() leaves them behind.

mod forks;
#[cfg(unix)]
mod signals;

use std::{format, thread};

use crate::codes::SECTOR_CACHE_ERROR_SYSTEM;
use crate::hosted::{Fault, defect};
pub(crate) use forks::Home;
#[cfg(unix)]
use signals::NoSignals;

/// Makes something that has threads, which no signal is to reach.
///
/// On a thread that has signals blocked, and so do those that it starts; the caller, whom it may keep waiting, can be
/// interrupted.
///
/// # Errors
/// A fault of the maker's; or that there is no thread.
pub(crate) fn aside<T: Send + 'static>(
    make: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    #[cfg(unix)]
    let blocked = NoSignals::new()?;
    let maker = thread::Builder::new().spawn(make).map_err(|error| {
        Fault::new(SECTOR_CACHE_ERROR_SYSTEM, format!("the system gives no thread: {error}"))
    })?;
    #[cfg(unix)]
    drop(blocked);
    maker.join().unwrap_or_else(|panic| Err(defect(&*panic)))
}
