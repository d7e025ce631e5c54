//! The command `region store`, run as people run it.

#![cfg(all(unix, feature = "command"))]
#![allow(missing_docs, clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use region_store::format::Version;
use region_store::store::Field;
use region_store::{Options, RegionWriter};
use serde_json::Value;

const COMMANDS: [&str; 8] = ["status", "search", "load", "scan", "evict", "flush", "erase", "tend"];

/// A folder with folders for two spindles in it.
struct Disks(tempfile::TempDir);

impl Disks {
    fn new() -> Self {
        let disks = Self(tempfile::tempdir().unwrap());
        fs::create_dir(disks.path("d1")).unwrap();
        fs::create_dir(disks.path("d2")).unwrap();
        disks
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What is in a spindle's folder, but for the store's own files.
    fn files(&self, name: &str) -> Vec<String> {
        let names = fs::read_dir(self.path(name)).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        names.filter(|name| !name.starts_with("store.")).collect()
    }

    /// `region store` on both, the second of which is called `two`.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_region"));
        command.args(["store", "--spindle", "d1", "--spindle", "two=d2", "--regions", "3"]);
        command.args(["--memory", "100M"]).args(arguments).current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str], code: i32) -> (String, String) {
        check(&self.command(arguments).stdin(Stdio::null()).output().unwrap(), code)
    }

    /// The same with something on its standard input.
    fn feed(&self, arguments: &[&str], input: &[u8], code: i32) -> (String, String) {
        let mut child = self.start(arguments);
        child.stdin.take().unwrap().write_all(input).unwrap();
        check(&child.wait_with_output().unwrap(), code)
    }

    fn start(&self, arguments: &[&str]) -> Child {
        piped(&mut self.command(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[&["--json"], arguments].concat(), 0).0).unwrap()
    }

    /// Loads the lines of a text.
    fn load(&self, slice: &str, text: &str) {
        self.feed(&["load", slice, "--lines", "-"], text.as_bytes(), 0);
    }

    fn write_region(&self, name: &str, version: Version, blobs: &[&str]) {
        let options = Options { version, block_bytes: 16, ..Options::default() };
        let mut writer = RegionWriter::create(self.path(name), &options).unwrap();
        blobs.iter().for_each(|blob| writer.push(blob.as_bytes()).unwrap());
        writer.seal().unwrap();
    }

    /// A region of one block that is not what was written.
    fn write_damaged(&self, name: &str) {
        self.write_region(name, Version::Two, &["a blob"]);
        let mut bytes = fs::read(self.path(name)).unwrap();
        bytes[4_096 + 40] ^= 1;
        fs::remove_file(self.path(name)).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn check(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{error}");
    (out, error)
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Waits until something is so.
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

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
fn arguments_that_make_no_sense_are_refused() {
    let disks = Disks::new();
    for (arguments, said) in [
        (&["look"][..], "a store has no command `look`"),
        (&["--regions", "0"], "`0` is no number of regions from 1 to 65536"),
        (&["--memory", "0"], "`0` is no number of bytes like 400M"),
        (&["--spindle", ".."], "`..` needs a name: NAME=FOLDER"),
        (&["--spindle", "d1", "load", "1/2/3", "--lines", "-"], "the option spindles cannot be d1"),
        (&["status", "colour=5"], "`colour` is no field"),
        (&["status", "idle"], "`idle` is no condition like idle>900"),
        (&["status", "--all"], "invalid option '--all'"),
        (&["load"], "a slice is missing"),
        (&["load", "1/2", "f"], "`1/2` is no slice like 5/1/12"),
        (&["load", "1/2/3/4", "f"], "`1/2/3/4` is no slice like 5/1/12"),
        (&["load", "1/2/3"], "files are missing, or --lines FILE"),
        (&["load", "1/2/3", "f", "--lines", "g"], "either region files are loaded or --lines"),
        (&["load", "1/2/3", "f", "--generation", "new"], "new"),
        (&["scan", "1/2/3", "1/2/4"], "unexpected argument \"1/2/4\""),
        (&["scan", "1/2/3", "--framing", "raw"], "--framing is of --print"),
        (&["scan", "1/2/3", "--print", "--json"], "--print writes blobs, and no --json"),
        (&["scan", "1/2/3", "--print", "--framing", "json"], "`json` is none of newline, length and raw"),
        (&["flush"], "flush takes a filter, or --all for all slices"),
        (&["erase"], "erase takes a filter, or --all for all slices"),
        (&["erase", "--all", "idle>5"], "--all takes no filter"),
        (&["tend", "all"], "unexpected argument \"all\""),
    ] {
        let (_, error) = disks.run(arguments, 2);
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
    let without_spindles = Command::new(env!("CARGO_BIN_EXE_region")).args(["store", "status"]).output();
    let (_, error) = check(&without_spindles.unwrap(), 2);
    assert!(error.contains("a folder is missing: --spindle NAME=FOLDER"), "{error}");
}

#[test]
fn a_spindle_is_called_as_its_folder_if_it_has_no_name() {
    let disks = Disks::new();
    fs::create_dir(disks.path("x=y")).unwrap();
    let spindles = ["--spindle", "./x=y", "--spindle", "z=./d3/"];
    fs::create_dir(disks.path("d3")).unwrap();
    disks.feed(&[&spindles[..], &["load", "1/2/3", "--lines", "-"]].concat(), b"one", 0);
    let status = disks.json(&[&spindles[..], &["status"]].concat());
    let names =
        status["spindles"].as_array().unwrap().iter().map(|spindle| spindle["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["d1", "two", "x=y", "z"]);
    assert_eq!(status["spindles"][3]["folder"], "./d3/");
}

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

#[test]
fn commands_are_read_whatever_comes_of_the_others() {
    let disks = Disks::new();
    fs::write(disks.path("of 3"), "one\n").unwrap();
    let input = b"# to begin with\n\nload 1/2/3 --lines 'of 3' --json\nnope\nload 1/2/3 'of\n\
        scan 1/2/9\nload 1/2/4 --lines -\n\xff\nsearch slice=3 --json # the end\nquit\nnope";
    let (out, error) = disks.feed(&[], input, 3);
    let told: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&told[0]["slice"], &told[1]["slices"][0]["state"]), (&"1/2/3".into(), &"hot".into()));
    assert_eq!(
        error.lines().collect::<Vec<_>>(),
        [
            "region: line 4: a store has no command `nope`; help lists what there is",
            "region: line 5: a quote is not closed; help lists what there is",
            "region: line 6: slice 1/2/9 is not in the store: load it",
            "region: line 7: commands come from the standard input: lines are read from a file",
            "region: line 8 is no text",
        ]
    );
    let (_, error) = disks.feed(&[], b"flush\nsearch", 2);
    assert!(error.contains("line 1: flush takes a filter, or --all"), "{error}");
    assert_eq!(disks.feed(&["--json"], b"tend\nexit\nnope", 0).0.lines().count(), 1);
}

#[test]
fn a_store_that_another_has_is_refused() {
    let disks = Disks::new();
    disks.load("1/2/3", "one\n");
    let mut other = disks.start(&[]);
    let mut input = other.stdin.take().unwrap();
    input.write_all(b"tend\n").unwrap();
    let mut told = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut told).unwrap();
    assert_eq!(told, "0 evicted, 0 flushed, 0 erased\n");
    for arguments in [&["status"][..], &[]] {
        let (_, error) = disks.run(arguments, 3);
        assert!(error.contains("the spindle d1 at d1 is another store's now: stop that"), "{error}");
    }
    drop(input);
    assert!(other.wait().unwrap().success());
    disks.run(&["status"], 0);
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let disks = Disks::new();
    disks.load("1/2/3", &format!("{}\n", "x".repeat(1_000)).repeat(10_000));
    for (arguments, input) in
        [(&["scan", "1/2/3", "--print"][..], &b""[..]), (&[], b"help\nscan 1/2/3 --print\nhelp\nnope")]
    {
        let mut child = disks.start(arguments);
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
        let (_, error) = check(&child.wait_with_output().unwrap(), 0);
        assert_eq!(error, "region: found 1 slice\n");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(disks.command(&["scan", "1/2/9"]).stderr(writer).status().unwrap().code(), Some(3));
}

/// `env` sees to it that the signal is not ignored, as it is where this runs in the background.
#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_load_leaves_nothing() {
    let disks = Disks::new();
    for arguments in [&["load", "1/2/3", "--lines", "-"][..], &[]] {
        let command = disks.command(arguments);
        let mut through = Command::new("env");
        through.args(["--default-signal=INT"]).arg(command.get_program()).args(command.get_args());
        let mut child = piped(through.current_dir(disks.path("")));
        let mut commands = child.stdin.take().unwrap();
        if arguments.is_empty() {
            assert!(Command::new("mkfifo").arg(disks.path("fifo")).status().unwrap().success());
            commands.write_all(b"load 1/2/3 --lines fifo\nnope\n").unwrap();
        }
        // Neither of them ends, so that more might come.
        let mut lines: Box<dyn Write> = if arguments.is_empty() {
            Box::new(fs::File::options().read(true).write(true).open(disks.path("fifo")).unwrap())
        } else {
            Box::new(commands)
        };
        lines.write_all(&b"some line\n".repeat(300_000)).unwrap();
        wait_for("the load begins", || !disks.files("d1").is_empty());
        let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(interrupted.success());
        wait_for("the command ends", || child.try_wait().unwrap().is_some());
        let (_, error) = check(&child.wait_with_output().unwrap(), 130);
        assert!(
            error.contains("the load of slice 1/2/3 was interrupted, and nothing of it is left")
                && !error.contains("nope"),
            "{error}"
        );
        assert!(disks.files("d1").is_empty() && disks.files("d2").is_empty());
    }
    let (out, _) = disks.run(&["status"], 0);
    assert!(out.ends_with("\nno slices\n"), "{out}");
}

/// `script` gives the command a terminal.
#[test]
fn a_terminal_gets_a_progress_bar_and_a_prompt() {
    let Some(script) = real_parts::program("script") else { return };
    let disks = Disks::new();
    fs::write(disks.path("lines"), format!("{}\n", "x".repeat(1_000)).repeat(5_000)).unwrap();
    let command = format!("stty cols 60 rows 20; {} store --spindle d1", env!("CARGO_BIN_EXE_region"));
    let typed = b"load 1/2/3 --lines lines\nnope\nstatus\n\x04";
    let mut terminal = piped(
        Command::new(script)
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .current_dir(disks.path(""))
            .env("TERM", "xterm"),
    );
    let mut input = terminal.stdin.take().unwrap();
    input.write_all(typed).unwrap();
    input.flush().unwrap();
    let (out, _) = check(&terminal.wait_with_output().unwrap(), 2);
    assert!(out.matches("region store> ").count() >= 4, "{out}");
    assert!(out.contains("1/2/3  [") && out.contains("1/2/3: loaded, 5,000 blobs"), "{out}");
    assert!(out.contains("region: a store has no command `nope`; help lists what there is"), "{out}");
    assert!(out.contains("1 slice: 1 hot"), "{out}");
    assert!(out.contains("readers  regions\r\n"), "there is no room for the generation: {out}");
}
