//! Writes that come when their image has been replaced, and nobody has looked yet: none is acknowledged and lost.

use std::fs;
use std::path::Path;
use std::vec;
use std::vec::Vec;

use region_store::medium::{Call, CrashMedium, Fault, Medium as _, MediumFile as _, Trouble};

use super::super::FileStore;
use super::changes::{replace, tell};
use super::machine::{FOLDER, channels, drive, medium, open};
use super::overlay::{self, group, legacy};
use super::real;
use crate::codec::Status;
use crate::store::{Author, Group, Record, Store as _};

/// Writes a group, and says of which entries it is in the end.
fn left(store: &FileStore<CrashMedium>, mut group: Group) -> Vec<usize> {
    store.write_group(&mut group).unwrap();
    store.sync(&group).unwrap();
    group.entries().map(|(index, _)| index).collect()
}

/// What the file has that is the image now.
fn byte(medium: &CrashMedium, name: &str) -> u8 {
    let mut bytes = [0; 1];
    let file = medium.open(&Path::new(FOLDER).join(name)).unwrap();
    file.read_full_at(&mut bytes, 3 * 137).unwrap();
    bytes[0]
}

#[test]
fn a_session_does_not_write_into_an_image_that_was_replaced() {
    let medium = medium();
    let store = open(&medium).unwrap();
    assert_eq!(left(&store, group(1, 2, 1)), [0]);
    let mark = store.ledgers()[0].1.mark;
    replace(&medium, 9);
    // Also later ones of its session, but nobody else's.
    let mut both = group(1, 2, 2);
    both.entries.extend(group(1, 1, 3).entries);
    both.entries.extend(group(0, 1, 4).entries);
    assert_eq!(left(&store, both), [2]);
    let mark_of_b = |store: &FileStore<CrashMedium>| store.ledgers().last().unwrap().1.mark;
    assert_eq!((mark_of_b(&store), byte(&medium, "channels/b/c.dsk")), (mark, 9));
    assert_eq!(overlay::sector(&store, 1, 2), 9, "it is noticed at once");

    // Until it is told, and from then on until the session ends.
    assert_eq!(left(&store, group(1, 2, 2)), [0; 0]);
    assert_eq!(store.noticed_images(), [(channels()[1], drive(2))]);
    assert_eq!((store.noticed_images(), store.changed_images()), (vec![], vec![]));
    tell(&store);
    assert_eq!(left(&store, group(1, 2, 5)), [0]);
    assert_eq!(byte(&medium, "channels/b/c.dsk"), 5);
}

#[test]
fn a_session_that_was_there_before_a_change_was_told_writes_no_more_though_its_group_had_begun() {
    let folder = real::folder();
    let store = real::open(folder.path()).unwrap();
    assert_eq!(real::commit(&store, [real::session(), real::write(5, 7)]), None);
    real::put(folder.path(), "channels/a/b.dsk", 9);
    assert_eq!(store.changed_images(), [(channels()[0], drive(1))]);
    // Its end is in none of the groups yet.
    real::commit(&store, [real::write(5, 8)]);
    assert_eq!(real::sector(&store, 5), Ok(9));
    real::commit(&store, [Record::Changed { drive: drive(1), generation: 500 }]);
    real::commit(&store, [real::write(5, 8)]);
    assert_eq!(real::sector(&store, 5), Ok(8));
}

#[test]
fn a_first_image_that_somebody_puts_there_is_not_overwritten_by_a_copy_of_the_template() {
    let folder = real::folder();
    let store = real::open(folder.path()).unwrap();
    assert_eq!(real::commit(&store, [real::session()]), None);
    assert_eq!(real::sector(&store, 5), Ok(1));
    fs::create_dir(folder.path().join("channels/a")).unwrap();
    real::put(folder.path(), "channels/a/b.dsk", 9);
    real::commit(&store, [real::write(5, 7)]);
    assert_eq!((real::sector(&store, 5), real::sector(&store, 6)), (Ok(9), Ok(9)));
    assert_eq!(store.noticed_images(), [(channels()[0], drive(1))]);

    // Version 1 has no session that could end.
    let Record::Write(mut write) = real::write(5, 8) else { unreachable!() };
    write.author = Author::Legacy { generation: 1 };
    assert_eq!(real::commit(&store, [Record::Write(write)]), None);
    assert_eq!((real::sector(&store, 5), real::sector(&store, 6)), (Ok(8), Ok(9)));
}

#[test]
fn what_version_1_writes_is_in_the_image_that_is_there() {
    let medium = medium();
    let store = open(&medium).unwrap();
    assert_eq!(left(&store, group(1, 2, 1)), [0]);
    replace(&medium, 9);
    assert_eq!(left(&store, legacy(1, 2, 4)), [0]);
    assert_eq!(byte(&medium, "channels/b/c.dsk"), 4);
    assert_eq!(store.noticed_images(), [(channels()[1], drive(2))]);
}

#[test]
fn an_image_that_cannot_be_looked_at_takes_no_write() {
    let medium = medium();
    let store = open(&medium).unwrap();
    assert_eq!(left(&store, group(1, 2, 1)), [0]);
    medium.fail(Fault { call: Call::Identity, number: 0, trouble: Trouble::InputOutput, lasting: false });
    assert_eq!(overlay::commit(&store, group(1, 2, 2)), Some(Status::IoError));
    assert_eq!((medium.faults(), overlay::sector(&store, 1, 2)), (1, 1));
    assert_eq!(left(&store, group(1, 2, 2)), [0]);
}
