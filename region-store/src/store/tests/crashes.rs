//! The power is cut, and the process killed, at every operation of a store's life, and at every one of the next opening.

use super::recorded::{Step, steps, stride};
use super::whole::{Checked, only_whole_slices, whole_slices};
use super::*;
use crate::medium::MediumFile as _;
use crate::slice;

/// When a writing of a slice was on disk, by the number of operations.
#[derive(Clone, Copy, Debug)]
struct Life {
    identity: SliceIdentity,
    begins: usize,
    /// Its load has returned.
    is_whole: usize,
    goes: usize,
    /// What took it down has returned.
    is_gone: usize,
}

impl Life {
    const fn must_be_there(&self, cut: usize) -> bool {
        self.is_whole <= cut && cut <= self.goes
    }

    const fn may_be_there(&self, cut: usize) -> bool {
        self.begins < cut && cut < self.is_gone
    }
}

/// A store's life, and when which slice was there.
fn recorded() -> (CrashMedium, Vec<Life>) {
    let medium = medium();
    let mut lives: Vec<Life> = Vec::new();
    let fixture = Fixture::open(&medium, options()).unwrap();
    for step in steps() {
        let before = medium.operations();
        step.take(&fixture).unwrap();
        let after = medium.operations();
        let slice_key = match step {
            // It was on disk.
            Step::Load(_) | Step::Evict if before == after => continue,
            Step::Load(SliceIdentity { slice_key, .. }) | Step::Flush(slice_key) | Step::Erase(slice_key) => {
                slice_key
            }
            Step::Evict => panic!("an eviction changes nothing on disk"),
        };
        let there =
            lives.iter_mut().find(|life| life.identity.slice_key == slice_key && life.is_gone == usize::MAX);
        if let Some(life) = there {
            (life.goes, life.is_gone) = (before, after);
        }
        if let Step::Load(identity) = step {
            lives.push(Life {
                identity,
                begins: before,
                is_whole: after,
                goes: usize::MAX,
                is_gone: usize::MAX,
            });
        }
    }
    assert_eq!(lives.len(), 4);
    (medium, lives)
}

/// Opens a store on what a cut left. What has to be there is, and shows its blobs, and nothing else is.
fn reopen(medium: &CrashMedium, lives: &[Life], cut: usize) -> Checked<Vec<SliceIdentity>> {
    whole_slices(medium)?;
    let fixture = Fixture::open(medium, options()).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for status in fixture.store.search(&Filter::default()) {
        if status.state != SnapState::Warm {
            return Err(format!("{} is {}", status.key, status.state));
        }
        let lock = fixture.store.read(status.key).map_err(|error| error.to_string())?;
        if !shows_its_blobs(&lock) {
            return Err(format!("{} shows other blobs", status.key));
        }
        found.push(lock.manifest().identity);
    }
    drop(fixture);
    let may_be = |identity: &SliceIdentity| {
        lives.iter().any(|life| life.identity == *identity && life.may_be_there(cut))
    };
    if let Some(identity) = found.iter().find(|identity| !may_be(identity)) {
        return Err(format!("{identity:?} is there"));
    }
    let must_be = lives.iter().filter(|life| life.must_be_there(cut));
    if let Some(life) = must_be.into_iter().find(|life| !found.contains(&life.identity)) {
        return Err(format!("{:?} is not there", life.identity));
    }
    let whole = only_whole_slices(medium)?;
    if whole.len() == found.len() {
        Ok(found)
    } else {
        Err(format!("{} slices are there, {} are known", whole.len(), found.len()))
    }
}

/// Opens a store once more, after cuts during the first opening. What was found then is found again.
fn reopen_again(medium: &CrashMedium, lives: &[Life], cut: usize, found: &[SliceIdentity]) -> Checked<usize> {
    let mut states = 0;
    for crash in medium.crashes(.., 0..2) {
        let again = reopen(&crash.medium, lives, cut).map_err(|error| format!("then {crash}: {error}"))?;
        if again != *found {
            return Err(format!("then {crash}: {again:?} were {found:?} before"));
        }
        states += 1;
    }
    Ok(states)
}

/// Cuts the power after so many operations, and says how many states that were, and how many of the next opening.
fn power_cuts(
    medium: &CrashMedium,
    lives: &[Life],
    cuts: impl Iterator<Item = usize>,
) -> Checked<(usize, usize)> {
    let (mut first, mut second) = (0_usize, 0);
    for cut in cuts {
        for crash in medium.crashes(cut..=cut, 0..4) {
            let found = reopen(&crash.medium, lives, cut).map_err(|error| format!("{crash}: {error}"))?;
            first += 1;
            if first.is_multiple_of(stride(16)) {
                second += reopen_again(&crash.medium, lives, cut, &found)
                    .map_err(|error| format!("{crash}, {error}"))?;
            }
        }
    }
    Ok((first, second))
}

#[test]
fn a_power_cut_leaves_whole_slices_and_those_that_were_loaded() {
    let step = stride(5);
    let (medium, lives) = recorded();
    let cuts = (0..=medium.operations()).step_by(step);
    let (first, second) = power_cuts(&medium, &lives, cuts).unwrap();
    println!("every {step}. operation: {first} states, {second} of the next opening");
    assert!(first > 100 && second > 100);
}

#[test]
fn what_a_cut_left_of_the_names_of_spindles_never_passes_for_them() {
    let medium = medium();
    for Spindle { folder, .. } in spindles() {
        let file = medium.create(&folder.join("store.spindles.part")).unwrap();
        file.write_all_at(&[0; 7], 0).unwrap();
        file.sync_data().unwrap();
        medium.sync_folder(&folder).unwrap();
    }
    let before = medium.operations();
    drop(Fixture::open(&medium, options()).unwrap());
    for crash in medium.crashes(before.., 0..4) {
        let opened = Fixture::open(&crash.medium, options());
        assert!(opened.is_ok(), "{crash}: {}", opened.err().unwrap());
    }
}

/// Kills the process at every operation, opens a store on what it left, and cuts the power while that is at work.
fn kills(step: usize) -> Checked<usize> {
    let (medium, lives) = recorded();
    let mut states = 0;
    for cut in (0..=medium.operations()).step_by(step) {
        let killed = medium.killed(cut);
        let found = reopen(&killed, &lives, cut).map_err(|error| format!("killed after {cut}: {error}"))?;
        let opened = killed.operations();
        for crash in killed.crashes(cut.., 0..2) {
            let say = |error| format!("killed after {cut} of {opened}, then {crash}: {error}");
            let again = reopen(&crash.medium, &lives, cut).map_err(say)?;
            // Once the store is open, what it has found is on the disk.
            if crash.cut == opened && again != found {
                return Err(say(format!("{again:?} were {found:?} before")));
            }
            states += 1;
        }
    }
    Ok(states)
}

#[test]
fn a_kill_leaves_whole_slices_whatever_becomes_of_the_next_store() {
    let step = stride(5);
    let states = kills(step).unwrap();
    println!("every {step}. operation: {states} states");
    assert!(states > 100);
}

#[test]
fn planted_defects_are_caught() {
    let (medium, lives) = slice::removing_regions_first(recorded);
    // It is the third one that is flushed.
    let flushed = lives[2].goes..=lives[2].is_gone;
    let caught = power_cuts(&medium, &lives, flushed);
    println!("{caught:?}");
    let error = caught.expect_err("a checker that misses a defect checks nothing");
    assert!(error.contains(".slice is there, but"), "{error}");
}
