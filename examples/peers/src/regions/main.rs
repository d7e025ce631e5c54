//! Measures `region-store` beside what else keeps blobs in files: in one run, round about, with the bare disk, memory
//! and the shortest loop as floors. `cargo run --release --bin regions -- --help` says how to ask for less.

mod arrow;
mod bare_files;
mod contender;
mod engine;
mod floors;
mod java;
mod lmdb;
mod map;
mod measure;
mod ours;
mod report;
mod slices;
mod source;
mod version_1;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::{Long, ValueExt};
use platter_peers::Role;

use contender::Contender;
use engine::Result;
use measure::{Operation, Subject, Task};
use report::SizeResult;
use source::Source;

const HELP: &str = "\
Measures region-store beside its peers, and prints one table.

    cargo run --release --bin regions -- [--op NAME]... [--threads N]... [--blob N]... [--megabytes N]
                                         [--only PEER]... [--rounds N] [--folder PATH] [--json]

  --op NAME      write, open, lengths, bytes, lengths_verified, bytes_verified, random, slice_write or slice_bytes;
                 all, if none is named
  --threads N    1 or 2 threads that scan; both, if none is given
  --blob N       bytes of a blob, a multiple of 8 up to 1048576; 200 and 2000, if none is given
  --megabytes N  of blobs in a file or a slice, 400 if not given
  --only PEER    arrow, java, lmdb or none; region-store and the floors always take part
  --rounds N     9 if not given
  --folder PATH  where the files go, target/regions if not given; up to twelve times the blobs, removed afterwards
  --json         rows of JSON instead of the table
";

const BLOB_LENGTHS: [usize; 2] = [200, 2_000];
const LONGEST_BLOB: usize = 1 << 20;

struct Arguments {
    operations: Vec<Operation>,
    blob_lengths: Vec<usize>,
    megabytes: u64,
    only: Vec<&'static str>,
    rounds: usize,
    folder: PathBuf,
    json: bool,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}; --help lists the arguments");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// `None` if help is asked for.
fn arguments() -> std::result::Result<Option<Arguments>, lexopt::Error> {
    let mut arguments = Arguments {
        operations: Vec::new(),
        blob_lengths: Vec::new(),
        megabytes: 400,
        only: Vec::new(),
        rounds: 9,
        folder: PathBuf::from("target/regions"),
        json: false,
    };
    let (mut operations, mut threads) = (Vec::new(), Vec::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("op") => operations.push(parser.value()?.parse_with(|name| {
                let is_known = Operation::ALL.iter().any(|operation| operation.name() == name);
                is_known.then(|| name.to_owned()).ok_or("no such operation")
            })?),
            Long("threads") => threads.push(parser.value()?.parse_with(|threads| {
                threads.parse().ok().filter(|threads| (1..=2).contains(threads)).ok_or("threads are 1 or 2")
            })?),
            Long("blob") => arguments.blob_lengths.push(parser.value()?.parse_with(blob_length)?),
            Long("megabytes") => {
                arguments.megabytes = parser.value()?.parse::<std::num::NonZeroU32>()?.get().into();
            }
            Long("only") => arguments.only.push(parser.value()?.parse_with(|name| {
                let named = contender::PEERS.into_iter().find(|peer| *peer == name);
                named.ok_or("no such peer")
            })?),
            Long("rounds") => arguments.rounds = parser.value()?.parse::<std::num::NonZeroUsize>()?.get(),
            Long("folder") => arguments.folder = parser.value()?.into(),
            Long("json") => arguments.json = true,
            Long("help") => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    let is_asked_for = |operation: &Operation| {
        (operations.is_empty() || operations.iter().any(|name| name == operation.name()))
            && (threads.is_empty() || !operation.is_scan() || threads.contains(&operation.threads()))
    };
    arguments.operations = Operation::ALL.into_iter().filter(is_asked_for).collect();
    if arguments.blob_lengths.is_empty() {
        arguments.blob_lengths = BLOB_LENGTHS.to_vec();
    }
    Ok(Some(arguments))
}

fn blob_length(argument: &str) -> std::result::Result<usize, String> {
    let length =
        argument.parse().ok().filter(|length| (8..=LONGEST_BLOB).contains(length) && length % 8 == 0);
    length.ok_or_else(|| format!("a blob has 8 to {LONGEST_BLOB} bytes, in eights"))
}

fn run(arguments: &Arguments) -> Result<()> {
    let folder = arguments.folder.join(std::process::id().to_string());
    fs::create_dir_all(&folder)?;
    let measured = arguments.blob_lengths.iter().map(|&blob_length| {
        let source = Source::new(blob_length, arguments.megabytes * 1_000_000);
        measure_size(&Task::new(source, folder.clone()), arguments)
    });
    let results: Result<Vec<SizeResult>> = measured.collect();
    fs::remove_dir_all(&folder)?;
    let results = results?;
    if arguments.json {
        println!("{}", report::json(&results, &arguments.operations));
    } else {
        print!("{}", report::table(&results, &arguments.operations));
    }
    Ok(())
}

/// Everybody takes a turn at an operation in every round, so that a disturbance of the machine meets all alike.
fn measure_size(task: &Task, arguments: &Arguments) -> Result<SizeResult> {
    let mut subjects = subjects(task, arguments)?;
    let mut samples = Vec::new();
    for round in 0..arguments.rounds {
        eprintln!("blobs of {} bytes, round {}", task.source.blob_length, round + 1);
        for &operation in &arguments.operations {
            for (contender, subject) in &mut subjects {
                if (contender.role)(operation).is_some() {
                    samples.push((*contender, operation, subject.sample(operation)?));
                }
            }
        }
    }
    Ok(SizeResult {
        blob_length: task.source.blob_length,
        bytes: task.source.bytes(),
        rounds: arguments.rounds,
        samples,
    })
}

type Subjects<'a> = Vec<(&'static Contender, Box<dyn Subject + 'a>)>;

/// Those that are asked for, have something to do, and can be had here.
fn subjects<'a>(task: &'a Task, arguments: &Arguments) -> Result<Subjects<'a>> {
    let mut subjects: Subjects = Vec::new();
    for (number, contender) in contender::ALL.iter().enumerate() {
        let mut roles = arguments.operations.iter().filter_map(|&operation| (contender.role)(operation));
        let is_named = arguments.only.is_empty() || arguments.only.contains(&contender.name);
        if !roles.any(|role| role != Role::Peer || is_named) {
            continue;
        }
        let folder = format!("{number}-{}", contender.name);
        if let Some(subject) = (contender.start)(&folder, task)? {
            subjects.push((contender, subject));
        }
    }
    Ok(subjects)
}
