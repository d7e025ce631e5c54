//! How much of a slice is transferred.

use std::cell::Cell;

/// Is told how many bytes of how many are transferred.
pub(super) type Tell = dyn Fn(u64, u64) + Send + Sync;

pub(super) struct Progress<'a> {
    tell: Option<&'a Tell>,
    done: Cell<u64>,
    of: u64,
}

impl<'a> Progress<'a> {
    pub(super) fn begin(tell: Option<&'a Tell>, of: u64) -> Self {
        let progress = Self { tell, done: Cell::new(0), of };
        progress.add(0);
        progress
    }

    pub(super) fn add(&self, bytes: u64) {
        self.done.set(self.done.get().saturating_add(bytes));
        if let Some(tell) = self.tell {
            tell(self.done.get(), self.of);
        }
    }
}
