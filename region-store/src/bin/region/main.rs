//! The command `region`: looks at region files, checks, copies out, recovers and times them, and keeps slices in stores.

mod arguments;
mod bench;
mod cat;
mod inspect;
mod interrupt;
mod progress;
mod recover;
mod store;
mod verify;

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arguments::{Command, parse};
use region_store::Error;

/// The exit code if a file is damaged.
const DAMAGED: u8 = 1;
/// The exit code if the operating system, or a store, refused something.
const REFUSED: u8 = 3;

/// Why the command ends, as its exit code says. `--help` lists them.
enum Failure {
    /// What was to be said has been said.
    Told(u8),
    /// What to say is still to be said.
    Other(u8, String),
    /// Nobody reads what is written any more, which is no failure.
    NobodyReads,
}

fn main() -> ExitCode {
    let done = match parse(lexopt::Parser::from_env()) {
        Ok(Command::Help(text)) => say(text),
        Ok(Command::Inspect(inspect)) => inspect::run(&inspect),
        Ok(Command::Verify(verify)) => verify::run(&verify),
        Ok(Command::Recover(recover)) => recover::run(&recover),
        Ok(Command::Cat(cat)) => cat::run(&cat),
        Ok(Command::Bench(bench)) => bench::run(&bench),
        Ok(Command::Store(store)) => store::run(store),
        Err(error) => Err(Failure::Other(2, format!("{error}; region --help lists what there is"))),
    };
    match done {
        Ok(()) | Err(Failure::NobodyReads) => ExitCode::SUCCESS,
        Err(failure) => ExitCode::from(told(failure)),
    }
}

/// Prints a line, or more.
fn say(text: impl Display) -> Result<(), Failure> {
    use io::Write as _;
    writeln!(io::stdout(), "{text}").map_err(Failure::from)
}

/// Says why the command fails, if that was not said, and returns the exit code. If nobody reads it, the code still tells.
fn told(failure: Failure) -> u8 {
    use io::Write as _;
    match failure {
        Failure::NobodyReads => 0,
        Failure::Told(code) => code,
        Failure::Other(code, said) => {
            let _ = writeln!(io::stderr(), "region: {said}");
            code
        }
    }
}

/// Does something with each file, whatever comes of the others.
fn each(files: &[PathBuf], mut work: impl FnMut(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut worst = Worst::default();
    files.iter().try_for_each(|file| worst.take(work(file)))?;
    worst.end()
}

/// The exit code of several things, of which each was told why it failed: the worst one counts.
#[derive(Default)]
struct Worst(u8);

impl Worst {
    /// Tells a failure, and keeps its code. Where nobody reads what is written, nothing more is done.
    fn take(&mut self, done: Result<(), Failure>) -> Result<(), Failure> {
        match done {
            Ok(()) => {}
            Err(Failure::NobodyReads) => return Err(Failure::NobodyReads),
            Err(failure) => self.0 = self.0.max(told(failure)),
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        if self.0 == 0 { Ok(()) } else { Err(Failure::Told(self.0)) }
    }
}

/// A number with commas.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::Other(REFUSED, format!("cannot write the output: {error}")),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(code_of(&error), error.to_string())
    }
}

/// The exit code of an error, or of what it came of.
fn code_of(error: &Error) -> u8 {
    match error {
        Error::Damaged { .. } | Error::JournalCorrupt { .. } | Error::SliceMismatch { .. } => DAMAGED,
        Error::StoreOption { .. } | Error::SliceShape { .. } | Error::Unspeakable(_) => 2,
        Error::LoadFailed { cause, .. } | Error::SliceFailed { cause, .. } => code_of(cause),
        Error::Loader(cause) => cause.downcast_ref().map_or(REFUSED, code_of),
        _ => REFUSED,
    }
}
