//! Promises are kept whatever goes wrong, and that they are not would be noticed.

use vdisk_simulator::{Fault, Faults, Run};

#[test]
fn promises_are_kept() {
    let mut faults = Faults::default();
    for seed in 0..16 {
        let report = Run { seed, steps: 600, defect: None, log: false }.run();
        faults.add(&report.unwrap_or_else(|failed| panic!("{failed}")).faults);
    }
    for fault in [Fault::Lost, Fault::Reordered, Fault::ServerCrash, Fault::DeviceCrash, Fault::ImageReplaced]
    {
        assert!(faults.count(fault) > 0, "no {}", fault.name());
    }
}

#[test]
fn a_seed_is_the_same_run_each_time() {
    let run = Run { seed: 11, steps: 800, defect: None, log: false };
    let report = run.run();
    assert_eq!(report, run.run());
    assert!(report.is_ok_and(|report| report.steps > 800));
    assert_ne!(run.run(), Run { seed: 12, ..run }.run());
}

#[cfg(feature = "defects")]
#[test]
fn planted_defects_are_caught_by_a_seed_and_its_fewest_steps() {
    for (name, defect) in vdisk_simulator::DEFECTS {
        let run = |seed| Run { seed, steps: vdisk_simulator::STEPS_A_RUN, defect: Some(defect), log: false };
        let failed = (0..250).find_map(|seed| run(seed).run().err());
        let failed = failed.unwrap_or_else(|| panic!("nobody notices {name}"));
        println!("{name}: {failed}");
        let shortest = Run { steps: failed.steps, ..run(failed.seed) };
        assert!(shortest.run().is_err(), "{name}: with the steps that are named it fails");
        let sound = Run { defect: None, ..shortest };
        assert!(sound.run().is_ok(), "{name}: without the defect it does not");
    }
}
