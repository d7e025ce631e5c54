//! Plays a recorded session against the cache that firmware has today and against Platter, and shows who waits longer.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::{Long, Short, Value, ValueExt};
use platter_examples::{
    Access, Colour, FIRMWARE_TODAY, HeatMap, Played, Policy, Setup, Trace, dot_map, grouped, most_hits,
    percent, play, slots_that_fit, spoken,
};

const HELP: &str = "\
Plays a recorded session of a CP/M machine whose drive B lies on a server.

    cargo run --release --example replay -- [TRACE] [options]

  TRACE            a file with a line for each access: `R drive sector`
                   or `W drive sector hash`; without one, a long session
                   that is built in
  --delay MS       what the server takes to answer a request: 50
  --slots N        sectors that Platter's cache has room for, up to 65535:
                   as many as fit in 172,032 bytes
  --read-ahead P   what Platter fetches on a miss: none, track, or a number
                   of sectors that follow: track
  --drive N        the drive on the server, 0 for A to 15: 1
  --help           this text

Colours appear on a terminal only, and not if NO_COLOR is set.
";

const BUILT_IN: (&str, &[u8]) = ("11_mixed_tools_on_B", include_bytes!("traces/11_mixed_tools_on_B.trace"));
/// Between the two maps of dots, each 39 characters wide.
const GAP: &str = "  ";
const HELD_COLOUR: u8 = 37;

struct Arguments {
    trace: Option<PathBuf>,
    delay: Duration,
    ours: Setup,
    drive: u8,
}

fn main() -> ExitCode {
    let report = match arguments() {
        Ok(Some(arguments)) => run(&arguments),
        Ok(None) => Ok(HELP.to_owned()),
        Err(error) => Err(format!("{error}; --help lists the arguments")),
    };
    match report {
        // A reader that has seen enough, such as `head`, is no reason to complain.
        Ok(report) => stdout().write_all(report.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(message) => {
            eprintln!("replay: {message}");
            ExitCode::from(2)
        }
    }
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            trace: None,
            delay: Duration::from_millis(50),
            ours: Setup { slots: slots_that_fit(), policy: Policy::WholeTrack },
            drive: 1,
        }
    }
}

/// `None` if help is asked for.
fn arguments() -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("delay") => arguments.delay = Duration::from_millis(parser.value()?.parse::<u32>()?.into()),
            Long("slots") => arguments.ours.slots = parser.value()?.parse::<u16>()?.into(),
            Long("read-ahead") => arguments.ours.policy = parser.value()?.parse_with(policy)?,
            Long("drive") => arguments.drive = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(None),
            Value(path) if arguments.trace.is_none() => arguments.trace = Some(path.into()),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(arguments))
}

fn policy(argument: &str) -> Result<Policy, &'static str> {
    match argument {
        "none" => Ok(Policy::None),
        "track" => Ok(Policy::WholeTrack),
        count => {
            count.parse().map(Policy::Next).map_err(|_| "read ahead `none`, `track` or a number of sectors")
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, String> {
    let (name, trace) = match &arguments.trace {
        Some(path) => {
            let trace = Trace::open(path).map_err(|error| {
                format!(
                    "{}: {error}\nGive a recorded session, or nothing to play the one built in.",
                    path.display()
                )
            })?;
            (name_of(path), trace)
        }
        None => {
            let trace = Trace::parse(BUILT_IN.1).map_err(|error| format!("{}: {error}", BUILT_IN.0))?;
            (BUILT_IN.0.to_owned(), trace)
        }
    };
    let accesses = trace.of_drive(arguments.drive);
    if accesses.is_empty() {
        return Err(format!(
            "{name} does not use drive {}. Name another with --drive: 0 for A, 1 for B, up to 15.",
            arguments.drive
        ));
    }
    let today = play(&accesses, FIRMWARE_TODAY).map_err(|error| error.to_string())?;
    let ours = play(&accesses, arguments.ours).map_err(|error| error.to_string())?;
    let drive = char::from(b'A' + arguments.drive);
    Ok([
        heading(&name, drive, &ours),
        table([FIRMWARE_TODAY, arguments.ours], [&today, &ours], &accesses, arguments.delay),
        picture([FIRMWARE_TODAY, arguments.ours], [&today, &ours], &accesses),
    ]
    .join("\n"))
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn heading(name: &str, drive: char, played: &Played) -> String {
    let tally = &played.tally;
    format!("{name}: {} reads and {} writes of drive {drive}\n", grouped(tally.reads), grouped(tally.writes))
}

/// What was counted, side by side.
fn table(setups: [Setup; 2], played: [&Played; 2], accesses: &[Access], delay: Duration) -> String {
    let tallies = played.map(|played| &played.tally);
    let rows = [
        ("", ["firmware today", "Platter"].map(str::to_owned)),
        ("sectors the cache can hold", setups.map(|setup| grouped(setup.slots as u64))),
        ("fetched on a miss", setups.map(|setup| fetched(setup.policy))),
        ("reads the cache answered", tallies.map(|tally| percent(tally.hits, tally.reads))),
        (
            "  most possible, nothing fetched ahead",
            setups.map(|setup| percent(most_hits(accesses, setup.slots), tallies[0].reads)),
        ),
        ("requests to the server", tallies.map(|tally| grouped(tally.requests))),
        ("mailbox messages between the cores", tallies.map(|tally| grouped(tally.mailbox_messages()))),
    ];
    let mut table: String =
        rows.iter().map(|(title, [today, ours])| format!("  {title:<38}{today:>16}{ours:>16}\n")).collect();
    let [today, ours] = tallies.map(|tally| spoken(tally.wait(delay)));
    let title = format!("the CPU waits, at {} ms a request", delay.as_millis());
    table += &format!("  {title:<38}{today:>16}{ours:>16}\n");
    table
}

fn fetched(policy: Policy) -> String {
    match policy {
        Policy::None => "the sector".to_owned(),
        Policy::WholeTrack => "its track".to_owned(),
        Policy::Next(count) => format!("and the next {count}"),
    }
}

/// Where the session read, and what the two caches held in the end.
fn picture(setups: [Setup; 2], played: [&Played; 2], accesses: &[Access]) -> String {
    let colour = Colour::of_stdout();
    let heat = HeatMap::of_reads(accesses);
    let mut picture =
        "How often it was read: tracks from left to right, their sectors downwards\n".to_owned();
    for line in heat.lines(colour) {
        picture += &(line + "\n");
    }
    picture += &(heat.legend(colour) + "\n\nIn the cache at the end, a dot a sector\n");
    let [today, ours] = setups.map(|setup| grouped(setup.slots as u64));
    let title = format!("firmware today, {today} slots");
    picture += &format!(
        "{title:<39}{GAP}Platter, {ours} slots
"
    );
    let [today, ours] = played.map(|played| dot_map(&played.held, accesses));
    for (today, ours) in today.iter().zip(&ours) {
        let today = format!("{today:<39}");
        picture +=
            &format!("{}{GAP}{}\n", colour.paint(HELD_COLOUR, &today), colour.paint(HELD_COLOUR, ours));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_quotes_the_first_lines() {
        let readme = include_str!("README.md");
        let (_, quoted) =
            readme.split_once("$ cargo run --release --example replay\n").expect("it says how to run this");
        let (quoted, _) = quoted.split_once("...\n").expect("it says that the output goes on");
        let printed = run(&Arguments::default()).expect("the session is built in");
        assert!(quoted.lines().count() > 5);
        assert!(printed.starts_with(quoted), "the README quotes\n{quoted}\nbut this is printed:\n{printed}");
    }
}
