//! Forks, each of which leaves the library's threads behind.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::codes::SECTOR_CACHE_ERROR_SYSTEM;
use crate::hosted::Fault;

/// How many forks lie between this process and the one that first asked. Counted, since asking the system which process
/// this is would take longer than to append a blob.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process that has the threads of something: after a fork(), the child is not it.
#[derive(Clone, Copy)]
pub(super) struct Home(u32);

impl Home {
    /// # Errors
    /// A fault, if the system has no memory to remember that forks are counted.
    pub(super) fn here() -> Result<Self, Fault> {
        #[cfg(unix)]
        count_forks()?;
        Ok(Self(FORKS.load(Ordering::Relaxed)))
    }

    /// # Errors
    /// A fault, in a child of that process.
    pub(super) fn check(self) -> Result<(), Fault> {
        if self.0 == FORKS.load(Ordering::Relaxed) {
            return Ok(());
        }
        let text = "it was opened before a fork(), and its threads are the parent's: open another";
        Err(Fault::new(SECTOR_CACHE_ERROR_SYSTEM, text))
    }
}

#[cfg(unix)]
fn count_forks() -> Result<(), Fault> {
    use std::sync::OnceLock;
    use std::{format, io};

    extern "C" fn count() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }

    static ASKED: OnceLock<i32> = OnceLock::new();
    // SAFETY: what the child calls is there as long as the program, and does what may be done there.
    let number = *ASKED.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(count)) });
    if number == 0 {
        return Ok(());
    }
    let error = io::Error::from_raw_os_error(number);
    Err(Fault::new(SECTOR_CACHE_ERROR_SYSTEM, format!("the system does not tell of forks: {error}")))
}
