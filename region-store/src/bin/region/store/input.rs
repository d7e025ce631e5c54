//! Commands that are read, one a line.

use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write as _};

use lexopt::Parser;

use super::arguments::Asked;
use super::session::Session;
use super::words::words;
use crate::interrupt::INTERRUPTED;
use crate::{Failure, REFUSED, Worst};

const PROMPT: &str = "region store> ";

/// Does what each line says, whatever comes of the others.
pub(super) fn run(session: &mut Session) -> Result<(), Failure> {
    session.reads_input = true;
    session.open()?;
    let is_terminal = io::stdin().is_terminal();
    let mut lines = io::stdin().lock().lines();
    let mut worst = Worst::default();
    for number in 1_u64.. {
        if is_terminal {
            // Who sees no prompt can type all the same.
            let _ = write!(io::stderr(), "{PROMPT}");
        }
        let Some(line) = lines.next() else {
            if is_terminal {
                let _ = writeln!(io::stderr());
            }
            break;
        };
        let line = match line {
            Ok(line) => line,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                worst.take(Err(Failure::Other(2, format!("line {number} is no text"))))?;
                continue;
            }
            Err(error) => {
                return Err(Failure::Other(REFUSED, format!("cannot read the standard input: {error}")));
            }
        };
        if matches!(line.trim(), "exit" | "quit") {
            break;
        }
        worst.take(match obey(session, &line) {
            Err(Failure::Other(code, said)) if !is_terminal => {
                Err(Failure::Other(code, format!("line {number}: {said}")))
            }
            done => done,
        })?;
        if worst.0 == INTERRUPTED {
            break;
        }
    }
    worst.end()
}

fn obey(session: &mut Session, line: &str) -> Result<(), Failure> {
    let refused = |said: String| Failure::Other(2, format!("{said}; help lists what there is"));
    let mut words = words(line).map_err(|error| refused(error.to_owned()))?.into_iter();
    let Some(name) = words.next() else { return Ok(()) };
    let asked = Asked::parse(&name, Parser::from_args(words), session.json);
    session.run(&asked.map_err(|error| refused(error.to_string()))?)
}
