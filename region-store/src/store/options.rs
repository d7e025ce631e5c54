//! How a store is to be.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::region::{Access, Verify};
use crate::slice::{ImpellerOptions, Spindle};

/// How a store is to be. What is not said has a default, which `docs/store.md` gives the reason of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Where slices are: folders that are there, on as many disks as there are. They are the store's alone.
    pub spindles: Vec<Spindle>,
    /// The threads that write.
    pub impellers: ImpellerOptions,
    /// Over how many regions a slice is written.
    pub regions: usize,
    /// How many threads scan, each pinned to a processor.
    pub scanners: NonZeroUsize,
    /// How regions come into memory.
    pub access: Access,
    /// How often checksums are computed. `Once` is when a slice comes from disk into memory, before anybody scans it, and
    /// when a block is scanned first of one that was just loaded.
    pub verify: Verify,
    /// Bytes of slices in memory, at most; what the machine or the control group has if nothing is said.
    pub memory_bytes: Option<u64>,
    /// When the tender evicts, in percent of that.
    pub memory_marks: Marks,
    /// Bytes of slices on disk; what they have and what is free if nothing is said.
    pub disk_bytes: Option<u64>,
    /// When the tender flushes, in percent of that.
    pub disk_marks: Marks,
    /// For how long a slice stays that nobody asks for. A loader can say otherwise for its slices.
    pub times_to_live: TimesToLive,
    /// When the tender runs by itself; never, if `None`.
    pub tender: Option<TenderTimes>,
    /// How often a load is tried again that failed.
    pub retries: u32,
    /// After how long a failed slice may be loaded again.
    pub heal_after: Duration,
    /// For how long whoever asks for a slice waits.
    pub patience: Duration,
}

/// From where on the tender takes slices down, and until where, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// More than this is too much.
    pub high: u8,
    /// So much may stay then.
    pub low: u8,
}

/// For how long a slice stays that nobody asks for. Each step down begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimesToLive {
    /// In memory.
    pub evict: Duration,
    /// On disk.
    pub flush: Duration,
    /// In the store's knowledge.
    pub erase: Duration,
}

/// When the tender runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenderTimes {
    /// After the store was opened.
    pub first: Duration,
    /// After each run.
    pub every: Duration,
}

impl Default for StoreOptions {
    /// No spindle: those have to be said.
    fn default() -> Self {
        let processors = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            spindles: Vec::new(),
            impellers: ImpellerOptions::default(),
            regions: processors.get(),
            scanners: processors,
            access: Access::Map,
            verify: Verify::Once,
            memory_bytes: None,
            memory_marks: Marks { high: 40, low: 25 },
            disk_bytes: None,
            disk_marks: Marks { high: 60, low: 50 },
            times_to_live: TimesToLive::default(),
            tender: Some(TenderTimes::default()),
            retries: 1,
            heal_after: Duration::from_secs(10),
            patience: Duration::from_secs(300),
        }
    }
}

impl Default for TimesToLive {
    /// 15 minutes in memory, 2 hours on disk, 30 minutes known.
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self { evict: minutes(15), flush: minutes(120), erase: minutes(30) }
    }
}

impl Default for TenderTimes {
    /// After 30 seconds, and every 5 minutes.
    fn default() -> Self {
        Self { first: Duration::from_secs(30), every: Duration::from_secs(300) }
    }
}

impl StoreOptions {
    /// Looks for what makes no sense by itself. What impellers and writers check is checked by them.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |option, found: String, expected| Err(Error::StoreOption { option, found, expected });
        for (option, marks) in [("memory marks", self.memory_marks), ("disk marks", self.disk_marks)] {
            if marks.low > marks.high || marks.high > 100 {
                let found = format!("{} and {}", marks.high, marks.low);
                return wrong(option, found, "percents of which the low one is not above the high one");
            }
        }
        if self.memory_bytes == Some(0) || self.disk_bytes == Some(0) {
            let option = if self.disk_bytes == Some(0) { "disk bytes" } else { "memory bytes" };
            return wrong(option, "0".to_owned(), "one at least, or nothing said");
        }
        if self.tender.is_some_and(|times| times.every.is_zero()) {
            return wrong("tender", "no time between two runs".to_owned(), "some time, or no tender");
        }
        for (number, spindle) in self.spindles.iter().enumerate() {
            if spindle.name.contains(char::is_control) {
                return wrong("spindles", format!("{:?}", spindle.name), "names without control characters");
            }
            if self.spindles.iter().take(number).any(|other| other.folder == spindle.folder) {
                let found = spindle.folder.display().to_string();
                return wrong("spindles", found, "a folder of its own for each");
            }
        }
        Ok(())
    }
}

impl Marks {
    /// How many bytes have to go of those that are used.
    pub(super) fn excess(self, used: u64, limit: u64) -> u64 {
        if used > part(limit, self.high) { used - part(limit, self.low) } else { 0 }
    }
}

fn part(whole: u64, percent: u8) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(percent) / 100).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_say_how_much_has_to_go() {
        let marks = Marks { high: 40, low: 25 };
        for (used, limit, excess) in
            [(0, 0, 0), (40, 100, 0), (41, 100, 16), (u64::MAX, u64::MAX, u64::MAX - u64::MAX / 4), (1, 0, 1)]
        {
            assert_eq!(marks.excess(used, limit), excess, "{used} of {limit}");
        }
    }

    #[test]
    fn options_that_make_no_sense_are_told() {
        let refused = |options: StoreOptions| options.check().unwrap_err().to_string();
        let sane = StoreOptions::default();
        assert!(sane.check().is_ok());
        let marks = Marks { high: 10, low: 11 };
        assert_eq!(
            refused(StoreOptions { disk_marks: marks, ..sane.clone() }),
            "the option disk marks cannot be 10 and 11: it takes percents of which the low one is not above the high one"
        );
        assert!(
            refused(StoreOptions { memory_bytes: Some(0), ..sane.clone() })
                .contains("memory bytes cannot be 0")
        );
        let times = TenderTimes { every: Duration::ZERO, ..TenderTimes::default() };
        assert!(refused(StoreOptions { tender: Some(times), ..sane.clone() }).contains("no time between"));
        let spindles = vec![Spindle::new("a", "same"), Spindle::new("b", "same")];
        assert!(
            refused(StoreOptions { spindles, ..sane })
                .contains("cannot be same: it takes a folder of its own")
        );
    }
}
