//! The threads that scan slices.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use crate::error::{Error, Result};
use crate::format::SnapId;
use crate::os;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that scan, a fixed number. Each region is bound to one of them, and no other one scans it: to one by its slice,
/// and the next to the next by its index, so that short slices are not all bound to the same.
#[derive(Debug)]
pub struct Scanners {
    /// Never empty.
    threads: Vec<Scanner>,
}

#[derive(Debug)]
struct Scanner {
    /// `None` once it is to end.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Scanners {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::Io`] if there can be no more threads.
    pub fn start(threads: NonZeroUsize) -> Result<Self> {
        Self::start_each(threads, |_| ())
    }

    /// Starts threads each of which stays on one processor, as far as the system can see to that.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_pinned(threads: NonZeroUsize) -> Result<Self> {
        // Where it is not pinned it scans as well, if not as fast.
        Self::start_each(threads, |number| drop(os::pin_to_processor(number)))
    }

    fn start_each(threads: NonZeroUsize, prepare: fn(usize)) -> Result<Self> {
        let started = (0..threads.get()).map(|number| Scanner::start(number, prepare));
        let threads = started.collect::<std::io::Result<_>>();
        Ok(Self { threads: threads.map_err(Error::io(Path::new("scanner"), "start a thread"))? })
    }

    /// Has each region folded by its thread, and waits for all of them.
    pub(super) fn fold<R: Send + Sync + 'static, T: Send + 'static>(
        &self,
        snap_id: SnapId,
        regions: impl Iterator<Item = (u32, Arc<R>)>,
        fold: impl Fn(&R) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        // Here it is held to the end, so that what it holds is dropped by whoever asks, and no panic of that ends a scanner.
        let fold = Arc::new(fold);
        let first = usize::from(snap_id.0[0]);
        let waiting: Vec<_> = regions
            .map(|(index, region)| {
                let fold = Arc::clone(&fold);
                let (done, wait) = channel();
                self.order(first.wrapping_add(index as usize), move || {
                    let folded = catch_unwind(AssertUnwindSafe(|| fold(&region)));
                    // Before it is told, so that whoever waits has the last hold of them.
                    drop((region, fold));
                    // Who asked may have gone.
                    let _ = done.send(folded);
                });
                wait
            })
            .collect();
        // All are waited for, so that nothing is at work when this returns.
        let folded: Vec<_> = waiting.into_iter().map(|wait| wait.recv()).collect();
        drop(fold);
        let result = |folded: std::result::Result<thread::Result<Result<T>>, _>| match folded {
            Ok(Ok(folded)) => folded,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(Error::io(Path::new("scanner"), "scan")(ErrorKind::BrokenPipe.into())),
        };
        folded.into_iter().map(result).collect()
    }

    fn order(&self, number: usize, job: impl FnOnce() + Send + 'static) {
        let jobs = self.threads.get(number % self.threads.len()).and_then(|thread| thread.jobs.as_ref());
        // If it cannot be sent, whoever waits is told.
        let _ = jobs.map(|jobs| jobs.send(Box::new(job)));
    }
}

impl Scanner {
    fn start(number: usize, prepare: fn(usize)) -> std::io::Result<Self> {
        let (jobs, received) = channel();
        let thread = thread::Builder::new().name(format!("scanner {number}")).spawn(move || {
            prepare(number);
            run(&received);
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }
}

fn run(jobs: &Receiver<Job>) {
    jobs.iter().for_each(|job| job());
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
