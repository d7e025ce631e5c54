//! The power is cut, the process killed and the medium failing at every operation of recorded runs.

use super::super::defect::{self, Defect};
use super::machine::{Machine, Told, check, mix};
use super::*;

const TROUBLES: [(Call, Trouble); 4] = [
    (Call::Any, Trouble::InputOutput),
    (Call::Any, Trouble::NoSpace),
    (Call::Write, Trouble::Short),
    (Call::Read, Trouble::Short),
];

type Checked = core::result::Result<Seen, String>;

/// What the states were like: a checker that meets none of a kind shows nothing.
#[derive(Debug, Default)]
struct Seen {
    states: u32,
    empty: u32,
    unfinished: u32,
    torn: u32,
    clean: u32,
    two_files: u32,
    /// With a record that was not acknowledged.
    ahead: u32,
    faults: u64,
}

impl Seen {
    /// Checks what a power cut left.
    fn check(&mut self, crash: &crate::medium::Crash, told: &Told) -> core::result::Result<(), String> {
        let acknowledged = told.acknowledged_at(crash.cut);
        let log = check(&crash.medium, acknowledged, told).map_err(|error| format!("{crash}: {error}"))?;
        self.states += 1;
        self.empty += u32::from(log.files.is_empty());
        self.two_files += u32::from(log.files.len() > 1);
        self.ahead += u32::from(log.records > acknowledged);
        for tail in log.tails {
            match tail {
                Tail::Clean => self.clean += 1,
                Tail::Torn { offset: 0 } => self.unfinished += 1,
                Tail::Torn { .. } => self.torn += 1,
                Tail::Corrupt { .. } => return Err(format!("{crash}: corrupt without force")),
            }
        }
        Ok(())
    }
}

/// Starts the program on what is there, lets it add a few records, and cuts the power at every operation of this.
fn next_life(
    medium: &CrashMedium,
    mut told: Told,
    seed: u64,
    seen: &mut Seen,
) -> core::result::Result<(), String> {
    let first = medium.operations();
    let mut machine = Machine::start(medium, &mut told).map_err(|error| error.to_string())?;
    machine.run(seed, 2).map_err(|error| error.to_string())?;
    for crash in medium.crashes(first.., 0..2) {
        seen.check(&crash, &told)?;
    }
    Ok(())
}

/// A recorded run, cut everywhere; the recovery from some of the cuts and from every kill, cut everywhere again.
fn power_cuts(seed: u64) -> Checked {
    let (medium, mut told, mut seen) = (CrashMedium::new(), Told::default(), Seen::default());
    let mut machine = Machine::start(&medium, &mut told).map_err(|error| error.to_string())?;
    machine.run(seed, 20).map_err(|error| error.to_string())?;
    for (number, crash) in medium.crashes(.., 0..8).enumerate() {
        seen.check(&crash, &told)?;
        if mix(number as u64).is_multiple_of(30) {
            // The next life counts its operations anew: what was acknowledged in this one is so from the start.
            let told = told.carried(crash.cut);
            next_life(&crash.medium, told, seed, &mut seen)
                .map_err(|error| format!("{crash}, then {error}"))?;
        }
    }
    for cut in (0..=medium.operations()).step_by(3) {
        let killed = medium.killed(cut);
        next_life(&killed, told.until(cut), seed, &mut seen)
            .map_err(|error| format!("killed after {cut} operations, then {error}"))?;
    }
    Ok(seen)
}

/// A run in which the medium fails at every call in turn: then the power is cut, or the program started again.
fn faults(call: Call, trouble: Trouble, lasting: bool) -> Checked {
    let mut seen = Seen::default();
    for number in 0.. {
        let (medium, mut told) = (CrashMedium::new(), Told::default());
        medium.fail(Fault { call, number, trouble, lasting });
        let ended = Machine::start(&medium, &mut told).and_then(|mut machine| machine.run(number % 5, 12));
        if medium.faults() == 0 {
            assert!(ended.is_ok() && number > 10, "call {number} is the first that does not come");
            return Ok(seen);
        }
        seen.faults += medium.faults();
        medium.repair();
        let context = |error| format!("{trouble:?} at call {number}, then {error}");
        match (ended, trouble) {
            (Ok(()), Trouble::Short) => {}
            (Err(Error::Io { path, source, .. }), Trouble::NoSpace | Trouble::InputOutput) => {
                assert!(path.starts_with("journal"), "call {number}: {path:?}");
                let expected = if trouble == Trouble::NoSpace { 28 } else { 5 };
                assert_eq!(source.raw_os_error(), Some(expected), "call {number}");
            }
            (ended, _) => return Err(context(format!("{ended:?}"))),
        }
        for crash in medium.crashes(medium.operations().., 0..8) {
            seen.check(&crash, &told).map_err(context)?;
        }
        next_life(&medium, told, number, &mut seen).map_err(context)?;
    }
    Ok(seen)
}

/// All of them: what a planted defect has to get past.
fn everything() -> Checked {
    let mut seen = power_cuts(1)?;
    for (call, trouble) in TROUBLES {
        for lasting in [false, true] {
            seen.faults += faults(call, trouble, lasting)?.faults;
        }
    }
    Ok(seen)
}

#[test]
fn every_power_cut_leaves_a_whole_prefix_with_all_that_was_acknowledged() {
    for seed in 0..3 {
        let seen = power_cuts(seed).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        println!("seed {seed}: {seen:?}");
        let Seen { states, empty, unfinished, torn, clean, two_files, ahead, .. } = seen;
        assert!(states > 2_000);
        assert!(
            [empty, unfinished, torn, clean, two_files, ahead].iter().all(|seen| *seen > 10),
            "all kinds"
        );
    }
}

#[test]
fn a_fault_at_any_call_is_a_clean_error_and_loses_nothing_that_was_acknowledged() {
    for (call, trouble) in TROUBLES {
        for lasting in [false, true] {
            let seen =
                faults(call, trouble, lasting).unwrap_or_else(|error| panic!("lasting {lasting}: {error}"));
            println!("{call:?} {trouble:?}, lasting {lasting}: {seen:?}");
            assert!(seen.faults > 10);
        }
    }
}

#[test]
fn every_planted_defect_is_caught() {
    let defects = [
        Defect::NoFolderSync,
        Defect::AcknowledgeBeforeSync,
        Defect::ChecksumWithoutOffset,
        Defect::AppendToTorn,
    ];
    for defect in defects {
        let caught = defect::with(defect, everything);
        println!("{defect:?}: {caught:?}");
        assert!(caught.is_err(), "{defect:?}: {caught:?}");
    }
}
