//! A run from its seed, and the shortest one that fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Defect;
use crate::fault::Faults;
use crate::oracle::Violation;
use crate::world::World;

/// Steps of one run, after which it settles; so many seeds see more than one run for so long.
pub const STEPS_A_RUN: u64 = 4_000;

/// What is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Everything follows from it.
    pub seed: u64,
    /// After how many steps nothing goes wrong any more.
    pub steps: u64,
    /// What is planted.
    pub defect: Option<Defect>,
    /// Whether every step is printed.
    pub log: bool,
}

/// A run that kept every promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What went wrong meanwhile.
    pub faults: Faults,
    /// How much time passed in it.
    pub simulated_ms: u64,
    /// How many steps it took, with those to come to rest.
    pub steps: u64,
}

/// A run that did not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "seed {seed}, {steps} steps: {violation}\n  again, with every step: vdisk-simulate --seed {seed} --runs 1 --steps {steps} --log"
)]
pub struct Failed {
    /// The run's.
    pub seed: u64,
    /// With so few steps it fails still.
    pub steps: u64,
    /// The first thing that was wrong in those.
    pub violation: Violation,
}

impl Run {
    /// Runs it.
    ///
    /// # Errors
    /// [`Failed`], with the shortest run from the seed's start that fails.
    pub fn run(self) -> Result<Report, Failed> {
        self.once().map_err(|violation| self.shortened(violation))
    }

    fn once(self) -> Result<Report, Violation> {
        let world = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::new(self.seed, self.defect, self.log);
            for _ in 0..self.steps {
                world.step()?;
            }
            world.settle()?;
            Ok(Report { faults: world.faults, simulated_ms: world.now_ms, steps: world.steps })
        }));
        world.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
            Err(Violation(text.to_owned()))
        })
    }

    /// Halves what is left as long as it fails, and then goes on by single steps.
    fn shortened(self, violation: Violation) -> Failed {
        let (mut steps, mut violation) = (self.steps, violation);
        let mut shorter = steps / 2;
        while shorter < steps {
            match (Self { steps: shorter, log: false, ..self }).once() {
                Err(found) => {
                    (steps, violation) = (shorter, found);
                    shorter = steps / 2;
                }
                // What came between is needed: half of that.
                Ok(_) if steps - shorter > 1 => shorter += (steps - shorter) / 2,
                Ok(_) => break,
            }
        }
        Failed { seed: self.seed, steps, violation }
    }
}
