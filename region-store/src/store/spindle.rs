//! The disks of a store: which are there, and that nobody else has them.
//!
//! Each folder has two files of the store. `store.lock` is locked as long as the store is open. `store.spindles` names the
//! spindle and all others of the store, one a line, so that a folder that is empty since its disk is not mounted is told from
//! one that is new.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::medium::{Medium, MediumFile as _};
use crate::slice::Spindle;

const LOCK: &str = "store.lock";
const NAMES: &str = "store.spindles";
const NAMES_PART: &str = "store.spindles.part";
/// The most bytes of the names: those of as many spindles as a store may have.
const MAX_NAMES_BYTES: u64 = 4_096 * 256;

/// The spindles that are there, and locked.
#[derive(Debug)]
pub(super) struct Spindles<M: Medium> {
    pub(super) present: Vec<Spindle>,
    /// By name, with what is wrong with them: those that were given, then those that others know and nobody gave.
    pub(super) missing: Vec<(String, String)>,
    pub(super) locks: Arc<Locks<M>>,
}

/// The spindles are locked until this is dropped. Whoever may write to them, or reads what is on them, has a share of it.
#[derive(Debug)]
pub(super) struct Locks<M: Medium>(Vec<(Spindle, M::File)>);

impl<M: Medium> Locks<M> {
    /// The name of a spindle whose lock is not where it was: its disk is not mounted any more, or cannot be read.
    pub(super) fn lost(&self, medium: &M) -> Option<&str> {
        let is_lost = |(spindle, file): &&(Spindle, M::File)| {
            let there = medium.identity(&spindle.folder.join(LOCK));
            match (there, file.identity()) {
                (Ok(there), Ok(locked)) => !there.is_same_file(&locked),
                (Err(error), _) | (_, Err(error)) => error.kind() != ErrorKind::Unsupported,
            }
        };
        self.0.iter().find(is_lost).map(|(spindle, _)| spindle.name.as_str())
    }
}

impl<M: Medium> Spindles<M> {
    /// Locks all that are there.
    ///
    /// # Errors
    /// [`Error::Remote`], [`Error::SpindleLocked`], [`Error::SpindleNamed`]; [`Error::NoSpindle`] if none is there, and
    /// [`Error::Io`] if its files cannot be written.
    pub(super) fn open(medium: &M, spindles: &[Spindle]) -> Result<Self> {
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for spindle in spindles {
            match look_at(medium, spindle)? {
                Ok(names) => found.push((spindle, names)),
                Err(why) => missing.push((spindle.name.clone(), why)),
            }
        }
        // What others tell of, and knows nothing itself, is not where it was.
        let told: BTreeSet<String> = found.iter().flat_map(|(_, names)| names).cloned().collect();
        let mut present: Vec<Spindle> = Vec::new();
        for (spindle, names) in found {
            if names.is_empty() && told.contains(&spindle.name) {
                let why = "its folder is empty, and the other spindles know it as one of theirs: is its disk mounted?";
                missing.push((spindle.name.clone(), why.to_owned()));
            } else {
                present.push(spindle.clone());
            }
        }
        if present.is_empty() {
            return Err(Error::NoSpindle { given: spindles.len() });
        }
        for name in told.iter().filter(|name| spindles.iter().all(|spindle| spindle.name != **name)) {
            let why = "the other spindles know it as one of theirs: give its folder, or take it out of their store.spindles";
            missing.push((name.clone(), why.to_owned()));
        }
        let locks = present.iter().map(|spindle| Ok((spindle.clone(), lock(medium, spindle)?)));
        let locks = locks.collect::<Result<_>>()?;
        let locks = Arc::new(Locks(locks));
        let all: BTreeSet<&str> =
            told.iter().map(String::as_str).chain(spindles.iter().map(|spindle| &*spindle.name)).collect();
        for spindle in &present {
            write_names(medium, spindle, &all)?;
        }
        Ok(Self { present, missing, locks })
    }
}

/// The names that a spindle tells, its own first; none if it is new. The inner error says why it is missing.
fn look_at<M: Medium>(medium: &M, spindle: &Spindle) -> Result<std::result::Result<Vec<String>, String>> {
    match medium.is_remote(&spindle.folder) {
        Ok(false) => {}
        Ok(true) => return Err(Error::Remote { path: spindle.folder.clone() }),
        Err(error) => return Ok(Err(error.to_string())),
    }
    if let Err(error) = medium.list(&spindle.folder) {
        return Ok(Err(error.to_string()));
    }
    let names = match names_at(medium, &spindle.folder) {
        Ok(names) => names,
        Err(error) => return Ok(Err(error.to_string())),
    };
    match names.first() {
        Some(found) if *found != spindle.name => Err(Error::SpindleNamed {
            name: spindle.name.clone(),
            found: found.clone(),
            folder: spindle.folder.clone(),
        }),
        _ => Ok(Ok(names)),
    }
}

/// The names that a folder tells, its own first; none if it is new.
pub(super) fn names_at<M: Medium>(medium: &M, folder: &Path) -> io::Result<Vec<String>> {
    match read(medium, &folder.join(NAMES)) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn read<M: Medium>(medium: &M, path: &Path) -> io::Result<String> {
    let file = medium.open(path)?;
    let length = usize::try_from(file.length()?.min(MAX_NAMES_BYTES)).unwrap_or_default();
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

fn lock<M: Medium>(medium: &M, spindle: &Spindle) -> Result<M::File> {
    let path = spindle.folder.join(LOCK);
    let file = match medium.open_to_write(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => match medium.create(&path) {
            // Another store was quicker, and is told from this one by the lock.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => medium.open_to_write(&path),
            other => other,
        },
        other => other,
    };
    let file = file.map_err(Error::io(&path, "open"))?;
    if file.try_lock().map_err(Error::io(&path, "lock"))? {
        Ok(file)
    } else {
        Err(Error::SpindleLocked { name: spindle.name.clone(), folder: spindle.folder.clone() })
    }
}

/// Has a spindle name all, unless it does.
fn write_names<M: Medium>(medium: &M, spindle: &Spindle, all: &BTreeSet<&str>) -> Result<()> {
    let path = spindle.folder.join(NAMES);
    let others = all.iter().filter(|name| **name != spindle.name);
    let text: String = [&&*spindle.name].into_iter().chain(others).map(|name| format!("{name}\n")).collect();
    if read(medium, &path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let part = spindle.folder.join(NAMES_PART);
    match medium.remove(&part) {
        // What an attempt left that was cut. It is gone for good before another file of its name is renamed.
        Ok(()) => sync(medium, spindle)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(&part, "remove")(error)),
    }
    let file = medium.create(&part).map_err(Error::io(&part, "create"))?;
    file.write_all_at(text.as_bytes(), 0).map_err(Error::io(&part, "write"))?;
    file.sync_data().map_err(Error::io(&part, "sync"))?;
    medium.rename(&part, &path).map_err(Error::io(&part, "rename"))?;
    sync(medium, spindle)
}

fn sync<M: Medium>(medium: &M, spindle: &Spindle) -> Result<()> {
    medium.sync_folder(&spindle.folder).map_err(Error::io(&spindle.folder, "sync the folder"))
}
