//! What is judged, as slices.

use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use region_store::format::SnapId;
use region_store::slice::{
    ImpellerOptions, Impellers, Scanners, Slice, SliceOptions, SliceRegion, SliceWriter, Spindle,
};
use region_store::{OpenOptions, Parcel, Verify};

use crate::engine::Result;
use crate::measure::{Files, Operation, REGIONS, Subject, Task};
use crate::source::{Source, Tally};

/// Slices on one spindle, of regions of version 2 as the crate writes them if it is told nothing else.
pub(crate) struct Slices<'a> {
    task: &'a Task,
    /// Ready, as they come off a wire.
    parcels: Vec<Parcel>,
    /// What is scanned, with every page in place.
    kept: Option<Slice>,
    files: Files,
}

impl<'a> Slices<'a> {
    /// `name` is that of its folder.
    pub(crate) fn new(name: &str, task: &'a Task) -> Result<Self> {
        let files = Files::new(&task.folder, name)?;
        Ok(Self { task, parcels: parcels(&task.source)?, kept: None, files })
    }

    /// Seconds until the slice survives a power cut, and the slice, which has been read then.
    fn write_to(&self, folder: &Path, impellers: usize) -> Result<(f64, Slice)> {
        fs::create_dir(folder)?;
        let spindles = vec![Spindle::new("only", folder)];
        let threads = ImpellerOptions { threads: impellers, ..ImpellerOptions::default() };
        let threads = Impellers::start(spindles.clone(), threads)?;
        let snap_id = SnapId::random()?;
        let options = SliceOptions { snap_id, regions: REGIONS, ..SliceOptions::default() };
        let start = Instant::now();
        let writer = SliceWriter::new(&threads, options);
        writer.open_for_writes()?;
        for parcel in &self.parcels {
            writer.queue(parcel.clone())?;
        }
        writer.wait_for_writes()?;
        writer.close()?;
        let seconds = start.elapsed().as_secs_f64();
        let unverified = OpenOptions::default().verify(Verify::Never);
        let slice = Slice::open(&spindles, snap_id, unverified)?.ok_or("no slice")?;
        let mut tally = Tally::default();
        slice.scan(|blob| tally.sum(blob))?;
        self.task.check(Operation::WriteSlice { impellers }, tally)?;
        Ok((seconds, slice))
    }

    fn write(&self, impellers: usize) -> Result<f64> {
        let (seconds, slice) = self.write_to(&self.files.fresh()?, impellers)?;
        drop(slice);
        self.files.drop_fresh()?;
        Ok(seconds)
    }

    fn kept(&mut self) -> Result<&Slice> {
        if self.kept.is_none() {
            let (_, slice) = self.write_to(&self.files.kept(), ImpellerOptions::default().threads)?;
            self.kept = Some(slice);
        }
        Ok(self.kept.as_ref().expect("just written"))
    }

    fn sum(&mut self, operation: Operation) -> Result<f64> {
        let scanners = Scanners::start(NonZeroUsize::new(operation.threads()).ok_or("no threads")?)?;
        let task = self.task;
        let slice = self.kept()?;
        let start = Instant::now();
        let tallies = slice.fold(&scanners, sum_region)?;
        let seconds = start.elapsed().as_secs_f64();
        task.check(operation, tallies.into_iter().fold(Tally::default(), Tally::plus))?;
        Ok(seconds)
    }
}

impl Subject for Slices<'_> {
    fn sample(&mut self, operation: Operation) -> Result<f64> {
        match operation {
            Operation::WriteSlice { impellers } => self.write(impellers),
            _ => self.sum(operation),
        }
    }
}

/// They share the memory of one pass.
fn parcels(source: &Source) -> Result<Vec<Parcel>> {
    let pass = source.parcels().map(|blobs| blobs.end).max().unwrap_or_default();
    let length = u32::try_from(source.blob_length)?.to_le_bytes();
    let blobs = source.bytes_of(0..pass).chunks_exact(source.blob_length);
    let slots: Bytes = blobs.flat_map(|blob| [&length[..], blob].concat()).collect();
    let slot_length = length.len() + source.blob_length;
    let cut = |blobs: Range<usize>| slots.slice(blobs.start * slot_length..blobs.end * slot_length);
    Ok(source.parcels().map(|blobs| Parcel::raw(cut(blobs))).collect::<std::result::Result<_, _>>()?)
}

/// Out of line, so that it is compiled alone.
#[inline(never)]
fn sum_region(region: &SliceRegion) -> region_store::Result<Tally> {
    let mut tally = Tally::default();
    region.scan(|blob| tally.sum(blob))?;
    Ok(black_box(tally))
}
