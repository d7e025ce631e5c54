//! What is judged.

use std::path::Path;

use region_store::format::{Header, RegionId};
use region_store::{Options, Region, RegionWriter, Verify};

use crate::engine::{Engine, Part, Reader, Result};
use crate::source::Source;

/// Region files of version 2 as the crate writes them if it is told nothing else.
pub(crate) struct RegionStore {
    pub(crate) verify: Verify,
}

impl Engine for RegionStore {
    type Reader = Region;

    fn write(&self, path: &Path, source: &Source) -> Result<()> {
        let header = Header { region_id: RegionId::random()?, ..Header::default() };
        let mut writer = RegionWriter::create(path, &Options { header, ..Options::default() })?;
        for blob in source.blobs() {
            writer.push(blob)?;
        }
        writer.seal()?;
        Ok(())
    }

    fn open(&self, path: &Path) -> Result<Region> {
        Ok(Region::options().verify(self.verify).open(path)?)
    }
}

impl Reader for Region {
    fn first(&self, mut visit: impl FnMut(&[u8])) -> Result<()> {
        visit(self.blobs().next().ok_or("no blobs")??);
        Ok(())
    }

    fn scan(&self, part: Part, visit: impl FnMut(&[u8])) -> Result<()> {
        match part.of {
            1 => Ok(self.scan(visit)?),
            _ => Ok(self.scan_parts(part.range(self.parts()?), visit)?),
        }
    }

    fn look_up(&self, ordinals: &[u64], mut visit: impl FnMut(&[u8])) -> Result<()> {
        for &ordinal in ordinals {
            visit(self.get(ordinal)?.ok_or("a blob is missing")?);
        }
        Ok(())
    }
}
