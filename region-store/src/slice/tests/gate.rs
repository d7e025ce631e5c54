//! A medium whose writes wait until they are let through.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::medium::{CrashFile, CrashMedium, Medium, MediumFile};

/// How long a condition may take that comes at once if all is well.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// A medium with a gate before writes and another before syncs of data.
#[derive(Clone, Debug, Default)]
pub(super) struct Gated {
    pub(super) medium: CrashMedium,
    pub(super) writes: Arc<Gate>,
    pub(super) syncs: Arc<Gate>,
}

#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many may pass; all if there is no bound.
    permits: Option<usize>,
    /// Who waits, or has passed: file and thread.
    arrived: Vec<(PathBuf, String)>,
    passed: usize,
}

impl Gate {
    /// From now on nothing passes, but what is let through.
    pub(super) fn close(&self) {
        let mut state = self.state.lock().unwrap();
        *state = State { permits: Some(0), ..State::default() };
    }

    pub(super) fn let_through(&self, count: usize) {
        *self.state.lock().unwrap().permits.as_mut().unwrap() += count;
        self.changed.notify_all();
    }

    pub(super) fn open(&self) {
        self.state.lock().unwrap().permits = None;
        self.changed.notify_all();
    }

    /// Waits until so many have come, and says who.
    pub(super) fn wait_for(&self, count: usize) -> Vec<(PathBuf, String)> {
        let state = self.state.lock().unwrap();
        let (state, result) =
            self.changed.wait_timeout_while(state, LIMIT, |state| state.arrived.len() < count).unwrap();
        assert!(!result.timed_out(), "{count} were to come: {:?}", state.arrived);
        state.arrived.clone()
    }

    pub(super) fn arrived(&self) -> Vec<(PathBuf, String)> {
        self.state.lock().unwrap().arrived.clone()
    }

    fn pass(&self, path: &Path) {
        let mut state = self.state.lock().unwrap();
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        state.arrived.push((path.to_owned(), thread));
        self.changed.notify_all();
        while state.permits.is_some_and(|permits| permits <= state.passed) {
            state = self.changed.wait(state).unwrap();
        }
        state.passed += 1;
    }
}

/// Waits until something is so.
pub(super) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "{what}");
        std::thread::yield_now();
    }
}

#[derive(Debug)]
pub(super) struct GatedFile {
    file: CrashFile,
    path: PathBuf,
    writes: Arc<Gate>,
    syncs: Arc<Gate>,
}

impl Gated {
    fn gated(&self, file: CrashFile, path: &Path) -> GatedFile {
        GatedFile {
            file,
            path: path.to_owned(),
            writes: Arc::clone(&self.writes),
            syncs: Arc::clone(&self.syncs),
        }
    }
}

impl Medium for Gated {
    type File = GatedFile;

    fn create(&self, path: &Path) -> io::Result<GatedFile> {
        self.medium.create(path).map(|file| self.gated(file, path))
    }

    fn open(&self, path: &Path) -> io::Result<GatedFile> {
        self.medium.open(path).map(|file| self.gated(file, path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.medium.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.medium.remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.medium.list(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.medium.sync_folder(folder)
    }
}

impl MediumFile for GatedFile {
    fn allocate(&self, length: u64) -> io::Result<()> {
        self.file.allocate(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.writes.pass(&self.path);
        self.file.write_at(bytes, offset)
    }

    fn start_write_back(&self, offset: u64, length: u64) -> io::Result<()> {
        self.file.start_write_back(offset, length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.syncs.pass(&self.path);
        self.file.sync_data()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}
