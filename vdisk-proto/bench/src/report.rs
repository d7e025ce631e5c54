//! What was measured: as JSON has it.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::tally::Tally;

/// What was measured in a run. One of the last three is there.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Of this program.
    pub version: &'static str,
    /// Host and port.
    pub broker: String,
    /// Devices under load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// A recorded session that was played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// Devices that came at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<Connect>,
}

/// Devices under load.
#[derive(Debug, Serialize)]
pub struct Load {
    /// Requests of a device on their way at a time.
    pub window: u16,
    /// How many of a hundred requests were writes.
    pub writes_percent: u8,
    /// That a read of version 2 asked for.
    pub sectors_per_read: u16,
    /// As given.
    pub seed: u64,
    /// Of the load.
    pub threads: u16,
    /// In which the sides took turns.
    pub rounds: u32,
    /// Each protocol with the server, then those that it is compared with.
    pub sides: Vec<Measured>,
    /// Of each protocol to each of those that it is compared with.
    pub ratios: Vec<Ratio>,
}

/// One of the sides.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// `legacy`, `v2`, `echo` or `beside`.
    pub name: &'static str,
    /// Host and port of its broker.
    pub broker: String,
    /// Devices.
    pub channels: u32,
    /// How long was measured.
    pub seconds: f64,
    /// Requests that were answered in that time.
    pub answered: u64,
    /// The same a second.
    pub rate: f64,
    /// The rate in each round.
    pub rates: Vec<f64>,
    /// Latencies of reads, if there were any.
    pub reads: Option<Latency>,
    /// Of writes: until they are durable, or in version 1 until they are read back.
    pub writes: Option<Latency>,
    /// What went wrong, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// All of those, together.
    pub fault_count: u64,
    /// Requests that had to be sent again.
    pub repeated: u64,
    /// What the process of `--pid` used meanwhile.
    pub server: Option<Cost>,
    /// What this program used, the echo included.
    pub own: Option<Cost>,
}

/// How long requests took, in microseconds.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// How many were answered.
    pub count: u64,
    /// On average.
    pub mean_us: f64,
    /// Half of them at most.
    pub median_us: f64,
    /// 99 of 100 at most.
    pub p99_us: f64,
    /// 999 of 1,000 at most.
    pub p999_us: f64,
    /// The slowest.
    pub max_us: f64,
    #[serde(skip)]
    pub(crate) histogram: Histogram<u64>,
}

/// What a process used.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// Of one core.
    pub cpu_percent: f64,
    /// Time on a core for each request.
    pub cpu_us_per_request: f64,
    /// Resident at the end.
    pub memory_bytes: u64,
    /// The most that ever was.
    pub peak_bytes: u64,
}

/// How one side is to the echo, or to the server of another broker.
#[derive(Debug, Serialize)]
pub struct Ratio {
    /// Which side.
    pub of: &'static str,
    /// To which: `echo` or `beside`.
    pub to: &'static str,
    /// Of that one.
    pub to_broker: String,
    /// The median, over the rounds, of its rate divided by that one's: the machine is not as quick in every round.
    pub rate: f64,
    /// Its median latency divided by that one's, of reads.
    pub median_latency: Option<f64>,
}

/// A recorded session that was played.
#[derive(Debug, Serialize)]
pub struct Trace {
    /// That was added to each round trip.
    pub delay_ms: u32,
    /// Of the session's drive.
    pub reads: u64,
    /// Of the session's drive.
    pub writes: u64,
    /// A sector cache of 800, and a legacy request a sector.
    pub today: Played,
    /// Platter's client: tracks, version 2, and writes in a window.
    pub platter: Played,
    /// What the CPU waits with Platter, divided by what it waits today.
    pub ratio: f64,
}

/// What came of a session.
#[derive(Debug, Serialize)]
pub struct Played {
    /// How long the CPU waited for its disk, in all.
    pub wait_seconds: f64,
    /// Reads that the cache answered.
    pub hits: u64,
    /// Reads that waited for the server.
    pub misses: u64,
    /// Reads that brought something else than was written in the session before.
    pub wrong: u64,
    /// Reads without an answer in time.
    pub lost: u64,
    /// At the end: until all that was written is on the server's disk.
    pub flush_seconds: Option<f64>,
}

/// Devices that came at once.
#[derive(Debug, Serialize)]
pub struct Connect {
    /// How many.
    pub devices: u32,
    /// Until the last was connected and subscribed.
    pub seconds: f64,
    /// Of each device, from its first attempt on.
    pub each: Latency,
    /// Of them, not let in before they gave up.
    pub failed: u32,
    /// Attempts beyond each device's first.
    pub retries: u64,
    /// Why the first that failed did.
    pub reason: Option<String>,
    /// What the process of `--pid` used meanwhile.
    pub server: Option<Cost>,
}

impl Latency {
    /// `None` of nothing.
    pub(crate) fn new(histogram: &Histogram<u64>) -> Option<Self> {
        let us = |nanoseconds: u64| nanoseconds as f64 / 1e3;
        (!histogram.is_empty()).then(|| Self {
            count: histogram.len(),
            mean_us: histogram.mean() / 1e3,
            median_us: us(histogram.value_at_quantile(0.5)),
            p99_us: us(histogram.value_at_quantile(0.99)),
            p999_us: us(histogram.value_at_quantile(0.999)),
            max_us: us(histogram.max()),
            histogram: histogram.clone(),
        })
    }
}

impl Measured {
    pub(crate) fn new(
        name: &'static str,
        broker: &str,
        channels: u32,
        took: Duration,
        rates: Vec<f64>,
        tally: &Tally,
    ) -> Self {
        Self {
            name,
            broker: broker.to_owned(),
            channels,
            seconds: took.as_secs_f64(),
            answered: tally.in_time,
            rate: rate(tally.in_time, took),
            rates,
            reads: Latency::new(&tally.reads),
            writes: Latency::new(&tally.writes),
            faults: tally.counted().map(|(fault, count)| (fault.name(), count)).collect(),
            fault_count: tally.counted().map(|(_, count)| count).sum(),
            repeated: tally.repeated,
            server: None,
            own: None,
        }
    }

    pub(crate) fn costing(self, server: Option<Cost>, own: Option<Cost>) -> Self {
        Self { server, own, ..self }
    }
}

impl Ratio {
    pub(crate) fn new(side: &Measured, peer: &Measured) -> Self {
        let mut rates: Vec<_> = side.rates.iter().zip(&peer.rates).map(|(side, peer)| side / peer).collect();
        rates.sort_unstable_by(f64::total_cmp);
        let medians = side.reads.as_ref().zip(peer.reads.as_ref());
        Self {
            of: side.name,
            to: peer.name,
            to_broker: peer.broker.clone(),
            rate: rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN),
            median_latency: medians.map(|(side, peer)| side.median_us / peer.median_us),
        }
    }
}

/// So many in that time, a second.
pub(crate) fn rate(count: u64, took: Duration) -> f64 {
    if took.is_zero() { 0.0 } else { count as f64 / took.as_secs_f64() }
}
