//! The least that a slice can cost: the bytes of its parcels to as many files, by as many threads, without a format.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Instant;

use crate::engine::Result;
use crate::measure::{Files, Operation, REGIONS, Subject, Task};
use crate::source::{Source, Tally};

/// Files that are written plainly, each by one thread, and are synced once all of a thread's are written.
pub(crate) struct BareFiles<'a> {
    task: &'a Task,
    files: Files,
}

impl<'a> BareFiles<'a> {
    /// `name` is that of its folder.
    pub(crate) fn new(name: &str, task: &'a Task) -> Result<Self> {
        Ok(Self { task, files: Files::new(&task.folder, name)? })
    }

    /// What the files have.
    fn sum(folder: &Path) -> Result<Tally> {
        let mut tally = Tally::default();
        for entry in fs::read_dir(folder)? {
            tally.sum(&fs::read(entry?.path())?);
        }
        Ok(tally)
    }
}

impl Subject for BareFiles<'_> {
    fn sample(&mut self, operation: Operation) -> Result<f64> {
        let folder = self.files.fresh()?;
        fs::create_dir(&folder)?;
        let start = Instant::now();
        write(&folder, &self.task.source, operation.threads())?;
        let seconds = start.elapsed().as_secs_f64();
        self.task.check(operation, Self::sum(&folder)?)?;
        self.files.drop_fresh()?;
        Ok(seconds)
    }
}

fn write(folder: &Path, source: &Source, threads: usize) -> Result<()> {
    let files = (0..REGIONS).map(|number| File::create_new(folder.join(number.to_string())));
    let files = files.collect::<std::io::Result<Vec<File>>>()?;
    let write_share = |thread: usize| -> std::io::Result<()> {
        for (number, parcel) in source.parcels().enumerate() {
            let file = number % REGIONS;
            if file % threads == thread {
                (&files[file]).write_all(source.bytes_of(parcel))?;
            }
        }
        files.iter().skip(thread).step_by(threads).try_for_each(File::sync_data)
    };
    thread::scope(|scope| {
        let write_share = &write_share;
        let started: Vec<_> = (0..threads).map(|thread| scope.spawn(move || write_share(thread))).collect();
        started.into_iter().try_for_each(|thread| thread.join().expect("a write does not panic"))
    })?;
    Ok(())
}
