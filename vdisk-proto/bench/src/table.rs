//! What was measured: as people read it.

use platter_examples::{grouped, percent, spoken};
use std::time::Duration;

use crate::picture::{lines, time};
use crate::report::{Connect, Cost, Latency, Load, Measured, Played, Report, Trace};

/// Writes a report as text, with pictures of latency if they are wanted.
#[must_use]
pub fn text(report: &Report, with_pictures: bool) -> String {
    let mut text = String::new();
    if let Some(load) = &report.load {
        text += &load_text(load, with_pictures);
    }
    if let Some(trace) = &report.trace {
        text += &trace_text(trace);
    }
    if let Some(connect) = &report.connect {
        text += &connect_text(connect, with_pictures);
    }
    text
}

fn load_text(load: &Load, with_pictures: bool) -> String {
    let mut text =
        row(["", "answered", "a second", "median", "p99", "p99.9", "max", "faults"].map(str::to_owned));
    for side in &load.sides {
        text += &side_rows(side);
    }
    for ratio in &load.ratios {
        let latency = ratio
            .median_latency
            .map_or_else(String::new, |ratio| format!(", {ratio:.2} of its median latency"));
        let to = if ratio.to == "echo" { "the echo's".to_owned() } else { format!("{}'s", ratio.to_broker) };
        text += &format!("\n{} is {:.2} of {to} rate{latency}\n", ratio.of, ratio.rate);
    }
    for side in &load.sides {
        for (who, cost) in [("the process of --pid", &side.server), ("this program", &side.own)] {
            text += &cost.as_ref().map_or_else(String::new, |cost| cost_line(side.name, who, cost));
        }
    }
    if with_pictures {
        for side in &load.sides {
            for (kind, latency) in [("reads", &side.reads), ("writes", &side.writes)] {
                text += &picture(&format!("{}, {kind}", side.name), latency.as_ref());
            }
        }
    }
    text
}

fn side_rows(side: &Measured) -> String {
    let mut text = String::new();
    let kinds = [("reads", &side.reads), ("writes", &side.writes)];
    let measured: Vec<_> =
        kinds.into_iter().filter_map(|(kind, latency)| Some((kind, latency.as_ref()?))).collect();
    let all: u64 = measured.iter().map(|(_, latency)| latency.count).sum();
    for (kind, latency) in &measured {
        let rate = side.rate * latency.count as f64 / all.max(1) as f64;
        let faults = if text.is_empty() { grouped(side.fault_count) } else { String::new() };
        let [median, p99, p999, max] =
            [latency.median_us, latency.p99_us, latency.p999_us, latency.max_us].map(time);
        let title = format!("{} {kind}", side.name);
        text += &row([title, grouped(latency.count), format!("{rate:.0}"), median, p99, p999, max, faults]);
    }
    if measured.is_empty() {
        let none = || "-".to_owned();
        text += &row([
            side.name.to_owned(),
            grouped(0),
            none(),
            none(),
            none(),
            none(),
            none(),
            grouped(side.fault_count),
        ]);
    }
    for (name, count) in side.faults.iter().filter(|(_, count)| **count > 0) {
        text += &format!("  {}: {}\n", name.replace('_', " "), grouped(*count));
    }
    if side.repeated > 0 {
        text += &format!("  sent again: {}\n", grouped(side.repeated));
    }
    text
}

fn row([title, cells @ ..]: [String; 8]) -> String {
    let cells: String = cells.into_iter().map(|cell| format!("{cell:>11}")).collect();
    format!("{title:<14}{cells}\n")
}

fn cost_line(side: &str, who: &str, cost: &Cost) -> String {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    format!(
        "{side}: {who} used {:.0} % of a core, {:.1} us a request; {:.1} MB of memory, {:.1} MB at most\n",
        cost.cpu_percent,
        cost.cpu_us_per_request,
        megabytes(cost.memory_bytes),
        megabytes(cost.peak_bytes)
    )
}

fn picture(title: &str, latency: Option<&Latency>) -> String {
    let Some(latency) = latency else { return String::new() };
    let lines: String = lines(&latency.histogram).into_iter().map(|line| line + "\n").collect();
    format!("\n{title}: how long they took\n{lines}")
}

fn trace_text(trace: &Trace) -> String {
    let line = |title: &str, cells: [String; 2]| {
        let [today, platter] = cells;
        format!("  {title:<34}{today:>16}{platter:>16}\n")
    };
    let both = |cell: fn(&Played) -> String| [&trace.today, &trace.platter].map(cell);
    let hits = [&trace.today, &trace.platter].map(|played| percent(played.hits, trace.reads));
    let mut text = format!("{} reads and {} writes\n\n", grouped(trace.reads), grouped(trace.writes));
    text += &line("", ["devices today", "Platter"].map(str::to_owned));
    text += &line("reads the cache answered", hits);
    text += &line("reads that waited for the server", both(|played| grouped(played.misses)));
    text += &line("reads without an answer", both(|played| grouped(played.lost)));
    text += &line("reads of something else", both(|played| grouped(played.wrong)));
    let title = format!("the CPU waits, at {} ms", trace.delay_ms);
    text += &line(&title, both(|played| spoken(seconds(played.wait_seconds))));
    let flush = |played: &Played| {
        played.flush_seconds.map_or_else(|| "unknown".to_owned(), |flush| spoken(seconds(flush)))
    };
    text += &line("then, until all is on the disk", both(flush));
    text + &format!("\nWith Platter the CPU waits {:.3} of what it waits today\n", trace.ratio)
}

fn connect_text(connect: &Connect, with_pictures: bool) -> String {
    let there = connect.devices - connect.failed;
    let mut text = format!(
        "{} devices connected and subscribed in {:.2} s; each in {} (median), {} at most\n",
        grouped(there.into()),
        connect.seconds,
        time(connect.each.median_us),
        time(connect.each.max_us)
    );
    if connect.retries > 0 {
        text += &format!("they had to try again {} times\n", grouped(connect.retries));
    }
    if let Some(reason) = &connect.reason {
        text += &format!("{} were not let in: {reason}\n", grouped(connect.failed.into()));
    }
    text += &connect
        .server
        .as_ref()
        .map_or_else(String::new, |cost| cost_line("connecting", "the process of --pid", cost));
    if with_pictures {
        text += &picture("devices", Some(&connect.each));
    }
    text
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
