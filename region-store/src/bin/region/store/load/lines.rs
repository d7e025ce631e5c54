//! Slices from the lines of a text, a blob each.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use indicatif::ProgressBar;
use region_store::format::SliceIdentity;
use region_store::store::{Load, LoadError, Loader, SliceKey};
use region_store::{MAX_PARCEL_LENGTH, Parcel};

use super::Ready;
use super::parcels::Parcels;
use crate::progress::{bar, counter};
use crate::{Failure, REFUSED};

/// How many parcels are read ahead.
const AHEAD: usize = 4;
/// The most bytes of a line, which is a parcel of its own then.
const LONGEST: usize = MAX_PARCEL_LENGTH - size_of::<i32>();

/// What is to be read.
pub(super) struct Text {
    name: String,
    input: Box<dyn BufRead + Send>,
    length: u64,
    bar: ProgressBar,
}

impl Text {
    pub(super) fn of_file(key: SliceKey, path: &Path) -> Result<Self, Failure> {
        let refused = |error| Failure::Other(REFUSED, format!("{}: cannot open: {error}", path.display()));
        let file = File::open(path).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if metadata.is_dir() {
            return Err(refused(io::ErrorKind::IsADirectory.into()));
        }
        // What is no file, like a pipe, has no length.
        let length = metadata.len();
        let input = Box::new(BufReader::new(file));
        let bar = if length > 0 { bar(&key.to_string(), length) } else { counter(&key.to_string()) };
        Ok(Self { name: path.display().to_string(), input, length, bar })
    }

    pub(super) fn of_input(key: SliceKey) -> Self {
        let input = Box::new(BufReader::new(io::stdin()));
        Self { name: "the standard input".to_owned(), input, length: 0, bar: counter(&key.to_string()) }
    }

    pub(super) fn ready(self) -> Result<Ready, Failure> {
        let (sender, found) = sync_channel(AHEAD);
        let (bar, wakes) = (self.bar.clone(), sender.clone());
        let lines = Lines {
            found: Mutex::new(Some(found)),
            expected_bytes: self.length,
            bar: self.bar.clone(),
            is_stopped: AtomicBool::new(false),
        };
        let loader = Arc::new(lines);
        let stopped = Arc::clone(&loader);
        let started = thread::Builder::new().name("lines".to_owned()).spawn(move || self.read(&sender));
        started.map_err(|error| Failure::Other(REFUSED, format!("cannot start a thread: {error}")))?;
        Ok(Ready {
            bar,
            loader,
            stop: Box::new(move || {
                stopped.is_stopped.store(true, Ordering::Relaxed);
                // Where there is no room for it, nobody waits.
                let _ = wakes.try_send(Found::Stop);
            }),
            check: Box::new(|_| Ok(())),
        })
    }

    fn read(mut self, sender: &SyncSender<Found>) {
        let last = match self.read_lines(sender) {
            Ok(()) => Found::End,
            Err(error) => Found::Failure(error),
        };
        // Who loads may have given up.
        let _ = sender.send(last);
    }

    fn read_lines(&mut self, sender: &SyncSender<Found>) -> Result<(), LoadError> {
        let read = Cell::new(0);
        let mut parcels = Parcels::new(|slots| Ok(sender.send(Found::Parcel(slots, read.get()))?));
        let mut line = Vec::new();
        loop {
            line.clear();
            let bytes = (&mut self.input).take(LONGEST as u64 + 1).read_until(b'\n', &mut line);
            match bytes.map_err(|error| format!("cannot read {}: {error}", self.name))? {
                0 => return parcels.end(),
                bytes => read.set(read.get() + bytes as u64),
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            } else if line.len() > LONGEST {
                return Err(format!("{}: a line has more than {LONGEST} bytes", self.name).into());
            }
            parcels.push(&line)?;
        }
    }
}

/// Loads what another thread reads: nobody has to wait for that one, which may wait for somebody to type.
struct Lines {
    /// `None` once a load has it: what is read is read once.
    found: Mutex<Option<Receiver<Found>>>,
    expected_bytes: u64,
    bar: ProgressBar,
    is_stopped: AtomicBool,
}

enum Found {
    /// With how much was read until then.
    Parcel(Vec<u8>, u64),
    Failure(LoadError),
    End,
    /// Wakes who waits for what is found.
    Stop,
}

impl Loader for Lines {
    fn load(&self, load: &Load<'_>) -> Result<(), LoadError> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).take();
        for found in found.iter().flatten() {
            if self.is_stopped.load(Ordering::Relaxed) {
                break;
            }
            match found {
                Found::Parcel(slots, read) => {
                    load.queue(Parcel::raw(slots.into())?)?;
                    self.bar.set_position(read);
                }
                Found::Failure(error) => return Err(error),
                Found::End => return Ok(()),
                Found::Stop => break,
            }
        }
        Err("it was interrupted".into())
    }

    fn expected_bytes(&self, _: &SliceIdentity, _: &dyn Fn() -> bool) -> u64 {
        self.expected_bytes
    }
}
