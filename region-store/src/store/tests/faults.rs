//! Calls of the medium fail, each in turn, in the life of a store.

use std::error::Error as _;
use std::sync::mpsc::{RecvTimeoutError, channel};

use super::recorded::{steps, stride};
use super::whole::only_whole_slices;
use super::*;
use crate::medium::{Call, Fault, Trouble};

/// An error tells where the trouble is, and is none of the store's own.
pub(super) fn check_error(error: &Error) {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said = format!("{said}; {cause}");
        source = cause.source();
    }
    let is_ours = matches!(error, Error::Unfinished { .. }) || said.contains("panic");
    assert!(!is_ours && (said.contains("d1") || matches!(error, Error::NoSpindle { .. })), "{said}");
}

fn check_events(events: &[Event]) {
    for event in events {
        if let Event::LoadFailed { cause, .. }
        | Event::Retrying { cause, .. }
        | Event::Trouble { cause, .. } = event
        {
            check_error(cause);
        }
    }
}

pub(super) fn warm(fixture: &Fixture) -> Vec<(SliceKey, Generation)> {
    let mut warm = fixture.store.search(&"state=warm".parse().unwrap());
    warm.sort_by_key(|status| status.key);
    warm.into_iter().map(|status| (status.key, status.generation)).collect()
}

/// Loads all slices, and looks at what is on disk then.
fn load_all(fixture: &Fixture) {
    for identity in [later(1), identity(2)] {
        check(&fixture.store.load(identity, Blobs::new()).unwrap());
    }
}

/// A store whose trouble is over loads what it wants, and leaves nothing behind.
fn heal(fixture: &Fixture, medium: &CrashMedium) {
    fixture.pass(options().heal_after);
    load_all(fixture);
    assert_eq!(only_whole_slices(medium).unwrap().len(), 2);
    let down = fixture.store.erase(&Filter::default());
    assert_eq!((down.done.len(), down.busy.len(), down.failed.len()), (2, 0, 0));
    assert_eq!(files(medium), Vec::<String>::new());
}

/// After a power cut the next store knows what this one has on disk.
fn cut(fixture: &Fixture, medium: &CrashMedium) {
    for crash in medium.crashes(medium.operations().., 0..2) {
        let next = Fixture::open(&crash.medium, options()).unwrap();
        let found = warm(&next);
        let lacking: Vec<_> = warm(fixture).into_iter().filter(|slice| !found.contains(slice)).collect();
        assert!(lacking.is_empty(), "{crash}: {lacking:?} are lost");
        found.iter().for_each(|(key, _)| check(&next.store.read(*key).unwrap()));
    }
}

/// The next store knows what this one has on disk, and what this one took down does not come back.
fn succeed(fixture: &Fixture, next: &Fixture) {
    let next = warm(next);
    let failed = fixture.store.search(&"state=failed".parse().unwrap());
    let is_certain = |(key, _): &&(SliceKey, Generation)| failed.iter().all(|status| status.key != *key);
    assert_eq!(warm(fixture), next.iter().filter(is_certain).copied().collect::<Vec<_>>());
}

/// Lets a store live while calls fail, then without that, and says how many did fail.
fn live(fault: Fault) -> u64 {
    let medium = medium();
    medium.fail(fault);
    let fixture = Fixture::open(&medium, options()).inspect_err(check_error).ok();
    if let Some(fixture) = &fixture {
        for step in steps() {
            step.take(fixture).unwrap_or_else(|error| check_error(&error));
        }
        fixture.store.evict(&Filter::default());
        assert_eq!(fixture.store.status().memory_bytes, 0);
        check_events(&fixture.told());
    }
    let faults = medium.faults();
    medium.repair();
    let left = medium.killed(medium.operations());
    let next = Fixture::open(&left, options()).unwrap();
    if let Some(fixture) = &fixture {
        succeed(fixture, &next);
        cut(fixture, &medium);
        heal(fixture, &medium);
    }
    load_all(&next);
    assert_eq!(only_whole_slices(&left).unwrap().len(), 2);
    faults
}

/// Lets each call of a kind fail in turn, once or from then on, and says how many did.
fn faults(call: Call, trouble: Trouble, lasting: bool, step: usize) -> u64 {
    let mut all = 0;
    for number in (0..).step_by(step) {
        let fault = Fault { call, number, trouble, lasting };
        let (done, wait) = channel();
        thread::spawn(move || done.send(live(fault)));
        match wait.recv_timeout(LONG) {
            Ok(0) => {
                assert!(number > 1, "{fault:?} is the first that does not come");
                return all;
            }
            Ok(faults) => all += faults,
            Err(RecvTimeoutError::Timeout) => panic!("{fault:?}: it hangs"),
            Err(RecvTimeoutError::Disconnected) => panic!("{fault:?}: see above"),
        }
    }
    all
}

fn all_faults(calls: &[(Call, usize)], lasting: bool) {
    for &(call, step) in calls {
        for trouble in [Trouble::InputOutput, Trouble::NoSpace] {
            let step = stride(step);
            let faults = faults(call, trouble, lasting, step);
            println!("every {step}. {call:?}, {trouble:?}, lasting {lasting}: {faults}");
        }
    }
}

#[test]
fn whatever_call_fails_once_all_goes_well_afterwards() {
    all_faults(&[(Call::Any, 7)], false);
}

#[test]
fn whatever_call_fails_from_then_on_all_goes_well_afterwards() {
    all_faults(&[(Call::Any, 7)], true);
}

/// Where files can be removed still, and where they cannot be.
#[test]
fn whatever_kind_of_calls_fails_from_then_on_all_goes_well_afterwards() {
    let calls = [
        Call::Create,
        Call::Open,
        Call::Write,
        Call::Allocate,
        Call::SyncData,
        Call::SyncFolder,
        Call::Rename,
        Call::Remove,
        Call::List,
        Call::Read,
        Call::Length,
        Call::StartWriteBack,
        Call::Trim,
        Call::Lock,
    ];
    all_faults(&calls.map(|call| (call, 5)), true);
}

#[test]
fn transfers_that_are_short_hurt_nothing() {
    let medium = medium();
    medium.fail(Fault { call: Call::Any, number: 0, trouble: Trouble::Short, lasting: true });
    let fixture = Fixture::open(&medium, options()).unwrap();
    steps().into_iter().for_each(|step| step.take(&fixture).unwrap());
    assert!(medium.faults() > 100);
    drop(fixture);
    assert_eq!(warm(&Fixture::open(&medium, options()).unwrap()), [(key(1), later(1).into())]);
}
