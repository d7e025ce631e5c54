//! Threads that ask for a slice, replace it, take it down and give up, in many orders. `.ci/races` runs this.
//!
//! `SHUTTLE_RANDOM_SEED` repeats the run of a test, by the seed that shuttle prints of one that failed.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner, thread};

use super::super::defect::with;
use super::*;

const SCHEDULES: usize = 10_000;

/// How many changes of priority may lead to what is looked for.
const DEPTH: usize = 3;

const KEY: SliceKey = SliceKey { domain: 1, view: 2, slice_key: 3 };
const OLD: Generation = Generation { clock: 1, digest: 0 };
const NEW: Generation = Generation { clock: 2, digest: 0 };

/// Shuttle knows no time: what is this far away never comes.
const FAR: Duration = Duration::from_secs(1 << 20);

/// A slice in memory.
#[derive(Debug)]
struct Brought {
    generation: Generation,
    /// By which flight: where that is, which tells it from others as long as somebody has it.
    flight: usize,
}

/// A snap, and what its users know of themselves. Shuttle runs one thread at a time and does not see these atomics: each is
/// as good as a variable.
struct Scene {
    snap: Snap<Arc<Brought>>,
    /// Who has a read lock, and knows it.
    readers: AtomicUsize,
    is_changing: AtomicBool,
    flights: AtomicUsize,
}

impl Scene {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            snap: Snap::new(KEY, Stage::Cold, OLD, Duration::ZERO, Note::default()),
            readers: AtomicUsize::new(0),
            is_changing: AtomicBool::new(false),
            flights: AtomicUsize::new(0),
        })
    }

    /// Asks for the slice, and reads it if it is had.
    fn ask(self: &Arc<Self>, generation: Option<Generation>, patience: Duration) -> Result<()> {
        let (began, zero) = (Instant::now(), Duration::ZERO);
        let request = Request { generation, began, deadline: began + patience, now: zero, heal_after: zero };
        let flight = match self.snap.request(&request)? {
            Answer::Read(brought) => {
                self.read(generation, &brought);
                return Ok(());
            }
            Answer::Wait(flight) => flight,
            Answer::Start(flight) => {
                assert_eq!(self.flights.fetch_add(1, Relaxed), 0, "there is one flight");
                let (scene, flown) = (Arc::clone(self), Arc::clone(&flight));
                thread::spawn(move || scene.fly(&flown));
                flight
            }
            Answer::Gone => panic!("nobody erases it"),
        };
        let number = number(&flight);
        let came = self.snap.wait(Arc::clone(&flight), &request);
        match &came {
            Ok(brought) => {
                assert_eq!(brought.flight, number, "it gets what it waited for");
                self.read(generation, brought);
            }
            Err(Error::LoadFailed { cause, .. }) => {
                assert!(cause.to_string().ends_with(&format!(" {number}")), "it is told what it waited for");
            }
            Err(_) => {}
        }
        came.map(|_| ())
    }

    /// Has a read lock for a while.
    fn read(&self, generation: Option<Generation>, brought: &Arc<Brought>) {
        self.readers.fetch_add(1, Relaxed);
        for _ in 0..3 {
            assert!(!self.is_changing.load(Relaxed), "nobody changes what is read");
            self.snap.look(|record| {
                assert!(record.readers >= self.readers.load(Relaxed), "who reads is counted");
                let Stage::Hot(_, resident) = &record.stage else {
                    panic!("what is read is in memory, not {:?}", record.stage)
                };
                assert!(Arc::ptr_eq(resident, brought), "what is read stays");
                assert!(generation.is_none_or(|generation| generation == brought.generation));
                assert_eq!(record.generation, brought.generation);
            });
            thread::yield_now();
        }
        self.readers.fetch_sub(1, Relaxed);
        self.snap.release(Duration::ZERO);
    }

    /// Brings the slice in as the store does, and fails now and then.
    fn fly(&self, flight: &Arc<Flight<Arc<Brought>>>) {
        let Some(mut exclusive) = self.snap.board(flight) else {
            self.flights.fetch_sub(1, Relaxed);
            return self.snap.call_off(Duration::ZERO, failed(flight));
        };
        let old = self.snap.look(|record| record.generation);
        let generation = flight.generation.unwrap_or(old);
        self.change(|| {
            exclusive.set_stage(if generation == old { Stage::Warm(Arc::default()) } else { Stage::Cold });
            thread::yield_now();
            exclusive.set_generation(generation);
        });
        self.flights.fetch_sub(1, Relaxed);
        if flight.is_cancelled() || thread_rng().gen_bool(0.2) {
            let cause = failed(flight);
            let failure = Failure { cause: Arc::clone(&cause), failed_at: Duration::ZERO, files: None };
            exclusive.land(Stage::Failed(failure), Duration::ZERO, Err(cause));
        } else {
            let brought = Arc::new(Brought { generation, flight: number(flight) });
            let stage = Stage::Hot(Arc::default(), Arc::clone(&brought));
            exclusive.land(stage, Duration::ZERO, Ok(brought));
        }
    }

    /// Evicts or flushes it, if nobody has it.
    fn take_down(&self) {
        let Some(mut exclusive) = self.snap.try_take(|record| matches!(record.stage, Stage::Hot(..))) else {
            return;
        };
        self.change(|| {
            exclusive.set_stage(Stage::Warm(Arc::default()));
            thread::yield_now();
        });
        let stage = if thread_rng().r#gen() { Stage::Cold } else { exclusive.stage() };
        exclusive.finish(stage, Duration::ZERO);
    }

    /// Has the write lock, and changes something.
    fn change(&self, changing: impl FnOnce()) {
        assert_eq!(self.readers.load(Relaxed), 0, "nobody reads what is changed");
        assert!(!self.is_changing.swap(true, Relaxed), "there is one writer");
        changing();
        self.is_changing.store(false, Relaxed);
    }

    /// Asks for the new generation until it is there.
    fn replace(self: &Arc<Self>) {
        while let Err(error) = self.ask(Some(NEW), FAR) {
            assert!(matches!(error, Error::LoadFailed { .. }), "{error}");
        }
    }
}

fn number(flight: &Arc<Flight<Arc<Brought>>>) -> usize {
    Arc::as_ptr(flight).addr()
}

fn failed(flight: &Arc<Flight<Arc<Brought>>>) -> Arc<Error> {
    Arc::new(Error::Panicked { said: format!("in flight {}", number(flight)) })
}

/// What is tried in many orders. That it ends is a part of it: shuttle tells if all threads wait.
fn scenario() {
    let scene = Scene::new();
    let threads: [fn(&Arc<Scene>); 6] = [
        load_twice,
        load_twice,
        |scene| match scene.ask(None, FAR) {
            Ok(()) | Err(Error::NotLoaded { .. } | Error::LoadFailed { .. }) => {}
            Err(other) => panic!("{other}"),
        },
        |scene| match scene.ask(Some(OLD), Duration::ZERO) {
            Ok(()) | Err(Error::Unfinished { .. } | Error::Superseded { .. } | Error::LoadFailed { .. }) => {}
            Err(other) => panic!("{other}"),
        },
        |scene| {
            for _ in 0..3 {
                scene.take_down();
                thread::yield_now();
            }
            scene.snap.cancel();
        },
        Scene::replace,
    ];
    let threads = threads.map(|act| {
        let scene = Arc::clone(&scene);
        thread::spawn(move || act(&scene))
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // Also ends a flight that all have given up.
    scene.replace();
    scene.snap.look(|record| {
        assert_eq!((record.readers, record.generation), (0, NEW));
        assert!(record.writer.is_none() && matches!(record.stage, Stage::Hot(..)));
    });
    assert_eq!(scene.flights.load(Relaxed), 0);
}

fn load_twice(scene: &Arc<Scene>) {
    for _ in 0..2 {
        match scene.ask(Some(OLD), FAR) {
            Ok(()) | Err(Error::Superseded { .. } | Error::LoadFailed { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

fn check(scheduler: impl Scheduler + 'static) {
    let mut config = Config::new();
    // A panic tells where it comes from, for which the stack of a thread is small.
    config.stack_size = 1 << 18;
    config.silence_warnings = true;
    // Another thread that panics while one unwinds would be the end of the process.
    config.ungraceful_shutdown_config.immediately_return_on_panic = true;
    Runner::new(scheduler, config).run(scenario);
}

#[test]
fn a_slice_is_what_its_readers_asked_for_in_random_schedules() {
    check(RandomScheduler::new(SCHEDULES));
}

#[test]
fn a_slice_is_what_its_readers_asked_for_in_schedules_of_few_changes() {
    check(PctScheduler::new(DEPTH, SCHEDULES));
}

#[test]
fn planted_defects_are_caught() {
    for defect in [
        Defect::ReleaseAndRetake,
        Defect::SilentRelease,
        Defect::BrokenReadLock,
        Defect::OneIsWoken,
        Defect::KeptPlace,
    ] {
        // In a thread of its own, in which a panic may stay unfinished.
        let checking = || with(defect, || check(RandomScheduler::new(SCHEDULES)));
        let caught = std::thread::scope(|scope| scope.spawn(checking).join());
        assert!(caught.is_err(), "{defect:?} is not");
    }
}
