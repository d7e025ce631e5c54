//! The manifests of a slice on its spindles: written last, read first, and removed first.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::defect::{self, Defect};
use super::files::{SliceFile, Spindle};
use crate::error::{Error, Result};
use crate::format::manifest::MAX_MANIFEST_LENGTH;
use crate::format::{Damage, Manifest, Problem, SnapId};
use crate::medium::{Medium, MediumFile as _};
use crate::writer::create_part;

/// Makes a slice whole whose regions are synced and have their names: syncs the folders, then writes the manifests.
pub(super) fn publish<M: Medium>(medium: &M, spindles: &[Spindle], manifest: &Manifest) -> Result<()> {
    let bytes = manifest.encode()?;
    if !defect::planted(Defect::ManifestBeforeFolders) {
        sync_folders(medium, spindles)?;
    }
    for spindle in spindles {
        write(medium, &SliceFile::manifest(manifest.snap_id).path(&spindle.folder), &bytes)?;
    }
    sync_folders(medium, spindles)
}

/// Writes a manifest under a temporary name, and gives it its own once it is on the disk. The folder is not synced.
fn write<M: Medium>(medium: &M, path: &Path, bytes: &[u8]) -> Result<()> {
    let (file, part_path) = create_part(medium, path)?;
    file.write_all_at(bytes, 0).map_err(Error::io(&part_path, "write"))?;
    file.sync_data().map_err(Error::io(&part_path, "sync"))?;
    medium.rename(&part_path, path).map_err(Error::io(&part_path, "rename"))
}

/// The manifest of a slice, from the first spindle that has a good one; `None` if none has any.
///
/// # Errors
/// One that [`is_damage`] only if all that there are are damaged.
pub(crate) fn read<M: Medium>(medium: &M, spindles: &[Spindle], snap_id: SnapId) -> Result<Option<Manifest>> {
    let mut told: Option<Error> = None;
    for spindle in spindles {
        match read_one(medium, &SliceFile::manifest(snap_id).path(&spindle.folder), snap_id) {
            Ok(Some(manifest)) => return Ok(Some(manifest)),
            Ok(None) => {}
            // One that is out of reach may be good, and says more than any that is not.
            Err(error) if told.as_ref().is_none_or(|told| is_damage(told) && !is_damage(&error)) => {
                told = Some(error);
            }
            Err(_) => {}
        }
    }
    told.map_or(Ok(None), Err)
}

/// Whether an error of reading says that there is no manifest, or region, and will never be one. What cannot be read now
/// and what is newer may be.
pub(crate) const fn is_damage(error: &Error) -> bool {
    match error {
        Error::Damaged { damage, .. } => !matches!(damage.problem, Problem::Unsupported { .. }),
        Error::SliceMismatch { .. } => true,
        _ => false,
    }
}

fn read_one<M: Medium>(medium: &M, path: &Path, snap_id: SnapId) -> Result<Option<Manifest>> {
    let file = match medium.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(path, "open")(error)),
    };
    let length = file.length().map_err(Error::io(path, "look at"))?;
    let Some(length) = usize::try_from(length).ok().filter(|&length| length <= MAX_MANIFEST_LENGTH) else {
        let problem = Problem::Value { found: length, expected: "the length of a manifest, at most 16 MiB" };
        return Err(Error::damaged(path)(Damage::new("manifest", 0, problem)));
    };
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0).map_err(Error::io(path, "read"))?;
    let manifest = Manifest::decode(&bytes).map_err(Error::damaged(path))?;
    if manifest.snap_id != snap_id {
        return Err(Error::SliceMismatch { path: path.to_owned(), field: "name" });
    }
    Ok(Some(manifest))
}

/// Removes the manifests of a slice, finished or not. When this returns, it is no slice any more, whatever happens to its
/// regions, which may go then.
pub(super) fn withdraw<M: Medium>(medium: &M, spindles: &[Spindle], snap_id: SnapId) -> Result<()> {
    let manifest = SliceFile::manifest(snap_id);
    for spindle in spindles {
        for file in [SliceFile { is_part: true, ..manifest }, manifest] {
            let path = file.path(&spindle.folder);
            remove_if_there(medium, &path).map_err(Error::io(&path, "remove"))?;
        }
    }
    sync_folders(medium, spindles)
}

/// Removes a slice, finished or not, from those of its spindles that are there: first what makes it one, then its regions.
/// If not all are there, those that are tell that it is gone, so that what the others have of it is none when they return.
pub(crate) fn remove<M: Medium>(medium: &M, spindles: &[Spindle], manifest: &Manifest) -> Result<()> {
    let of_slice = |spindle: &&Spindle| manifest.spindles.contains(&spindle.name);
    let there: Vec<Spindle> = spindles.iter().filter(of_slice).cloned().collect();
    if defect::planted(Defect::RegionsBeforeManifests) {
        remove_regions(medium, &there, manifest)?;
    }
    withdraw(medium, &there, manifest.snap_id)?;
    if there.len() < manifest.spindles.len() {
        // Not before: what could not be withdrawn may be read still. And a full disk has room now where the manifest was.
        tell_gone(medium, &there, manifest.snap_id)?;
    }
    remove_regions(medium, &there, manifest)
}

/// Has spindles tell that a slice is gone.
fn tell_gone<M: Medium>(medium: &M, spindles: &[Spindle], snap_id: SnapId) -> Result<()> {
    for spindle in spindles {
        let path = SliceFile::gone(snap_id).path(&spindle.folder);
        match medium.create(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(Error::io(&path, "create")(error));
            }
            _ => {}
        }
    }
    sync_folders(medium, spindles)
}

/// Removes the regions of a slice, finished or not: all that can be. The first error tells of what cannot.
pub(super) fn remove_regions<M: Medium>(medium: &M, spindles: &[Spindle], manifest: &Manifest) -> Result<()> {
    let mut removed = Ok(());
    for region in &manifest.regions {
        let name = manifest.spindles.get(region.spindle as usize);
        let Some(spindle) = spindles.iter().find(|spindle| Some(&spindle.name) == name) else { continue };
        let file = SliceFile::region(manifest.snap_id, region.index);
        for file in [SliceFile { is_part: true, ..file }, file] {
            let path = file.path(&spindle.folder);
            removed = removed.and(remove_if_there(medium, &path).map_err(Error::io(&path, "remove")));
        }
    }
    removed
}

pub(crate) fn remove_if_there<M: Medium>(medium: &M, path: &Path) -> io::Result<()> {
    match medium.remove(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn sync_folders<M: Medium>(medium: &M, spindles: &[Spindle]) -> Result<()> {
    spindles.iter().try_for_each(|spindle| {
        medium.sync_folder(&spindle.folder).map_err(Error::io(&spindle.folder, "sync the folder"))
    })
}
