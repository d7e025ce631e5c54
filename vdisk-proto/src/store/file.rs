//! A store of files, with a journal: what a server keeps its disks in.
//!
//! ```text
//! <data>/lock                             held while a store is open
//! <data>/journal/00000000000000000001.region ...   segments: what is written, in groups
//! <data>/channels/<channel>/b.dsk         a channel's own images, plain files
//! <data>/templates/b.dsk                  what every channel reads until its first write
//! ```
//!
//! The journal's bytes are in the tables of the module `record`, in blocks of region-store's `journal`.
//!
//! - A write is in the journal, synced, before it is in the image, and in the image before it is acknowledged.
//! - A store that opens applies what the journal has, syncs it, and starts a new segment with a checkpoint, before it
//!   answers anything. It never appends to a file that it has not created.
//! - What was last known of every image is in the checkpoint that a segment opens with. So a change is noticed by the next
//!   store, too, if this one is killed before it is told of or durable. Of an image that the journal still writes to, its
//!   sectors tell: an edit of another one while no server ran, after a crash, is served and not noticed.
//! - Before a group writes to an image, its name is looked at. A session's write for a file that is not there any more is
//!   dropped, and the change is noticed: so what is acknowledged was written before its image was replaced.
//! - A write that cannot be brought into its image stays in an overlay that reads consult. Its segment stays, and the
//!   drive takes no more writes, until the image is replaced or the store opens again.
//! - Templates are read from memory, as they were when last looked at: one that people change is shown when the change is
//!   noticed. An image is on the disk before a change of it is noticed, whoever put it there.
//! - [`close`](FileStore::close) leaves nothing to apply.
//! - A group is one block of 1 MiB at most, and shorter than a segment: what does not fit is refused with BUSY.
//!   [`Limits::group_bytes`](crate::service::Limits::group_bytes) counts what a journal takes, so that by default all of a
//!   group does.
//! - A full disk refuses writes with DISK_FULL, and goes on reading. First are the images that are not there yet: those
//!   make do without [a reserve](FileStoreOptions::reserve_bytes). Then, once the journal's segments are full, all are.
//!   Writes are taken again when there is room.
//! - After a failed write or sync of the journal nothing is served any more.
//!
//! ```
//! use region_store::medium::Disk;
//! use vdisk_proto::service::{Limits, Now, Service};
//! use vdisk_proto::store::{FileStore, FileStoreOptions};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let store = FileStore::open(Disk, folder, &FileStoreOptions::default(), 1_700_000_000_000_000_000)?;
//! std::fs::write(folder.join("templates/b.dsk"), vec![0xe5; 337_568])?;
//! let service = Service::new(store, Limits::default(), Now::default());
//! # let _ = service;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod defect;
mod error;
mod images;
mod log;
mod options;
mod overlay;
mod record;
mod recovery;
mod replay;
#[cfg(test)]
mod tests;
mod writer;

use std::borrow::ToOwned as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use region_store::medium::{Disk, Medium, MediumFile};
use sector_cache::Drive;

pub use error::FileStoreError;
pub use options::{FileStoreOptions, Notice};
pub use record::RecordError;

use super::{Group, Image, Ledger, Store};
use crate::codec::{Channel, Status};
use images::{Folders, Found, ImageChange, Images, Watched};
use writer::Writer;

/// The folders of a store.
const FOLDERS: [&str; 3] = ["journal", "channels", "templates"];

/// A store of files; see the [module](self).
///
/// Threads may share it. Reads never wait for a sync of the journal, nor for a new segment; they do for the page cache, and
/// while a channel's first copy is made or an image is replaced.
#[derive(Debug)]
pub struct FileStore<M: Medium = Disk> {
    medium: M,
    /// Taken before `images`, if both are.
    writer: Mutex<Writer<M>>,
    images: Mutex<Images<M>>,
    /// Set once the store cannot go on.
    has_failed: AtomicBool,
    notices: Vec<Notice>,
    /// Held as long as it is open; `None` of a folder that cannot be written to.
    _lock: Option<M::File>,
}

impl<M: Medium> FileStore<M> {
    /// Opens the store in a folder that is there, and recovers what its journal has. `wall_ns`, the nanoseconds since
    /// 1970, become the generation of images that were changed meanwhile.
    ///
    /// # Errors
    /// [`FileStoreError`]: [`Locked`](FileStoreError::Locked) and [`Remote`](FileStoreError::Remote),
    /// [`Length`](FileStoreError::Length) of a template, and what is wrong with the journal. What was there is as it
    /// was, or may be recovered again.
    pub fn open(
        medium: M,
        folder: &Path,
        options: &FileStoreOptions,
        wall_ns: u64,
    ) -> Result<Self, FileStoreError> {
        let remote = medium.is_remote(folder).map_err(FileStoreError::io(folder, "look at"))?;
        if remote && !options.allow_remote {
            return Err(FileStoreError::Remote { path: folder.to_owned() });
        }
        let identity = medium.identity(folder).map_err(FileStoreError::io(folder, "look at"))?;
        let lock = if identity.is_read_only { None } else { prepare(&medium, folder)? };
        let mut images = Images::new(medium.clone(), folder, lock.is_none(), options);
        images.check_templates()?;
        let (writer, mut notices) = Writer::recover(&medium, folder, &mut images, options, wall_ns)?;
        notices.extend(images.take_notices());
        Ok(Self {
            medium,
            writer: Mutex::new(writer),
            images: Mutex::new(images),
            has_failed: AtomicBool::new(false),
            notices,
            _lock: lock,
        })
    }

    /// What people should know of what was found when the store opened.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// What was found since, and not asked for yet: each is said once. To be called after
    /// [`changed_images`](Self::changed_images).
    pub fn new_notices(&self) -> Vec<Notice> {
        lock(&self.images).take_notices()
    }

    /// Looks for images that were changed by others, and says which: to be called every second or so, and to be passed
    /// to [`Service::image_changed`](crate::service::Service::image_changed). Reads show the change from then on, and go
    /// on while it looks.
    pub fn changed_images(&self) -> Vec<(Channel, Drive)> {
        let (folders, mut watched) = {
            let images = lock(&self.images);
            (images.folders().clone(), images.shared())
        };
        let mut last = None;
        loop {
            let found: Vec<_> = watched.iter().map(|(place, _)| folders.look(&self.medium, *place)).collect();
            self.compare(&folders, &watched, &found);
            watched = lock(&self.images).known_after(last);
            match watched.last() {
                Some((place, _)) => last = Some(*place),
                None => break,
            }
        }
        self.noticed_images()
    }

    /// Takes note of images that are others than they were, once they are on the disk as they were found.
    fn compare(&self, folders: &Folders, watched: &[Watched], found: &[Found]) {
        if lock(&self.images).others(watched, found).is_empty() {
            return;
        }
        let synced = folders.sync(&self.medium);
        let mut images = lock(&self.images);
        match synced {
            Ok(()) => {
                let others = images.others(watched, found);
                images.changed(&others);
            }
            // The next look finds them again.
            Err(error) => images.failed_to_sync(&error),
        }
    }

    /// Those changes of images that were noticed without a look for all of them: by a read that opened one, or by a write,
    /// which is dropped then if it is a session's. To be called after each group, and passed on in the same way.
    ///
    /// They stay in the journal's checkpoints as long as they are not durable.
    pub fn noticed_images(&self) -> Vec<(Channel, Drive)> {
        if !lock(&self.images).has_changes() {
            return Vec::new();
        }
        // Not while a group is written: what it says of an image is about all that was told before.
        let writer = lock(&self.writer);
        let mut images = lock(&self.images);
        let mut changed = Vec::new();
        for change in images.take_changes() {
            match change {
                ImageChange::Own(channel, drive) => changed.push((channel, drive)),
                // A template is the image of all channels that have no other.
                ImageChange::Template(drive, owners) => {
                    let others = writer.channels().filter(|channel| !owners.contains(channel));
                    changed.extend(others.map(|channel| (channel, drive)));
                }
            }
        }
        changed.sort_unstable();
        changed.dedup();
        images.told(changed.iter().map(|place| (*place, writer.session(place.0))));
        changed
    }

    /// Puts a copy of an image in the place of a channel's own, or without a channel, of a template. All of it is on
    /// the disk when this returns; [`changed_images`](Self::changed_images) tells of it.
    ///
    /// # Errors
    /// [`Length`](FileStoreError::Length) if the file is of no known shape; [`Io`](FileStoreError::Io), after which the
    /// drive has its old image or its new one.
    pub fn replace(&self, channel: Option<Channel>, drive: Drive, from: &Path) -> Result<(), FileStoreError> {
        // A group in flight is for the image that is there.
        let _writer = lock(&self.writer);
        replace(&self.medium, &mut lock(&self.images), (channel, drive), from)
    }

    /// The same in the folder of a store that is open elsewhere, which notices it, or of one that is not.
    ///
    /// # Errors
    /// As those of [`replace`](Self::replace).
    pub fn replace_in(
        medium: &M,
        folder: &Path,
        channel: Option<Channel>,
        drive: Drive,
        from: &Path,
    ) -> Result<(), FileStoreError> {
        let mut images = Images::new(medium.clone(), folder, false, &FileStoreOptions::default());
        replace(medium, &mut images, (channel, drive), from)
    }

    /// Ends well: everything is in the images and on the disk, and the journal has nothing to apply. With an overlay it
    /// stays as it is instead.
    ///
    /// # Errors
    /// What could not be written. The journal has all that was acknowledged.
    pub fn close(self) -> Result<(), FileStoreError> {
        if self.has_failed.load(Ordering::Acquire) {
            return Err(FileStoreError::Failed);
        }
        let writer = self.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut images = self.images.into_inner().unwrap_or_else(PoisonError::into_inner);
        writer.close(&mut images)
    }

    /// Remembers a failure: nothing is served after it.
    fn watched(&self, result: Result<(), FileStoreError>) -> Result<(), FileStoreError> {
        if result.is_err() {
            self.has_failed.store(true, Ordering::Release);
        }
        result
    }

    fn is_well(&self) -> Result<(), FileStoreError> {
        if self.has_failed.load(Ordering::Acquire) { Err(FileStoreError::Failed) } else { Ok(()) }
    }
}

impl<M: Medium> Store for FileStore<M> {
    type Error = FileStoreError;

    fn ledgers(&self) -> Vec<(Channel, Ledger)> {
        lock(&self.writer).ledgers()
    }

    fn image(&self, channel: Channel, drive: Drive) -> Option<Image> {
        lock(&self.images).image(channel, drive)
    }

    fn read(&self, channel: Channel, drive: Drive, offset: u64, bytes: &mut [u8]) -> Result<(), Status> {
        self.is_well().map_err(|_| Status::IoError)?;
        lock(&self.images).read(channel, drive, offset, bytes)
    }

    fn write_group(&self, group: &mut Group) -> Result<(), FileStoreError> {
        self.is_well()?;
        self.watched(lock(&self.writer).write(&self.images, group))
    }

    fn sync(&self, _group: &Group) -> Result<(), FileStoreError> {
        self.is_well()?;
        self.watched(lock(&self.writer).sync(&self.images))
    }
}

/// Makes the folders, and locks them: `None` if nothing may be written there.
fn prepare<M: Medium>(medium: &M, folder: &Path) -> Result<Option<M::File>, FileStoreError> {
    let path = folder.join("lock");
    let opened = match medium.open_to_write(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => medium.create(&path),
        opened => opened,
    };
    let file = match opened {
        Err(error) if images::is_refusal(&error) => return Ok(None),
        opened => opened.map_err(FileStoreError::io(&path, "open"))?,
    };
    if !file.try_lock().map_err(FileStoreError::io(&path, "lock"))? {
        return Err(FileStoreError::Locked { path });
    }
    for name in FOLDERS {
        let folder = folder.join(name);
        medium.create_folder(&folder).map_err(FileStoreError::io(&folder, "create"))?;
    }
    medium.sync_folder(folder).map_err(FileStoreError::io(folder, "sync"))?;
    Ok(Some(file))
}

/// Puts a copy of a file of a known shape in the place of an image.
fn replace<M: Medium>(
    medium: &M,
    images: &mut Images<M>,
    place: images::Place,
    from: &Path,
) -> Result<(), FileStoreError> {
    let file = medium.open(from).map_err(FileStoreError::io(from, "open"))?;
    let length = file.length().map_err(FileStoreError::io(from, "read the length of"))?;
    if images::geometry(length).is_none() {
        return Err(FileStoreError::Length { path: from.to_owned(), length });
    }
    let path = images.path(place);
    images.replace(place, &file).map_err(FileStoreError::io(&path, "replace"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked holds no half of a group: the journal is written before anything else.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
