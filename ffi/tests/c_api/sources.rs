//! The programs, and what of the manuals is a part of them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::language::{package, scratch};

/// Every program that runs by itself.
pub(crate) fn programs() -> Vec<PathBuf> {
    let files = fs::read_dir(package().join("tests/c")).expect("the programs are there");
    let paths = files.map(|file| file.expect("their folder can be read").path());
    let programs = paths.filter(|path| path.extension() == Some(OsStr::new("c")));
    programs.chain([README.clone()]).collect()
}

/// The sections of the header whose manual has an example, and the file that it becomes.
const SECTIONS: [(&str, &str); 5] = [
    ("The cache", "cache_example.inc"),
    ("The SD card", "disk_example.inc"),
    ("The session", "session_example.inc"),
    ("The client", "client_example.inc"),
    ("Regions", "region_example.inc"),
];

/// The folder of those files and of `header_example.inc`: what is indented in the header's manuals, so that the examples
/// cannot rot.
pub(crate) static EXAMPLES: LazyLock<&Path> = LazyLock::new(|| {
    let header =
        fs::read_to_string(package().join("../include/sector_cache.h")).expect("the header is there");
    write_example("header_example.inc", &header);
    for (section, name) in SECTIONS {
        let (_, manual) =
            header.split_once(&format!("/* {section} ---")).expect("the header has that section");
        let (_, manual) = manual.split_once("/*\n").expect("which starts with its manual");
        write_example(name, manual);
    }
    write_guide();
    scratch()
});

/// Writes all C of the porting guide, as `porting.inc`.
fn write_guide() {
    let guide = fs::read_to_string(package().join("../docs/porting.md")).expect("the guide is there");
    let blocks = guide.split("```c\n").skip(1).filter_map(|rest| rest.split("```").next());
    fs::write(scratch().join("porting.inc"), blocks.collect::<String>()).expect("the folder takes files");
}

/// Writes the code of a comment, as a file.
fn write_example(name: &str, manual: &str) {
    let comment = manual.split("*/").next().unwrap_or_default();
    let code = comment.lines().filter_map(|line| line.strip_prefix(" *     "));
    let example: String = code.flat_map(|line| [line, "\n"]).collect();
    fs::write(scratch().join(name), example).expect("the scratch folder takes files");
}

/// The C of the README, as a program.
static README: LazyLock<PathBuf> = LazyLock::new(|| {
    let readme = fs::read_to_string(package().join("../README.md")).expect("the README is there");
    let (_, program) = readme.split_once("```c\n").expect("it has a block of C");
    let (program, _) = program.split_once("```").expect("a block has an end");
    let source = scratch().join("readme.c");
    fs::write(&source, program).expect("the scratch folder takes files");
    source
});
