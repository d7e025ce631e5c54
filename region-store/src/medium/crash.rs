//! A medium in memory that fails on demand, and of which every state can be had that a power cut may leave.

mod cut;
mod fault;
mod image;
mod random;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Identity, Medium, MediumFile, folder_of};
use cut::Disk;
use fault::Plan;
pub use fault::{Call, Fault, Trouble};
use image::{Image, Operation, SECTOR_LENGTH};
#[cfg(test)]
pub(crate) use random::Random;

/// Files in memory. Clones share them.
///
/// It records what is done to it, so that [`crashes`](Self::crashes) can tell what a power cut would have left at any
/// moment, and [`killed`](Self::killed) what the death of the process would have.
///
/// ```
/// use std::path::Path;
///
/// use region_store::medium::{CrashMedium, Medium, MediumFile};
///
/// let medium = CrashMedium::new();
/// let file = medium.create(Path::new("a"))?;
/// file.write_all_at(b"synced", 0)?;
/// file.sync_data()?;
/// medium.sync_folder(Path::new("."))?;
/// let acknowledged = medium.operations();
/// file.write_all_at(b"maybe!", 0)?;
///
/// for crash in medium.crashes(acknowledged.., 0..10) {
///     let mut bytes = [0; 6];
///     crash.medium.open(Path::new("a"))?.read_full_at(&mut bytes, 0)?;
///     assert!(&bytes == b"synced" || &bytes == b"maybe!", "{crash}");
/// }
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CrashMedium(Arc<Mutex<State>>);

/// A file of a [`CrashMedium`].
#[derive(Debug)]
pub struct CrashFile {
    state: Arc<Mutex<State>>,
    number: usize,
    writable: bool,
    /// Tells this opening from others of the file.
    opening: u64,
}

impl Drop for CrashFile {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.locks.retain(|_, holder| *holder != self.opening);
        state.open_files -= 1;
    }
}

/// What a power cut left.
#[derive(Debug)]
pub struct Crash {
    /// After how many of the recorded operations it was.
    pub cut: usize,
    /// What is there now. It records anew.
    pub medium: CrashMedium,
    /// What became of that which was not synced.
    left: String,
}

impl std::fmt::Display for Crash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "power cut after {} operations, {}", self.cut, self.left)
    }
}

#[derive(Debug, Default)]
struct State {
    /// What was there when recording began. All of it is synced.
    start: Image,
    operations: Vec<Operation>,
    /// What processes see: the start after all operations.
    now: Image,
    /// The time of the last write, here and on what crashes left: no two have the same.
    clock: Arc<AtomicI64>,
    plan: Plan,
    /// How many files were opened.
    openings: u64,
    /// How many of them are open.
    open_files: u64,
    /// The most that ever were.
    most_opened: u64,
    /// What [`Medium::most_open_files`] says. Nobody is kept from opening more.
    most_open_files: Option<u64>,
    /// What [`Medium::is_remote`] says.
    is_remote: bool,
    /// What [`Medium::free_bytes`] says. It does not shrink by what is written.
    free_bytes: Option<u64>,
    /// By file, the opening that holds its lock. They die with the process.
    locks: BTreeMap<usize, u64>,
}

impl CrashMedium {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn opened(&self, state: &mut State, number: usize, writable: bool) -> CrashFile {
        state.openings += 1;
        state.open_files += 1;
        state.most_opened = state.most_opened.max(state.open_files);
        CrashFile { state: Arc::clone(&self.0), number, writable, opening: state.openings }
    }

    fn of(start: Image, operations: Vec<Operation>, clock: &Arc<AtomicI64>) -> Self {
        let mut now = start.clone();
        for operation in &operations {
            now.apply(operation);
        }
        let clock = Arc::clone(clock);
        Self(Arc::new(Mutex::new(State { start, operations, now, clock, ..State::default() })))
    }

    /// Lets calls fail from now on, instead of those that were to fail before.
    pub fn fail(&self, fault: Fault) {
        lock(&self.0).plan = Plan::new(fault);
    }

    /// Lets no more calls fail.
    pub fn repair(&self) {
        lock(&self.0).plan.repair();
    }

    /// How many calls have failed, or were short, since the last [`fail`](Self::fail).
    #[must_use]
    pub fn faults(&self) -> u64 {
        lock(&self.0).plan.faults()
    }

    /// Says how many bytes are free from now on, which nothing but [`Medium::free_bytes`] minds.
    pub fn set_free_bytes(&self, bytes: Option<u64>) {
        lock(&self.0).free_bytes = bytes;
    }

    /// Says how many files may be open from now on, which nothing but [`Medium::most_open_files`] minds.
    pub fn set_most_open_files(&self, files: Option<u64>) {
        lock(&self.0).most_open_files = files;
    }

    /// How many files are open.
    #[must_use]
    pub fn open_files(&self) -> u64 {
        lock(&self.0).open_files
    }

    /// How many files were open at the same time, at most.
    #[must_use]
    pub fn most_opened(&self) -> u64 {
        lock(&self.0).most_opened
    }

    /// Says whether it is on another machine from now on, which nothing but [`Medium::is_remote`] minds.
    pub fn set_remote(&self, is_remote: bool) {
        lock(&self.0).is_remote = is_remote;
    }

    /// How many operations are recorded: those that change what is there or what would survive.
    #[must_use]
    pub fn operations(&self) -> usize {
        lock(&self.0).operations.len()
    }

    /// What power cuts after so many operations may leave; after all of them, too, if `cuts` has no end.
    ///
    /// For each cut: all that was not synced there, gone, torn, and only its lengths there; each of the last few
    /// operations alone there and alone gone; and a mixture for each of `seeds`.
    pub fn crashes<R: RangeBounds<usize>>(
        &self,
        cuts: R,
        seeds: Range<u64>,
    ) -> impl Iterator<Item = Crash> + use<R> {
        let state = lock(&self.0);
        let first = match cuts.start_bound() {
            Bound::Included(&cut) => cut,
            Bound::Excluded(&cut) => cut.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match cuts.end_bound() {
            Bound::Included(&cut) => cut.saturating_add(1),
            Bound::Excluded(&cut) => cut,
            Bound::Unbounded => usize::MAX,
        };
        let operations = state.operations.clone();
        let clock = Arc::clone(&state.clock);
        let mut disk = Disk::new(state.start.clone());
        (0..=operations.len()).take_while(move |&cut| cut < end).flat_map(move |cut| {
            if let Some(operation) = cut.checked_sub(1).and_then(|last| operations.get(last)) {
                disk.perform(operation);
            }
            let states = if cut < first { Vec::new() } else { disk.states(cut, seeds.clone()) };
            let clock = Arc::clone(&clock);
            states.into_iter().map(move |(image, left)| Crash {
                cut,
                medium: Self::of(image, Vec::new(), &clock),
                left,
            })
        })
    }

    /// What the next process sees if this one dies after so many operations: everything, synced or not. The power can
    /// still be cut after that.
    #[must_use]
    pub fn killed(&self, cut: usize) -> Self {
        let state = lock(&self.0);
        let operations = state.operations.iter().take(cut).cloned().collect();
        Self::of(state.start.clone(), operations, &state.clock)
    }
}

/// A test that fails while it holds the lock leaves a state that is whole: the next one is not to fail for that.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn identity(&self, number: usize) -> Identity {
        Identity {
            device: 1,
            inode: number as u64,
            length: self.now.bytes(number).len() as u64,
            modified_ns: self.now.time(number),
            is_read_only: false,
        }
    }

    fn record(&mut self, operation: Operation) {
        self.now.apply(&operation);
        self.operations.push(operation);
    }
}

impl Medium for CrashMedium {
    type File = CrashFile;

    fn create(&self, path: &Path) -> io::Result<CrashFile> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::Create)?;
        if state.now.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let number = state.now.files();
        state.record(Operation::Create { path: path.to_owned(), file: number });
        Ok(self.opened(&mut state, number, true))
    }

    fn open(&self, path: &Path) -> io::Result<CrashFile> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::Open)?;
        let number = state.now.find(path)?;
        Ok(self.opened(&mut state, number, false))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<CrashFile> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::Open)?;
        let number = state.now.find(path)?;
        Ok(self.opened(&mut state, number, true))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::CreateFolder)?;
        if !state.now.has_folder(path) {
            state.record(Operation::CreateFolder { path: path.to_owned() });
        }
        Ok(())
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::Remove)?;
        if !state.now.has_folder(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if !state.now.is_empty_folder(path) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        state.record(Operation::RemoveFolder { path: path.to_owned() });
        Ok(())
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::Identity)?;
        if state.now.has_folder(path) {
            return Ok(Identity { device: 1, inode: 0, length: 0, modified_ns: 0, is_read_only: false });
        }
        let number = state.now.find(path)?;
        Ok(state.identity(number))
    }

    fn sync_all(&self, _folder: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        let attempt = state.plan.attempt(Call::SyncAll);
        state.record(Operation::SyncAll { succeeds: attempt.is_ok() });
        attempt
    }

    fn is_remote(&self, _folder: &Path) -> io::Result<bool> {
        Ok(lock(&self.0).is_remote)
    }

    fn most_open_files(&self) -> Option<u64> {
        lock(&self.0).most_open_files
    }

    fn free_bytes(&self, _folder: &Path) -> io::Result<Option<u64>> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::FreeBytes)?;
        Ok(state.free_bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::Rename)?;
        state.now.find(from)?;
        if folder_of(from) != folder_of(to) {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        state.record(Operation::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::Remove)?;
        state.now.find(path)?;
        state.record(Operation::Remove { path: path.to_owned() });
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut state = lock(&self.0);
        state.plan.attempt(Call::List)?;
        let inside = state.now.paths().chain(state.now.folders()).filter(|path| folder_of(path) == folder);
        Ok(inside.collect::<BTreeSet<_>>().into_iter().map(Path::to_owned).collect())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = lock(&self.0);
        let attempt = state.plan.attempt(Call::SyncFolder);
        state.record(Operation::SyncFolder { folder: folder.to_owned(), succeeds: attempt.is_ok() });
        attempt
    }
}

impl MediumFile for CrashFile {
    fn allocate(&self, _length: u64) -> io::Result<()> {
        lock(&self.state).plan.attempt(Call::Allocate)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut state = lock(&self.state);
        let (arriving, answer) = state.plan.attempt_transfer(Call::Write, bytes.len());
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let end = offset.checked_add(arriving).ok_or(io::ErrorKind::FileTooLarge)?;
        // A file system stops between pages, never within a sector.
        let within = if arriving < bytes.len() { end % SECTOR_LENGTH } else { 0 };
        let (arriving, answer) = match (arriving.saturating_sub(within), answer) {
            (0, Ok(_)) => (bytes.len(), Ok(bytes.len())),
            (arriving, answer) => (arriving, answer.map(|_| arriving)),
        };
        if let Some(bytes) = bytes.get(..arriving).filter(|bytes| !bytes.is_empty()) {
            let time = state.clock.fetch_add(1, Ordering::Relaxed) + 1;
            state.record(Operation::Write { file: self.number, offset, bytes: bytes.into(), time });
        }
        answer
    }

    fn start_write_back(&self, _offset: u64, _length: u64) -> io::Result<()> {
        let mut state = lock(&self.state);
        let attempt = state.plan.attempt(Call::StartWriteBack);
        if attempt.is_err() {
            state.record(Operation::Sync { file: self.number, succeeds: false });
        }
        attempt
    }

    fn trim(&self, _length: u64) -> io::Result<()> {
        lock(&self.state).plan.attempt(Call::Trim)
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = lock(&self.state);
        state.plan.attempt(Call::Lock)?;
        Ok(*state.locks.entry(self.number).or_insert(self.opening) == self.opening)
    }

    fn identity(&self) -> io::Result<Identity> {
        let mut state = lock(&self.state);
        state.plan.attempt(Call::Identity)?;
        Ok(state.identity(self.number))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        let attempt = state.plan.attempt(Call::SyncData);
        state.record(Operation::Sync { file: self.number, succeeds: attempt.is_ok() });
        attempt
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = lock(&self.state);
        let (length, answer) = state.plan.attempt_transfer(Call::Read, bytes.len());
        answer?;
        let there = usize::try_from(offset).ok().and_then(|at| state.now.bytes(self.number).get(at..));
        let there = there.unwrap_or_default();
        let length = length.min(there.len());
        if let (Some(to), Some(from)) = (bytes.get_mut(..length), there.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }

    fn length(&self) -> io::Result<u64> {
        let mut state = lock(&self.state);
        state.plan.attempt(Call::Length)?;
        Ok(state.now.bytes(self.number).len() as u64)
    }
}
