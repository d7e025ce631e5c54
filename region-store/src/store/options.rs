//! How a store is to be.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::format::manifest::{MAX_SPINDLE_NAME_LENGTH, MAX_SPINDLES};
use crate::region::{Access, Verify};
use crate::slice::{ImpellerOptions, MAX_IMPELLERS, MAX_REGIONS, Spindle};

/// The part of the files that a process may have open that is for slices in memory: a half.
pub(super) const FILES_PART: u64 = 2;

/// How a store is to be. What is not said has a default, which `docs/store.md` gives the reason of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Where slices are: folders that are there, on as many disks as there are. They are the store's alone.
    pub spindles: Vec<Spindle>,
    /// The threads that write.
    pub impellers: ImpellerOptions,
    /// Over how many regions a slice is written: 1 to 65,536, and no more than half of the files that the process may have
    /// open.
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
    /// Looks for what makes no sense by itself, before anything is written.
    pub(super) fn check(&self) -> Result<()> {
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
        let threads = self.impellers.threads;
        if !(1..=MAX_IMPELLERS).contains(&threads) {
            return wrong("impellers", format!("{threads} threads a spindle"), "1 to 1,024");
        }
        if !(1..=MAX_REGIONS).contains(&self.regions) {
            return wrong("regions", self.regions.to_string(), "1 to 65,536");
        }
        self.check_spindles()
    }

    /// How many files slices in memory may have of those that the process may have open. Each region has one from when it
    /// is written on, so there has to be one for each.
    pub(super) fn files(&self, most_open: Option<u64>) -> Result<u64> {
        let Some(most_open) = most_open else { return Ok(u64::MAX) };
        let files = most_open / FILES_PART;
        if self.regions as u64 > files {
            let found = format!("{} where {most_open} files may be open", self.regions);
            return wrong("regions", found, "half as many at most");
        }
        Ok(files)
    }

    /// Their folders keep their names for ever, so nothing is written to one whose name no manifest can say.
    fn check_spindles(&self) -> Result<()> {
        if self.spindles.len() > MAX_SPINDLES {
            return wrong("spindles", format!("{} of them", self.spindles.len()), "4,096 at most");
        }
        for (number, Spindle { name, folder }) in self.spindles.iter().enumerate() {
            let found = || format!("{name:?} for {}", folder.display());
            if name.contains(char::is_control) {
                return wrong("spindles", found(), "names without control characters");
            }
            if !(1..=MAX_SPINDLE_NAME_LENGTH).contains(&name.len()) {
                return wrong("spindles", found(), "names of 1 to 255 bytes");
            }
            let others = || self.spindles.iter().take(number);
            if others().any(|other| other.folder == *folder) {
                return wrong("spindles", folder.display().to_string(), "a folder of its own for each");
            }
            if let Some(other) = others().find(|other| other.name == *name) {
                let found = format!("{name:?} for both {} and {}", other.folder.display(), folder.display());
                return wrong("spindles", found, "a name of its own for each");
            }
        }
        Ok(())
    }
}

/// No store can be so.
fn wrong<T>(option: &'static str, found: String, expected: &'static str) -> Result<T> {
    Err(Error::StoreOption { option, found, expected })
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
        for threads in [0, MAX_IMPELLERS + 1] {
            let impellers = ImpellerOptions { threads, ..ImpellerOptions::default() };
            assert_eq!(
                refused(StoreOptions { impellers, ..sane.clone() }),
                format!("the option impellers cannot be {threads} threads a spindle: it takes 1 to 1,024")
            );
        }
        for regions in [0, MAX_REGIONS + 1] {
            assert_eq!(
                refused(StoreOptions { regions, ..sane.clone() }),
                format!("the option regions cannot be {regions}: it takes 1 to 65,536")
            );
        }
        assert!(StoreOptions { regions: MAX_REGIONS, ..sane }.check().is_ok());
    }

    #[test]
    fn regions_are_no_more_than_files_for_them() {
        let files = |regions, most| StoreOptions { regions, ..StoreOptions::default() }.files(most);
        assert_eq!(files(3, Some(7)).unwrap(), 3);
        assert_eq!(files(MAX_REGIONS, None).unwrap(), u64::MAX);
        assert_eq!(
            files(4, Some(7)).unwrap_err().to_string(),
            "the option regions cannot be 4 where 7 files may be open: it takes half as many at most"
        );
    }

    #[test]
    fn spindles_that_no_manifest_can_tell_apart_are_told() {
        let check = |spindles: &[Spindle]| {
            StoreOptions { spindles: spindles.to_vec(), ..StoreOptions::default() }.check()
        };
        let (longest, long) = ("n".repeat(255), "n".repeat(256));
        assert!(check(&[Spindle::new("a", "1"), Spindle::new(&longest, "2")]).is_ok());
        let spindle = |number: usize| Spindle::new(number.to_string(), number.to_string());
        let many: Vec<Spindle> = (0..=MAX_SPINDLES).map(spindle).collect();
        assert!(check(&many[1..]).is_ok());
        for (spindles, said) in [
            (&many[..], "4097 of them: it takes 4,096 at most"),
            (
                &[Spindle::new("a", "1"), Spindle::new("a", "2")],
                "\"a\" for both 1 and 2: it takes a name of its own for each",
            ),
            (&[Spindle::new("a", "1"), Spindle::new("b", "1")], "1: it takes a folder of its own for each"),
            (&[Spindle::new("", "1")], "\"\" for 1: it takes names of 1 to 255 bytes"),
            (&[Spindle::new(&long, "1")], &format!("{long:?} for 1: it takes names of 1 to 255 bytes")),
            (
                &[Spindle::new("two\nlines", "1")],
                "\"two\\nlines\" for 1: it takes names without control characters",
            ),
        ] {
            let error = check(spindles).unwrap_err();
            assert_eq!(error.to_string(), format!("the option spindles cannot be {said}"));
        }
    }
}
