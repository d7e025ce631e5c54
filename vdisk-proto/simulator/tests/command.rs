//! The command `vdisk-simulate`, as people run it.

use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_vdisk-simulate")).args(arguments).output();
    command.unwrap_or_else(|error| panic!("vdisk-simulate: {error}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_run_tells_what_went_wrong_and_that_no_promise_was_broken() {
    let output = simulate(&["--runs", "2", "--steps", "300", "--seed", "3"]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains(" steps in 2 runs, "), "{printed}");
    assert!(printed.contains("messages lost"), "{printed}");
    assert!(printed.ends_with("every promise was kept\n"), "{printed}");
}

#[test]
fn json_is_one_object() {
    let output = simulate(&["--runs", "1", "--steps", "200", "--json"]);
    let printed = text(&output.stdout);
    assert!(printed.starts_with("{\"runs\": 1, \"steps\": ") && printed.ends_with("\"failed\": null}\n"));
}

#[test]
fn every_step_is_printed_on_request() {
    let output = simulate(&["--runs", "1", "--steps", "50", "--log"]);
    assert!(text(&output.stdout).contains("Boot { device: 0 }"));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_word() {
    for arguments in [&["--runs", "many"][..], &["--defect", "unheard-of"], &["--fast"], &["surplus"]] {
        let output = simulate(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("--help"), "{arguments:?}");
    }
    assert!(text(&simulate(&["--help"]).stdout).contains("--seed N"));
}

#[cfg(feature = "defects")]
#[test]
fn a_run_that_fails_says_how_to_see_it_again() {
    let output = simulate(&["--defect", "no-duplicate-check", "--runs", "50"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(complaint.contains("vdisk-simulate --seed ") && complaint.contains(" --log"), "{complaint}");
}
