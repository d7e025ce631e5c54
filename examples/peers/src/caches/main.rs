//! Measures `sector-cache` beside the caches it is judged against: in one run, round about, with the copy alone as
//! the floor. `cargo run --release --bin caches -- --help` says how to ask for less than everything.

mod allocation;
mod cache;
mod contender;
mod measure;
mod ours;
mod peers;
mod report;
mod uthash;
mod workload;

use std::process::ExitCode;

use lexopt::prelude::{Long, ValueExt};
use platter_peers::Role;

use contender::Contender;
use measure::Operation;
use report::SizeResult;
use workload::Workload;

const HELP: &str = "\
Measures sector-cache beside its peers, and prints one table.

    cargo run --release --bin caches -- [--op NAME]... [--slots N]... [--only PEER]... [--rounds N] [--quick] [--json]

  --op NAME     hit_copy, hit_lent, insert, zipf or scan; all, if none is named
  --slots N     800, 2464, 65535 and 1000000, if none is given
  --only PEER   lru, schnellru, hashlink, uthash, quick_cache or moka; sector-cache and memcpy always take part
  --rounds N    rounds at every size, instead of more at the small ones
  --quick       fewer rounds and operations: to see that it runs, not for figures
  --json        rows of JSON instead of the table
";

const SIZES: [u32; 4] = [800, 2_464, 65_535, 1_000_000];
/// Other policies are slow, up to hundreds of times, and are only shown: they need not take part in every round.
const ROUNDS_OF_OTHERS: usize = 3;
const MOST_SLOTS: u32 = 16_000_000;

struct Arguments {
    operations: Vec<Operation>,
    sizes: Vec<u32>,
    only: Vec<&'static str>,
    rounds: Option<usize>,
    quick: bool,
    json: bool,
}

fn main() -> ExitCode {
    match arguments() {
        Ok(Some(arguments)) => {
            run(&arguments);
            ExitCode::SUCCESS
        }
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}; --help lists the arguments");
            ExitCode::from(2)
        }
    }
}

/// `None` if help is asked for.
fn arguments() -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments = Arguments {
        operations: Vec::new(),
        sizes: Vec::new(),
        only: Vec::new(),
        rounds: None,
        quick: false,
        json: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("op") => arguments.operations.push(parser.value()?.parse_with(|name| {
                let named = Operation::ALL.into_iter().find(|operation| operation.name() == name);
                named.ok_or("no such operation")
            })?),
            Long("slots") => arguments.sizes.push(parser.value()?.parse_with(slots)?),
            Long("only") => arguments.only.push(parser.value()?.parse_with(|name| {
                let named = contender::ALL.iter().find(|contender| contender.name == name);
                named.map(|contender| contender.name).ok_or("no such peer")
            })?),
            Long("rounds") => {
                arguments.rounds = Some(parser.value()?.parse::<std::num::NonZeroUsize>()?.get());
            }
            Long("quick") => arguments.quick = true,
            Long("json") => arguments.json = true,
            Long("help") => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    if arguments.operations.is_empty() {
        arguments.operations = Operation::ALL.to_vec();
    }
    if arguments.sizes.is_empty() {
        arguments.sizes = SIZES.to_vec();
    }
    Ok(Some(arguments))
}

fn slots(argument: &str) -> Result<u32, String> {
    let slots = argument.parse().ok().filter(|slots| (1..=MOST_SLOTS).contains(slots));
    slots.ok_or_else(|| format!("slots go from 1 to {MOST_SLOTS}"))
}

fn run(arguments: &Arguments) {
    let results: Vec<SizeResult> =
        arguments.sizes.iter().map(|&slots| measure_size(slots, arguments)).collect();
    if arguments.json {
        println!("{}", report::json(&results, &arguments.operations));
    } else {
        print!("{}", report::table(&results, &arguments.operations));
    }
}

/// Everybody takes a turn in every round, so that a disturbance of the machine meets all alike.
fn measure_size(slots: u32, arguments: &Arguments) -> SizeResult {
    let operations = if arguments.quick { 50_000 } else { 400_000 };
    let workload = Workload::new(slots, operations);
    let takes_part = |contender: &&Contender| {
        matches!(contender.role, Role::Floor | Role::Ours)
            || arguments.only.is_empty()
            || arguments.only.contains(&contender.name)
    };
    let mut rounds: Vec<_> =
        contender::ALL.iter().filter(takes_part).map(|contender| (contender, Vec::new())).collect();
    for round in 0..round_count(slots, arguments) {
        eprintln!("{slots} slots, round {}", round + 1);
        for (contender, samples) in &mut rounds {
            if contender.role != Role::Other || round < ROUNDS_OF_OTHERS {
                samples.push((contender.run)(&workload, &arguments.operations));
            }
        }
    }
    SizeResult { slots, rounds }
}

fn round_count(slots: u32, arguments: &Arguments) -> usize {
    let usual = match (slots, arguments.quick) {
        (_, true) => 2,
        (..10_000, false) => 21,
        (10_000..100_000, false) => 11,
        (_, false) => 7,
    };
    arguments.rounds.unwrap_or(usual)
}
