//! What is timed, and how.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use rustix::fs::fsync;

use crate::engine::{Engine, Part, Reader, Result};
use crate::source::{Source, Tally};

/// What is done with a file of blobs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Write,
    Open,
    /// The length and the first byte of every blob, by so many threads.
    Look {
        threads: usize,
    },
    /// Every byte of every blob.
    Sum {
        threads: usize,
    },
    /// The same of blobs that are verified on the way, beside the same format unverified.
    LookVerified {
        threads: usize,
    },
    SumVerified {
        threads: usize,
    },
    Random,
    /// The same blobs come in parcels, and go round about to some files, of which so many threads have their share.
    WriteSlice {
        impellers: usize,
    },
    /// Every byte of every blob in such files, of which each belongs to one of so many threads.
    SumSlice {
        threads: usize,
    },
}

/// Files of a slice.
pub(crate) const REGIONS: usize = 8;

impl Operation {
    pub(crate) const ALL: [Self; 17] = [
        Self::Write,
        Self::Open,
        Self::Look { threads: 1 },
        Self::Look { threads: 2 },
        Self::Sum { threads: 1 },
        Self::Sum { threads: 2 },
        Self::LookVerified { threads: 1 },
        Self::LookVerified { threads: 2 },
        Self::SumVerified { threads: 1 },
        Self::SumVerified { threads: 2 },
        Self::Random,
        Self::WriteSlice { impellers: 1 },
        Self::WriteSlice { impellers: 2 },
        Self::WriteSlice { impellers: 4 },
        Self::WriteSlice { impellers: 8 },
        Self::SumSlice { threads: 1 },
        Self::SumSlice { threads: 2 },
    ];

    /// As in JSON, without the number of threads.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Open => "open",
            Self::Look { .. } => "lengths",
            Self::Sum { .. } => "bytes",
            Self::LookVerified { .. } => "lengths_verified",
            Self::SumVerified { .. } => "bytes_verified",
            Self::Random => "random",
            Self::WriteSlice { .. } => "slice_write",
            Self::SumSlice { .. } => "slice_bytes",
        }
    }

    /// For people.
    pub(crate) fn title(self) -> String {
        let what = match self {
            Self::Write => return "durable write".to_owned(),
            Self::Open => return "open, to the first blob".to_owned(),
            Self::Random => return "random access to a blob".to_owned(),
            Self::WriteSlice { impellers } => {
                return format!("durable slice, files: {REGIONS}, impellers: {impellers}");
            }
            Self::Look { .. } => "lengths and first bytes",
            Self::Sum { .. } => "all bytes",
            Self::LookVerified { .. } => "lengths and first bytes, verified",
            Self::SumVerified { .. } => "all bytes, verified",
            Self::SumSlice { .. } => "all bytes of a slice",
        };
        format!("scan of {what}, threads: {}", self.threads())
    }

    /// What its cost is shown in.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Open => "us",
            Self::Random => "ns",
            _ => "GB/s",
        }
    }

    /// Do threads share it?
    pub(crate) fn is_scan(self) -> bool {
        !matches!(self, Self::Write | Self::Open | Self::Random | Self::WriteSlice { .. })
    }

    pub(crate) fn verifies(self) -> bool {
        matches!(self, Self::LookVerified { .. } | Self::SumVerified { .. })
    }

    pub(crate) fn is_of_slices(self) -> bool {
        matches!(self, Self::WriteSlice { .. } | Self::SumSlice { .. })
    }

    pub(crate) fn threads(self) -> usize {
        match self {
            Self::Look { threads }
            | Self::Sum { threads }
            | Self::LookVerified { threads }
            | Self::SumVerified { threads }
            | Self::SumSlice { threads } => threads,
            Self::WriteSlice { impellers } => impellers,
            Self::Write | Self::Open | Self::Random => 1,
        }
    }
}

/// How often a file is opened, and how many blobs are looked up, for one sample.
pub(crate) const OPENS: u32 = 21;
const LOOK_UPS: usize = 200_000;

/// What everybody is asked for at one size, and what the right answers are.
pub(crate) struct Task {
    pub(crate) source: Source,
    /// Where the files go.
    pub(crate) folder: PathBuf,
    ordinals: Vec<u64>,
    expected_look: Tally,
    expected_sum: Tally,
    expected_random: Tally,
}

impl Task {
    pub(crate) fn new(source: Source, folder: PathBuf) -> Self {
        let ordinals = source.random_ordinals(LOOK_UPS);
        let (mut expected_look, mut expected_sum) = (Tally::default(), Tally::default());
        for blob in source.blobs() {
            expected_look.look_at(blob);
            expected_sum.sum(blob);
        }
        let mut expected_random = Tally::default();
        ordinals.iter().for_each(|&ordinal| expected_random.sum(source.blob(ordinal)));
        Self { source, folder, ordinals, expected_look, expected_sum, expected_random }
    }

    /// Nobody skips work: the answer must be the right one.
    pub(crate) fn check(&self, operation: Operation, tally: Tally) -> Result<()> {
        let expected = match operation {
            Operation::Look { .. } | Operation::LookVerified { .. } => self.expected_look,
            Operation::Write
            | Operation::Sum { .. }
            | Operation::SumVerified { .. }
            | Operation::WriteSlice { .. }
            | Operation::SumSlice { .. } => self.expected_sum,
            Operation::Random => self.expected_random,
            Operation::Open => {
                let mut first = Tally::default();
                first.sum(self.source.blob(0));
                first
            }
        };
        if tally == expected {
            Ok(())
        } else {
            Err(format!("{}: found {tally:?} instead of {expected:?}", operation.name()).into())
        }
    }
}

/// One that takes part: it has a file written, and keeps it open between rounds.
pub(crate) trait Subject {
    /// Seconds an operation: a write, an open, a scan of everything, or one look-up.
    fn sample(&mut self, operation: Operation) -> Result<f64>;
}

/// An engine of this process.
pub(crate) struct Local<'a, E: Engine> {
    engine: E,
    task: &'a Task,
    reader: Option<E::Reader>,
    files: Files,
}

impl<'a, E: Engine> Local<'a, E> {
    /// `name` is that of its folder.
    pub(crate) fn new(name: &str, engine: E, task: &'a Task) -> Result<Self> {
        Ok(Self { engine, task, files: Files::new(&task.folder, name)?, reader: None })
    }

    fn write(&self) -> Result<f64> {
        let path = self.files.fresh()?;
        let start = Instant::now();
        self.engine.write(&path, &self.task.source)?;
        let seconds = start.elapsed().as_secs_f64();
        let reader = self.engine.open(&path)?;
        self.task.check(Operation::Write, sum_all(&reader, Part { index: 0, of: 1 })?)?;
        drop(reader);
        self.files.drop_fresh()?;
        Ok(seconds)
    }

    fn open(&mut self) -> Result<f64> {
        let path = self.kept_path()?;
        // Some cannot open what is open.
        self.reader = None;
        let mut total = Duration::ZERO;
        for _ in 0..OPENS {
            let start = Instant::now();
            let reader = self.engine.open(&path)?;
            let mut tally = Tally::default();
            reader.first(|blob| tally.sum(blob))?;
            total += start.elapsed();
            self.task.check(Operation::Open, tally)?;
        }
        Ok(total.as_secs_f64() / f64::from(OPENS))
    }

    /// The file that stays from round to round.
    fn kept_path(&self) -> Result<PathBuf> {
        let path = self.files.kept();
        if !path.exists() {
            self.engine.write(&path, &self.task.source)?;
        }
        Ok(path)
    }

    /// Open, with every page in place.
    fn reader(&mut self) -> Result<&E::Reader> {
        if self.reader.is_none() {
            let reader = self.engine.open(&self.kept_path()?)?;
            for index in 0..2 {
                sum_all(&reader, Part { index, of: 2 })?;
            }
            self.reader = Some(reader);
        }
        Ok(self.reader.as_ref().expect("just opened"))
    }
}

impl<E: Engine> Subject for Local<'_, E> {
    fn sample(&mut self, operation: Operation) -> Result<f64> {
        let task = self.task;
        match operation {
            Operation::Write => return self.write(),
            Operation::Open => return self.open(),
            _ => {}
        }
        let reader = self.reader()?;
        let (seconds, tally) = match operation {
            Operation::Random => {
                let mut tally = Tally::default();
                let start = Instant::now();
                sum_some(reader, &task.ordinals, &mut tally)?;
                (start.elapsed().as_secs_f64() / task.ordinals.len() as f64, tally)
            }
            Operation::Look { threads } | Operation::LookVerified { threads } => {
                in_parts(threads, |part| look_at_all(reader, part))?
            }
            _ => in_parts(operation.threads(), |part| sum_all(reader, part))?,
        };
        task.check(operation, tally)?;
        Ok(seconds)
    }
}

/// Runs the parts at once, each on a thread, and times from when all are ready.
fn in_parts(threads: usize, scan: impl Fn(Part) -> Result<Tally> + Sync) -> Result<(f64, Tally)> {
    let ready = Barrier::new(threads);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|index| {
                let (ready, scan) = (&ready, &scan);
                scope.spawn(move || {
                    ready.wait();
                    scan(Part { index, of: threads })
                })
            })
            .collect();
        ready.wait();
        let start = Instant::now();
        let mut tally = scan(Part { index: 0, of: threads })?;
        for other in others {
            tally = tally.plus(other.join().expect("a scan does not panic")?);
        }
        Ok((start.elapsed().as_secs_f64(), tally))
    })
}

// The loops stay out of line, so that each is compiled alone, whatever stands around it.

#[inline(never)]
fn look_at_all<R: Reader>(reader: &R, part: Part) -> Result<Tally> {
    let mut tally = Tally::default();
    reader.scan(part, |blob| tally.look_at(blob))?;
    Ok(black_box(tally))
}

#[inline(never)]
fn sum_all<R: Reader>(reader: &R, part: Part) -> Result<Tally> {
    let mut tally = Tally::default();
    reader.scan(part, |blob| tally.sum(blob))?;
    Ok(black_box(tally))
}

#[inline(never)]
fn sum_some<R: Reader>(reader: &R, ordinals: &[u64], tally: &mut Tally) -> Result<()> {
    reader.look_up(ordinals, |blob| tally.sum(blob))
}

/// The folder of one that takes part; it goes when that does.
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(crate) fn new(parent: &Path, name: &str) -> Result<Self> {
        let files = Self { folder: parent.join(name.replace(' ', "-")) };
        fs::create_dir(&files.folder)?;
        Ok(files)
    }

    /// What is read in every round.
    pub(crate) fn kept(&self) -> PathBuf {
        self.folder.join("kept")
    }

    /// What a write is timed to: a file or a folder that is not there yet.
    pub(crate) fn fresh(&self) -> Result<PathBuf> {
        fs::create_dir(self.folder.join("fresh"))?;
        Ok(self.folder.join("fresh/blobs"))
    }

    /// Removes it, and has that done with before somebody else is timed.
    pub(crate) fn drop_fresh(&self) -> Result<()> {
        fs::remove_dir_all(self.folder.join("fresh"))?;
        Ok(fsync(fs::File::open(&self.folder)?)?)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left: {error}", self.folder.display());
        }
    }
}
