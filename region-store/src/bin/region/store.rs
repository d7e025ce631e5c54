//! `region store`.

pub(crate) mod arguments;
mod down;
pub(crate) mod help;
mod input;
mod json;
mod load;
mod picture;
mod scan;
mod session;
mod told;
mod words;

use arguments::Store;
use session::Session;

use crate::Failure;

pub(crate) fn run(asked: Store) -> Result<(), Failure> {
    let mut session = Session::new(asked.spindles, asked.regions, asked.memory_bytes, asked.json);
    match &asked.command {
        Some(asked) => session.run(asked),
        None => input::run(&mut session),
    }
}
