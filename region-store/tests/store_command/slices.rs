//! What slices are loaded from, and what becomes of them.

use std::fs;
use std::process::Command;

use region_store::format::Version;
use serde_json::Value;

use crate::{Disks, check, sorted};

#[test]
fn only_a_load_makes_a_store() {
    let disks = Disks::new();
    for arguments in [
        &["status"][..],
        &["search"],
        &["scan", "1/2/3"],
        &["evict"],
        &["flush", "--all"],
        &["erase", "--all"],
        &["tend"],
        &["load", "1/2/3", "no such file"],
        &["load", "1/2/3", "--lines", "no such file"],
        &["load", "1/2/3", "--lines", "d1"],
    ] {
        let (_, error) = disks.run(arguments, 3);
        let said = if arguments[0] == "load" { "cannot open" } else { "there is no store at d1 yet: load" };
        assert!(error.contains(said), "{error}");
        assert_eq!(fs::read_dir(disks.path("d1")).unwrap().count(), 0);
    }
    fs::write(disks.path("lines"), "one\ntwo\n").unwrap();
    let (out, error) = disks.feed(&[], b"status\nload 1/2/3 --lines lines\nsearch", 3);
    assert!(error.starts_with("region: line 1: there is no store at d1 yet"), "{error}");
    assert!(out.starts_with("1/2/3: loaded, 2 blobs of 6 bytes in all, 1 region,"), "{out}");
    assert!(out.contains("\n1/2/3  hot "), "{out}");
    fs::create_dir(disks.path("d3")).unwrap();
    let (_, error) = disks.run(&["--spindle", "d3", "status"], 3);
    assert!(error.contains("there is no store at d3 yet") && disks.files("d3").is_empty(), "{error}");
}

#[test]
fn folders_of_one_name_are_refused_and_left_as_they_are() {
    let disks = Disks::new();
    for folder in ["d1/slices", "d2/slices"] {
        fs::create_dir(disks.path(folder)).unwrap();
    }
    let is_empty = || {
        let files = |folder| fs::read_dir(disks.path(folder)).unwrap().count();
        files("d1/slices") + files("d2/slices") == 0
    };
    let run = |spindles: [&str; 2], code| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_region"));
        command.args(["store", "--spindle", spindles[0], "--spindle", spindles[1], "--regions", "2"]);
        command.args(["load", "1/2/3", "--lines", "lines"]).current_dir(disks.path(""));
        check(&command.output().unwrap(), code)
    };
    fs::write(disks.path("lines"), "one\n").unwrap();
    let (_, error) = run(["d1/slices", "d2/slices"], 2);
    assert!(
        error.contains("`d1/slices` and `d2/slices` are both called `slices`: give names by NAME=FOLDER"),
        "{error}"
    );
    assert!(is_empty());
    let (_, error) = run(["d1/slices", "=d2/slices"], 2);
    assert!(error.contains("\"\" for d2/slices: it takes names of 1 to 255 bytes"), "{error}");
    assert!(is_empty());
    run(["d1/slices", "two=d2/slices"], 0);
}

#[test]
fn lines_are_loaded_scanned_and_printed() {
    let disks = Disks::new();
    let text: String = (0..400_000).map(|number| format!("line {number}\n")).collect::<String>();
    // A blob may have more bytes than parcels have otherwise.
    let text = text + "\n" + &"x".repeat(3 << 20) + "\nlast";
    fs::write(disks.path("lines"), &text).unwrap();
    let (out, _) = disks.run(&["load", "1/2/3", "--lines", "lines"], 0);
    assert!(out.contains("1/2/3: loaded, 400,003 blobs of "), "{out}");
    assert_eq!(sorted(&disks.run(&["scan", "1/2/3", "--print"], 0).0), sorted(&text));
    let (out, _) = disks.run(&["scan", "1/2/3"], 0);
    assert!(out.starts_with("1/2/3: 400,003 blobs of ") && out.contains(" GB/s"), "{out}");
    let scanned = disks.json(&["scan", "1/2/3"]);
    assert_eq!((&scanned["blobs"], &scanned["regions"]), (&400_003.into(), &3.into()));
    assert_eq!(scanned["blob_bytes"].as_u64().unwrap(), text.lines().map(str::len).sum::<usize>() as u64);
    let (_, error) = disks.run(&["scan", "1/2/4"], 3);
    assert!(error.contains("slice 1/2/4 is not in the store: load it"), "{error}");

    let loaded: Value =
        serde_json::from_str(&disks.feed(&["load", "1/2/4", "--lines", "-", "--json"], b"one\n\nthree", 0).0)
            .unwrap();
    assert_eq!((&loaded["blobs"], &loaded["blob_bytes"]), (&3.into(), &8.into()));
    assert_eq!(disks.run(&["scan", "1/2/4", "--print"], 0).0, "one\n\nthree\n");
    assert_eq!(disks.run(&["scan", "1/2/4", "--print", "--framing", "raw"], 0).0, "onethree");
    let framed = disks.run(&["scan", "1/2/4", "--print", "--framing", "length"], 0).0;
    assert_eq!(framed, "\x03\0\0\0one\0\0\0\0\x05\0\0\0three");
}

#[test]
fn a_slice_without_blobs_has_no_data() {
    let disks = Disks::new();
    disks.load("1/2/3", "");
    let (out, _) = disks.run(&["status"], 0);
    assert!(out.contains("1 slice: 1 nodata") && out.contains("1/2/3  nodata "), "{out}");
    assert_eq!(disks.run(&["scan", "1/2/3", "--print"], 0).0, "");
}

#[test]
fn regions_are_loaded_block_by_block() {
    let disks = Disks::new();
    let blobs = ["one", "two", "", "four", "five of these are long enough for blocks", "six"];
    disks.write_region("1.region", Version::One, &blobs);
    disks.write_region("2.region", Version::Two, &blobs);
    let inspected = Command::new(env!("CARGO_BIN_EXE_region"))
        .args(["inspect", "--json", "2.region"])
        .current_dir(disks.path(""))
        .output();
    let blocks: Value = serde_json::from_str(&check(&inspected.unwrap(), 0).0).unwrap();
    let blocks = blocks["blocks"].as_u64().unwrap();
    assert!(blocks > 2);
    let (out, _) = disks.run(&["load", "1/2/3", "1.region", "2.region"], 0);
    assert!(out.contains("12 blobs of 106 bytes in all, 3 regions"), "{out}");
    let (out, _) = disks.run(&["scan", "1/2/3", "--print"], 0);
    assert_eq!(sorted(&out), sorted(&[blobs, blobs].concat().join("\n")));
    let parcels = &disks.json(&["search"])["slices"][0]["metrics"]["parcels"];
    assert_eq!(parcels.as_u64().unwrap(), 1 + blocks);
}

#[test]
fn what_is_damaged_is_not_loaded() {
    let disks = Disks::new();
    disks.write_region("1.region", Version::One, &["a blob"]);
    disks.write_damaged("damaged.region");
    fs::write(disks.path("cut.region"), fs::read(disks.path("1.region")).unwrap().split_last().unwrap().1)
        .unwrap();
    fs::write(disks.path("unsealed.region"), [0x55, 2]).unwrap();
    for (file, said) in [
        (
            "damaged.region",
            "slice 1/2/3 could not be loaded: its loader failed: damaged.region: block checksum",
        ),
        ("cut.region", "could not be loaded: its loader failed: cut.region: "),
        ("unsealed.region", "region: unsealed.region: "),
    ] {
        let (_, error) = disks.run(&["load", "1/2/3", "1.region", file], 1);
        assert!(error.contains(said), "{error}");
        assert!(disks.files("d1").is_empty() && disks.files("d2").is_empty());
    }
    let (out, _) = disks.feed(&[], b"load 1/2/3 damaged.region\nstatus", 1);
    assert!(out.contains("1 slice: 1 failed") && out.contains("\n1/2/3  failed "), "{out}");
    assert!(out.contains("\n  its loader failed: damaged.region: block checksum"), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    // What has failed may be tried again at once.
    let (out, _) = disks.feed(&[], b"load 1/2/3 damaged.region\nload 1/2/3 1.region", 1);
    assert!(out.contains("1/2/3: loaded, 1 blobs"), "{out}");
}

#[test]
fn a_slice_is_replaced_by_a_later_generation_only() {
    let disks = Disks::new();
    disks.write_region("2.region", Version::Two, &["later"]);
    disks.write_damaged("damaged.region");
    disks.load("1/2/3", "first\n");
    for clock in [&[][..], &["--generation", "0"]] {
        let (_, error) = disks.run(&[&["load", "1/2/3", "2.region"], clock].concat(), 3);
        assert!(error.contains("slice 1/2/3 is there already, in generation 0"), "{error}");
    }
    let (_, error) = disks.run(&["load", "1/2/3", "--generation", "7", "damaged.region"], 1);
    assert!(error.contains("damaged.region: block checksum"), "{error}");
    assert_eq!(disks.run(&["scan", "1/2/3", "--print"], 0).0, "first\n", "it is checked in advance");
    disks.run(&["load", "1/2/3", "--generation", "7", "2.region"], 0);
    assert_eq!(disks.run(&["scan", "1/2/3", "--print"], 0).0, "later\n");
    assert_eq!(disks.json(&["search", "clock=7"])["slices"][0]["generation"]["clock"], 7);
    // What is not on disk any more is loaded in the generation that it had.
    let (out, error) =
        disks.feed(&[], b"flush --all\nload 1/2/3 --generation 6 2.region\nload 1/2/3 2.region\nsearch", 3);
    assert!(error.contains("line 2: slice 1/2/3: generation 6#"), "{error}");
    assert!(out.contains("1/2/3: loaded") && out.trim_end().ends_with("  7"), "{out}");
}

#[test]
fn what_does_not_fit_into_memory_is_refused() {
    let disks = Disks::new();
    let (_, error) = disks.feed(&["--memory", "20k", "load", "1/2/3", "--lines", "-"], &[b'x'; 30_000], 3);
    assert!(error.contains("bytes of memory are needed, others have 0 of 20000"), "{error}");
    assert!(disks.files("d1").is_empty());
}

#[test]
fn what_needs_room_evicts_and_takes_nothing_else_down() {
    let disks = Disks::new();
    fs::write(disks.path("lines"), [b'x'; 10_000]).unwrap();
    let commands = b"load 1/2/3 --lines lines\nload 1/2/4 --lines lines\nsearch\nscan 1/2/3\nsearch";
    let (out, _) = disks.feed(&["--memory", "27k"], commands, 0);
    let states = |slice: &str| -> Vec<&str> {
        let rows = out.lines().filter_map(|line| line.strip_prefix(slice)?.strip_prefix("  "));
        rows.map(|row| row.split_whitespace().next().unwrap()).collect()
    };
    assert_eq!((states("1/2/3"), states("1/2/4")), (vec!["warm", "hot"], vec!["hot", "warm"]), "{out}");
}

#[test]
fn slices_are_taken_down() {
    let disks = Disks::new();
    for slice in ["1/2/3", "1/2/4", "1/2/5"] {
        disks.load(slice, "one\n");
    }
    let (out, _) = disks.feed(&[], b"scan 1/2/3\nscan 1/2/4\nevict slice=3\nsearch state=hot\nevict", 0);
    assert!(out.contains("1/2/3: evicted\n1 evicted, 0 busy, 0 failed\n"), "{out}");
    assert!(out.contains("\n1/2/4  hot ") && !out.contains("1/2/3  hot "), "{out}");
    assert!(out.ends_with("1/2/4: evicted\n1 evicted, 0 busy, 0 failed\n"), "{out}");
    let (out, _) = disks.feed(&[], b"flush slice>4\nsearch state=cold", 0);
    assert!(out.contains("1/2/5: flushed\n") && out.contains("\n1/2/5  cold "), "{out}");
    assert_eq!(disks.json(&["flush", "slice=4 state=warm"])["flushed"], Value::from(vec!["1/2/4"]));
    assert_eq!(disks.run(&["tend"], 0).0, "0 evicted, 0 flushed, 0 erased\n");
    assert_eq!(disks.json(&["tend"])["flushed"], 0);
    let erased = disks.json(&["erase", "--all"]);
    assert_eq!((&erased["erased"], &erased["failed"]), (&vec!["1/2/3"].into(), &Value::Array(vec![])));
    assert!(disks.files("d1").is_empty() && disks.files("d2").is_empty());
    let (out, error) = disks.run(&["status"], 0);
    assert!(out.ends_with("\nno slices\n") && error.is_empty(), "{out}{error}");
}
