//! What can be had of a file that is not whole.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::{
    BLOCK_HEAD_LENGTH, Block, BlockHead, Checker, Damage, HEADER_LENGTH, Header, RegionId, SEAL_LENGTH, Seal,
    Version, v1, version_of,
};
use crate::journal::{self, Mode, Tail};
use crate::medium::{Disk, DiskFile, Medium, MediumFile};
use crate::writer::{Options, RegionWriter, Sealed, part_path};

/// How much of version 1 is read at once.
const PIECE: u64 = 1 << 20;

/// What was found in a file, from its start up to the first damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its format.
    pub version: Version,
    /// What its header page says; version 1 has none.
    pub header: Option<Header>,
    /// Whether it has its seal, and that is the file's.
    pub is_sealed: bool,
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Whole blocks that they are in; 0 in version 1.
    pub blocks: u64,
    /// What comes then; `None` if nothing does that should not.
    pub damage: Option<Damage>,
}

/// Reads what is whole in a file of either version, sealed or not, or in a journal, from the start up to the first
/// damage, and lends each blob. The file is not changed, and no more than a block of it is in memory, but of a journal
/// all.
///
/// # Errors
/// [`Error::Damaged`] if there is not even a header; [`Error::JournalCorrupt`] for a journal in which something whole
/// comes after the damage, unless `mode` accepts that; [`Error::Io`]; and what `visit` returns.
pub fn find(path: &Path, mode: Mode, mut visit: impl FnMut(&[u8]) -> Result<()>) -> Result<Found> {
    let file = Disk.open(path).map_err(Error::io(path, "open"))?;
    let length = file.length().map_err(Error::io(path, "look at"))?;
    let source = Source { file, path, length };
    let mut start = Vec::new();
    source.read(&mut start, 0, HEADER_LENGTH as u64)?;
    if version_of(&start).map_err(Error::damaged(path))? == Version::One {
        return source.find_v1(&mut visit);
    }
    let header = Header::decode(&start).map_err(Error::damaged(path))?;
    if header.alignment == journal::ALIGNMENT && source.seal(&header)?.is_none() {
        return find_in_journal(path, mode, &mut visit);
    }
    source.find_v2(&header, &mut visit)
}

/// Writes what [`find`] finds into a new region, sealed, and says what that was. The new region has the header of the
/// old one, with another id. `progress` is told, before each blob, how many bytes of blobs there were.
///
/// # Errors
/// As [`find`] and [`RegionWriter`].
pub fn salvage(from: &Path, to: &Path, mode: Mode, mut progress: impl FnMut(u64)) -> Result<(Found, Sealed)> {
    let mut header = find_header(from)?.unwrap_or_default();
    header.region_id = RegionId::random().map_err(Error::io(to, "make an id for"))?;
    header.alignment = Header::default().alignment;
    let options = Options { header, ..Options::default() };
    let mut writer = RegionWriter::create_under(Disk, to, part_path_beside(from, to), &options)?;
    let found = find(from, mode, |blob| {
        progress(writer.blob_bytes());
        writer.push(blob)
    })?;
    Ok((found, writer.seal()?))
}

/// Where a new region is while it is written. What a writer has left of it under the usual name may be what is recovered:
/// as long as that is there no other writer begins the region.
fn part_path_beside(from: &Path, to: &Path) -> PathBuf {
    let usual = part_path(to);
    match (Disk.identity(from), Disk.identity(&usual)) {
        (Ok(from), Ok(usual_file)) if from.is_same_file(&usual_file) => part_path(&usual),
        _ => usual,
    }
}

fn find_header(path: &Path) -> Result<Option<Header>> {
    let file = Disk.open(path).map_err(Error::io(path, "open"))?;
    let mut page = vec![0; HEADER_LENGTH];
    let length = file.read_full_at(&mut page, 0).map_err(Error::io(path, "read"))?;
    page.truncate(length);
    match version_of(&page).map_err(Error::damaged(path))? {
        Version::One => Ok(None),
        // What is wrong with it, `find` tells.
        Version::Two => Ok(Header::decode(&page).ok()),
    }
}

fn find_in_journal(path: &Path, mode: Mode, visit: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<Found> {
    let recovered = journal::recover(&Disk, path, mode)?;
    let damage = match recovered.tail() {
        Tail::Clean => None,
        Tail::Torn { offset } | Tail::Corrupt { offset } => Some(Damage::new(
            "block",
            offset,
            crate::format::Problem::Value { found: offset, expected: "where a whole group starts" },
        )),
    };
    let mut found = Found {
        version: Version::Two,
        header: recovered.header().copied(),
        is_sealed: false,
        blobs: 0,
        blob_bytes: 0,
        blocks: 0,
        damage,
    };
    for group in recovered.groups() {
        found.blocks += 1;
        for blob in group.blobs() {
            found.count(blob);
            visit(blob)?;
        }
    }
    Ok(found)
}

impl Found {
    fn new(version: Version, header: Option<Header>) -> Self {
        Self { version, header, is_sealed: false, blobs: 0, blob_bytes: 0, blocks: 0, damage: None }
    }

    /// Counts a block that was checked, and lends its blobs.
    fn take(&mut self, block: &Block<'_>, visit: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.blocks += 1;
        if block.head().kind.has_blobs() {
            for blob in block.blobs().map_while(core::result::Result::ok) {
                self.count(blob);
                visit(blob)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, blob: &[u8]) {
        self.blobs += 1;
        self.blob_bytes += blob.len() as u64;
    }
}

struct Source<'a> {
    file: DiskFile,
    path: &'a Path,
    length: u64,
}

impl Source<'_> {
    fn find_v1(&self, visit: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<Found> {
        let mut found = Found::new(Version::One, None);
        let mut offset = v1::HEADER.len() as u64;
        let (mut buffer, mut wanted) = (Vec::new(), PIECE);
        while offset < self.length {
            self.read(&mut buffer, offset, wanted)?;
            let mut blobs = v1::Blobs::from_offset(&buffer, 0);
            let mut taken = 0;
            while let Some(Ok(blob)) = blobs.next() {
                taken = blobs.offset() as u64;
                found.count(blob);
                visit(blob)?;
            }
            if taken == 0 {
                // The blob is longer than the piece, or than the file.
                let left = self.length - offset;
                let needed = v1::blob_end(&buffer).filter(|&needed| needed <= left && needed > wanted);
                let Some(needed) = needed else {
                    found.damage = Some(v1::Blobs::damage_at(&buffer, offset, left));
                    return Ok(found);
                };
                wanted = needed;
            } else {
                offset += taken;
                wanted = PIECE;
            }
        }
        Ok(found)
    }

    fn find_v2(&self, header: &Header, visit: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<Found> {
        let seal = self.seal(header)?;
        let mut found = Found::new(Version::Two, Some(*header));
        found.is_sealed = seal.is_some();
        let mut checker = Checker::new(header);
        let mut buffer = Vec::new();
        while checker.offset() < self.length {
            let block = self.block(&mut buffer, checker.offset())?;
            let block = block.and_then(|block| block.ok_or_else(|| checker.no_index()));
            match block.and_then(|block| Ok((checker.accept(&block)?, block))) {
                Ok((true, block)) => found.take(&block, visit)?,
                Ok((false, index)) => {
                    // Without a seal, there is nothing to compare with.
                    let end = self.length.saturating_sub(SEAL_LENGTH as u64);
                    found.damage = seal.and_then(|seal| checker.finish(&index, &seal, end).err());
                    break;
                }
                Err(damage) => {
                    found.damage = Some(damage);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// The seal, if the file has one that checks.
    fn seal(&self, header: &Header) -> Result<Option<Seal>> {
        let Some(offset) = self.length.checked_sub(SEAL_LENGTH as u64) else { return Ok(None) };
        let mut buffer = Vec::new();
        self.read(&mut buffer, offset, SEAL_LENGTH as u64)?;
        Ok(Seal::decode(&buffer, header.region_id, offset).ok())
    }

    /// The block at an offset, `None` if there is a tag of zero, or what is wrong with its head.
    fn block<'b>(
        &self,
        buffer: &'b mut Vec<u8>,
        offset: u64,
    ) -> Result<core::result::Result<Option<Block<'b>>, Damage>> {
        self.read(buffer, offset, BLOCK_HEAD_LENGTH as u64)?;
        match BlockHead::decode(buffer, offset) {
            Ok(Some(head)) => self.read(buffer, offset, head.length.into())?,
            Ok(None) => return Ok(Ok(None)),
            Err(damage) => return Ok(Err(damage)),
        }
        Ok(Block::decode(buffer, offset))
    }

    /// Reads so many bytes from an offset on, or as many as there are.
    fn read(&self, buffer: &mut Vec<u8>, offset: u64, length: u64) -> Result<()> {
        let length = length.min(self.length.saturating_sub(offset));
        let too_large = || Error::TooLarge { path: self.path.to_owned(), length };
        let length = usize::try_from(length).map_err(|_| too_large())?;
        buffer.clear();
        buffer.try_reserve(length).map_err(|_| too_large())?;
        buffer.resize(length, 0);
        let read = self.file.read_full_at(buffer, offset).map_err(Error::io(self.path, "read"))?;
        buffer.truncate(read);
        Ok(())
    }
}
