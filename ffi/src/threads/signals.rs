//! Signals, none of which reach the library's threads: a handler of the program's would run there, a signal that all of
//! its own threads have blocked, to take it with `sigwait()` or from a `signalfd()`, would end it, and so would the
//! SIGPIPE that a lost connection raises in the thread that writes to it.

use core::mem::MaybeUninit;
use std::{format, io, ptr};

use libc::{
    SIG_SETMASK, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP, pthread_sigmask, sigdelset,
    sigfillset, sigset_t,
};

use crate::codes::SECTOR_CACHE_ERROR_SYSTEM;
use crate::hosted::Fault;

/// What a thread raises by a defect of its own: blocked, it would end the program all the same, and unseen.
const DEFECTS: [i32; 7] = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP];

/// As long as it lives, its thread has signals blocked, and so have the threads that this one starts, for ever.
pub(super) struct NoSignals {
    /// What its thread had blocked before.
    before: sigset_t,
}

impl NoSignals {
    /// # Errors
    /// A fault, if the system does not let it.
    pub(super) fn new() -> Result<Self, Fault> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: it is a place for a set. That fails nowhere, nor does the next: there are such signals.
        let _done = unsafe { sigfillset(set.as_mut_ptr()) };
        for signal in DEFECTS {
            // SAFETY: a set is there now.
            let _done = unsafe { sigdelset(set.as_mut_ptr(), signal) };
        }
        let mut before = MaybeUninit::uninit();
        // SAFETY: a set, and a place for one.
        let number = unsafe { pthread_sigmask(SIG_SETMASK, set.as_ptr(), before.as_mut_ptr()) };
        if number != 0 {
            let error = io::Error::from_raw_os_error(number);
            let text = format!("the system does not block signals: {error}");
            return Err(Fault::new(SECTOR_CACHE_ERROR_SYSTEM, text));
        }
        // SAFETY: it was done, and so it was written there.
        Ok(Self { before: unsafe { before.assume_init() } })
    }
}

impl Drop for NoSignals {
    fn drop(&mut self) {
        // SAFETY: the set that was there, and no place. It was allowed then.
        let _done = unsafe { pthread_sigmask(SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}
