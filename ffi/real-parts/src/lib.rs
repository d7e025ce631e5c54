//! What a test needs that does not come with Rust: a C compiler, a broker, an emulator.
//!
//! Where such a part is missing the test says so and passes, unless `REQUIRE_REAL=1` is set: then it fails.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// A program by its name, which is looked up as a shell does, or by its path. `None` if it is [`missing`].
///
/// # Panics
/// As [`missing`].
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        missing(name);
    }
    found
}

/// Says that a part is missing and so that the test which calls this is skipped.
///
/// # Panics
/// If `REQUIRE_REAL=1` is set.
pub fn missing(part: &str) {
    let required = env::var_os("REQUIRE_REAL").is_some_and(|value| value == "1");
    assert!(!required, "{part} is missing, and REQUIRE_REAL=1 demands it");
    // Not by `eprintln!`, which the test harness keeps to itself where a test passes.
    let _unsaid = writeln!(io::stderr(), "skipped: {part} is missing");
}
