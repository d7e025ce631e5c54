//! What is on the spindles when a store is opened.

use std::collections::{BTreeMap, BTreeSet};

use super::defect::{self, Defect};
use super::event::Leftover;
use super::rubbish::{Files, Rubbish};
use super::spindle::Spindles;
use crate::error::{Error, Result};
use crate::format::{Manifest, SnapId};
use crate::medium::{Medium, MediumFile as _};
use crate::slice::{self, Content, SliceFile, Spindle};

/// What was found. Whatever is neither a slice nor kept is gone.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The slices, one for each key, the oldest first.
    pub(super) slices: Vec<Whole>,
    pub(super) removed: Vec<Leftover>,
    pub(super) kept: Vec<Leftover>,
    /// Of what is kept, that which was to be removed.
    pub(super) rubbish: Vec<Rubbish>,
}

/// A slice that is whole, as far as its spindles are there.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) manifest: Manifest,
    /// A spindle that is missing, if one is.
    pub(super) lacking: Option<String>,
    files: Files,
}

/// Looks at all files of slices.
///
/// # Errors
/// [`Error::Io`] if a folder cannot be synced or listed.
pub(super) fn find<M: Medium>(medium: &M, spindles: &Spindles<M>) -> Result<Found> {
    // What the last store did to names before it was killed may not be on the disk, and something is done by them now.
    for spindle in &spindles.present {
        medium.sync_folder(&spindle.folder).map_err(Error::io(&spindle.folder, "sync the folder"))?;
    }
    let mut found = Found::default();
    for (snap_id, files) in list(medium, &spindles.present)? {
        let (parts, files): (Files, Files) = files.into_iter().partition(|(file, _)| file.is_part);
        if !parts.is_empty() {
            found.remove(medium, parts, "it was not written to its end");
        }
        if files.iter().any(|(file, _)| file.content == Content::Gone) {
            found.bury(medium, spindles, files);
        } else if !files.is_empty() {
            found.judge(medium, spindles, snap_id, files);
        }
    }
    found.keep_the_latest(medium);
    Ok(found)
}

fn list<M: Medium>(medium: &M, spindles: &[Spindle]) -> Result<BTreeMap<SnapId, Files>> {
    let mut all: BTreeMap<SnapId, Files> = BTreeMap::new();
    for spindle in spindles {
        for path in medium.list(&spindle.folder).map_err(Error::io(&spindle.folder, "list"))? {
            if let Some(file) = SliceFile::of_path(&path) {
                all.entry(file.snap_id).or_default().push((file, path));
            }
        }
    }
    Ok(all)
}

impl Found {
    /// Looks at the files of one writing that have their names.
    fn judge<M: Medium>(&mut self, medium: &M, spindles: &Spindles<M>, snap_id: SnapId, files: Files) {
        // A good manifest may be where nobody can look.
        let may_be_elsewhere = !spindles.missing.is_empty() && !defect::planted(Defect::MissingIsEmpty);
        match slice::read_manifest(medium, &spindles.present, snap_id) {
            Ok(Some(manifest)) => match lacking(medium, &spindles.present, &manifest) {
                Ok(lacking) => self.slices.push(Whole { manifest, lacking, files }),
                Err(why) => self.remove(medium, files, &why),
            },
            Ok(None) if may_be_elsewhere => {
                self.keep(files, "there is no manifest on the spindles that are there");
            }
            Ok(None) => self.remove(medium, files, "there is no manifest: it was not written to its end"),
            Err(error) if may_be_elsewhere || !slice::is_damage(&error) => {
                self.keep(files, &error.to_string());
            }
            Err(error) => self.remove(medium, files, &error.to_string()),
        }
    }

    /// Removes what is there of one that is gone. As long as a spindle is missing it has to be known that it is.
    fn bury<M: Medium>(&mut self, medium: &M, spindles: &Spindles<M>, mut files: Files) {
        if !spindles.missing.is_empty() {
            files.retain(|(file, _)| file.content != Content::Gone);
        }
        if !files.is_empty() {
            self.remove(medium, files, "it was removed while a spindle was missing");
        }
    }

    /// Of each slice the latest generation stays, and of that what was written last.
    fn keep_the_latest<M: Medium>(&mut self, medium: &M) {
        let rank =
            |manifest: &Manifest| (manifest.identity.generation_clock, manifest.created_ns, manifest.snap_id);
        self.slices.sort_by_key(|whole| rank(&whole.manifest));
        let mut keys = BTreeSet::new();
        for whole in std::mem::take(&mut self.slices).into_iter().rev() {
            if keys.insert(super::SliceKey::from(whole.manifest.identity)) {
                self.slices.push(whole);
            } else {
                self.remove(medium, whole.files, "a later writing of the slice is there");
            }
        }
        self.slices.sort_by_key(|whole| (whole.manifest.created_ns, whole.manifest.snap_id));
    }

    fn keep(&mut self, files: Files, why: &str) {
        let paths = files.into_iter().map(|(_, path)| path).collect();
        self.kept.push(Leftover { paths, why: why.to_owned() });
    }

    /// Removes files. What cannot be removed is kept, and tried again.
    fn remove<M: Medium>(&mut self, medium: &M, files: Files, why: &str) {
        let rubbish = Rubbish::new(files, why);
        match rubbish.remove(medium) {
            Ok(()) => self.removed.push(rubbish.leftover()),
            Err(error) => {
                self.kept.push(Leftover { why: error.to_string(), ..rubbish.leftover() });
                self.rubbish.push(rubbish);
            }
        }
    }
}

/// The spindle that a slice lacks, if it lacks one.
///
/// # Errors
/// Why it is not whole though it lacks none.
fn lacking<M: Medium>(
    medium: &M,
    spindles: &[Spindle],
    manifest: &Manifest,
) -> std::result::Result<Option<String>, String> {
    let mut lacking = None;
    for region in &manifest.regions {
        // Decoding has seen to it that there is a name.
        let name = manifest.spindles.get(region.spindle as usize).map_or("", String::as_str);
        let Some(spindle) = spindles.iter().find(|spindle| spindle.name == name) else {
            lacking = Some(name.to_owned());
            continue;
        };
        let path = SliceFile::region(manifest.snap_id, region.index).path(&spindle.folder);
        match medium.open(&path).and_then(|file| file.length()) {
            Ok(length) if length == region.file_length => {}
            Ok(length) => {
                let expected = region.file_length;
                return Err(format!("{}: it has {length} bytes, not {expected}", path.display()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(format!("{} is missing", path.display()));
            }
            // What cannot be looked at now is looked at again when it is asked for.
            Err(_) => {}
        }
    }
    Ok(lacking)
}
