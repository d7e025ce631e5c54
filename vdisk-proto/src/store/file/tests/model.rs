//! Random groups, restarts, kills and clean ends, beside the store in memory.

use std::path::Path;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::FileStore;
use super::machine::{FOLDER, Machine, Told, compare, medium, memory, open};

#[derive(Clone, Debug)]
enum Step {
    Groups(u8),
    /// The process is killed.
    Kill,
    /// It ends well.
    Close,
    /// So many images were open before the next.
    Crowd(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..6_u8).prop_map(Step::Groups),
        1 => Just(Step::Kill),
        1 => Just(Step::Close),
        1 => (1..4_u8).prop_map(Step::Crowd),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_store_of_files_does_as_the_one_in_memory(
        seed in any::<u64>(),
        steps in proptest::collection::vec(step(), 1..12),
    ) {
        let mut medium = medium();
        let mut machine = Machine::start(&medium, &memory(), seed).unwrap();
        let mut told = Told::new(&machine.memory);
        for (number, step) in (0..).zip(steps) {
            let memory = machine.memory.save();
            match step {
                Step::Groups(count) => {
                    machine.run(count.into(), &mut told).unwrap();
                }
                Step::Kill => {
                    drop(machine);
                    medium = medium.killed(medium.operations());
                    machine = Machine::start(&medium, &memory, seed ^ number).unwrap();
                }
                Step::Close => {
                    machine.store.close().unwrap();
                    let left = super::machine::segments(&medium);
                    prop_assert_eq!(left.len(), 1, "{:?}", left);
                    machine = Machine::start(&medium, &memory, seed ^ number).unwrap();
                    prop_assert_eq!(machine.store.notices(), &[]);
                }
                Step::Crowd(open_files) => {
                    drop(machine.store);
                    let options = super::super::FileStoreOptions {
                        open_files: open_files.into(),
                        ..super::machine::options()
                    };
                    machine.store = FileStore::open(medium.clone(), Path::new(FOLDER), &options, 5).unwrap();
                }
            }
            if let Err(error) = compare(&machine.store, &machine.memory) {
                return Err(TestCaseError::fail(error));
            }
            prop_assert_eq!(machine.store.changed_images(), Vec::new());
        }
    }
}

#[test]
fn a_second_store_is_refused_until_the_first_is_gone() {
    let medium = medium();
    let first = open(&medium).unwrap();
    let error = open(&medium).unwrap_err();
    assert!(matches!(error, super::super::FileStoreError::Locked { .. }), "{error}");
    drop(first);
    open(&medium).unwrap();
}
