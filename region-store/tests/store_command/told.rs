//! What is told: help, pictures, JSON, and what a store finds when it is opened.

use std::fs;
use std::process::Command;

use region_store::store::Field;
use serde_json::Value;

use crate::{Disks, check};

const COMMANDS: [&str; 8] = ["status", "search", "load", "scan", "evict", "flush", "erase", "tend"];

#[test]
fn help_teaches() {
    let disks = Disks::new();
    let (out, _) = disks.run(&["--help"], 0);
    let fields = Field::ALL.iter().map(|(_, name, _)| *name);
    for word in COMMANDS.into_iter().chain(fields) {
        assert!(out.lines().any(|line| line.starts_with(&format!("  {word} "))), "{word} is not in\n{out}");
    }
    assert!(out.contains("Exit codes") && out.contains("    region store --spindle "), "{out}");
    assert!(out.lines().all(|line| line.len() <= 120), "{out}");
    assert_eq!(disks.run(&["load", "--help"], 0).0, out);
    let without_spindles = Command::new(env!("CARGO_BIN_EXE_region")).args(["store", "--help"]).output();
    assert_eq!(check(&without_spindles.unwrap(), 0).0, out);
    let (help, _) = disks.feed(&[], b"help", 0);
    assert!(out.contains(help.trim_end()) && help.contains("search [FILTER]"), "{help}");
}

#[test]
fn status_is_a_picture() {
    let disks = Disks::new();
    disks.load("1/2/3", "one\ntwo\n");
    disks.load("1/2/4", "one\n");
    let (out, error) = disks.run(&["status"], 0);
    assert_eq!(error, "region: found 2 slices\n");
    for line in ["spindle d1 at d1", "spindle two at d2", "memory", "disk", "2 slices: 2 warm"] {
        assert!(out.lines().any(|told| told == line), "{line} is not in\n{out}");
    }
    assert!(out.contains("  [.....|..|...........]  0 B of 95.37 MiB, marks at 25 % and 40 %"), "{out}");
    assert!(out.contains("\nslice  state  blobs  bytes "), "{out}");
    assert!(out.contains("\n1/2/3  warm       2    6 B "), "{out}");
    assert!(out.contains(" of slices, ") && out.contains(" free"), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    let (out, _) = disks.run(&["search", "slice>3"], 0);
    assert!(out.starts_with("slice  state") && out.lines().count() == 2 && out.contains("1/2/4"), "{out}");
    // Numbers that leave no room for all columns.
    let longest = "18446744073709551615/18446744073709551615/4294967295";
    disks.load(longest, "one\n");
    let (out, _) = disks.run(&["status"], 0);
    assert!(out.contains(&format!("{longest}  warm ")) && !out.contains("generation"), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
}

#[test]
fn status_is_an_object_too() {
    let disks = Disks::new();
    disks.load("1/2/3", "one\ntwo\n");
    let status = disks.json(&["status"]);
    let names: Vec<_> =
        status["spindles"].as_array().unwrap().iter().map(|spindle| &spindle["name"]).collect();
    assert_eq!(names, ["d1", "two"]);
    assert!(status["spindles"][0]["missing"].is_null() && status["spindles"][0]["free_bytes"].is_u64());
    assert_eq!(
        (&status["memory"]["limit"], &status["memory"]["high_mark"]),
        (&100_000_000.into(), &40.into())
    );
    assert_eq!((&status["states"]["warm"], &status["states"]["hot"]), (&1.into(), &0.into()));
    let slice = &status["slices"][0];
    assert_eq!(
        (&slice["slice"], &slice["state"], &slice["blobs"]),
        (&"1/2/3".into(), &"warm".into(), &2.into())
    );
    assert_eq!((&slice["regions"], &slice["readers"]), (&1.into(), &0.into()));
    assert_eq!(slice["snap_id"].as_str().unwrap().len(), 32);
    assert_eq!(slice["seconds_to_live"]["evict"], 900.0);
    assert_eq!(disks.json(&["status", "slice=4"])["slices"], Value::Array(vec![]));
    assert_eq!(disks.json(&["search"])["slices"][0]["slice"], "1/2/3");
}

#[test]
fn a_missing_spindle_is_in_the_picture() {
    let disks = Disks::new();
    let text: String = (0..400_000).map(|number| format!("line {number}\n")).collect();
    disks.load("1/2/3", &text);
    fs::rename(disks.path("d2"), disks.path("away")).unwrap();
    for why in ["No such file or directory", "its folder is empty"] {
        let (out, error) = disks.run(&["status"], 0);
        assert!(out.contains("1 slice: 1 unavailable") && out.contains("1/2/3  unavailable "), "{out}");
        let spindle = out.split("spindle two at d2\n").nth(1).unwrap();
        assert!(spindle.starts_with(&format!("  missing: {why}")), "{out}");
        assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
        let said =
            format!("region: the spindle two is missing, and what has a part on it cannot be had: {why}");
        assert!(error.contains(&said), "{error}");
        assert!(disks.json(&["status"])["spindles"][1]["missing"].as_str().unwrap().starts_with(why));
        let (_, error) = disks.run(&["scan", "1/2/3"], 3);
        assert!(error.contains("cannot be had while its spindle two is missing"), "{error}");
        if !disks.path("d2").exists() {
            fs::create_dir(disks.path("d2")).unwrap();
        }
    }
    fs::remove_dir(disks.path("d2")).unwrap();
    fs::rename(disks.path("away"), disks.path("d2")).unwrap();
    assert_eq!(disks.json(&["scan", "1/2/3"])["blobs"], 400_000);
    let (_, error) = disks.run(&["--spindle", "d3", "load", "1/2/4", "--lines", "-"], 0);
    assert!(error.contains("the spindle d3 is missing"), "{error}");
    let alone = Command::new(env!("CARGO_BIN_EXE_region"))
        .args(["store", "--spindle", "nowhere", "status"])
        .current_dir(disks.path(""))
        .output();
    let (_, error) = check(&alone.unwrap(), 3);
    assert!(error.contains("none of the 1 spindles is there"), "{error}");
    let misnamed = Command::new(env!("CARGO_BIN_EXE_region"))
        .args(["store", "--spindle", "one=d1", "status"])
        .current_dir(disks.path(""))
        .output();
    let (_, error) = check(&misnamed.unwrap(), 3);
    assert!(error.contains("d1 is the spindle d1, not one"), "{error}");
}

#[test]
fn what_is_found_and_is_no_slice_is_told() {
    let disks = Disks::new();
    disks.load("1/2/3", "one\n");
    let id = "0a".repeat(16);
    for name in ["0000.region.part", "0001.region.part"] {
        fs::write(disks.path("d1").join(format!("{id}_{name}")), "").unwrap();
    }
    let (_, error) = disks.run(&["search"], 0);
    let said = format!("region: removed d1/{id}_0000.region.part and 1 more: it was not written to its end");
    assert!(error.contains(&said) && error.contains("found 1 slice\n"), "{error}");
    fs::write(disks.path("d1").join(format!("{id}_0000.region")), "").unwrap();
    fs::rename(disks.path("d2"), disks.path("away")).unwrap();
    let (_, error) = disks.run(&["search"], 0);
    let said = format!("region: left, though it is no slice: d1/{id}_0000.region: there is no manifest");
    assert!(error.contains(&said), "{error}");
}
