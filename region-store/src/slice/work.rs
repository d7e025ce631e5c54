//! A region while it is written by an impeller.

use std::any::Any;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::defect::{self, Defect};
use super::impeller::{Order, Work};
use super::progress::Progress;
use super::written::Watermark;
use crate::error::{Error, Result};
use crate::format::TooLarge;
use crate::growing::Growing;
use crate::medium::Medium;
use crate::parcel::Parcel;
use crate::writer::{Encoder, Options, Sealed, create_part};

/// A region on its way to a disk.
#[derive(Debug)]
pub(super) struct RegionWork<M: Medium> {
    medium: M,
    index: u32,
    path: PathBuf,
    /// Where it is until it is sealed.
    part_path: PathBuf,
    file: Growing<M::File>,
    encoder: Encoder,
    /// The memory of the last buffer.
    spare: Vec<u8>,
    watermark: Arc<Watermark>,
    progress: Arc<Progress>,
    /// What was planted where the region was created, since it is written by another thread.
    defect: Option<Defect>,
}

impl<M: Medium> RegionWork<M> {
    /// Creates the file under its temporary name, with nothing but a header in it. After an error there is none.
    pub(super) fn create(
        medium: M,
        path: PathBuf,
        index: u32,
        options: &Options,
        results_first: bool,
        progress: Arc<Progress>,
    ) -> Result<Self> {
        let (file, part_path) = create_part(&medium, &path)?;
        let file = Arc::new(file);
        let mut encoder = Encoder::new(options);
        let started = Growing::start(Arc::clone(&file), &part_path, options.expected_bytes);
        let headed = started.and_then(|growing| {
            let mut growing = if results_first { growing.later() } else { growing };
            encoder.header().map_or(Ok(()), |header| growing.write(&header, 0))?;
            Ok(growing)
        });
        let growing = headed.inspect_err(|_| drop(medium.remove(&part_path)))?;
        let watermark = Arc::new(Watermark::new(file, part_path.clone(), index, options));
        Ok(Self {
            medium,
            index,
            path,
            part_path,
            file: growing,
            encoder,
            spare: Vec::new(),
            watermark,
            progress,
            defect: defect::current(),
        })
    }

    pub(super) fn watermark(&self) -> Arc<Watermark> {
        Arc::clone(&self.watermark)
    }

    fn write(&mut self, parcel: &Parcel) -> Result<()> {
        let pushed = self.encoder.push_parcel(parcel);
        pushed.map_err(|TooLarge| Error::BlobTooLong { length: parcel.slots().len() })?;
        let mut spare = std::mem::take(&mut self.spare);
        spare.clear();
        let Some((buffer, offset)) = self.encoder.take(spare) else { return Ok(()) };
        if self.defect == Some(Defect::WatermarkBeforeWrite) {
            self.watermark.publish(self.encoder.extent());
        }
        self.file.write(&buffer, offset)?;
        self.watermark.publish(self.encoder.extent());
        self.spare = buffer;
        Ok(())
    }

    /// Has the region on its disk and gives it its name, or removes it if it has no blob. The folder is not synced.
    fn seal(&mut self) -> Result<Option<Sealed>> {
        if self.encoder.extent().blobs == 0 {
            self.medium.remove(&self.part_path).map_err(Error::io(&self.part_path, "remove"))?;
            return Ok(None);
        }
        let index =
            self.encoder.index().map_err(|TooLarge| Error::TooManyBlocks { path: self.part_path.clone() })?;
        if let Some((index, index_offset)) = index {
            self.file.write(&index, index_offset)?;
            if self.defect != Some(Defect::SealBeforeBlocks) {
                self.file.sync()?;
            }
            let (seal, offset) = self.encoder.seal(index_offset);
            self.file.write(&seal, offset)?;
        }
        self.file.sync()?;
        self.file.trim(self.encoder.extent().length)?;
        self.medium.rename(&self.part_path, &self.path).map_err(Error::io(&self.part_path, "rename"))?;
        Ok(Some(self.encoder.sealed(self.path.clone())))
    }
}

impl<M: Medium> Work for RegionWork<M> {
    fn turn(&mut self, order: Order) {
        match order {
            Order::Write(parcel) => {
                if !self.progress.has_ended()
                    && let Err(error) = self.write(&parcel)
                {
                    self.progress.fail(error);
                }
                self.progress.end_parcel();
            }
            Order::Seal if self.progress.has_ended() => {}
            Order::Seal => match self.seal() {
                Ok(sealed) => self.progress.end_region(self.index, sealed),
                Err(error) => self.progress.fail(error),
            },
        }
    }

    fn panicked(&mut self, panic: &(dyn Any + Send)) {
        let source = io::Error::other(Error::panicked(panic));
        self.progress.fail(Error::io(&self.part_path, "write")(source));
    }
}
