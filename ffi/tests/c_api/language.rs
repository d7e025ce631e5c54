//! A language, its compiler, and what is compiled with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::{env, iter};

use crate::sources::EXAMPLES;

pub(crate) const C99: Language = Language { name: "c", standard: "c99", compiler: ("C_TEST_CC", "cc") };
pub(crate) const CPP17: Language =
    Language { name: "c++", standard: "c++17", compiler: ("C_TEST_CXX", "c++") };

pub(crate) struct Language {
    /// As the compilers call it.
    name: &'static str,
    standard: &'static str,
    /// The variable that names one, and the default.
    compiler: (&'static str, &'static str),
}

pub(crate) struct Compiler<'a> {
    language: &'a Language,
    program: PathBuf,
}

impl Language {
    /// The compiler, if there is one.
    pub(crate) fn compiler(&self) -> Option<Compiler<'_>> {
        let (variable, default) = self.compiler;
        let name = env::var(variable).unwrap_or_else(|_| default.to_owned());
        Some(Compiler { language: self, program: real_parts::program(&name)? })
    }
}

impl Compiler<'_> {
    /// Compiles a program of one file, under a name, with further libraries.
    pub(crate) fn compile(&self, source: &Path, program: &str, libraries: &[&str]) -> PathBuf {
        let Language { name, standard, .. } = self.language;
        let program = scratch().join(format!("{program}.{standard}"));
        let mut command = Command::new(&self.program);
        command
            .args(["-g", "-Wall", "-Wextra", "-Werror", "-pedantic", "-DSECTOR_CACHE_HOSTED"])
            .args(words("C_TEST_FLAGS"));
        for folder in [&package().join("../include"), &package().join("tests/c"), *EXAMPLES] {
            command.arg("-I").arg(folder);
        }
        command.arg(format!("-std={standard}")).args(["-x", name]).arg(source);
        command.args(["-x", "none"]).arg(&*LIBRARY).args(libraries).args(["-lpthread", "-ldl", "-lm"]);
        command.arg("-o").arg(&program);
        assert_success(&finish(&mut command), source);
        program
    }

    /// Whether a header is there to be included.
    pub(crate) fn has_header(&self, header: &str) -> bool {
        let mut command = Command::new(&self.program);
        command.args(["-x", self.language.name, "-E", "-include", header, "/dev/null"]);
        finish(&mut command).status.success()
    }
}

/// Runs a program, as the environment says.
pub(crate) fn run(program: &Path, arguments: &[&str]) -> Output {
    finish(command(program).args(arguments))
}

/// What runs a program, as the environment says.
pub(crate) fn command(program: &Path) -> Command {
    let runner = words("C_TEST_RUNNER").into_iter().map(PathBuf::from);
    let mut line = runner.chain(iter::once(program.to_owned()));
    let mut command = Command::new(line.next().expect("the program at least"));
    command.args(line);
    command
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

pub(crate) fn finish(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

pub(crate) fn assert_success(output: &Output, of: &Path) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {}\n{text}", of.display(), output.status);
}

/// A variable's value, split at spaces; none if it is not set.
pub(crate) fn words(variable: &str) -> Vec<String> {
    env::var(variable).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
