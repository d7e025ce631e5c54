//! The library as C sees it: every program in `tests/c`, and the one in the README, compiled as C99 and as C++17, and
//! run.
//!
//! The environment may say otherwise: `CC` and `CXX` name the compilers, `CFLAGS` and `CXXFLAGS` give them further
//! options, `C_TEST_LIBRARY` is a `libsector_cache.a` to link instead of one built here, and `C_TEST_RUNNER` is a
//! command to run each program under.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::{env, fs};

#[test]
fn programs_pass_as_c99() {
    Language { name: "c", standard: "c99", compiler: ("CC", "cc"), flags: "CFLAGS" }.passes();
}

#[test]
fn programs_pass_as_cpp17() {
    Language { name: "c++", standard: "c++17", compiler: ("CXX", "c++"), flags: "CXXFLAGS" }.passes();
}

struct Language {
    /// As the compilers call it.
    name: &'static str,
    standard: &'static str,
    /// The variable that names one, and the default.
    compiler: (&'static str, &'static str),
    /// The variable with further options.
    flags: &'static str,
}

impl Language {
    fn passes(&self) {
        let (variable, default) = self.compiler;
        let compiler = env::var(variable).unwrap_or_else(|_| default.to_owned());
        let Some(compiler) = real_parts::program(&compiler) else { return };
        let programs = programs();
        assert!(!programs.is_empty());
        for source in &programs {
            let program = self.compile(&compiler, source);
            let run = match words("C_TEST_RUNNER").split_first() {
                Some((runner, options)) => finish(Command::new(runner).args(options).arg(&program)),
                None => finish(&mut Command::new(&program)),
            };
            assert_success(&run, source);
        }
    }

    fn compile(&self, compiler: &Path, source: &Path) -> PathBuf {
        let program = source.with_extension(self.standard);
        let program = scratch().join(program.file_name().expect("a source has a name"));
        let mut command = Command::new(compiler);
        command.args(["-g", "-Wall", "-Wextra", "-Werror", "-pedantic"]).args(words(self.flags));
        command.arg("-I").arg(package().join("../include")).arg("-I").arg(*EXAMPLE);
        command.arg(format!("-std={}", self.standard)).args(["-x", self.name]).arg(source);
        command.args(["-x", "none"]).arg(&*LIBRARY).args(["-lpthread", "-ldl", "-lm"]);
        command.arg("-o").arg(&program);
        assert_success(&finish(&mut command), source);
        program
    }
}

fn programs() -> Vec<PathBuf> {
    let files = fs::read_dir(package().join("tests/c")).expect("the programs are there");
    let paths = files.map(|file| file.expect("their folder can be read").path());
    let programs = paths.filter(|path| path.extension() == Some(OsStr::new("c")));
    programs.chain([README.clone()]).collect()
}

/// What all programs link, built in a folder of its own: cargo locks the one from which it runs this test.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(library) = env::var_os("C_TEST_LIBRARY") {
        return library.into();
    }
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--message-format=json", "--package=sector-cache-ffi"]);
    command.arg("--target-dir").arg(scratch().join("library")).current_dir(package());
    let built = finish(&mut command);
    assert_success(&built, package());
    let messages = String::from_utf8_lossy(&built.stdout);
    let library = messages.split('"').find(|text| text.ends_with("libsector_cache.a"));
    library.expect("cargo says where the library is").into()
});

/// The folder of `header_example.inc`: what is indented in the header's manual, so that the example cannot rot.
static EXAMPLE: LazyLock<&Path> = LazyLock::new(|| {
    let header =
        fs::read_to_string(package().join("../include/sector_cache.h")).expect("the header is there");
    let manual = header.split("*/").next().unwrap_or_default();
    let code = manual.lines().filter_map(|line| line.strip_prefix(" *     "));
    let example: String = code.flat_map(|line| [line, "\n"]).collect();
    fs::write(scratch().join("header_example.inc"), example).expect("the scratch folder takes files");
    scratch()
});

/// The C of the README, as a program.
static README: LazyLock<PathBuf> = LazyLock::new(|| {
    let readme = fs::read_to_string(package().join("../README.md")).expect("the README is there");
    let (_, program) = readme.split_once("```c\n").expect("it has a block of C");
    let (program, _) = program.split_once("```").expect("a block has an end");
    let source = scratch().join("readme.c");
    fs::write(&source, program).expect("the scratch folder takes files");
    source
});

fn finish(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn assert_success(output: &Output, of: &Path) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {}\n{text}", of.display(), output.status);
}

/// A variable's value, split at spaces; none if it is not set.
fn words(variable: &str) -> Vec<String> {
    env::var(variable).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
