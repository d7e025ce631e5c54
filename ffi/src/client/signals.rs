//! SIGPIPE, which a connection that is lost raises in the thread that writes to it, and which ends a program in C.

use core::mem::MaybeUninit;
use std::{format, io, ptr};

use libc::{SIG_BLOCK, SIG_SETMASK, SIGPIPE, pthread_sigmask, sigaddset, sigemptyset, sigset_t};

use crate::codes::SECTOR_CACHE_ERROR_SYSTEM;
use crate::hosted::Fault;

/// As long as it lives, its thread has SIGPIPE blocked, and so have the threads that this one starts, for ever.
pub(super) struct NoSigpipe {
    /// What its thread had blocked before.
    before: sigset_t,
}

impl NoSigpipe {
    /// # Errors
    /// A fault, if the system does not let it.
    pub(super) fn new() -> Result<Self, Fault> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: it is a place for a set. That fails nowhere, nor does the next: there is such a signal.
        let _done = unsafe { sigemptyset(set.as_mut_ptr()) };
        // SAFETY: a set is there now.
        let _done = unsafe { sigaddset(set.as_mut_ptr(), SIGPIPE) };
        let mut before = MaybeUninit::uninit();
        // SAFETY: a set, and a place for one.
        let number = unsafe { pthread_sigmask(SIG_BLOCK, set.as_ptr(), before.as_mut_ptr()) };
        if number != 0 {
            let error = io::Error::from_raw_os_error(number);
            let text = format!("the system does not block SIGPIPE: {error}");
            return Err(Fault::new(SECTOR_CACHE_ERROR_SYSTEM, text));
        }
        // SAFETY: it was done, and so it was written there.
        Ok(Self { before: unsafe { before.assume_init() } })
    }
}

impl Drop for NoSigpipe {
    fn drop(&mut self) {
        // SAFETY: the set that was there, and no place. It was allowed then.
        let _done = unsafe { pthread_sigmask(SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}
