//! Images that others change, with a server and without.

use std::fs;
use std::path::Path;
use std::vec;

use region_store::medium::{Call, CrashFile, CrashMedium, Fault, Medium as _, MediumFile as _, Trouble};

use super::super::FileStore;
use super::machine::{FOLDER, IMAGE, channels, drive, medium};
use super::overlay::{self, group, legacy};
use super::real::{self, commit, folder, open, put, sector, session, write};
use crate::store::file::FileStoreOptions;
use crate::store::{Entry, Group, Record, Store as _};

/// Puts an image in the place of channel b's drive C.
pub(super) fn replace(medium: &CrashMedium, fill: u8) {
    let path = Path::new(FOLDER).join("channels/b/c.dsk");
    let new = path.with_extension("new");
    let file = medium.create(&new).unwrap();
    file.write_all_at(&vec![fill; IMAGE.geometry.bytes() as usize], 0).unwrap();
    medium.rename(&new, &path).unwrap();
}

/// Writes into channel b's drive C.
fn edit(medium: &CrashMedium, sector: u64, fill: u8) -> CrashFile {
    let file = medium.open_to_write(&Path::new(FOLDER).join("channels/b/c.dsk")).unwrap();
    file.write_all_at(&[fill; 137], sector * 137).unwrap();
    file
}

/// Says that channel b's drive C is another one.
pub(super) fn tell(store: &FileStore<CrashMedium>) {
    let group = write_change(store);
    store.sync(&group).unwrap();
}

/// The same without the sync.
fn write_change(store: &FileStore<CrashMedium>) -> Group {
    let record = Record::Changed { drive: drive(2), generation: 500 };
    let mut group = Group { entries: [Entry { channel: channels()[1], record }].into(), refused: vec![] };
    store.write_group(&mut group).unwrap();
    assert!(group.refused.is_empty());
    group
}

/// A store that has one file open at a time, and a long segment.
fn open_one(medium: &CrashMedium) -> FileStore<CrashMedium> {
    let options = FileStoreOptions { open_files: 1, segment_bytes: 128 << 10, ..super::machine::options() };
    super::machine::open_with(medium, &options).unwrap()
}

fn generation(store: &FileStore<CrashMedium>, channel: usize, drive: usize) -> u64 {
    let ledgers = store.ledgers();
    ledgers.iter().find(|(found, _)| *found == channels()[channel]).unwrap().1.images[drive]
}

/// Looks for changes, and does something between the look and the comparison.
fn look(store: &FileStore<CrashMedium>, meanwhile: impl FnOnce()) {
    let (folders, watched) = {
        let images = store.images.lock().unwrap();
        (images.folders().clone(), images.known_after(None))
    };
    let found: vec::Vec<_> = watched.iter().map(|(place, _)| folders.look(&store.medium, *place)).collect();
    meanwhile();
    store.compare(&folders, &watched, &found);
}

#[test]
fn a_change_while_others_are_looked_for_is_noticed_next_time() {
    let medium = medium();
    let store = super::machine::open(&medium).unwrap();
    assert_eq!(overlay::commit(&store, group(1, 2, 1)), None);
    look(&store, || replace(&medium, 9));
    assert!(!store.images.lock().unwrap().has_changes());
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
    assert_eq!((overlay::sector(&store, 1, 2), store.changed_images()), (9, vec![]));
}

#[test]
fn a_write_while_changes_are_looked_for_is_none() {
    let medium = medium();
    let store = super::machine::open(&medium).unwrap();
    look(&store, || assert_eq!(overlay::commit(&store, group(1, 2, 1)), None));
    assert_eq!(store.changed_images(), []);
    // Not even a write hides another file.
    replace(&medium, 9);
    look(&store, || assert_eq!(overlay::commit(&store, legacy(1, 2, 2)), None));
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
}

#[test]
fn an_image_that_is_put_in_front_of_a_template_is_noticed() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, [session()]);
    assert_eq!(sector(&store, 5), Ok(1));
    fs::create_dir(folder.path().join("channels/a")).unwrap();
    put(folder.path(), "channels/a/b.dsk", 3);
    assert_eq!(store.changed_images(), [(channels()[0], drive(1))]);
    assert_eq!((sector(&store, 5), store.changed_images()), (Ok(3), vec![]));
    // Also one that is read before it is looked for.
    put(folder.path(), "channels/a/c.dsk", 3);
    assert!(store.image(channels()[0], drive(2)).is_some());
    assert_eq!(store.changed_images(), [(channels()[0], drive(2))]);
}

#[test]
fn images_that_the_journal_does_not_write_to_are_compared_after_a_crash() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, [session(), write(5, 9)]);
    store.close().unwrap();
    let generation = |store: &FileStore| store.ledgers()[0].1.images[1];

    // A crash, and nobody changed anything.
    drop(open(folder.path()).unwrap());
    let store = open(folder.path()).unwrap();
    assert_eq!((store.notices(), store.ledgers()[0].1.current(), generation(&store)), (&[][..], Some(1), 0));
    drop(store);

    // In place, in a sector that nobody wrote.
    let own = folder.path().join("channels/a/b.dsk");
    let mut bytes = fs::read(&own).unwrap();
    bytes[700 * 137] = 77;
    fs::write(&own, bytes).unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!((store.notices().len(), store.ledgers()[0].1.current(), generation(&store)), (1, None, 1_000));
    drop(store);
    drop(open(folder.path()).unwrap());

    // Replaced, and taken away.
    put(folder.path(), "channels/a/b.dsk", 3);
    assert_eq!(generation(&open(folder.path()).unwrap()), 1_001);
    fs::remove_file(&own).unwrap();
    assert_eq!(generation(&open(folder.path()).unwrap()), 1_002);

    // The template that it reads now.
    put(folder.path(), "templates/b.dsk", 4);
    let store = open(folder.path()).unwrap();
    assert_eq!((sector(&store, 5), generation(&store)), (Ok(4), 1_003));
    drop(store);
    assert_eq!(generation(&open(folder.path()).unwrap()), 1_003);
}

#[test]
fn an_image_that_is_put_in_front_of_a_template_is_noticed_by_the_next_store() {
    // A copy of the template is what a server leaves that ends before the first write to it.
    for (fill, expected) in [(1, 0), (3, 1_000)] {
        let folder = folder();
        let store = open(folder.path()).unwrap();
        commit(&store, [session()]);
        store.close().unwrap();
        fs::create_dir(folder.path().join("channels/a")).unwrap();
        put(folder.path(), "channels/a/b.dsk", fill);
        let store = open(folder.path()).unwrap();
        assert_eq!((store.ledgers()[0].1.images[1], sector(&store, 5)), (expected, Ok(fill)));
        assert_eq!(store.notices().len(), usize::from(fill == 3));
    }
}

#[test]
fn an_image_is_compared_after_a_crash_once_its_segment_is_gone() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, [session(), write(5, 9)]);
    for number in 0..20 {
        real::commit_of(&store, channels()[1], [write(number, 9)]);
    }
    drop(store);
    assert!(!super::super::log::path(folder.path(), 1).exists());
    drop(open(folder.path()).unwrap());
    let own = folder.path().join("channels/a/b.dsk");
    let mut bytes = fs::read(&own).unwrap();
    bytes[700 * 137] = 77;
    fs::write(&own, bytes).unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!((store.notices().len(), store.ledgers()[0].1.images[1]), (1, 1_000));
    assert_eq!(store.ledgers()[1].1.images[1], 0, "the other channel's is as it was");
}

#[test]
fn a_change_that_is_not_durable_is_noticed_by_the_next_store() {
    for (is_told, ends_well) in [(false, true), (true, true), (true, false)] {
        let folder = folder();
        let store = open(folder.path()).unwrap();
        commit(&store, [session(), write(5, 9)]);
        store.close().unwrap();
        let store = open(folder.path()).unwrap();
        put(folder.path(), "channels/a/b.dsk", 3);
        if is_told {
            assert_eq!(store.changed_images(), [(channels()[0], drive(1))]);
        }
        if ends_well {
            store.close().unwrap();
        } else {
            for number in 0..20 {
                real::commit_of(&store, channels()[1], [write(number, 9)]);
            }
            drop(store);
        }
        let store = open(folder.path()).unwrap();
        assert_eq!(store.ledgers()[0].1.images[1], 1_000, "told {is_told}, ended well {ends_well}");
    }
}

#[test]
fn a_change_that_is_told_while_another_is_in_flight_is_noticed_by_the_next_store() {
    let medium = medium();
    let store = super::machine::open(&medium).unwrap();
    replace(&medium, 8);
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
    let told = write_change(&store);
    replace(&medium, 9);
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
    store.sync(&told).unwrap();
    for sequence in 20..30 {
        assert_eq!(overlay::commit(&store, group(0, 1, sequence)), None);
    }
    for crash in medium.crashes(medium.operations().., 0..8) {
        let store = super::machine::open(&crash.medium).unwrap();
        assert_eq!((overlay::sector(&store, 1, 2), generation(&store, 1, 2)), (9, 1_000), "{crash}");
    }
}

#[test]
fn a_change_that_is_in_flight_at_the_end_is_noticed_by_the_next_store() {
    let medium = medium();
    let store = super::machine::open(&medium).unwrap();
    assert_eq!(overlay::commit(&store, group(1, 2, 11)), None);
    replace(&medium, 9);
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
    write_change(&store);
    store.close().unwrap();
    let store = super::machine::open(&medium).unwrap();
    assert_eq!((overlay::sector(&store, 1, 2), generation(&store, 1, 2)), (9, 1_000));
}

#[test]
fn a_change_that_is_durable_is_noticed_once() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, [session(), write(5, 9)]);
    put(folder.path(), "channels/a/b.dsk", 3);
    assert_eq!(store.changed_images(), [(channels()[0], drive(1))]);
    let changed = crate::store::Record::Changed { drive: drive(1), generation: 7 };
    commit(&store, [changed]);
    drop(store);
    let store = open(folder.path()).unwrap();
    assert_eq!((store.notices(), store.ledgers()[0].1.images[1]), (&[][..], 7));
    assert_eq!(sector(&store, 5), Ok(3), "what was written to the last image stays there");
}

#[test]
fn an_image_that_nobody_synced_stays_once_it_is_noticed() {
    for is_opened in [false, true] {
        let medium = medium();
        let store = open_one(&medium);
        assert_eq!(overlay::commit(&store, group(1, 2, 11)), None);
        assert_eq!(overlay::commit(&store, group(0, 1, 1)), None, "its file is closed for another");
        replace(&medium, 9);
        if is_opened {
            assert_eq!(overlay::sector(&store, 1, 2), 9);
        } else {
            assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
        }
        for crash in medium.crashes(medium.operations().., 0..8) {
            assert_eq!(overlay::sector(&open_one(&crash.medium), 1, 2), 9, "opened {is_opened}, {crash}");
        }
    }
}

#[test]
fn a_write_to_another_image_does_not_hide_that_it_is_one() {
    let medium = medium();
    let store = open_one(&medium);
    assert_eq!(overlay::commit(&store, group(1, 2, 11)), None);
    assert_eq!(overlay::commit(&store, group(0, 1, 1)), None, "its file is closed for another");
    replace(&medium, 9);
    assert_eq!(overlay::commit(&store, legacy(1, 2, 12)), None);
    for crash in medium.crashes(medium.operations().., 0..8) {
        let store = open_one(&crash.medium);
        assert_eq!((overlay::sector(&store, 1, 2), generation(&store, 1, 2)), (12, 1_000), "{crash}");
    }
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
    tell(&store);
    let store = open_one(&medium.killed(medium.operations()));
    assert_eq!((overlay::sector(&store, 1, 2), generation(&store, 1, 2)), (12, 500));
}

#[test]
fn a_write_says_which_file_it_is_for_if_two_take_turns() {
    let medium = medium();
    let store = open_one(&medium);
    let [own, old, new] =
        ["dsk", "old", "new"].map(|name| Path::new(FOLDER).join("channels/b/c").with_extension(name));
    medium.create(&new).unwrap().write_all_at(&vec![9; IMAGE.geometry.bytes() as usize], 0).unwrap();
    for sequence in 11..15 {
        for (from, to) in [(&own, &old), (&new, &own), (&old, &new)] {
            medium.rename(from, to).unwrap();
        }
        assert_eq!(overlay::commit(&store, legacy(1, 2, sequence)), None);
        for crash in medium.crashes(medium.operations().., 0..8) {
            let store = open_one(&crash.medium);
            let found = (overlay::sector(&store, 1, 2), generation(&store, 1, 2));
            assert_eq!(found, (sequence as u8, 1_000), "{crash}");
        }
        assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
        tell(&store);
        assert_eq!(overlay::commit(&store, group(0, 1, 1)), None, "its file is closed for another");
    }
}

#[test]
fn an_image_that_is_gone_is_noticed_though_a_write_makes_another() {
    let medium = medium();
    let store = open_one(&medium);
    assert_eq!(overlay::commit(&store, group(0, 1, 11)), None);
    assert_eq!(overlay::sector(&store, 1, 2), 2);
    medium.remove(&Path::new(FOLDER).join("channels/a/b.dsk")).unwrap();
    assert_eq!(overlay::commit(&store, legacy(0, 1, 12)), None);
    assert_eq!(store.changed_images(), [(channels()[0], drive(1))]);
    assert_eq!(overlay::sector(&store, 0, 1), 12);
}

#[test]
fn an_edit_that_is_told_is_what_recovery_begins_with() {
    let medium = medium();
    let store = super::machine::open(&medium).unwrap();
    assert_eq!(overlay::commit(&store, group(1, 2, 11)), None);
    // As it was before that write.
    edit(&medium, 3, 2).sync_data().unwrap();
    assert_eq!(store.changed_images(), [(channels()[1], drive(2))]);
    tell(&store);
    for crash in medium.crashes(medium.operations().., 0..8) {
        let store = super::machine::open(&crash.medium).unwrap();
        assert_eq!((overlay::sector(&store, 1, 2), generation(&store, 1, 2)), (2, 500), "{crash}");
        assert_eq!(store.notices(), []);
    }
}

#[test]
fn what_is_written_before_a_change_is_not_lost() {
    // An image whose sync failed once is not trusted to be on the disk.
    let medium = medium();
    let store = super::machine::open(&medium).unwrap();
    assert_eq!(overlay::commit(&store, group(1, 2, 11)), None);
    medium.fail(Fault { call: Call::SyncData, number: 0, trouble: Trouble::InputOutput, lasting: false });
    tell(&store);
    assert_eq!(medium.faults(), 1);
    tell(&store);
    for crash in medium.crashes(medium.operations().., 0..8) {
        assert_eq!(overlay::sector(&super::machine::open(&crash.medium).unwrap(), 1, 2), 11, "{crash}");
    }

    // Nor one that is found to be edited, where the sync for that failed and another one did not.
    let medium = self::medium();
    let store = open_one(&medium);
    assert_eq!(overlay::commit(&store, group(1, 2, 11)), None);
    assert_eq!(overlay::commit(&store, group(0, 1, 1)), None, "its file is closed for another");
    edit(&medium, 5, 9);
    medium.fail(Fault { call: Call::SyncAll, number: 0, trouble: Trouble::InputOutput, lasting: false });
    tell(&store);
    assert_eq!(medium.faults(), 1);
    for crash in medium.crashes(medium.operations().., 0..8) {
        assert_eq!(overlay::sector(&open_one(&crash.medium), 1, 2), 11, "{crash}");
    }

    // Nor has it what is in the same group.
    let medium = self::medium();
    let store = super::machine::open(&medium).unwrap();
    let mut both = group(1, 2, 11);
    let changed = Record::Changed { drive: drive(2), generation: 500 };
    both.entries.push(Entry { channel: channels()[1], record: changed });
    assert_eq!(overlay::commit(&store, both), None);
    for crash in medium.crashes(medium.operations().., 0..8) {
        assert_eq!(overlay::sector(&super::machine::open(&crash.medium).unwrap(), 1, 2), 11, "{crash}");
    }
}

#[test]
fn a_write_over_an_edit_is_not_lost() {
    let medium = medium();
    let store = super::machine::open(&medium).unwrap();
    assert_eq!(overlay::commit(&store, group(1, 2, 11)), None);
    edit(&medium, 3, 77).sync_data().unwrap();
    assert_eq!(overlay::commit(&store, group(1, 2, 12)), None);
    for crash in medium.crashes(medium.operations().., 0..8) {
        assert_eq!(overlay::sector(&super::machine::open(&crash.medium).unwrap(), 1, 2), 12, "{crash}");
    }
}

#[test]
fn a_template_that_is_told_is_not_found_again() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, [session()]);
    assert_eq!(sector(&store, 5), Ok(1));
    put(folder.path(), "templates/b.dsk", 4);
    assert_eq!(sector(&store, 5), Ok(1), "reads show it once it is noticed");
    assert_eq!(store.changed_images(), [(channels()[0], drive(1))]);
    assert_eq!(sector(&store, 5), Ok(4));
    commit(&store, [Record::Changed { drive: drive(1), generation: 7 }]);
    drop(store);
    let store = open(folder.path()).unwrap();
    assert_eq!((sector(&store, 5), store.ledgers()[0].1.images[1]), (Ok(4), 7));
}
