//! The library as C sees it: every program in `tests/c`, and the one in the README, compiled as C99 and as C++17, and
//! run; those in `tests/mqtt` and `tests/client`, with a server; and the one in `tests/regions`, with a program in Rust.
//!
//! The environment may say otherwise: `C_TEST_CC` and `C_TEST_CXX` name the compilers, `C_TEST_FLAGS` gives them further
//! options, `C_TEST_LIBRARY` is a `libsector_cache.a` to link instead of one built here, and `C_TEST_RUNNER` is a
//! command to run each program under. None of them is a name that the build of a dependency heeds.

#[path = "../../../vdisk-proto/tests/client/broker.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "the client's tests do more to their broker, and are laxer"
)]
mod broker;
mod client;
mod conversation;
mod language;
mod regions;
mod served;
mod sources;

use std::ffi::OsStr;
use std::time::Duration;

use language::{C99, CPP17, Language, assert_success};

/// More than a broker takes to start.
const LONG: Duration = Duration::from_secs(30);

#[test]
fn programs_pass_as_c99() {
    pass(&C99);
}

#[test]
fn programs_pass_as_cpp17() {
    pass(&CPP17);
}

fn pass(language: &Language) {
    let Some(compiler) = language.compiler() else { return };
    let programs = sources::programs();
    assert!(!programs.is_empty());
    for source in &programs {
        let name = source.file_stem().and_then(OsStr::to_str).expect("a source has a name");
        let run = language::run(&compiler.compile(source, name, &[]), &[]);
        assert_success(&run, source);
    }
}
