//! What of the machine the slices in memory may take, reserved before it is taken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// What slices in memory take: bytes that are mapped, and files that are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) bytes: u64,
    pub(super) files: u64,
}

#[derive(Debug)]
pub(super) struct Budget {
    limit: Room,
    used: Mutex<Room>,
}

impl Budget {
    pub(super) const fn new(limit: Room) -> Self {
        Self { limit, used: Mutex::new(Room { bytes: 0, files: 0 }) }
    }

    pub(super) const fn limit(&self) -> Room {
        self.limit
    }

    pub(super) fn used(&self) -> Room {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Room> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of the budget that is somebody's until this is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<Budget>,
    room: Room,
}

impl Reservation {
    pub(super) const fn none(budget: Arc<Budget>) -> Self {
        Self { budget, room: Room { bytes: 0, files: 0 } }
    }

    pub(super) const fn room(&self) -> Room {
        self.room
    }

    /// Reserves so much in all, or leaves it as it is.
    ///
    /// # Errors
    /// [`Error::OverBudget`].
    pub(super) fn try_set(&mut self, room: Room) -> Result<()> {
        let limit = self.budget.limit;
        let mut used = self.budget.lock();
        for (what, needed, others, limit) in [
            ("bytes of memory", room.bytes, used.bytes - self.room.bytes, limit.bytes),
            ("open files", room.files, used.files - self.room.files, limit.files),
        ] {
            if needed > limit.saturating_sub(others) {
                return Err(Error::OverBudget { what, needed, others, limit });
            }
        }
        *used = replaced(*used, self.room, room);
        drop(used);
        self.room = room;
        Ok(())
    }

    /// Reserves so much in all, whatever the limit: it is taken already.
    pub(super) fn set(&mut self, room: Room) {
        let mut used = self.budget.lock();
        *used = replaced(*used, self.room, room);
        drop(used);
        self.room = room;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.set(Room::default());
    }
}

/// What is used once one has another room. It has its own, so nothing goes below 0.
const fn replaced(used: Room, old: Room, new: Room) -> Room {
    Room {
        bytes: (used.bytes - old.bytes).saturating_add(new.bytes),
        files: (used.files - old.files).saturating_add(new.files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn room(bytes: u64, files: u64) -> Room {
        Room { bytes, files }
    }

    #[test]
    fn no_more_is_reserved_than_there_is_and_what_is_dropped_is_free() {
        let budget = Arc::new(Budget::new(room(100, 3)));
        let mut first = Reservation::none(Arc::clone(&budget));
        let mut second = Reservation::none(Arc::clone(&budget));
        first.try_set(room(60, 1)).unwrap();
        let error = second.try_set(room(41, 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "41 bytes of memory are needed, others have 60 of 100: evict, or allow more"
        );
        second.try_set(room(40, 2)).unwrap();
        assert!(matches!(second.try_set(room(40, 3)), Err(Error::OverBudget { what: "open files", .. })));
        assert_eq!((budget.used(), second.room()), (room(100, 3), room(40, 2)));
        second.set(room(70, 2));
        assert_eq!(budget.used(), room(130, 3));
        // What one has already can be made less, though others have too much.
        first.try_set(room(30, 1)).unwrap();
        drop(second);
        assert_eq!(budget.used(), room(30, 1));
    }
}
