//! What a process costs, as Linux tells in `/proc`.

use std::fs;
use std::io;
use std::time::Duration;

use crate::report::Cost;
use crate::{Error, Options};

/// Ticks of a second in `/proc/PID/stat`: on every Linux for which Rust is built.
const TICKS: u64 = 100;

/// What a process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Time on any core, in the program and in the kernel for it.
    pub(crate) cpu: Duration,
    /// Memory that is resident now.
    pub(crate) memory_bytes: u64,
    /// The most that ever was.
    pub(crate) peak_bytes: u64,
}

/// A process that is watched.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    folder: String,
}

impl Process {
    pub(crate) fn new(pid: u32) -> Self {
        Self { folder: format!("/proc/{pid}") }
    }

    /// This one.
    pub(crate) fn own() -> Self {
        Self { folder: "/proc/self".to_owned() }
    }

    /// What it has used until now.
    pub(crate) fn usage(&self) -> io::Result<Usage> {
        let stat = fs::read_to_string(format!("{}/stat", self.folder))?;
        let status = fs::read_to_string(format!("{}/status", self.folder))?;
        parse(&stat, &status).ok_or_else(|| io::Error::other("/proc is not as Linux has it"))
    }
}

/// What a process used while something was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    cpu: Duration,
    /// `None` as long as nothing is known of it.
    last: Option<Usage>,
}

impl Spent {
    /// Adds what lies between two looks at the process, if there were two.
    pub(crate) fn add(&mut self, before: Option<Usage>, after: Option<Usage>) {
        if let (Some(before), Some(after)) = (before, after) {
            self.cpu += after.cpu.saturating_sub(before.cpu);
            self.last = Some(after);
        }
    }

    /// What that is for so many requests, in that time.
    pub(crate) fn cost(&self, took: Duration, requests: u64) -> Option<Cost> {
        let cpu = self.cpu.as_secs_f64();
        self.last.map(|last| Cost {
            cpu_percent: 100.0 * cpu / took.as_secs_f64().max(f64::MIN_POSITIVE),
            cpu_us_per_request: cpu * 1e6 / requests.max(1) as f64,
            memory_bytes: last.memory_bytes,
            peak_bytes: last.peak_bytes,
        })
    }
}

/// The process of `--pid`.
pub(crate) fn watched(options: &Options) -> Option<Process> {
    options.pid.map(|pid| Process::new(pid.get()))
}

/// What the process of `--pid` has used until now.
pub(crate) fn usage(watched: Option<&Process>) -> Result<Option<Usage>, Error> {
    let usage = watched.map(Process::usage).transpose();
    usage.map_err(|source| Error::System { what: "looking at the process of --pid", source })
}

fn parse(stat: &str, status: &str) -> Option<Usage> {
    // The name, in brackets, may have spaces and brackets in it.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    let kilobytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_end_matches("kB").trim().parse().ok()
    };
    Some(Usage {
        cpu: Duration::from_millis(user.checked_add(kernel)?.checked_mul(1_000 / TICKS)?),
        // A process that ends has none any more.
        memory_bytes: kilobytes("VmRSS:").unwrap_or(0).checked_mul(1_024)?,
        peak_bytes: kilobytes("VmHWM:").unwrap_or(0).checked_mul(1_024)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_what_linux_tells() {
        let stat = "17 (a) b (c) S 1 17 17 0 -1 4194560 109 0 0 0 250 50 0 0 20 0 2 0 5 6 7";
        let status = "Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let expected = Usage { cpu: Duration::from_secs(3), memory_bytes: 1 << 20, peak_bytes: 2 << 20 };
        assert_eq!(parse(stat, status), Some(expected));
        for wrong in ["", "17 (a) S", "17 (a) S 1 17 17 0 -1 4194560 109 0 0 0 x 50 0"] {
            assert_eq!(parse(wrong, status), None, "{wrong}");
        }
    }

    #[test]
    fn what_was_spent_is_told_of_a_core_and_of_each_request() {
        let at =
            |seconds| Some(Usage { cpu: Duration::from_secs(seconds), memory_bytes: seconds, peak_bytes: 9 });
        let mut spent = Spent::default();
        spent.add(at(1), None);
        assert!(spent.cost(Duration::from_secs(8), 4).is_none());
        spent.add(at(1), at(2));
        spent.add(at(5), at(6));
        let cost = spent.cost(Duration::from_secs(8), 4).unwrap();
        assert_eq!((cost.cpu_percent, cost.cpu_us_per_request), (25.0, 500_000.0));
        assert_eq!((cost.memory_bytes, cost.peak_bytes), (6, 9));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_used_something() {
        let usage = Process::own().usage().unwrap();
        assert!(usage.memory_bytes > 0 && usage.peak_bytes >= usage.memory_bytes);
        assert!(Process::new(u32::MAX).usage().is_err());
    }
}
