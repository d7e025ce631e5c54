//! The time that slices age by.

use std::time::{Duration, Instant};

/// Counts from when it was made, and cannot be set: that somebody sets the machine's clock ages nothing.
#[derive(Clone, Debug)]
pub(super) enum Clock {
    Running(Instant),
    #[cfg(test)]
    Held(std::sync::Arc<std::sync::Mutex<Duration>>),
}

impl Clock {
    pub(super) fn start() -> Self {
        Self::Running(Instant::now())
    }

    pub(super) fn now(&self) -> Duration {
        match self {
            Self::Running(began) => began.elapsed(),
            #[cfg(test)]
            Self::Held(now) => *now.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        }
    }
}
