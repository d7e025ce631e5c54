//! Which calls of a crash medium fail.

use std::io;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "they are called like the methods")]
pub enum Call {
    /// Whatever it is.
    Any,
    Create,
    Open,
    Rename,
    Remove,
    List,
    SyncFolder,
    Allocate,
    Write,
    StartWriteBack,
    Trim,
    SyncData,
    Read,
    Length,
    CreateFolder,
    Identity,
    SyncAll,
    Lock,
    FreeBytes,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// `ENOSPC`. Of a write nothing, all or half has arrived, up to a border of 512 bytes.
    NoSpace,
    /// `EIO`. Of a write nothing, all or half has arrived, up to a border of 512 bytes.
    InputOutput,
    /// A write or read is done by half, a write up to a border of 512 bytes if there is one, which is no error. Other calls do not notice.
    Short,
}

/// Which calls fail, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The calls that count.
    pub call: Call,
    /// The number of the one that fails, from 0 on.
    pub number: u64,
    /// What is wrong with it.
    pub trouble: Trouble,
    /// Whether those after it fail, too.
    pub lasting: bool,
}

#[derive(Debug, Default)]
pub(super) struct Plan {
    fault: Option<Fault>,
    /// Calls of the fault's kind so far.
    calls: u64,
    faults: u64,
}

impl Plan {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault: Some(fault), calls: 0, faults: 0 }
    }

    pub(super) fn repair(&mut self) {
        self.fault = None;
    }

    pub(super) fn faults(&self) -> u64 {
        self.faults
    }

    /// Counts a call, and fails if it is its turn.
    pub(super) fn attempt(&mut self, call: Call) -> io::Result<()> {
        match self.next(call) {
            Some(trouble @ (Trouble::NoSpace | Trouble::InputOutput)) => {
                self.faults += 1;
                Err(trouble.error())
            }
            Some(Trouble::Short) | None => Ok(()),
        }
    }

    /// Counts a call that moves bytes: how many it does move, and what it answers.
    pub(super) fn attempt_transfer(&mut self, call: Call, length: usize) -> (usize, io::Result<usize>) {
        let Some(trouble) = self.next(call) else { return (length, Ok(length)) };
        self.faults += 1;
        if trouble == Trouble::Short {
            let half = length.div_ceil(2);
            return (half, Ok(half));
        }
        // Whoever fails may have done anything.
        let moved = match self.calls % 3 {
            0 => 0,
            1 => length,
            _ => length / 2,
        };
        (moved, Err(trouble.error()))
    }

    fn next(&mut self, call: Call) -> Option<Trouble> {
        let fault = self.fault.filter(|fault| fault.call == Call::Any || fault.call == call)?;
        let number = self.calls;
        self.calls += 1;
        let fails = if fault.lasting { number >= fault.number } else { number == fault.number };
        fails.then_some(fault.trouble)
    }
}

impl Trouble {
    /// The error as Linux gives it.
    fn error(self) -> io::Error {
        match self {
            Self::NoSpace => io::Error::from_raw_os_error(28),
            Self::InputOutput | Self::Short => io::Error::from_raw_os_error(5),
        }
    }
}
