//! Images that people replace, and what is recovered for them.

use std::borrow::ToOwned as _;
use std::io;
use std::path::Path;

use region_store::medium::{Identity, Medium, MediumFile};
use sector_cache::{Drive, Geometry};

use super::super::error::FileStoreError;
use super::{Images, Place, copy};
use crate::codec::{Channel, Status};

impl<M: Medium> Images<M> {
    /// Refuses templates of no known shape: it is rather a mistake than a disk.
    pub(in super::super) fn check_templates(&mut self) -> Result<(), FileStoreError> {
        for drive in super::drives() {
            let path = self.path((None, drive));
            match self.medium.identity(&path) {
                Ok(identity) if super::geometry(identity.length).is_none() => {
                    return Err(FileStoreError::Length { path, length: identity.length });
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(FileStoreError::io(&path, "look at")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts a copy of an image in the place of a drive's own, on the disk when this returns.
    pub(in super::super) fn replace(&mut self, place: Place, from: &M::File) -> io::Result<()> {
        let path = self.path(place);
        if let Some(channel) = place.0 {
            self.medium.create_folder(&self.folders.channels.join(channel.as_str()))?;
            self.medium.sync_folder(&self.folders.channels)?;
        }
        copy::image(&self.medium, &path, |file| copy::copy(from, file))?;
        self.forget(place);
        self.note(place);
        // What cannot be looked at now is found to be another one later.
        self.known.extend(self.medium.identity(&path).ok().map(|identity| (place, identity)));
        Ok(())
    }

    /// Whether a channel's own image is the file that it was, of the same length.
    pub(in super::super) fn is_own(
        &mut self,
        channel: Channel,
        drive: Drive,
        identity: &Identity,
    ) -> Result<bool, FileStoreError> {
        let place = (Some(channel), drive);
        let shown = match self.find(channel, drive) {
            // One of no known shape is another one, too.
            Err(Status::UnknownDrive) => return Ok(false),
            shown => shown.map_err(|_| unreadable(&self.path(place)))?,
        };
        Ok(shown.is_some_and(|(open, _)| {
            open.is_own && open.identity.is_same_file(identity) && open.identity.length == identity.length
        }))
    }

    /// Whether a channel's own image has the bytes that the template has.
    pub(in super::super) fn is_like_template(
        &mut self,
        channel: Channel,
        drive: Drive,
    ) -> Result<bool, FileStoreError> {
        let unreadable = |place: Place, images: &Self| unreadable(&images.path(place));
        let own = match self.find(channel, drive) {
            Err(Status::UnknownDrive) => return Ok(false),
            found => found.map_err(|_| unreadable((Some(channel), drive), self))?,
        };
        let template = self.template(drive).map_err(|_| unreadable((None, drive), self))?;
        let (Some((own, _)), Some(template)) = (own, template) else { return Ok(false) };
        copy::is_equal(&own.file, &template.file).map_err(|_| unreadable((Some(channel), drive), self))
    }

    /// Reads of a channel's own image, while the store recovers.
    pub(in super::super) fn read_own(
        &mut self,
        (channel, drive): (Channel, Drive),
        offset: u64,
        bytes: &mut [u8],
    ) -> Result<(), FileStoreError> {
        self.read(channel, drive, offset, bytes).map_err(|_| unreadable(&self.path((Some(channel), drive))))
    }

    /// Writes what `fill` has over a copy of the image that a drive shows, or over zeros if that has another shape.
    pub(in super::super) fn write_beside(
        &mut self,
        channel: Channel,
        drive: Drive,
        geometry: Geometry,
        path: &Path,
        fill: impl Fn(&M::File) -> io::Result<()>,
    ) -> io::Result<()> {
        let shown = match self.find(channel, drive) {
            Err(Status::UnknownDrive) => None,
            shown => shown.map_err(|_| io::Error::other("the image that is there cannot be read"))?,
        };
        let shown = shown.filter(|(_, image)| image.geometry == geometry);
        self.medium.create_folder(&self.folders.channels.join(channel.as_str()))?;
        copy::image(&self.medium, path, |file| {
            match &shown {
                Some((open, _)) => copy::copy(&open.file, file)?,
                // Its last byte makes it as long as it was.
                None => file.write_all_at(&[0], geometry.bytes().saturating_sub(1))?,
            }
            fill(file)
        })
    }
}

/// What is in the journal cannot be compared with what the image has.
fn unreadable(path: &Path) -> FileStoreError {
    let source = io::Error::other("it is there, but cannot be read");
    FileStoreError::Io { path: path.to_owned(), operation: "recover", source }
}
