//! Java in Burst's style: a program that is compiled when it is needed, and driven a line at a time.
//!
//! It keeps Burst's bytes and Burst's ways, with one exception: what it writes it forces to the disk, as ours is durable.
//! Ours has checksums, names and manifests beside; it has not, and does not sync its folders.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::engine::{Engine, Part, Reader, Result};
use crate::measure::{Files, OPENS, Operation, REGIONS, Subject, Task};
use crate::source::{SEED, Tally};
use crate::version_1::VersionOne;

const PROGRAM: [(&str, &str); 2] = [
    ("BurstStyle.java", include_str!("BurstStyle.java")),
    ("BurstSlice.java", include_str!("BurstSlice.java")),
];
/// Scans of each kind before the first that counts, for the machine's compiler to have had its say.
const WARM_UPS: usize = 12;
/// What a buffer of Java can map.
const LARGEST_FILE: u64 = (1 << 31) - 1;

/// A running program.
pub(crate) struct Java<'a> {
    task: &'a Task,
    program: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    warm: Vec<Operation>,
    files: Files,
}

impl<'a> Java<'a> {
    /// `None`, and a word why, if there is no Java or the file would be too large for it.
    pub(crate) fn start(name: &str, task: &'a Task) -> Result<Option<Self>> {
        // Its lengths and the header come on top.
        if task.source.bytes() + 4 * task.source.blobs + 2 > LARGEST_FILE {
            eprintln!("{name} is left out: it maps less than 2 GiB");
            return Ok(None);
        }
        let files = Files::new(&task.folder, name)?;
        let classes = files.kept().with_file_name("classes");
        fs::create_dir(&classes)?;
        for (name, text) in PROGRAM {
            fs::write(classes.join(name), text)?;
        }
        let sources = PROGRAM.map(|(name, _)| classes.join(name));
        match Command::new("javac").arg("-d").arg(&classes).args(sources).status() {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("javac: {status}").into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!(
                    "{name} is left out: there is no javac; Debian's package default-jdk-headless has one"
                );
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        let mut program = Command::new("java")
            .arg("-cp")
            .arg(&classes)
            .args(["BurstStyle", &SEED.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = program.stdin.take().ok_or("java without an input")?;
        let answers = BufReader::new(program.stdout.take().ok_or("java without an output")?);
        Ok(Some(Self { task, program, questions, answers, warm: Vec::new(), files }))
    }

    /// Seconds, and what was seen.
    fn ask(&mut self, what: &str, path: &Path, more: &str) -> Result<(f64, Tally)> {
        writeln!(self.questions, "{what}\t{}\t{more}", path.display())?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let numbers = line.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<u64>, _>>();
        match numbers.as_deref() {
            Ok(&[nanoseconds, count, value]) => Ok((nanoseconds as f64 * 1e-9, Tally { count, value })),
            _ => Err(format!("java answers {line:?} to {what}").into()),
        }
    }

    fn write(&mut self) -> Result<f64> {
        let path = self.files.fresh()?;
        let seconds = self.write_to(&path)?;
        let reader = VersionOne { with_prefetch: false }.open(&path)?;
        let mut tally = Tally::default();
        reader.scan(Part { index: 0, of: 1 }, |blob| tally.sum(blob))?;
        self.task.check(Operation::Write, tally)?;
        drop(reader);
        self.files.drop_fresh()?;
        Ok(seconds)
    }

    fn write_to(&mut self, path: &Path) -> Result<f64> {
        let source = &self.task.source;
        let more = format!("{}\t{}", source.blob_length, source.blobs);
        Ok(self.ask("write", path, &more)?.0)
    }

    fn open(&mut self, path: &Path) -> Result<f64> {
        let mut total = 0.0;
        for _ in 0..OPENS {
            let (seconds, tally) = self.ask("open", path, "")?;
            self.task.check(Operation::Open, tally)?;
            total += seconds;
        }
        Ok(total / f64::from(OPENS))
    }

    fn scan(&mut self, operation: Operation, path: &Path) -> Result<f64> {
        let (seconds, tally) = self.ask(operation.name(), path, &operation.threads().to_string())?;
        self.task.check(operation, tally)?;
        Ok(seconds)
    }

    fn write_slice(&mut self, impellers: usize) -> Result<f64> {
        let folder = self.files.fresh()?;
        let seconds = self.write_slice_to(&folder, impellers)?;
        let mut tally = Tally::default();
        for region in fs::read_dir(&folder)? {
            let reader = VersionOne { with_prefetch: false }.open(&region?.path())?;
            reader.scan(Part { index: 0, of: 1 }, |blob| tally.sum(blob))?;
        }
        self.task.check(Operation::WriteSlice { impellers }, tally)?;
        self.files.drop_fresh()?;
        Ok(seconds)
    }

    fn write_slice_to(&mut self, folder: &Path, impellers: usize) -> Result<f64> {
        fs::create_dir(folder)?;
        let source = &self.task.source;
        let more = format!("{}\t{}\t{REGIONS}\t{impellers}", source.blob_length, source.blobs);
        Ok(self.ask("slice_write", folder, &more)?.0)
    }

    /// The file that stays from round to round.
    fn kept_file(&mut self) -> Result<PathBuf> {
        let path = self.files.kept();
        if !path.exists() {
            self.write_to(&path)?;
        }
        Ok(path)
    }

    /// The same as a slice.
    fn kept_slice(&mut self) -> Result<PathBuf> {
        let folder = self.files.kept().with_file_name("kept-slice");
        if !folder.exists() {
            self.write_slice_to(&folder, REGIONS)?;
        }
        Ok(folder)
    }

    fn sample_once(&mut self, operation: Operation) -> Result<f64> {
        match operation {
            Operation::Write => self.write(),
            Operation::WriteSlice { impellers } => self.write_slice(impellers),
            Operation::Open => {
                let path = self.kept_file()?;
                self.open(&path)
            }
            Operation::Look { .. } | Operation::Sum { .. } => {
                let path = self.kept_file()?;
                self.scan(operation, &path)
            }
            Operation::SumSlice { .. } => {
                let folder = self.kept_slice()?;
                self.scan(operation, &folder)
            }
            _ => Err("no random access and no verification on offer".into()),
        }
    }
}

impl Subject for Java<'_> {
    fn sample(&mut self, operation: Operation) -> Result<f64> {
        if !self.warm.contains(&operation) {
            self.warm.push(operation);
            for _ in 0..if operation.is_scan() { WARM_UPS } else { 1 } {
                self.sample_once(operation)?;
            }
        }
        self.sample_once(operation)
    }
}

impl Drop for Java<'_> {
    fn drop(&mut self) {
        // It would end by itself at the end of its input, but its files go before that closes.
        if let Err(error) = self.program.kill().and_then(|()| self.program.wait()) {
            eprintln!("java may still run: {error}");
        }
    }
}
