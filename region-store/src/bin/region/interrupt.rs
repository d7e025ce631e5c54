//! Ctrl-C while something is at work that has to clean up.

use std::process;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::{Failure, REFUSED};

/// The exit code if somebody wants no more of it.
pub(crate) const INTERRUPTED: u8 = 130;

type Stop = Box<dyn FnOnce() + Send>;

/// What stops the work, while there is any.
static STOP: Mutex<Option<Stop>> = Mutex::new(None);

/// Does some work, and has it stopped by Ctrl-C. Says whether that was so. A second one, or one while there is no work, ends
/// the process. Where Ctrl-C is to be ignored it is.
pub(crate) fn during<T>(
    stop: impl FnOnce() + Send + 'static,
    work: impl FnOnce() -> T,
) -> Result<(T, bool), Failure> {
    static HANDLED: OnceLock<Result<(), String>> = OnceLock::new();
    let handled = HANDLED.get_or_init(|| match ctrlc::try_set_handler(interrupt) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(()),
        Err(error) => Err(error.to_string()),
    });
    if let Err(error) = handled {
        return Err(Failure::Other(REFUSED, format!("cannot see to interruptions: {error}")));
    }
    *lock() = Some(Box::new(stop));
    let done = work();
    let was_interrupted = lock().take().is_none();
    Ok((done, was_interrupted))
}

fn interrupt() {
    let stop = lock().take();
    match stop {
        Some(stop) => stop(),
        None => process::exit(INTERRUPTED.into()),
    }
}

fn lock() -> MutexGuard<'static, Option<Stop>> {
    STOP.lock().unwrap_or_else(PoisonError::into_inner)
}
