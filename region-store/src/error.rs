//! What can go wrong.

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::format::manifest::Unspeakable;
use crate::format::{Damage, SnapId};
use crate::store::{Generation, LoadError, SliceKey};

/// The error of this crate. It says which file, and what to do where that is not plain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not what it should be.
    #[error("{}: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        damage: Damage,
    },
    /// The operating system refused.
    #[error("{}: cannot {operation}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: a verb, and more if need be.
        operation: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The caller's mistake: regions are not written over.
    #[error("{} is there already: choose another name, or remove it if nobody needs it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The caller's mistake: blocks cannot be aligned so.
    #[error("an alignment of {alignment} is asked for: it is a power of two from 8 to 4,096")]
    Alignment {
        /// What was asked for.
        alignment: u32,
    },
    /// The caller's mistake: there is no such blob.
    #[error("{length} bytes are too many for a block, which has at most 2,147,483,647")]
    BlobTooLong {
        /// Its length, or its parcel's.
        length: usize,
    },
    /// Full: no index lists more blocks.
    #[error("{}: there are too many blocks for an index: make them longer", path.display())]
    TooManyBlocks {
        /// The region.
        path: PathBuf,
    },
    /// A write or sync has failed before, and has been told.
    #[error("{}: a write failed before, and nothing is left of the region: write it anew", path.display())]
    WriterFailed {
        /// The region.
        path: PathBuf,
    },
    /// Somebody changes the file, and has locked it.
    #[error("{} is locked by a process that may change it", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file does not fit into the address space or into memory.
    #[error("{}: {length} bytes are too many for this machine", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
    /// The caller's mistake: no journal is so short or so long, or has such an end.
    #[error("a journal of {bytes} bytes was asked for: it takes a multiple of 4,096 from {least} to {most}")]
    Capacity {
        /// What was asked for.
        bytes: u64,
        /// The least that can be had.
        least: u64,
        /// The most.
        most: u64,
    },
    /// The caller's mistake: the last group is not synced.
    #[error("{}: the last group is in flight: sync before the next is appended", path.display())]
    InFlight {
        /// The journal.
        path: PathBuf,
    },
    /// The caller's mistake: a group without a blob.
    #[error("a group has one blob at least")]
    EmptyGroup,
    /// The caller's mistake: the group is too long for any journal.
    #[error("a group is {limit} bytes long at most: append it in parts")]
    GroupTooLong {
        /// The most bytes.
        limit: u32,
    },
    /// Full: the group goes into the next journal.
    #[error("{}: the group takes {needed} bytes, there are {room}: go on in a new journal", path.display())]
    JournalFull {
        /// The journal.
        path: PathBuf,
        /// What the group takes.
        needed: u64,
        /// What is left.
        room: u64,
    },
    /// A write or sync of this journal has failed before.
    #[error("{}: a write or sync failed before: recover what is there, and go on in a new journal", path.display())]
    JournalFailed {
        /// The journal.
        path: PathBuf,
    },
    /// Something has failed while a slice was written, and all is in vain. Every later call is told so.
    #[error("slice {snap_id} has failed, write it anew: {cause}")]
    SliceFailed {
        /// Which writing of the slice.
        snap_id: SnapId,
        /// What failed first.
        #[source]
        cause: Arc<Error>,
    },
    /// The writer of a slice was dropped before it was closed.
    #[error("slice {snap_id} was given up before it was closed: write it anew")]
    SliceGivenUp {
        /// Which writing of the slice.
        snap_id: SnapId,
    },
    /// The caller's mistake: a slice is opened for writes once, then parcels are queued, then the writes are waited for,
    /// then it is closed.
    #[error("slice {snap_id}: cannot {attempted}: it is {state}")]
    SliceOrder {
        /// Which writing of the slice.
        snap_id: SnapId,
        /// What was asked for.
        attempted: &'static str,
        /// What it is.
        state: &'static str,
    },
    /// The caller's mistake: a slice cannot be written so.
    #[error("a slice is written over {least} to {most} {what}: {found} are asked for")]
    SliceShape {
        /// What of it.
        what: &'static str,
        /// How many are asked for.
        found: usize,
        /// The least.
        least: usize,
        /// The most.
        most: usize,
    },
    /// The caller's mistake: no manifest can say this.
    #[error(transparent)]
    Unspeakable(#[from] Unspeakable),
    /// The caller's mistake: no store can be so.
    #[error("the option {option} cannot be {found}: it takes {expected}")]
    StoreOption {
        /// Which option.
        option: &'static str,
        /// What was given.
        found: String,
        /// What it takes.
        expected: &'static str,
    },
    /// Another store has the folder.
    #[error("the spindle {name} at {} is another store's now: stop that, or give this one another folder", folder.display())]
    SpindleLocked {
        /// The spindle's name.
        name: String,
        /// Its folder.
        folder: PathBuf,
    },
    /// The folder is one of a store, under another name.
    #[error("{} is the spindle {found}, not {name}: give each folder the name it had", folder.display())]
    SpindleNamed {
        /// The name that was given.
        name: String,
        /// The one it has.
        found: String,
        /// Its folder.
        folder: PathBuf,
    },
    /// No disk of the store is there.
    #[error("none of the {given} spindles is there: mount their disks, or make their folders")]
    NoSpindle {
        /// How many were given.
        given: usize,
    },
    /// The folder is on another machine, where neither locks nor syncs are what they are on a disk.
    #[error("{} is on a network file system: a store needs a disk of its own machine", path.display())]
    Remote {
        /// The folder.
        path: PathBuf,
    },
    /// What was asked for is older than what is there.
    #[error("slice {key}: generation {wanted} is asked for, and {current} has taken its place")]
    Superseded {
        /// Which slice.
        key: SliceKey,
        /// What was asked for.
        wanted: Generation,
        /// What is there.
        current: Generation,
    },
    /// The slice is not in the store, and no loader was given.
    #[error("slice {key} is not in the store: load it")]
    NotLoaded {
        /// Which slice.
        key: SliceKey,
    },
    /// A part of the slice is on a disk that is missing.
    #[error("slice {key} cannot be had while its spindle {spindle} is missing")]
    Unavailable {
        /// Which slice.
        key: SliceKey,
        /// The spindle's name.
        spindle: String,
    },
    /// The slice could not be brought into memory. All who waited for it are told so.
    #[error("slice {key} could not be loaded: {cause}")]
    LoadFailed {
        /// Which slice.
        key: SliceKey,
        /// Why.
        #[source]
        cause: Arc<Error>,
    },
    /// The load goes on, but whoever asked waits no longer.
    #[error("slice {key} is not there after {} s: ask again later, the load goes on", waited.as_secs())]
    Unfinished {
        /// Which slice.
        key: SliceKey,
        /// For how long it was waited for.
        waited: Duration,
    },
    /// A load was cancelled, or has failed already.
    #[error("the load of slice {key} is cancelled")]
    Cancelled {
        /// Which slice.
        key: SliceKey,
    },
    /// The loader says that it failed.
    #[error("its loader failed: {0}")]
    Loader(#[source] LoadError),
    /// Foreign code has panicked.
    #[error("a panic: {said}")]
    Panicked {
        /// What it said.
        said: String,
    },
    /// Full: slices that are read take the rest.
    #[error("{needed} {what} are needed, others have {others} of {limit}: evict, or allow more")]
    OverBudget {
        /// Of what.
        what: &'static str,
        /// How much one needs.
        needed: u64,
        /// How much others have.
        others: u64,
        /// How much there is.
        limit: u64,
    },
    /// A store of objects has failed a request.
    #[error("{object}: cannot {attempted}: {source}")]
    Object {
        /// The object.
        object: String,
        /// What was tried: a verb, and more if need be.
        attempted: String,
        /// Why it failed.
        source: LoadError,
    },
    /// There is no such slice in a store of objects.
    #[error("slice {key} is not published, there is no {object}: publish it, or look under another prefix")]
    NotPublished {
        /// Which slice.
        key: SliceKey,
        /// What would make it one.
        object: String,
    },
    /// A slice in a store of objects is not what was published.
    #[error("{cause}: publish slice {key} again")]
    PublishedDamaged {
        /// Which slice.
        key: SliceKey,
        /// What is wrong with it.
        #[source]
        cause: Box<Error>,
    },
    /// The caller's mistake: no store of objects is called so.
    #[error(
        "{url} is no store of objects: {source}: give file:///FOLDER, or s3://BUCKET/PREFIX with the feature s3"
    )]
    ObjectUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        source: LoadError,
    },
    /// A disk is not there, and with it a part of the slice.
    #[error("slice {snap_id}: its spindle {name} is missing: give its folder")]
    SpindleMissing {
        /// Which writing of the slice.
        snap_id: SnapId,
        /// The spindle's name.
        name: String,
    },
    /// A file of a slice is not the one that was written with its manifest.
    #[error("{}: its {field} is not what the manifest of its slice says: the slice is not whole", path.display())]
    SliceMismatch {
        /// The file.
        path: PathBuf,
        /// What differs.
        field: &'static str,
    },
    /// Corrupt, since a power cut damages nothing but the end.
    #[error(
        "{}: the block at offset {offset} is damaged, but a later one at offset {later} is whole: \
        take what is before it by force, or restore the file", path.display()
    )]
    JournalCorrupt {
        /// The journal.
        path: PathBuf,
        /// Where the damaged block begins.
        offset: u64,
        /// Where the whole one does.
        later: u64,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// For `map_err`: what was tried with which file.
    pub(crate) fn io(path: &Path, operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), operation, source }
    }

    /// For `map_err`: which file is damaged.
    pub(crate) fn damaged(path: &Path) -> impl FnOnce(Damage) -> Self {
        move |damage| Self::Damaged { path: path.to_owned(), damage }
    }

    /// What a panic says.
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or(panic.downcast_ref::<String>().map(String::as_str));
        Self::Panicked { said: text.unwrap_or("of something that is no text").to_owned() }
    }
}
