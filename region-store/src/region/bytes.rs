//! A file's bytes, in memory.

use std::io;
use std::path::Path;

use super::Access;
use crate::error::{Error, Result};
use crate::format::{SEAL_LENGTH, Seal};
use crate::medium::MediumFile;
use crate::os::Map;

#[derive(Debug)]
pub(super) enum Bytes {
    Mapped(Map),
    Read(Vec<u8>),
}

impl Bytes {
    pub(super) fn load(file: &dyn MediumFile, path: &Path, length: u64, access: Access) -> Result<Self> {
        let too_large = || Error::TooLarge { path: path.to_owned(), length };
        let bytes = usize::try_from(length)
            .ok()
            .filter(|&bytes| bytes <= isize::MAX as usize)
            .ok_or_else(too_large)?;
        if bytes == 0 {
            return Ok(Self::Read(Vec::new()));
        }
        match (access, file.system_file()) {
            (Access::Map, Some(file)) => {
                Map::new(file, bytes).map(Self::Mapped).map_err(Error::io(path, "map"))
            }
            (Access::Map, None) | (Access::Read, _) => {
                let mut read = Vec::new();
                read.try_reserve_exact(bytes).map_err(|_| too_large())?;
                read.resize(bytes, 0);
                file.read_exact_at(&mut read, 0).map_err(Error::io(path, "read"))?;
                Ok(Self::Read(read))
            }
        }
    }

    #[inline]
    pub(super) fn get(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map.bytes(),
            Self::Read(bytes) => bytes,
        }
    }

    /// What stands where the seal belongs, if anything. It is read even if it is mapped: the first touch of a map's far
    /// end would cost as much as all else that opening does.
    pub(super) fn seal<'a>(
        &'a self,
        file: &dyn MediumFile,
        buffer: &'a mut [u8; SEAL_LENGTH],
    ) -> io::Result<&'a [u8]> {
        let offset = Seal::offset_in(self.get());
        let seal = self.get().get(offset..).unwrap_or_default();
        let Self::Mapped(_) = self else { return Ok(seal) };
        let read = buffer.get_mut(..seal.len()).unwrap_or_default();
        file.read_exact_at(read, offset as u64)?;
        Ok(read)
    }
}
