//! `vdisk-simulate`: for people who doubt that the protocol keeps its promises.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lexopt::prelude::{Long, Short, ValueExt};
use platter_examples::{grouped, json_string, spoken};
use vdisk_simulator::{Defect, Failed, Fault, Faults, Run, STEPS_A_RUN};

const HELP: &str = "\
Runs simulated devices against a simulated server of virtual disks, over a
network that loses, repeats, delays, reorders and damages messages, while
everything crashes now and then, and checks that no promise is broken.

    vdisk-simulate [options]

  --runs N      how many runs, each of another seed: 250
  --steps N     steps of a run before it has to come to rest: 4000
  --seed N      the first run's seed; the others count up from it: 0
  --defect D    plants a defect, to see that it is noticed; `list` names them
                (built with `--features defects`)
  --log         prints every step
  --json        prints one JSON object, and nothing else, on stdout
  --help        this text

It ends with 0 if all runs kept every promise, and with 1 if one did not; then
it says which, and the fewest steps with which it fails. A hundred runs and more
also fail if a kind of fault never happened in them.
";

/// In so many runs everything must have gone wrong some time.
const RUNS_WITH_EVERY_FAULT: u64 = 100;

/// What is to be done.
struct Arguments {
    runs: u64,
    steps: u64,
    seed: u64,
    defect: Option<Defect>,
    log: bool,
    json: bool,
}

/// What came of all runs.
#[derive(Default)]
struct Outcome {
    runs: u64,
    steps: u64,
    simulated_ms: u64,
    faults: Faults,
    failed: Option<Failed>,
}

fn main() -> ExitCode {
    match arguments() {
        Ok(Some(arguments)) => run(&arguments),
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vdisk-simulate: {error}; --help lists the arguments");
            ExitCode::from(2)
        }
    }
}

/// `None` if there is nothing to run.
fn arguments() -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments =
        Arguments { runs: 250, steps: STEPS_A_RUN, seed: 0, defect: None, log: false, json: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("runs") => arguments.runs = parser.value()?.parse()?,
            Long("steps") => arguments.steps = parser.value()?.parse()?,
            Long("seed") => arguments.seed = parser.value()?.parse()?,
            Long("defect") => match parser.value()?.string()?.as_str() {
                "list" => {
                    defects().iter().for_each(|(name, _)| println!("{name}"));
                    return Ok(None);
                }
                name => arguments.defect = Some(defect(name)?),
            },
            Long("log") => arguments.log = true,
            Long("json") => arguments.json = true,
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(None);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(arguments))
}

fn defect(name: &str) -> Result<Defect, String> {
    let found = defects().iter().find(|(known, _)| *known == name);
    found.map(|(_, defect)| *defect).ok_or_else(|| format!("there is no defect `{name}` in this build"))
}

#[cfg(feature = "defects")]
const fn defects() -> &'static [(&'static str, Defect)] {
    &vdisk_simulator::DEFECTS
}

#[cfg(not(feature = "defects"))]
const fn defects() -> &'static [(&'static str, Defect)] {
    &[]
}

fn run(arguments: &Arguments) -> ExitCode {
    let outcome = run_all(arguments);
    if arguments.json {
        println!("{}", json(&outcome));
    } else {
        print(&outcome);
    }
    if let Some(failed) = &outcome.failed {
        eprintln!("vdisk-simulate: {failed}");
        return ExitCode::FAILURE;
    }
    let missing: Vec<_> = outcome.faults.missing().map(Fault::name).collect();
    if outcome.runs >= RUNS_WITH_EVERY_FAULT && !missing.is_empty() {
        eprintln!("vdisk-simulate: these never happened, so that nothing is shown: {}", missing.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs one after the other, up to the first that fails.
fn run_all(arguments: &Arguments) -> Outcome {
    let bar = bar(arguments.runs.saturating_mul(arguments.steps));
    let mut outcome = Outcome::default();
    for number in 0..arguments.runs {
        let seed = arguments.seed.wrapping_add(number);
        let run = Run { seed, steps: arguments.steps, defect: arguments.defect, log: arguments.log };
        match run.run() {
            Ok(report) => {
                outcome.faults.add(&report.faults);
                outcome.simulated_ms += report.simulated_ms;
                outcome.steps += report.steps;
                outcome.runs += 1;
            }
            Err(failed) => {
                outcome.failed = Some(failed);
                break;
            }
        }
        bar.inc(arguments.steps);
    }
    bar.finish_and_clear();
    outcome
}

/// A bar on the standard error, or nothing if that is no terminal.
fn bar(steps: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("[{bar:40}] {human_pos} of {human_len} steps, {eta} to go");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn print(outcome: &Outcome) {
    println!(
        "{} steps in {} runs, {} of simulated time",
        grouped(outcome.steps),
        grouped(outcome.runs),
        spoken(std::time::Duration::from_millis(outcome.simulated_ms))
    );
    for fault in Fault::ALL {
        println!("  {:<46} {:>12}", fault.name(), grouped(outcome.faults.count(fault)));
    }
    if outcome.failed.is_none() {
        println!("every promise was kept");
    }
}

fn json(outcome: &Outcome) -> String {
    let faults =
        Fault::ALL.map(|fault| format!("{}: {}", json_string(fault.name()), outcome.faults.count(fault)));
    let failed =
        outcome.failed.as_ref().map_or_else(|| "null".to_owned(), |failed| json_string(&failed.to_string()));
    format!(
        "{{\"runs\": {}, \"steps\": {}, \"simulated_ms\": {}, \"faults\": {{{}}}, \"failed\": {failed}}}",
        outcome.runs,
        outcome.steps,
        outcome.simulated_ms,
        faults.join(", ")
    )
}
