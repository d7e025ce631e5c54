//! A loader that is held up.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use super::*;

/// A loader that says when it was called, with a part of the slice written, and goes on when it is told to, or when the
/// other end of its channel is dropped.
pub(super) struct Held {
    called: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
    loads: AtomicUsize,
}

impl Held {
    pub(super) fn new() -> (Arc<Self>, Receiver<()>, Sender<()>) {
        let ((called, was_called), (go_on, going_on)) = (channel(), channel());
        let held =
            Self { called: Mutex::new(called), go_on: Mutex::new(going_on), loads: AtomicUsize::new(0) };
        (Arc::new(held), was_called, go_on)
    }

    pub(super) fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }
}

impl Loader for Held {
    fn load(&self, load: &Load<'_>) -> std::result::Result<(), LoadError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let blobs = blobs(load.identity());
        let (first, others) = blobs.split_at(blobs.len() / 2);
        load.queue(Parcel::of(first)?)?;
        self.called.lock().unwrap().send(())?;
        if self.go_on.lock().unwrap().recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
            return Err("nobody lets it go on".into());
        }
        Ok(load.queue(Parcel::of(others)?)?)
    }
}
