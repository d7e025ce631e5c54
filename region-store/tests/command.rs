//! The command `region`, run as people run it.

#![cfg(all(unix, feature = "command"))]
#![allow(missing_docs, clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use region_store::format::{Crc32c, Header, RegionId, Version};
use region_store::journal::{Journal, JournalOptions};
use region_store::medium::Disk;
use region_store::{Options, Region, RegionWriter};

fn region(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_region")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a run says, which ends with this code.
fn run(arguments: &[&str], folder: &Path, code: i32) -> (String, String) {
    let output = region(arguments, folder);
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{error}");
    (out, error)
}

fn header() -> Header {
    Header {
        region_id: RegionId([0xab; 16]),
        domain: 7,
        slice_key: 3,
        region_index: 1,
        region_count: 4,
        ..Header::default()
    }
}

fn write(path: &Path, version: Version, blobs: &[&str]) {
    let options = Options { version, header: header(), block_bytes: 64, ..Options::default() };
    let mut writer = RegionWriter::create(path, &options).unwrap();
    blobs.iter().for_each(|blob| writer.push(blob.as_bytes()).unwrap());
    writer.seal().unwrap();
}

/// Files of all kinds: `1.region`, `2.region`, `damaged.region`, `cut.region.part`, `journal.region` and `empty`.
fn files() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let blobs = ["one", "two", "", "four", "five of these are long enough for blocks", "six"];
    write(&path.join("1.region"), Version::One, &blobs);
    write(&path.join("2.region"), Version::Two, &blobs);
    let mut bytes = fs::read(path.join("2.region")).unwrap();
    let third_block = 4_256;
    fs::write(path.join("cut.region.part"), &bytes[..third_block + 20]).unwrap();
    bytes[third_block + 41] ^= 1;
    fs::write(path.join("damaged.region"), bytes).unwrap();
    fs::write(path.join("empty"), "").unwrap();
    let options = JournalOptions { capacity_bytes: 64 << 10, header: header() };
    let mut journal = Journal::create(&Disk, &path.join("journal.region"), &options).unwrap();
    for group in [&[&b"pay 5"[..], b"pay 6"][..], &[b"pay 7"]] {
        journal.append(group.iter().copied()).unwrap();
        journal.sync().unwrap();
    }
    (folder, path)
}

#[test]
fn help_teaches() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["--help"], &["-h"], &["help"]] {
        let (out, _) = run(arguments, folder.path(), 0);
        assert!(
            ["inspect", "verify", "cat", "recover", "bench", "Exit codes"]
                .iter()
                .all(|word| out.contains(word))
        );
    }
    for command in ["inspect", "verify", "cat", "recover", "bench"] {
        let (out, _) = run(&[command, "--help"], folder.path(), 0);
        assert!(out.contains(&format!("    region {command} ")), "there is an example: {out}");
    }
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let (_folder, path) = files();
    for (arguments, said) in [
        (&["look"][..], "there is no command `look`"),
        (&["inspect"], "a file is missing"),
        (&["verify", "--force", "a"], "invalid option '--force'"),
        (&["recover", "a"], "2 paths are needed, 1 are given"),
        (&["cat", "--blobs", "5", "a"], "`5` is no range like 5..10"),
        (&["cat", "--framing", "json", "a"], "`json` is none of newline, length and raw"),
        (&["bench", "--blob-length", "5G"], "`5G` is too long for a blob"),
        (&["bench", "--bytes", "0"], "`0` is no number of bytes like 400M"),
        (&["bench", "--bytes", "99999999999999G"], "is no number of bytes"),
        (&["cat", "--blob", "6", "2.region"], "2.region has blobs 0..6, and not those"),
    ] {
        let (_, error) = run(arguments, &path, 2);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn inspect_tells_what_files_are() {
    let (_folder, path) = files();
    let (out, _) = run(&["inspect", "1.region", "2.region", "journal.region"], &path, 0);
    for line in [
        "  version     1, which has no seal",
        "  version     2, sealed",
        "  version     2, a journal",
        "  region id   abababababababababababababababab",
        "  place       slice 3, region 1 of 4",
        "  blobs       6",
        "  blob bytes  53",
    ] {
        assert!(out.lines().any(|told| told == line), "{line} is not in\n{out}");
    }
    let (out, _) = run(&["inspect", "--json", "journal.region"], &path, 0);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["blobs"], &told["blocks"], &told["sealed"]), (&3.into(), &2.into(), &false.into()));
    assert_eq!(told["header"]["alignment"], 4_096);
}

#[test]
fn inspect_tells_of_damage_and_goes_on() {
    let (_folder, path) = files();
    let (out, error) = run(&["inspect", "damaged.region", "empty", "cut.region.part", "2.region"], &path, 1);
    assert!(out.contains("  damage      block checksum at offset 4260: checksum mismatch"), "{out}");
    assert!(out.contains("  version     2, not sealed") && out.contains("  version     2, sealed"), "{out}");
    assert!(
        error.contains("empty: magic and version at offset 0: 2 bytes are needed, 0 are left"),
        "{error}"
    );
}

/// Golden files, as they were when their version was released.
#[test]
fn golden_files_are_told_as_they_are() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let regions =
        ["v1-empty", "v1-example", "v1", "v2-empty", "v2-example", "v2"].map(|name| format!("{name}.region"));
    let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
    let (out, _) = run(&[&["verify"], &regions[..]].concat(), &golden, 0);
    assert_eq!(out.matches(": whole, ").count(), regions.len());
    assert!(out.contains("v2.region: whole, 19 blobs of 438 bytes in all"), "{out}");
    run(&[&["inspect"], &regions[..]].concat(), &golden, 0);
    for (journal, code, blobs) in [("v2-journal.region", 0, 4), ("v2-journal-torn.region", 1, 3)] {
        let (out, _) = run(&["inspect", "--json", journal], &golden, code);
        let told: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&told["blobs"], told["damage"].is_null()), (&blobs.into(), code == 0));
    }
}

#[test]
fn a_block_of_zeros_is_damage() {
    let (_folder, path) = files();
    let mut bytes = fs::read(path.join("2.region")).unwrap();
    bytes[4_256..4_256 + 40].fill(0);
    fs::write(path.join("zeros.region"), &bytes).unwrap();
    let unsealed = bytes.len() - 64;
    fs::write(path.join("zeros.region.part"), &bytes[..unsealed]).unwrap();
    for file in ["zeros.region", "zeros.region.part"] {
        let (out, _) = run(&["inspect", file], &path, 1);
        assert!(out.contains("  damage      tag at offset 4256: 0 is not the tag of a block"), "{out}");
        let (out, _) = run(&["recover", file, &format!("{file}.recovered")], &path, 0);
        assert!(out.contains(&format!("{file}: damaged at its tag at offset 4256")), "{out}");
    }
}

#[test]
fn a_file_that_lacks_only_its_seal_has_all_its_blobs() {
    let (_folder, path) = files();
    let bytes = fs::read(path.join("2.region")).unwrap();
    for missing in [64, 30] {
        fs::write(path.join("unsealed.region.part"), &bytes[..bytes.len() - missing]).unwrap();
        let (out, _) = run(&["inspect", "unsealed.region.part"], &path, 0);
        assert!(out.contains("  version     2, not sealed") && out.contains("  blobs       6"), "{out}");
        let to = format!("{missing}.recovered");
        let (out, _) = run(&["recover", "unsealed.region.part", &to], &path, 0);
        assert!(out.contains("not completed") && out.contains("6 blobs of 53 bytes"), "{out}");
    }
}

#[test]
fn blocks_of_a_later_version_are_passed_by() {
    let (_folder, path) = files();
    let bytes = fs::read(path.join("2.region")).unwrap();
    let offset = bytes.windows(4).rposition(|tag| tag == b"BLK2").unwrap();
    // Behind the last block: 8 bytes of data, which are no blobs.
    let mut block = b"BLK2\0\0\0\0\x30\0\0\0\0\0\0\0".to_vec();
    block.extend_from_slice(&6_u64.to_le_bytes());
    block.extend_from_slice(b"\x08\0\0\0\x01\x80\0\0\0\0\0\0\0\0\0\0whatever");
    let place = Crc32c::new().update(&header().region_id.0).update(&(offset as u64).to_le_bytes());
    let checksum = place.update(&block[8..]).value();
    block[4..8].copy_from_slice(&checksum.to_le_bytes());
    fs::write(path.join("later.region.part"), [&bytes[..offset], &block].concat()).unwrap();
    let (out, _) = run(&["inspect", "later.region.part"], &path, 0);
    assert!(out.contains("  blobs       6") && !out.contains("damage"), "{out}");
}

#[test]
fn verify_tells_the_whole_from_the_damaged() {
    let (_folder, path) = files();
    let (out, error) = run(&["verify", "1.region", "2.region"], &path, 0);
    assert_eq!(
        out,
        "1.region: whole, 6 blobs of 53 bytes in all\n2.region: whole, 6 blobs of 53 bytes in all\n"
    );
    assert_eq!(error, "", "no progress bar in a pipe");
    assert_eq!(run(&["verify", "--quiet", "2.region"], &path, 0).0, "");
    let (out, error) =
        run(&["verify", "damaged.region", "cut.region.part", "2.region", "journal.region"], &path, 1);
    assert!(out.contains("2.region: whole"));
    assert!(error.contains("damaged.region: block checksum at offset 4260: checksum mismatch"), "{error}");
    assert!(
        error.contains("cut.region.part: seal tag") && error.contains("journal.region: seal tag"),
        "{error}"
    );
    let (out, _) = run(&["verify", "--json", "damaged.region"], &path, 1);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["ok"], &told["damage"]["offset"]), (&false.into(), &4_260.into()));
    for command in ["verify", "inspect"] {
        let (out, error) = run(&[command, "missing", "damaged.region", "2.region"], &path, 3);
        assert!(error.contains("missing: cannot open: No such file"), "{error}");
        assert!(out.contains("2.region"), "the others are looked at: {out}");
    }
}

#[test]
fn cat_writes_blobs() {
    let (_folder, path) = files();
    for file in ["1.region", "2.region"] {
        let (out, _) = run(&["cat", file], &path, 0);
        assert_eq!(out, "one\ntwo\n\nfour\nfive of these are long enough for blocks\nsix\n");
        assert_eq!(run(&["cat", "--blob", "3", "--framing", "raw", file], &path, 0).0, "four");
        assert_eq!(run(&["cat", "--blobs", "..2", file], &path, 0).0, "one\ntwo\n");
        assert_eq!(run(&["cat", "--blobs", "5..", file], &path, 0).0, "six\n");
        let framed = region(&["cat", "--framing", "length", "--blobs", "1..3", file], &path).stdout;
        assert_eq!(framed, b"\x03\0\0\0two\0\0\0\0");
    }
    let (out, error) = run(&["cat", "damaged.region"], &path, 1);
    assert_eq!(out, "one\ntwo\n\nfour\n", "of the damaged block nothing is told");
    assert!(error.contains("block checksum"), "{error}");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.region");
    let line = "x".repeat(1_000);
    write(&path, Version::Two, &vec![line.as_str(); 10_000]);
    let mut cat = Command::new(env!("CARGO_BIN_EXE_region"))
        .args(["cat".as_ref(), path.as_os_str()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    cat.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = cat.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn errors_that_nobody_reads_change_no_code() {
    let (_folder, path) = files();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut verify = Command::new(env!("CARGO_BIN_EXE_region"));
    verify.args(["verify", "damaged.region"]).current_dir(&path).stderr(writer);
    assert_eq!(verify.status().unwrap().code(), Some(1));
}

#[test]
fn recover_writes_what_is_whole() {
    let (_folder, path) = files();
    for (from, blobs) in
        [("cut.region.part", 4), ("damaged.region", 4), ("journal.region", 3), ("1.region", 6)]
    {
        let to = format!("{from}.recovered");
        let before = fs::read(path.join(from)).unwrap();
        let (out, _) = run(&["recover", from, &to], &path, 0);
        assert!(out.contains(&format!("{to}: {blobs} blobs of ")), "{out}");
        assert_eq!(fs::read(path.join(from)).unwrap(), before, "the source is not changed");
        let region = Region::open(path.join(&to)).unwrap();
        region.verify(|_, _| ()).unwrap();
        assert_eq!(region.len().unwrap(), blobs);
        assert_eq!(region.header().unwrap().domain, if from == "1.region" { 0 } else { 7 });
        let (_, error) = run(&["recover", from, &to], &path, 3);
        assert!(error.contains("is there already"), "nothing is written over: {error}");
    }
    let (_, error) = run(&["recover", "empty", "new"], &path, 1);
    assert!(error.contains("empty: magic and version") && !path.join("new").exists(), "{error}");
}

#[test]
fn what_a_writer_left_is_recovered_to_the_name_that_it_was_to_have() {
    let (_folder, path) = files();
    let left = fs::read(path.join("cut.region.part")).unwrap();
    for from in ["cut.region.part", "./cut.region.part"] {
        let (out, _) = run(&["recover", from, "cut.region"], &path, 0);
        assert!(out.contains("cut.region: 4 blobs of "), "{out}");
        assert_eq!(fs::read(path.join("cut.region.part")).unwrap(), left, "the source is not changed");
        assert!(!path.join("cut.region.part.part").exists(), "nothing is left behind");
        Region::open(path.join("cut.region")).unwrap().verify(|_, _| ()).unwrap();
        fs::remove_file(path.join("cut.region")).unwrap();
    }
    // What is another's stays another's.
    let (_, error) = run(&["recover", "2.region", "cut.region"], &path, 3);
    assert!(error.contains("cut.region.part is there already"), "{error}");
}

#[test]
fn recover_takes_a_corrupt_journal_by_force_only() {
    let (_folder, path) = files();
    let journal = fs::OpenOptions::new().write(true).open(path.join("journal.region")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&journal, b"?", 4_096 + 41).unwrap();
    let (_, error) = run(&["recover", "journal.region", "new"], &path, 1);
    assert!(error.contains("offset 4096") && error.contains("offset 8192"), "{error}");
    assert!(!path.join("new").exists() && !path.join("new.part").exists());
    let (out, _) = run(&["recover", "--force", "journal.region", "new"], &path, 0);
    assert!(out.contains("new: 0 blobs of 0 bytes"), "{out}");
}

#[test]
fn bench_measures_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (out, error) = run(&["bench", "--bytes", "300k", "--blob-length", "200"], folder.path(), 0);
    assert_eq!(error, "", "no progress bar in a pipe");
    assert_eq!(out.matches("durable write").count(), 2);
    assert!(out.contains("version 2: 1,500 blobs of 200 bytes"), "{out}");
    let (out, _) = run(&["bench", "--bytes", "300k", "--json"], folder.path(), 0);
    for line in out.lines() {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            told["durable_write_gb_s"].as_f64().unwrap() > 0.0 && told["lookup_us"].as_f64().unwrap() > 0.0
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// `env` sees to it that Ctrl-C is not ignored, as it is in the background.
#[test]
#[cfg(target_os = "linux")]
fn a_bench_that_is_interrupted_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Command::new("env");
    bench.args(["--default-signal=INT", env!("CARGO_BIN_EXE_region"), "bench", "--bytes", "100G"]);
    let mut bench = bench.current_dir(folder.path()).stderr(Stdio::null()).spawn().unwrap();
    while fs::read_dir(folder.path()).unwrap().count() == 0 {
        assert_eq!(bench.try_wait().unwrap(), None, "it begins");
        std::thread::yield_now();
    }
    let interrupted = Command::new("kill").args(["-INT", &bench.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(bench.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// `script` gives the command a terminal.
#[test]
fn a_terminal_gets_a_progress_bar() {
    let Some(script) = real_parts::program("script") else { return };
    let folder = tempfile::tempdir().unwrap();
    let line = "x".repeat(1_000);
    write(&folder.path().join("2.region"), Version::Two, &vec![line.as_str(); 5_000]);
    let command = format!("{} verify 2.region", env!("CARGO_BIN_EXE_region"));
    let mut terminal = Command::new(script)
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(folder.path())
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    terminal.stdin.take().unwrap().flush().unwrap();
    let output = terminal.wait_with_output().unwrap();
    let out = text(&output.stdout);
    assert!(output.status.success() && out.contains("2.region: whole"), "{out}");
    assert!(out.contains("2.region  ["), "there is a bar: {out}");
}
