//! Replays recorded sessions under every read-ahead policy, with the optimum beside them.
//!
//! `cargo bench -p platter-examples --bench traces -- [--json] [FILE or FOLDER]...`; without one, the sessions that come
//! with the examples.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::{Long, Value};
use platter_examples::{
    FIRMWARE_SLOTS, Policy, Setup, Tally, Trace, grouped, json_string, most_hits, percent, play,
    slots_that_fit,
};

/// The drive that lies on a server: B.
const DRIVE: u8 = 1;
const POLICIES: [(&str, Policy); 3] =
    [("none", Policy::None), ("track", Policy::WholeTrack), ("next 8", Policy::Next(8))];
/// What could be done without reading ahead by a cache that knew the future.
const OPTIMUM: &str = "optimum";

/// One session at one number of slots under one policy.
struct Row {
    slots: usize,
    read_ahead: &'static str,
    tally: Tally,
}

fn main() -> ExitCode {
    match run() {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("traces: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<String, String> {
    let (json, paths) = arguments().map_err(|error| error.to_string())?;
    let mut sessions = Vec::new();
    for path in trace_files(&paths)? {
        let fail = |error: &dyn std::error::Error| format!("{}: {error}", path.display());
        let trace = Trace::open(&path).map_err(|error| fail(&error))?;
        let rows = rows(&trace).map_err(|error| fail(&error))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        sessions.push((name, rows));
    }
    Ok(if json { as_json(&sessions) } else { as_tables(&sessions) })
}

fn arguments() -> Result<(bool, Vec<PathBuf>), lexopt::Error> {
    let (mut json, mut paths) = (false, Vec::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("json") => json = true,
            // Cargo passes it to every bench.
            Long("bench") => {}
            Value(path) => paths.push(path.into()),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok((json, paths))
}

/// The files named, and those with the ending `trace` in the folders named.
fn trace_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    if paths.is_empty() {
        return traces_in(&package.join("traces"));
    }
    let mut files = Vec::new();
    for path in paths {
        // Cargo runs a bench in its package's folder, but people name files as seen from the workspace's.
        let path = if path.exists() { path.clone() } else { package.join("..").join(path) };
        if path.is_dir() {
            files.extend(traces_in(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn traces_in(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "trace")).collect();
    files.sort_unstable();
    Ok(files)
}

fn rows(trace: &Trace) -> Result<Vec<Row>, sector_cache::Error> {
    let accesses = trace.of_drive(DRIVE);
    let mut rows = Vec::new();
    for slots in [FIRMWARE_SLOTS, slots_that_fit()] {
        for (read_ahead, policy) in POLICIES {
            let tally = play(&accesses, Setup { slots, policy })?.tally;
            rows.push(Row { slots, read_ahead, tally });
        }
        let hits = most_hits(&accesses, slots);
        let Tally { reads, writes, .. } = rows.last().map(|row| row.tally).unwrap_or_default();
        let misses = reads - hits;
        let tally = Tally { reads, hits, writes, requests: misses, fetched: misses };
        rows.push(Row { slots, read_ahead: OPTIMUM, tally });
    }
    Ok(rows)
}

fn as_tables(sessions: &[(String, Vec<Row>)]) -> String {
    let mut tables = Vec::new();
    for (name, rows) in sessions {
        let Tally { reads, writes, .. } = rows.first().map(|row| row.tally).unwrap_or_default();
        let mut table =
            format!("{name}: {} reads and {} writes of drive B\n", grouped(reads), grouped(writes));
        table += &format!(
            "{:>8}  {:<10}{:>10}{:>12}{:>20}\n",
            "slots", "read-ahead", "hits", "requests", "mailbox messages"
        );
        for Row { slots, read_ahead, tally } in rows {
            table += &format!(
                "{:>8}  {read_ahead:<10}{:>10}{:>12}{:>20}\n",
                grouped(*slots as u64),
                percent(tally.hits, tally.reads),
                grouped(tally.requests),
                grouped(tally.mailbox_messages())
            );
        }
        tables.push(table);
    }
    tables.join("\n")
}

fn as_json(sessions: &[(String, Vec<Row>)]) -> String {
    let rows = sessions.iter().flat_map(|(name, rows)| rows.iter().map(move |row| json_row(name, row)));
    format!("[\n  {}\n]\n", rows.collect::<Vec<_>>().join(",\n  "))
}

fn json_row(name: &str, row: &Row) -> String {
    let Tally { reads, hits, writes, requests, fetched } = row.tally;
    format!(
        r#"{{"trace":{},"slots":{},"read_ahead":{},"reads":{reads},"hits":{hits},"writes":{writes},"requests":{requests},"fetched":{fetched},"mailbox_messages":{}}}"#,
        json_string(name),
        row.slots,
        json_string(row.read_ahead),
        row.tally.mailbox_messages()
    )
}
