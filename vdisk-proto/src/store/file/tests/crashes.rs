//! The power is cut, the process killed and the medium failing at every operation of recorded runs.

use std::format;
use std::println;
use std::string::ToString as _;

use region_store::medium::{Call, CrashMedium, Fault, Trouble};

use super::super::defect::{self, Defect};
use super::super::log;
use super::machine::{Checked, Machine, Random, Told, compare, context, medium, memory, open};

/// What was met: a checker that meets nothing shows nothing.
#[derive(Debug, Default)]
struct Seen {
    states: u32,
    /// Of them, those in which a group was there that was not acknowledged.
    ahead: u32,
    recoveries_cut: u32,
    segments: u64,
    faults: u64,
    /// Runs with a fault that went on to their end.
    survived: u32,
}

/// Opens a store on what is left, which must be what was told; says which of the states it is.
fn reopen(
    left: &CrashMedium,
    told: &Told,
    cut: usize,
    seen: &mut Seen,
) -> Checked<crate::store::MemoryStore> {
    let store = open(left).map_err(|error| error.to_string())?;
    let memory = told.check(&store, cut)?;
    seen.states += 1;
    seen.ahead += u32::from(compare(&store, told.at(cut)[0]).is_err());
    Ok(memory)
}

/// Recovers, cuts the power at every operation of that and of a little more work, and recovers again.
fn next_life(left: &CrashMedium, told: &Told, cut: usize, seen: &mut Seen) -> Checked {
    let first = left.operations();
    let memory = reopen(left, told, cut, seen)?;
    let served = left.operations();
    for crash in left.crashes(first..served, 0..2) {
        reopen(&crash.medium, told, cut, seen).map_err(context(&crash.to_string()))?;
    }
    seen.recoveries_cut += 1;
    // What was served once is so from then on.
    let mut served_told = Told::new(&memory);
    for crash in left.crashes(served.., 0..2) {
        reopen(&crash.medium, &served_told, 0, seen).map_err(context(&crash.to_string()))?;
    }
    let mut machine = Machine::start(left, &memory, 9).map_err(|error| error.to_string())?;
    let first = left.operations();
    served_told.states[0].0 = first;
    machine.run(2, &mut served_told).map_err(|error| error.to_string())?;
    for crash in left.crashes(first.., 0..1) {
        reopen(&crash.medium, &served_told, crash.cut, seen).map_err(context(&crash.to_string()))?;
    }
    Ok(())
}

/// A recorded run, cut everywhere; the recovery from some of the cuts and kills, cut everywhere again.
fn power_cuts(seed: u64, groups: usize) -> Checked<Seen> {
    let (medium, memory, mut seen) = (medium(), memory(), Seen::default());
    let (first, mut told) = (medium.operations(), Told::new(&memory));
    let mut machine = Machine::start(&medium, &memory, seed).map_err(|error| error.to_string())?;
    machine.run(groups, &mut told).map_err(|error| error.to_string())?;
    seen.segments = log::number(&segments(&medium)[0]).unwrap_or_default();
    let mut random = Random(seed);
    for crash in medium.crashes(first.., 0..3) {
        let what = crash.to_string();
        if random.below(150) == 0 {
            next_life(&crash.medium, &told, crash.cut, &mut seen).map_err(context(&what))?;
        } else {
            reopen(&crash.medium, &told, crash.cut, &mut seen).map_err(context(&what))?;
        }
    }
    for cut in (first..=medium.operations()).step_by(23) {
        let what = format!("killed after {cut} operations");
        next_life(&medium.killed(cut), &told, cut, &mut seen).map_err(context(&what))?;
    }
    Ok(seen)
}

fn segments(medium: &CrashMedium) -> std::vec::Vec<std::path::PathBuf> {
    use region_store::medium::Medium as _;
    medium.list(std::path::Path::new("data/journal")).unwrap()
}

/// A run in which the medium fails at one call, or from it on: then the power is cut, or the store opened again. It may
/// begin with the recovery of an earlier run, which was killed.
fn faults(call: Call, trouble: Trouble, lasting: bool, recovers: bool) -> Checked<Seen> {
    let mut seen = Seen::default();
    for number in 0.. {
        let (mut medium, mut memory) = (medium(), memory());
        if recovers {
            let mut machine =
                Machine::start(&medium, &memory, number % 4).map_err(|error| error.to_string())?;
            machine.run(5, &mut Told::new(&memory)).map_err(|error| error.to_string())?;
            memory = machine.memory.save();
            medium = medium.killed(medium.operations());
        }
        let mut told = Told::new(&memory);
        medium.fail(Fault { call, number, trouble, lasting });
        let what = format!("{trouble:?} at {call:?} {number}, lasting {lasting}, recovers {recovers}");
        let groups = if recovers { 2 } else { 10 };
        let ended = Machine::start(&medium, &memory, number % 3).and_then(|mut machine| {
            machine.run(groups, &mut told)?;
            Ok(machine)
        });
        if medium.faults() == 0 {
            return Ok(seen);
        }
        seen.faults += medium.faults();
        medium.repair();
        if let Ok(machine) = ended {
            seen.survived += 1;
            compare(&machine.store, &machine.memory).map_err(context(&format!("{what}, reading")))?;
        }
        for crash in medium.crashes(medium.operations().., 0..2) {
            reopen(&crash.medium, &told, crash.cut, &mut seen).map_err(context(&what))?;
        }
        reopen(&medium, &told, medium.operations(), &mut seen).map_err(context(&what))?;
    }
    Ok(seen)
}

/// A process that is killed between a group and its sync.
fn unsynced(seed: u64) -> Checked<Seen> {
    let (medium, memory, mut seen) = (medium(), memory(), Seen::default());
    let mut told = Told::new(&memory);
    let mut machine = Machine::start(&medium, &memory, seed).map_err(|error| error.to_string())?;
    machine.run(2, &mut told).map_err(|error| error.to_string())?;
    machine.write(&mut told).map_err(|error| error.to_string())?;
    let cut = medium.operations();
    next_life(&medium.killed(cut), &told, cut, &mut seen)?;
    Ok(seen)
}

/// What a planted defect has to get past.
fn everything() -> Checked {
    for seed in 0..4 {
        unsynced(seed)?;
        power_cuts(seed, 8)?;
    }
    Ok(())
}

/// That a defect is caught, where nothing is without one.
fn catch(defect: Defect) {
    let caught = defect::with(defect, everything);
    println!("{defect:?}: {caught:?}");
    assert!(caught.is_err(), "{defect:?}");
}

#[test]
fn every_power_cut_leaves_what_was_acknowledged() {
    for seed in 0..3 {
        let seen = power_cuts(seed, 14).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        println!("seed {seed}: {seen:?}");
        assert!(seen.states > 1_000 && seen.ahead > 10 && seen.recoveries_cut > 5 && seen.segments >= 3);
    }
}

#[test]
fn a_fault_at_any_call_loses_nothing_that_was_acknowledged() {
    for (call, trouble, lasting, recovers) in [
        (Call::Any, Trouble::InputOutput, false, false),
        (Call::Any, Trouble::InputOutput, true, false),
        (Call::Any, Trouble::NoSpace, false, false),
        (Call::Any, Trouble::NoSpace, true, false),
        (Call::Any, Trouble::InputOutput, false, true),
        (Call::Any, Trouble::NoSpace, true, true),
        (Call::Write, Trouble::InputOutput, false, false),
        (Call::SyncData, Trouble::InputOutput, true, false),
        (Call::Write, Trouble::Short, true, false),
        (Call::Read, Trouble::Short, true, false),
    ] {
        let seen = faults(call, trouble, lasting, recovers).unwrap_or_else(|error| panic!("{error}"));
        println!("{call:?} {trouble:?}, lasting {lasting}, recovers {recovers}: {seen:?}");
        assert!(seen.faults > 1);
    }
}

#[test]
fn a_group_that_was_not_synced_is_whole_or_absent_after_a_kill_and_a_cut() {
    for seed in 0..6 {
        let seen = unsynced(seed).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(seen.ahead > 10, "{seen:?}");
    }
}

#[test]
fn a_clean_end_that_is_cut_loses_nothing() {
    for seed in 0..2 {
        let (medium, memory, mut seen) = (medium(), memory(), Seen::default());
        let mut told = Told::new(&memory);
        let mut machine = Machine::start(&medium, &memory, seed).unwrap();
        machine.run(4, &mut told).unwrap();
        let first = medium.operations();
        machine.store.close().unwrap();
        for (number, crash) in medium.crashes(first.., 0..4).enumerate() {
            let checked = match number % 50 {
                0 => next_life(&crash.medium, &told, crash.cut, &mut seen),
                _ => reopen(&crash.medium, &told, crash.cut, &mut seen).map(drop),
            };
            checked.unwrap_or_else(|error| panic!("seed {seed}: {crash}: {error}"));
        }
        assert!(seen.states > 100);
    }
}

#[test]
fn without_a_defect_nothing_is_caught() {
    assert_eq!(everything(), Ok(()));
}

#[test]
fn an_acknowledgement_before_the_sync_is_caught() {
    catch(Defect::AcknowledgeBeforeSync);
}

#[test]
fn images_before_the_journal_are_caught() {
    catch(Defect::ImagesBeforeJournal);
}

#[test]
fn a_rotation_before_the_images_are_synced_is_caught() {
    catch(Defect::RotateBeforeImages);
}

#[test]
fn a_recovery_that_writes_nothing_again_is_caught() {
    catch(Defect::RecoverWithoutRewriting);
}

#[test]
fn a_recovery_that_begins_with_the_images_is_caught() {
    catch(Defect::RecoverBeforeJournal);
}

#[test]
fn a_folder_that_is_not_synced_is_caught() {
    catch(Defect::NoFolderSync);
}
