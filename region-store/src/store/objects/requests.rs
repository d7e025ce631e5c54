//! The thread that requests are made in.

use std::path::Path;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};

/// A runtime of one thread: connections belong to it, and outlive the loads that opened them.
pub(super) struct Requests {
    handle: Handle,
    /// Until it is dropped.
    runtime: Option<Runtime>,
}

impl Requests {
    pub(super) fn start() -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("objects").enable_all().build();
        let runtime =
            runtime.map_err(Error::io(Path::new("the system"), "start a thread for requests by"))?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Runs in this thread what asks for something and does with it what is to be done.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.handle.block_on(future)
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
