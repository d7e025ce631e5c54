//! What a load that fails leaves behind.

use super::whole::only_whole_slices;
use super::*;
use crate::medium::{Call, Fault, Trouble};

/// A store that has failed to load a slice, and to remove what it had written of it.
fn failed() -> (CrashMedium, Fixture) {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    medium.fail(Fault { call: Call::Any, number: 30, trouble: Trouble::InputOutput, lasting: true });
    let loader = Blobs::new();
    fixture.store.load(identity(1), loader.clone()).unwrap_err();
    assert_eq!((fixture.state(1), loader.loads()), (SnapState::Failed, 1));
    medium.repair();
    assert!(!files(&medium).is_empty());
    (medium, fixture)
}

#[test]
fn what_could_not_be_removed_is_removed_before_the_next_load() {
    let (medium, fixture) = failed();
    fixture.pass(options().heal_after);
    check(&fixture.store.load(identity(1), Blobs::new()).unwrap());
    assert_eq!(only_whole_slices(&medium).unwrap().len(), 1);
}

#[test]
fn what_could_not_be_removed_is_removed_by_an_erase() {
    let (medium, fixture) = failed();
    assert_eq!(fixture.store.erase(&Filter::default()).done, [key(1)]);
    assert_eq!(files(&medium), Vec::<String>::new());
}

#[test]
fn what_was_written_and_cannot_be_opened_goes_before_it_is_written_again() {
    let medium = medium();
    let fixture = Fixture::open(&medium, options()).unwrap();
    // Nobody asks for a length before all is written, and then for that of a manifest first, of which there is another.
    medium.fail(Fault { call: Call::Length, number: 1, trouble: Trouble::InputOutput, lasting: false });
    let loader = Blobs::new();
    check(&fixture.store.load(identity(1), loader.clone()).unwrap());
    assert_eq!((medium.faults(), loader.loads()), (1, 2));
    assert_eq!(only_whole_slices(&medium).unwrap().len(), 1);
}
