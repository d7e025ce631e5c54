//! What people do to images, with a server and without.

use std::path::{Path, PathBuf};
use std::vec;
use std::vec::Vec;

use region_store::medium::{CrashMedium, Medium as _, MediumFile as _, folder_of};

use super::super::machine::{FOLDER, IMAGE, Random, drive};
use super::oracle::{Place, SECTOR_LENGTH, Stamps, Truth, bytes_of, sector_of, stamp_of};
use super::world::places;

/// A medium with a template, and an image of channel b, and what is true then.
pub(super) fn first_disks() -> (CrashMedium, Truth) {
    let (medium, mut truth) = (CrashMedium::new(), Truth::default());
    for folder in ["templates", "channels"] {
        medium.create_folder(&Path::new(FOLDER).join(folder)).unwrap();
    }
    put(&medium, &template(), &filled(1), true);
    put(&medium, &own(places()[2]), &filled(2), true);
    medium.sync_all(Path::new(FOLDER)).unwrap();
    truth.templates.push(filled(1));
    for place in places() {
        truth.add_disk(place, filled(if place.1 == drive(1) { 1 } else { 2 }));
    }
    (medium, truth)
}

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Replace,
    /// A channel's image is made the template again, by a copy.
    Reset,
    Remove,
    ReplaceTemplate,
    Edit,
}

/// Does something to one of the disks. Edits of what is there are synced, whatever `is_synced` says.
pub(super) fn act(medium: &CrashMedium, truth: &mut Truth, act: Act, random: &mut Random, stamp: u32) {
    let place = places()[random.below(4) as usize];
    let is_synced = random.below(2) == 0;
    let own = own(place);
    let has_own = |place| medium.identity(&self::own(place)).is_ok();
    match act {
        Act::Replace => {
            truth.change(place, filled(stamp), is_synced);
            put(medium, &own, &filled(stamp), is_synced);
        }
        Act::Reset => {
            let stamps = read(medium, &template());
            truth.change(place, stamps.clone(), is_synced);
            put(medium, &own, &stamps, is_synced);
        }
        Act::Remove if has_own(place) && place.1 == drive(1) => {
            truth.remove(place, is_synced);
            medium.remove(&own).unwrap();
            if is_synced {
                medium.sync_folder(folder_of(&own)).unwrap();
            }
        }
        Act::ReplaceTemplate => {
            truth.templates.push(filled(stamp));
            for place in places().into_iter().filter(|place| place.1 == drive(1)) {
                // An own image that the store did not see yet is not what it shows.
                if has_own(place) && truth.changes(place).is_none() {
                    truth.suspect(place);
                } else {
                    truth.change(place, filled(stamp), is_synced);
                }
            }
            put(medium, &template(), &filled(stamp), is_synced);
        }
        Act::Edit if medium.identity(&own).is_ok_and(|found| found.length == IMAGE.geometry.bytes()) => {
            let sector = 12 + random.below(5) as usize;
            let mut stamps = read(medium, &own);
            // Sometimes as it was made.
            stamps[sector] = if random.below(3) == 0 { 1 } else { stamp };
            truth.edit(place, stamps.clone());
            let file = medium.open_to_write(&own).unwrap();
            file.write_all_at(&sector_of(stamps[sector]), (sector * SECTOR_LENGTH) as u64).unwrap();
            file.sync_data().unwrap();
        }
        Act::Remove | Act::Edit => {}
    }
}

pub(super) fn own((channel, drive): Place) -> PathBuf {
    let letter = char::from(b'a' + drive.number());
    Path::new(FOLDER).join(std::format!("channels/{channel}/{letter}.dsk"))
}

fn template() -> PathBuf {
    Path::new(FOLDER).join("templates/b.dsk")
}

fn filled(stamp: u32) -> Stamps {
    vec![stamp; IMAGE.geometry.sectors() as usize]
}

/// Puts a file in the place of an image, as people do.
fn put(medium: &CrashMedium, path: &Path, stamps: &[u32], is_synced: bool) {
    let (folder, new) = (folder_of(path), path.with_extension("people"));
    medium.create_folder(folder).unwrap();
    let _ = medium.remove(&new);
    let file = medium.create(&new).unwrap();
    file.write_all_at(&bytes_of(stamps), 0).unwrap();
    // A template that is no disk is refused.
    if is_synced || path == template() {
        file.sync_data().unwrap();
    }
    medium.rename(&new, path).unwrap();
    if is_synced {
        medium.sync_folder(folder).unwrap();
        medium.sync_folder(folder_of(folder)).unwrap();
    }
}

fn read(medium: &CrashMedium, path: &Path) -> Stamps {
    let mut bytes: Vec<u8> = vec![0; IMAGE.geometry.bytes() as usize];
    medium.open(path).unwrap().read_full_at(&mut bytes, 0).unwrap();
    bytes.chunks(SECTOR_LENGTH).map(stamp_of).collect()
}
