//! How a channel gets an image of its own: whole and on the disk before it has its name.

use std::borrow::ToOwned as _;
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

use region_store::medium::{Medium, MediumFile, folder_of};

use super::super::defect::{Defect, planted};
use crate::codec::Status;

/// Bytes that are copied at a time.
const PIECE_LENGTH: usize = 1 << 16;

/// Copies a template's bytes to where a channel's own image is to be, in a folder in `channels`.
pub(super) fn template<M: Medium>(
    medium: &M,
    template: &[u8],
    channels: &Path,
    path: &Path,
) -> Result<(), Status> {
    let folder = folder_of(path);
    let copied = medium
        .create_folder(folder)
        // The folder may be there for another process's eyes only: it was killed before its own sync.
        .and_then(|()| medium.sync_folder(channels))
        .and_then(|()| {
            image(medium, path, |file| {
                file.allocate(template.len() as u64)?;
                file.write_all_at(template, 0)
            })
        });
    copied.map_err(|error| {
        // Names may be gone after a power cut that are there now: nothing is to be written below them. A folder that
        // has other images was there before, and stays.
        let _ = medium.remove(path);
        let _ = medium.remove_folder(folder);
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Status::DiskFull,
            _ => Status::IoError,
        }
    })
}

/// Puts an image in its place by its name, once all of it is on the disk. If the sync of the folder fails, it has its
/// name, which nobody knows whether it keeps.
pub(super) fn image<M: Medium>(
    medium: &M,
    path: &Path,
    fill: impl FnOnce(&M::File) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary(path);
    match medium.remove(&temporary) {
        // A process was killed while it copied. What it left is not to get the image's name, whatever becomes of this.
        Ok(()) => medium.sync_folder(folder_of(path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = medium.create(&temporary)?;
    let copied = fill(&file).and_then(|()| file.sync_data()).and_then(|()| medium.rename(&temporary, path));
    if let Err(error) = copied {
        // It is the first error that tells what is wrong.
        let _ = medium.remove(&temporary);
        return Err(error);
    }
    if planted(Defect::NoFolderSync) {
        return Ok(());
    }
    medium.sync_folder(folder_of(path))
}

/// Copies all bytes of a file.
pub(super) fn copy<F: MediumFile, G: MediumFile>(from: &F, to: &G) -> io::Result<()> {
    to.allocate(from.length()?)?;
    let mut piece = vec![0; PIECE_LENGTH];
    let mut offset = 0;
    loop {
        let read = from.read_full_at(&mut piece, offset)?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        to.write_all_at(bytes, offset)?;
        offset = offset.saturating_add(read as u64);
    }
}

/// Whether two files have the same bytes.
pub(super) fn is_equal<F: MediumFile>(one: &F, other: &F) -> io::Result<bool> {
    let mut pieces = [vec![0; PIECE_LENGTH], vec![0; PIECE_LENGTH]];
    let mut offset = 0;
    loop {
        let [first, second] = &mut pieces;
        let (read, read_too) = (one.read_full_at(first, offset)?, other.read_full_at(second, offset)?);
        if first.get(..read) != second.get(..read_too) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
        offset = offset.saturating_add(read as u64);
    }
}

/// The name of a file until it is whole.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
