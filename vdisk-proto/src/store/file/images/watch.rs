//! Images that others change, and how that is noticed.
//!
//! What was last known of every image is kept, and is in the checkpoint of every segment, so that a change is noticed
//! under a running server and after it, however it ended. Files are looked at without a lock, since there may be many.
//!
//! Whoever put an image there need not have synced it. Everything is, before a change is noticed: so what was shown once
//! stays, and what the journal has for an image from before its change is never needed.

use std::collections::BTreeSet;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::vec::Vec;

use region_store::medium::{Identity, Medium, is_out_of_files};
use sector_cache::Drive;

use super::super::Notice;
use super::super::error::FileStoreError;
use super::super::record::Journalled;
use super::{Folders, Images, Place};
use crate::codec::{Channel, Status};

/// How many images are looked at between two turns of the lock.
pub(in super::super) const SLICE: usize = 1_024;

/// What is named of an image that is not there.
pub(in super::super) const NO_FILE: Identity =
    Identity { device: 0, inode: 0, length: 0, modified_ns: 0, is_read_only: false };
/// The time of an image whose change is not durable yet: no file has it, so that it will be noticed again.
pub(in super::super) const UNTOLD_NS: i64 = i64::MIN;

/// A change that was not told yet.
#[derive(Debug)]
pub(in super::super) enum Change {
    /// Of a channel's own image.
    Own(Channel, Drive),
    /// Of a template, and which channels did not read from it then.
    Template(Drive, BTreeSet<Channel>),
}

/// An image, and how its file is known.
pub(in super::super) type Watched = (Place, Option<Identity>);

/// What was found where an image may be: `Err` if nothing is known about it.
pub(in super::super) type Found = Result<Option<Identity>, ()>;

impl Change {
    /// The image that is another one.
    const fn place(&self) -> Place {
        match self {
            Self::Own(channel, drive) => (Some(*channel), *drive),
            Self::Template(drive, _) => (None, *drive),
        }
    }

    /// Whether an image shows the change: of a template, also one that was copied from it since.
    fn is_about(&self, place: Place) -> bool {
        match (self, place) {
            (Self::Template(changed, owners), (Some(channel), drive)) => {
                *changed == drive && !owners.contains(&channel)
            }
            _ => self.place() == place,
        }
    }
}

impl Folders {
    /// Looks at the file of an image.
    pub(in super::super) fn look<M: Medium>(&self, medium: &M, place: Place) -> Found {
        match medium.identity(&self.path(place)) {
            Ok(identity) => Ok(Some(identity)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(()),
        }
    }

    /// Makes all images survive a power cut as they are, with their names.
    pub(in super::super) fn sync<M: Medium>(&self, medium: &M) -> io::Result<()> {
        medium.sync_all(&self.data)
    }
}

impl<M: Medium> Images<M> {
    /// Takes note of a file as it is, and of a change if it was another.
    pub(super) fn saw(&mut self, place: Place, identity: Identity) -> Result<(), Status> {
        if !self.made.remove(&place) && self.is_other(place, Some(identity)) {
            self.sync()?;
            self.forget_overlay(place);
            self.note(place);
        }
        self.known.insert(place, identity);
        Ok(())
    }

    /// Looks whether a channel's drive still shows the file that has the image's name: a write into another one would be
    /// lost with it. One that does not is a change, as if it had been looked for.
    pub(in super::super) fn look_again(&mut self, channel: Channel, drive: Drive) -> Result<(), Status> {
        let place = (Some(channel), drive);
        let shown = self.find(channel, drive)?;
        let own = shown.filter(|(open, _)| open.is_own).map(|(open, _)| open.identity);
        let found = self.folders.look(&self.medium, place).map_err(|()| Status::IoError)?;
        let is_same = match (own, found) {
            (Some(own), Some(found)) => own.is_same_file(&found),
            (own, found) => own.is_none() && found.is_none(),
        };
        if !is_same {
            self.sync()?;
            self.changed(&[(place, found)]);
        }
        Ok(())
    }

    /// Whether a session's writes to a drive are meant for what was there before a change.
    pub(in super::super) fn is_of_the_past(&self, channel: Channel, drive: Drive, session: u32) -> bool {
        let is_noticed = self.changed.iter().any(|change| change.is_about((Some(channel), drive)));
        is_noticed || self.untold.get(&(channel, drive)).is_some_and(|last| session <= *last)
    }

    /// Takes note of a file that is not there, which is a change if it was.
    pub(super) fn saw_none(&mut self, place: Place) -> Result<(), Status> {
        if self.known.contains_key(&place) {
            self.sync()?;
            self.forget(place);
            self.note(place);
        }
        Ok(())
    }

    /// Before recovery knows all images, they may be as they like: it ends with a sync.
    fn sync(&mut self) -> Result<(), Status> {
        if !self.knows_all {
            return Ok(());
        }
        self.folders.sync(&self.medium).map_err(|error| {
            self.failed_to_sync(&error);
            Status::IoError
        })
    }

    /// A sync of images failed: if it was tried, and not for want of a file, what was written may be lost.
    pub(in super::super) fn failed_to_sync(&mut self, error: &io::Error) {
        self.has_lost |= !is_out_of_files(error);
    }

    /// Drives that show a template, which an image may be put in front of.
    pub(in super::super) fn shared(&self) -> Vec<Watched> {
        let places = self.shared.iter().map(|(&(channel, drive), _)| (Some(channel), drive));
        places.map(|place| (place, self.known.get(&place).copied())).collect()
    }

    /// The next images that are known, behind one, and how.
    pub(in super::super) fn known_after(&self, after: Option<Place>) -> Vec<Watched> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.known.range((start, Bound::Unbounded)).take(SLICE);
        next.map(|(place, identity)| (*place, Some(*identity))).collect()
    }

    /// Compares what was found with what is known, and with what was before it was looked for: if that was written to
    /// meanwhile, only another file is a change, and the next look tells the rest.
    pub(in super::super) fn others(&self, watched: &[Watched], found: &[Found]) -> Vec<Watched> {
        let mut others = Vec::new();
        for ((place, before), found) in watched.iter().zip(found) {
            let Ok(found) = *found else { continue };
            let known = self.known.get(place).copied();
            let is_other = if known == *before {
                self.is_other(*place, found)
            } else if let (Some(known), Some(before)) = (known, before) {
                known.is_same_file(before) && found.is_none_or(|found| !found.is_same_file(&known))
            } else {
                false
            };
            others.extend(is_other.then_some((*place, found)));
        }
        others
    }

    /// Takes note of images that are others, all of which is on the disk.
    pub(in super::super) fn changed(&mut self, others: &[Watched]) {
        for (place, found) in others {
            self.forget(*place);
            self.known.extend(found.map(|found| (*place, found)));
            self.note(*place);
            if let Some(found) = found {
                self.mind_length(*place, found);
            }
        }
    }

    /// Has it said of a file, once, that it is no drive for its length.
    pub(super) fn mind_length(&mut self, place: Place, identity: &Identity) {
        let length = identity.length;
        if super::geometry(length).is_none() && self.odd.insert(place) {
            self.notices.push(Notice::NoDrive { path: self.path(place), length });
        }
    }

    /// What is to be said.
    pub(in super::super) fn take_notices(&mut self) -> Vec<Notice> {
        core::mem::take(&mut self.notices)
    }

    /// Whether something was noticed and not told.
    pub(in super::super) const fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// What was noticed and not told.
    pub(in super::super) fn take_changes(&mut self) -> Vec<Change> {
        core::mem::take(&mut self.changed)
    }

    /// Images of which it is told that they changed, which the journal does not say yet, each with its channel's last
    /// session.
    pub(in super::super) fn told(&mut self, changed: impl Iterator<Item = ((Channel, Drive), u32)>) {
        self.untold.extend(changed);
    }

    /// That images changed is in the journal, and durable before the next segment begins.
    pub(in super::super) fn told_for_good(&mut self, changed: impl Iterator<Item = (Channel, Drive)>) {
        for place in changed {
            self.untold.remove(&place);
        }
    }

    /// A channel's own image as it is known, or the template that it reads instead, or that there is none.
    pub(in super::super) fn identity(&self, channel: Channel, drive: Drive) -> Identity {
        let known = self.known.get(&(Some(channel), drive)).or_else(|| self.known.get(&(None, drive)));
        known.copied().unwrap_or(NO_FILE)
    }

    /// A file as the journal names it before it is written to: if it is another one than it was, and that is not durable,
    /// as one that nobody has.
    pub(in super::super) fn as_named(&self, channel: Channel, drive: Drive, identity: Identity) -> Identity {
        let place = (Some(channel), drive);
        let is_untold = self.untold.contains_key(&(channel, drive))
            || self.changed.iter().any(|change| change.is_about(place));
        if is_untold { Identity { modified_ns: UNTOLD_NS, ..identity } } else { identity }
    }

    /// All images as they are known, so that changes are noticed that are not durable, or not noticed yet.
    pub(in super::super) fn names(&self) -> Vec<Journalled> {
        let mut untold: BTreeSet<Place> =
            self.untold.keys().map(|(channel, drive)| (Some(*channel), *drive)).collect();
        let (own, templates): (Vec<_>, Vec<_>) =
            self.changed.iter().partition(|change| matches!(change, Change::Own(..)));
        untold.extend(own.into_iter().chain(templates.iter().copied()).map(Change::place));
        let mut names = Vec::new();
        for (place, identity) in &self.known {
            let is_untold = untold.remove(place) || templates.iter().any(|change| change.is_about(*place));
            let modified_ns = if is_untold { UNTOLD_NS } else { identity.modified_ns };
            names.push(named(*place, Identity { modified_ns, ..*identity }));
        }
        names.extend(
            untold.into_iter().map(|place| named(place, Identity { modified_ns: UNTOLD_NS, ..NO_FILE })),
        );
        names
    }

    /// Looks at all images that there are, and knows them from then on.
    pub(in super::super) fn learn(&mut self, channels: &BTreeSet<Channel>) -> Result<(), FileStoreError> {
        let mut all = channels.clone();
        for path in self.list(&self.folders.channels)? {
            let name = path.file_name().and_then(|name| name.to_str());
            all.extend(name.and_then(|name| Channel::new(name).ok()));
        }
        // What was opened to recover it tells nothing.
        self.known.clear();
        self.changed.clear();
        self.knows_all = true;
        for channel in [None].into_iter().chain(all.into_iter().map(Some)) {
            let folder = match channel {
                Some(channel) => self.folders.channels.join(channel.as_str()),
                None => self.folders.templates.clone(),
            };
            let paths = self.list(&folder)?;
            for place in super::drives().map(|drive| (channel, drive)) {
                let path = self.folders.path(place);
                if !paths.contains(&path) {
                    continue;
                }
                match self.medium.identity(&path) {
                    Ok(identity) => {
                        self.known.extend([(place, identity)]);
                        self.mind_length(place, &identity);
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(FileStoreError::io(&path, "look at")(error)),
                }
            }
        }
        Ok(())
    }

    /// Which file an image was when last looked at, without its permissions.
    pub(in super::super) fn known(&self, place: Place) -> Option<Identity> {
        self.known.get(&place).map(|identity| Identity { is_read_only: false, ..*identity })
    }

    /// Whether what is found is not what was known.
    fn is_other(&self, place: Place, found: Option<Identity>) -> bool {
        let known = self.known.get(&place).copied();
        let (Some(known), Some(found)) = (known, found) else { return known != found };
        let is_failed = place.0.is_some_and(|channel| self.overlays.contains_key(&(channel, place.1)));
        // What a write that failed has changed is not known.
        if is_failed {
            return !known.is_same_file(&found) || known.length != found.length;
        }
        known != found
    }

    /// Notes a change, to be told.
    pub(super) fn note(&mut self, (channel, drive): Place) {
        let change = match channel {
            Some(channel) => Change::Own(channel, drive),
            None => {
                let own = self.known.keys().filter(|(_, other)| *other == drive);
                Change::Template(drive, own.filter_map(|(channel, _)| *channel).collect())
            }
        };
        self.changed.push(change);
    }

    /// Forgets an image that is another one now, and what could not be written to the last.
    pub(super) fn forget(&mut self, place: Place) {
        let (channel, drive) = place;
        match channel {
            Some(channel) => {
                self.open.pop(&(channel, drive));
                self.shared.pop(&(channel, drive));
            }
            None => drop(self.templates.remove(&drive)),
        }
        self.known.remove(&place);
        self.forget_overlay(place);
    }

    fn forget_overlay(&mut self, (channel, drive): Place) {
        if let Some(channel) = channel {
            self.overlays.remove(&(channel, drive));
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, FileStoreError> {
        match self.medium.list(folder) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Vec::new())
            }
            listed => listed.map_err(FileStoreError::io(folder, "list")),
        }
    }
}

fn named((channel, drive): Place, identity: Identity) -> Journalled {
    Journalled::Image { channel, drive, identity: Identity { is_read_only: false, ..identity } }
}
