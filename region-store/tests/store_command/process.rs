//! How the command is run: its arguments, its input, who else runs it, and how it ends.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use serde_json::Value;

use crate::{Disks, check, interrupt, piped, wait_for};

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
        (&["load", "1/2/3"], "files are missing, or --lines FILE, or --from URL"),
        (&["load", "1/2/3", "f", "--lines", "g"], "either region files are loaded, or --lines, or --from"),
        (&["load", "1/2/3", "--from", "f", "--lines", "g"], "either region files are loaded, or --lines"),
        (&["load", "1/2/3", "f", "--generation", "new"], "`new` is no generation like 7, or 7#a1"),
        (&["load", "1/2/3", "f", "--generation", "7#+1"], "`7#+1` is no generation"),
        (&["load", "1/2/3", "f", "--generation", "+7#1"], "`+7#1` is no generation"),
        (&["scan", "1/2/3", "1/2/4"], "unexpected argument \"1/2/4\""),
        (&["scan", "1/2/3", "--framing", "raw"], "--framing is of --print"),
        (&["scan", "1/2/3", "--print", "--json"], "--print writes blobs, and no --json"),
        (&["--json", "scan", "1/2/3", "--print"], "--print writes blobs, and no --json"),
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
fn a_spindle_may_be_in_a_folder_whose_name_is_no_text() {
    let disks = Disks::new();
    let folder = disks.path("").join(OsStr::from_bytes(b"\xff"));
    fs::create_dir(&folder).unwrap();
    let mut spindle = OsString::from("z=");
    spindle.push(&folder);
    let store = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_region"));
        command.args(["store", "--spindle"]).arg(&spindle).args(arguments).current_dir(disks.path(""));
        check(&command.output().unwrap(), 0)
    };
    fs::write(disks.path("lines"), "one\n").unwrap();
    store(&["load", "1/2/3", "--lines", "lines"]);
    let (out, _) = store(&["scan", "1/2/3", "--print"]);
    assert_eq!(out, "one\n");
    assert_eq!(fs::read_to_string(folder.join("store.spindles")).unwrap(), "z\n");
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
    let (out, error) = disks.feed(&["--json"], b"scan 1/2/3 --print", 2);
    assert!(out.is_empty() && error.contains("line 1: --print writes blobs, and no --json"), "{out}{error}");
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

#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_load_leaves_nothing() {
    let disks = Disks::new();
    for arguments in [&["load", "1/2/3", "--lines", "-"][..], &[]] {
        let mut child = disks.interruptible(arguments);
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
        let (_, error) = interrupt(child);
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

#[test]
#[cfg(not(feature = "object-store"))]
fn a_command_that_cannot_load_from_objects_says_what_it_lacks() {
    let (_, error) = Disks::new().run(&["load", "1/2/3", "--from", "file:///"], 2);
    let said = "cannot load from file:///: this command was built without the feature object-store";
    assert!(error.contains(said), "{error}");
}
