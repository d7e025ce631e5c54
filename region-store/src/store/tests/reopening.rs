//! A store is opened on slices and rubbish, while calls of the medium fail, each in turn, and the power is cut.

use super::super::defect::{Defect, with};
use super::super::rubbish::ATTEMPTS;
use super::faults::{check_error, warm};
use super::recorded::stride;
use super::whole::{Checked, only_whole_slices, whole_slices};
use super::*;
use crate::format::SnapId;
use crate::medium::{Call, Fault, Trouble};
use crate::slice::SliceFile;

/// Two slices, of which one has an older writing beside it, and regions that belong to none.
fn littered() -> CrashMedium {
    let (medium, other) = (medium(), medium());
    for (medium, identities) in [(&medium, &[identity(1), identity(2)][..]), (&other, &[later(1)])] {
        let fixture = Fixture::open(medium, options()).unwrap();
        identities.iter().for_each(|identity| check(&fixture.store.load(*identity, Blobs::new()).unwrap()));
    }
    for path in files(&other) {
        put(&medium, Path::new(&path), &bytes_of(&other, Path::new(&path)));
    }
    let region = SliceFile::region(SnapId([7; 16]), 0);
    for (folder, file) in [("d1", region), ("d10", SliceFile { is_part: true, ..region })] {
        put(&medium, &file.path(Path::new(folder)), b"rubbish");
    }
    medium
}

/// What is found when all goes well: the slices, and nothing else.
fn check_found(medium: &CrashMedium) {
    let fixture = Fixture::open(medium, options()).unwrap();
    assert_eq!(warm(&fixture), [(key(1), later(1).into()), (key(2), identity(2).into())]);
    for slice_key in [1, 2] {
        check(&fixture.store.read(key(slice_key)).unwrap());
    }
    assert_eq!(only_whole_slices(medium).unwrap().len(), 2);
}

/// Opens and reads while calls fail, and says how many did.
fn open(medium: &CrashMedium, fault: Fault) -> u64 {
    medium.fail(fault);
    match Fixture::open(medium, options()) {
        Ok(fixture) => {
            for (key, _) in warm(&fixture) {
                fixture.store.read(key).map_or_else(|error| check_error(&error), |lock| check(&lock));
            }
        }
        Err(error) => check_error(&error),
    }
    let faults = medium.faults();
    medium.repair();
    faults
}

#[test]
fn whatever_call_fails_while_it_is_opened_no_slice_is_taken_for_rubbish() {
    let littered = littered();
    let all = littered.operations();
    let step = stride(5);
    for (lasting, trouble) in [false, true]
        .into_iter()
        .flat_map(|lasting| [Trouble::InputOutput, Trouble::NoSpace].map(|trouble| (lasting, trouble)))
    {
        let last = (0..).step_by(step).find(|number| {
            let medium = littered.killed(all);
            let faults = open(&medium, Fault { call: Call::Any, number: *number, trouble, lasting });
            let now = medium.operations();
            medium.crashes(now.., 0..2).for_each(|crash| check_found(&crash.medium));
            check_found(&medium);
            faults == 0
        });
        println!("every {step}. of {} calls, {trouble:?}, lasting {lasting}", last.unwrap());
        assert!(last.unwrap() > 50);
    }
}

/// Cuts the power at every operation of an opening, and says in how many states the next one finds what it should.
fn cuts() -> Checked<usize> {
    let medium = littered();
    let before = medium.operations();
    check_found(&medium);
    let mut states = 0;
    for crash in medium.crashes(before.., 0..4) {
        whole_slices(&crash.medium).map_err(|error| format!("{crash}: {error}"))?;
        check_found(&crash.medium);
        states += 1;
    }
    Ok(states)
}

#[test]
fn a_power_cut_while_it_is_opened_leaves_whole_slices() {
    let states = cuts().unwrap();
    println!("{states} states");
    assert!(states > 50);
    let error = with(Defect::RegionsBeforeManifests, cuts).expect_err("a mistake is found");
    assert!(error.contains(".slice is there, but"), "{error}");
}

/// Opens a store that cannot remove anything, and says how many things it was told to have kept.
fn keeping(medium: &CrashMedium) -> (Fixture, usize) {
    medium.fail(Fault { call: Call::Remove, number: 0, trouble: Trouble::InputOutput, lasting: true });
    let fixture = Fixture::open(medium, options()).unwrap();
    assert!(only_whole_slices(medium).is_err());
    let told = fixture.told();
    assert!(told.iter().all(|event| matches!(event, Event::Kept(_) | Event::Found { .. })), "{told:?}");
    let kept = told.iter().filter(|event| matches!(event, Event::Kept(_))).count();
    (fixture, kept)
}

#[test]
fn the_tender_removes_what_could_not_be_removed_when_the_store_was_opened() {
    let medium = littered();
    let (fixture, kept) = keeping(&medium);
    fixture.store.tend();
    assert!(fixture.told().is_empty(), "that it is kept is told once");
    medium.repair();
    fixture.store.tend();
    let told = fixture.told();
    assert!(told.iter().all(|event| matches!(event, Event::Removed(_))), "{told:?}");
    // An older writing, and files of another in two folders, of which one was not written to its end.
    assert_eq!((kept, told.len()), (3, 3));
    assert_eq!(only_whole_slices(&medium).unwrap().len(), 2);
    fixture.store.tend();
    assert!(fixture.told().is_empty());
}

#[test]
fn the_tender_gives_up_what_cannot_be_removed_and_the_next_opening_does_not() {
    let medium = littered();
    let (fixture, kept) = keeping(&medium);
    for _ in 0..ATTEMPTS {
        let before = medium.faults();
        fixture.store.tend();
        assert_eq!(medium.faults() - before, kept as u64);
    }
    let before = medium.faults();
    fixture.store.tend();
    assert_eq!((medium.faults(), fixture.told().len()), (before, 0));
    medium.repair();
    drop(fixture);
    check_found(&medium);
}
