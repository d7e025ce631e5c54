//! The thread that writes, so that the next block is filled meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use crate::error::{Error, Result};
use crate::growing::Growing;
use crate::medium::MediumFile;

/// How many buffers may wait for the thread: more would only be memory.
const QUEUED: usize = 2;

/// A file, and the thread that writes it.
#[derive(Debug)]
pub(super) struct Output<F: MediumFile> {
    path: PathBuf,
    /// `None` once the thread was told to end.
    orders: Option<SyncSender<Order>>,
    /// Buffers that it is done with.
    spares: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<Result<Growing<F>>>>,
    failed: bool,
}

#[derive(Debug)]
enum Order {
    Write { buffer: Vec<u8>, offset: u64 },
    Sync(Sender<()>),
}

impl<F: MediumFile> Output<F> {
    /// Reserves space for a file of so many bytes, and starts the thread.
    pub(super) fn start(file: F, path: &Path, expected_bytes: u64) -> Result<Self> {
        let (orders, received) = sync_channel(QUEUED);
        let (done, spares) = channel();
        let worker = Worker { file: Growing::start(Arc::new(file), path, expected_bytes)?, done };
        let thread = thread::Builder::new()
            .name("region writer".to_owned())
            .spawn(move || worker.run(&received))
            .map_err(Error::io(path, "start a thread for"))?;
        Ok(Self { path: path.to_owned(), orders: Some(orders), spares, thread: Some(thread), failed: false })
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failed
    }

    pub(super) fn write(&mut self, buffer: Vec<u8>, offset: u64) -> Result<()> {
        self.order(Order::Write { buffer, offset })
    }

    /// Waits until all that was written is on the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        let (synced, wait) = channel();
        self.order(Order::Sync(synced))?;
        // The thread lets go of its end if it fails.
        if wait.recv().is_ok() { Ok(()) } else { Err(self.error()) }
    }

    /// An empty buffer, one that was used before if there is any.
    pub(super) fn spare(&mut self) -> Vec<u8> {
        let mut buffer = self.spares.try_recv().unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// Ends the thread, and gives back what was reserved beyond the file's length.
    pub(super) fn finish(mut self, length: u64) -> Result<()> {
        match self.join() {
            Some(Ok(file)) => file.trim(length),
            Some(Err(error)) => Err(error),
            None => Err(Error::WriterFailed { path: self.path.clone() }),
        }
    }

    fn order(&mut self, order: Order) -> Result<()> {
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        if sent { Ok(()) } else { Err(self.error()) }
    }

    /// What the thread failed of.
    fn error(&mut self) -> Error {
        self.failed = true;
        match self.join() {
            Some(Err(error)) => error,
            _ => Error::WriterFailed { path: self.path.clone() },
        }
    }

    fn join(&mut self) -> Option<Result<Growing<F>>> {
        self.orders = None;
        self.thread.take().and_then(|thread| thread.join().ok())
    }
}

/// Ends the thread before its file is removed.
impl<F: MediumFile> Drop for Output<F> {
    fn drop(&mut self) {
        drop(self.join());
    }
}

struct Worker<F> {
    file: Growing<F>,
    done: Sender<Vec<u8>>,
}

impl<F: MediumFile> Worker<F> {
    /// Works until there are no more orders, or until one fails.
    fn run(mut self, orders: &Receiver<Order>) -> Result<Growing<F>> {
        for order in orders {
            match order {
                Order::Write { buffer, offset } => {
                    self.file.write(&buffer, offset)?;
                    // Nobody may want it any more.
                    let _ = self.done.send(buffer);
                }
                Order::Sync(synced) => {
                    self.file.sync()?;
                    let _ = synced.send(());
                }
            }
        }
        Ok(self.file)
    }
}
