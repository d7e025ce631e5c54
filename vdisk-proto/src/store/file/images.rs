//! The images: where they are, which of them are open, and what of them is only in the journal.

mod copy;
mod replace;
mod watch;

use std::borrow::ToOwned as _;
use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use lru::LruCache;
use region_store::medium::{Identity, Medium, MediumFile};
use sector_cache::{Drive, Geometry};

use super::overlay::Overlay;
use super::{FileStoreOptions, Notice};
use crate::codec::{Channel, Status};
use crate::store::{Image, Write};
use watch::Change;
pub(super) use watch::{Change as ImageChange, Found, NO_FILE, UNTOLD_NS, Watched};

/// The shapes that files may have.
const GEOMETRIES: [Geometry; 3] = [Geometry::ALTAIR_8_INCH, Geometry::ALTAIR_MINIDISK, Geometry::IBM_3740];

/// Drives that are known to have no image, by open file: of a channel that says HELLO, all sixteen are asked for.
const SHARED_PER_FILE: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// A drive of a channel, or without one, a template.
pub(super) type Place = (Option<Channel>, Drive);

/// The images below a folder.
#[derive(Debug)]
pub(super) struct Images<M: Medium> {
    medium: M,
    folders: Folders,
    /// Whether nothing may be written below the folder.
    is_read_only: bool,
    /// What new images leave free.
    reserve_bytes: u64,
    open: LruCache<(Channel, Drive), Arc<OpenImage<M::File>>>,
    /// Templates that were opened: one a drive at most. Their bytes are held, so that channels that never wrote are read
    /// without a call.
    templates: BTreeMap<Drive, Arc<OpenImage<M::File>>>,
    /// Drives of channels that have no image of their own, and whether they cannot have one.
    shared: LruCache<(Channel, Drive), bool>,
    /// As they were when last looked at or written, open or not: all that there are.
    known: BTreeMap<Place, Identity>,
    /// Drives whose images failed: they take no more writes.
    overlays: BTreeMap<(Channel, Drive), Overlay>,
    /// Images that were found to be others than they were, and were not told yet.
    changed: Vec<Change>,
    /// Images that were made here and not looked at yet: nobody else changed them.
    made: BTreeSet<Place>,
    /// Images that were told to be others, which the journal does not say yet, and the last session from before that.
    untold: BTreeMap<(Channel, Drive), u32>,
    /// Files of which it was said that they are no drives.
    odd: BTreeSet<Place>,
    /// What is to be said.
    notices: Vec<Notice>,
    /// Whether all images that there are are known, which recovery sees to.
    knows_all: bool,
    /// Whether a sync of images failed: nobody knows then what is on the disk of them.
    has_lost: bool,
}

/// Where images are.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    data: PathBuf,
    channels: PathBuf,
    templates: PathBuf,
}

#[derive(Debug)]
enum Opened<F> {
    Image(Arc<OpenImage<F>>),
    /// The channel has none of its own; and whether it cannot have one.
    Shared(bool),
}

/// An image whose file is open.
#[derive(Debug)]
pub(super) struct OpenImage<F> {
    file: F,
    pub(super) image: Image,
    pub(super) identity: Identity,
    /// Whether it is the channel's own.
    is_own: bool,
    /// All bytes of a template, as they were when it was opened.
    held: Vec<u8>,
}

/// An open file, and the image that a drive shows from it.
type Shown<F> = (Arc<OpenImage<F>>, Image);

impl<M: Medium> Images<M> {
    pub(super) fn new(medium: M, folder: &Path, is_read_only: bool, options: &FileStoreOptions) -> Self {
        let open_files = NonZeroUsize::new(options.open_files).unwrap_or(NonZeroUsize::MIN);
        Self {
            medium,
            folders: Folders {
                data: folder.to_owned(),
                channels: folder.join("channels"),
                templates: folder.join("templates"),
            },
            is_read_only,
            reserve_bytes: options.reserve_bytes,
            open: LruCache::new(open_files),
            templates: BTreeMap::new(),
            shared: LruCache::new(open_files.saturating_mul(SHARED_PER_FILE)),
            known: BTreeMap::new(),
            overlays: BTreeMap::new(),
            changed: Vec::new(),
            made: BTreeSet::new(),
            untold: BTreeMap::new(),
            odd: BTreeSet::new(),
            notices: Vec::new(),
            knows_all: false,
            has_lost: false,
        }
    }

    pub(super) const fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// The file of an image, whether it is there or not.
    pub(super) fn path(&self, place: Place) -> PathBuf {
        self.folders.path(place)
    }

    pub(super) const fn folders(&self) -> &Folders {
        &self.folders
    }

    /// The image that a drive shows, if it has one that can be opened.
    pub(super) fn image(&mut self, channel: Channel, drive: Drive) -> Option<Image> {
        self.find(channel, drive).ok().flatten().map(|(_, image)| image)
    }

    pub(super) fn read(
        &mut self,
        channel: Channel,
        drive: Drive,
        offset: u64,
        bytes: &mut [u8],
    ) -> Result<(), Status> {
        let (open, _) = self.find(channel, drive)?.ok_or(Status::UnknownDrive)?;
        let end = offset.checked_add(bytes.len() as u64).ok_or(Status::IoError)?;
        if end > open.identity.length {
            return Err(Status::IoError);
        }
        open.read(bytes, offset).ok_or(Status::IoError)?;
        if let Some(overlay) = self.overlays.get(&(channel, drive)) {
            overlay.cover(offset, bytes);
        }
        Ok(())
    }

    /// Makes sure that a drive can take a write of this shape: step (a), "its image exists, synced, renamed into place,
    /// its folder synced". Says which file it is.
    pub(super) fn prepare(
        &mut self,
        channel: Channel,
        drive: Drive,
        geometry: Geometry,
    ) -> Result<Identity, Status> {
        if self.overlays.contains_key(&(channel, drive)) {
            return Err(Status::IoError);
        }
        let (open, image) = self.find(channel, drive)?.ok_or(Status::IoError)?;
        if image.geometry != geometry {
            return Err(Status::IoError);
        }
        if image.is_read_only {
            return Err(Status::ReadOnly);
        }
        let place = (Some(channel), drive);
        if open.is_own {
            return Ok(self.known.get(&place).copied().unwrap_or(open.identity));
        }
        self.has_room(geometry)?;
        let path = self.path(place);
        copy::template(&self.medium, &open.held, &self.folders.channels, &path)?;
        self.shared.pop(&(channel, drive));
        self.made.insert(place);
        match self.find(channel, drive)? {
            Some((open, _)) if open.is_own => Ok(open.identity),
            _ => Err(Status::IoError),
        }
    }

    /// Makes sure that a channel's own image, if it has one, is on the disk with all that was written to it: whether it
    /// is. Once a sync failed, another one does not tell.
    pub(super) fn settle(&mut self, channel: Channel, drive: Drive) -> bool {
        if self.has_lost || self.overlays.contains_key(&(channel, drive)) {
            return false;
        }
        if !self.known.contains_key(&(Some(channel), drive)) {
            return true;
        }
        let synced = match self.find(channel, drive) {
            Ok(Some((open, _))) if open.is_own => open.file.sync_data(),
            Ok(_) => Ok(()),
            Err(_) => self.folders.sync(&self.medium),
        };
        // To find it may have noticed a loss, too.
        synced.inspect_err(|error| self.failed_to_sync(error)).is_ok() && !self.has_lost
    }

    /// Whether another image leaves the reserve alone, as far as is known.
    fn has_room(&self, geometry: Geometry) -> Result<(), Status> {
        let free = self.medium.free_bytes(&self.folders.channels).ok().flatten();
        let needed = self.reserve_bytes.saturating_add(geometry.bytes());
        if free.is_some_and(|free| free < needed) { Err(Status::DiskFull) } else { Ok(()) }
    }

    /// Writes what is durable in the journal's `segment` into the image that it was meant for: step (d). Where that
    /// fails, the sectors stay here.
    pub(super) fn apply(&mut self, channel: Channel, write: &Write, meant_for: &Identity, segment: u64) {
        let is_done = match self.find(channel, write.drive) {
            // Somebody put another image in its place, which is not to get them.
            Ok(Some((open, _))) if !open.identity.is_same_file(meant_for) => return,
            Ok(None) => return,
            Ok(Some((open, _))) if !self.overlays.contains_key(&(channel, write.drive)) => {
                let is_written = write
                    .pieces()
                    .try_for_each(|(offset, bytes)| open.file.write_all_at(bytes, offset))
                    .and_then(|()| open.file.identity())
                    .map(|identity| self.known.insert((Some(channel), write.drive), identity));
                is_written.is_ok()
            }
            _ => false,
        };
        if !is_done {
            let overlay = self.overlays.entry((channel, write.drive)).or_insert(Overlay::new(segment));
            overlay.hold(write);
        }
    }

    /// The lowest segment that is needed beside the last: by an overlay, or all of them after a sync that failed.
    pub(super) fn pinned(&self) -> Option<u64> {
        if self.has_lost { Some(0) } else { self.overlays.values().map(Overlay::segment).min() }
    }

    /// The image that a drive shows. It is opened if need be.
    fn find(&mut self, channel: Channel, drive: Drive) -> Result<Option<Shown<M::File>>, Status> {
        if let Some(open) = self.open.get(&(channel, drive)) {
            return Ok(Some((Arc::clone(open), open.image)));
        }
        let known = self.shared.get(&(channel, drive)).copied();
        let opened = known.map_or_else(|| self.open_own(channel, drive), |known| Ok(Opened::Shared(known)));
        let is_read_only = match opened? {
            Opened::Image(open) => {
                self.open.put((channel, drive), Arc::clone(&open));
                let image = open.image;
                return Ok(Some((open, image)));
            }
            Opened::Shared(is_read_only) => is_read_only,
        };
        if known.is_none() {
            self.saw_none((Some(channel), drive))?;
            self.shared.put((channel, drive), is_read_only);
        }
        let Some(template) = self.template(drive)? else { return Ok(None) };
        let mut image = template.image;
        image.is_read_only |= is_read_only;
        Ok(Some((template, image)))
    }

    /// The template of a drive, if there is one.
    pub(super) fn template(&mut self, drive: Drive) -> Result<Option<Arc<OpenImage<M::File>>>, Status> {
        let place = (None, drive);
        if let Some(open) = self.templates.get(&drive) {
            return Ok(Some(Arc::clone(open)));
        }
        let path = self.path(place);
        let Some(open) = found(self.medium.open(&path))?.map(|file| self.opened(place, file, true)) else {
            return Ok(None);
        };
        let mut open = open?;
        let length = usize::try_from(open.identity.length).map_err(|_| Status::IoError)?;
        let mut held = vec![0; length];
        open.read(&mut held, 0).ok_or(Status::IoError)?;
        open.held = held;
        let open = Arc::new(open);
        self.templates.insert(drive, Arc::clone(&open));
        Ok(Some(open))
    }

    fn open_own(&mut self, channel: Channel, drive: Drive) -> Result<Opened<M::File>, Status> {
        let place = (Some(channel), drive);
        let path = self.path(place);
        let to_write =
            if self.is_read_only { Ok(None) } else { found(refused(self.medium.open_to_write(&path))) };
        let (file, is_writable) = match to_write? {
            Some(file) => (Some(file), true),
            None => (found(self.medium.open(&path))?, false),
        };
        match file {
            Some(file) => self.opened(place, file, is_writable).map(|open| Opened::Image(Arc::new(open))),
            None => Ok(Opened::Shared(self.cannot_create(channel))),
        }
    }

    /// Looks at the file of an image, which may be another one than it was.
    fn opened(
        &mut self,
        place: Place,
        file: M::File,
        is_writable: bool,
    ) -> Result<OpenImage<M::File>, Status> {
        let identity = file.identity().map_err(|_| Status::IoError)?;
        self.mind_length(place, &identity);
        let geometry = geometry(identity.length).ok_or(Status::UnknownDrive)?;
        let image = Image { geometry, is_read_only: identity.is_read_only || !is_writable };
        self.saw(place, identity)?;
        Ok(OpenImage { file, image, identity, is_own: place.0.is_some(), held: Vec::new() })
    }

    /// Whether a channel without an image cannot have one, for its folder or the one that this would be in.
    fn cannot_create(&self, channel: Channel) -> bool {
        let is_read_only =
            |folder: &Path| self.medium.identity(folder).is_ok_and(|identity| identity.is_read_only);
        let channels = &self.folders.channels;
        let folder = channels.join(channel.as_str());
        self.is_read_only || is_read_only(channels) || is_read_only(&folder)
    }
}

impl<F: MediumFile> OpenImage<F> {
    /// Reads what is at an offset, if all of it is there.
    fn read(&self, bytes: &mut [u8], offset: u64) -> Option<()> {
        if self.held.is_empty() {
            let read = self.file.read_full_at(bytes, offset).ok()?;
            return (read == bytes.len()).then_some(());
        }
        let held = self.held.get(usize::try_from(offset).ok()?..)?.get(..bytes.len())?;
        bytes.copy_from_slice(held);
        Some(())
    }
}

impl Folders {
    /// The file of an image, whether it is there or not.
    fn path(&self, (channel, drive): Place) -> PathBuf {
        let letter = char::from(b'a'.saturating_add(drive.number()));
        let folder = channel.map_or(self.templates.clone(), |channel| self.channels.join(channel.as_str()));
        folder.join(format!("{letter}.dsk"))
    }
}

/// All drives.
pub(super) fn drives() -> impl Iterator<Item = Drive> {
    (0..Drive::COUNT).filter_map(|number| Drive::new(number).ok())
}

/// The shape of an image of so many bytes.
pub(super) fn geometry(length: u64) -> Option<Geometry> {
    GEOMETRIES.into_iter().find(|geometry| geometry.bytes() == length)
}

/// A file that is not there is none; another failure is one.
fn found<F>(opened: io::Result<F>) -> Result<Option<F>, Status> {
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(_) => Err(Status::IoError),
    }
}

/// A file that may not be written is none to write.
fn refused<F>(opened: io::Result<F>) -> io::Result<F> {
    opened.map_err(|error| if is_refusal(&error) { io::ErrorKind::NotFound.into() } else { error })
}

/// Whether somebody may not write, which is not the disk's fault.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}
