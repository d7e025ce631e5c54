//! The thread that requests are made in.

use std::path::Path;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// A runtime of one thread: connections belong to it, and outlive the loads that opened them.
pub(super) struct Requests {
    handle: Handle,
    /// Until it is dropped.
    runtime: Option<Runtime>,
    is_stopped: watch::Sender<bool>,
}

impl Requests {
    pub(super) fn start() -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("objects").enable_all().build();
        let runtime =
            runtime.map_err(Error::io(Path::new("the system"), "start a thread for requests by"))?;
        let is_stopped = watch::Sender::new(false);
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime), is_stopped })
    }

    /// Runs in this thread what asks for something and does with it what is to be done.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.handle.block_on(future)
    }

    /// The same until it is [stopped](Self::stop); then `None`.
    pub(super) fn wait_unless_stopped<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut stopped = self.is_stopped.subscribe();
        self.wait(async {
            tokio::select! {
                done = future => Some(done),
                _ = stopped.wait_for(|is_stopped| *is_stopped) => None,
            }
        })
    }

    pub(super) fn stop(&self) {
        self.is_stopped.send_replace(true);
    }
}

impl Drop for Requests {
    /// Without waiting, which a task that drops this must not.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
