//! The writes of a journal, sector by sector, beside what the images hold now.
//!
//! A power cut leaves of a write any pieces of 512 bytes, and sectors straddle those. So a sector is somebody's edit only
//! if its whole is not what one of its records replaced, and no part of it between two borders of 512 bytes is that part
//! of one of its records. Otherwise the last record wins.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::format;
use std::path::PathBuf;
use std::vec;
use std::vec::Vec;

use bytes::Bytes;
use region_store::format::crc32c;
use region_store::medium::{Identity, Medium, MediumFile};
use sector_cache::{Drive, Geometry};

use super::Notice;
use super::error::FileStoreError;
use super::images::{Images, Place};
use super::record::{Journalled, JournalledWrite};
use crate::codec::{Channel, Run};
use crate::store::{Author, Ledger, Record, Write};

/// What a power cut leaves whole.
const PIECE_LENGTH: u64 = 512;

type Files = BTreeMap<(Channel, Drive), TouchedFile>;

/// A journal, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Replay {
    ledgers: BTreeMap<Channel, Ledger>,
    /// What was written to the files that are named.
    files: Files,
    /// The segment that is read.
    segment: u64,
    /// Files that it names: in its checkpoint, all that there were.
    named: BTreeMap<Place, Identity>,
    /// Those that the one before it names.
    named_before: BTreeMap<Place, Identity>,
    has_writes: bool,
}

/// A file that the journal writes to.
#[derive(Debug)]
pub(super) struct TouchedFile {
    /// What it was.
    identity: Identity,
    geometry: Geometry,
    /// Where the first write to it is.
    segment: u64,
    /// Whether it is still the drive's image.
    is_there: bool,
    sectors: BTreeMap<u32, Touched>,
}

#[derive(Debug)]
struct Touched {
    /// What the image holds, if it is there.
    found: Vec<u8>,
    /// Whether that is not somebody's edit.
    is_ours: bool,
    last: Bytes,
}

impl Replay {
    /// Takes the next record.
    pub(super) fn take<M: Medium>(
        &mut self,
        images: &mut Images<M>,
        segment: u64,
        record: Journalled,
    ) -> Result<(), FileStoreError> {
        if segment != self.segment {
            self.segment = segment;
            self.named_before = core::mem::take(&mut self.named);
        }
        match record {
            Journalled::Session(channel, session) => self.apply(channel, &Record::Session(session)),
            Journalled::Changed { channel, drive, generation, is_settled } => {
                self.apply(channel, &Record::Changed { drive, generation });
                if is_settled {
                    // It may be the same file, or one that got its number.
                    self.files.remove(&(channel, drive));
                }
            }
            Journalled::Ledger(channel, ledger) => {
                self.ledgers.insert(channel, *ledger);
            }
            Journalled::Image { channel, drive, identity } => {
                let before = self.named.insert((channel, drive), identity);
                let before = before.or_else(|| self.named_before.get(&(channel, drive)).copied());
                if let Some(channel) = channel
                    && before.is_some_and(|before| !before.is_same_file(&identity))
                {
                    // It was replaced under the server, which knew.
                    self.files.remove(&(channel, drive));
                }
            }
            Journalled::Write(channel, write) => return self.write(images, segment, channel, write),
            Journalled::Opening(_) => {}
        }
        Ok(())
    }

    /// Whether there is something to apply.
    pub(super) const fn has_writes(&self) -> bool {
        self.has_writes
    }

    /// The ledgers, the files that were written to, and those that the last segment names.
    pub(super) fn into_parts(self) -> (BTreeMap<Channel, Ledger>, Files, BTreeMap<Place, Identity>) {
        (self.ledgers, self.files, self.named)
    }

    fn apply(&mut self, channel: Channel, record: &Record) {
        self.ledgers.entry(channel).or_default().apply(record);
    }

    fn write<M: Medium>(
        &mut self,
        images: &mut Images<M>,
        segment: u64,
        channel: Channel,
        journalled: JournalledWrite,
    ) -> Result<(), FileStoreError> {
        let JournalledWrite { write, replaced } = journalled;
        let place = (channel, write.drive);
        let length = usize::from(write.run.geometry().sector_length());
        let record = Record::Write(write);
        self.apply(channel, &record);
        let Record::Write(write) = record else { return Ok(()) };
        let Some(identity) = self.named.get(&(Some(channel), write.drive)) else { return Ok(()) };
        if write.bytes.is_empty() {
            return Ok(());
        }
        self.has_writes = true;
        let file = match self.files.entry(place) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(TouchedFile {
                identity: *identity,
                geometry: write.run.geometry(),
                segment,
                is_there: images.is_own(channel, write.drive, identity)?,
                sectors: BTreeMap::new(),
            }),
        };
        let bytes =
            (0_usize..).step_by(length.max(1)).map(|at| write.bytes.slice(at..at.saturating_add(length)));
        for ((sector, replaced), bytes) in write.run.sectors().zip(replaced).zip(bytes) {
            file.touch(images, place, sector, replaced, bytes)?;
        }
        Ok(())
    }
}

impl TouchedFile {
    fn touch<M: Medium>(
        &mut self,
        images: &mut Images<M>,
        place: (Channel, Drive),
        sector: u32,
        replaced: u32,
        bytes: Bytes,
    ) -> Result<(), FileStoreError> {
        let offset = u64::from(sector).saturating_mul(bytes.len() as u64);
        let is_there = self.is_there;
        let touched = match self.sectors.entry(sector) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let mut found = vec![0; bytes.len()];
                if is_there {
                    images.read_own(place, offset, &mut found)?;
                }
                entry.insert(Touched { found, is_ours: false, last: Bytes::new() })
            }
        };
        touched.is_ours |= crc32c(&touched.found) == replaced || has_part(offset, &touched.found, &bytes);
        touched.last = bytes;
        Ok(())
    }

    /// Writes the sectors into the image, but for edits; where there are some, what they replaced goes beside it.
    pub(super) fn apply<M: Medium>(
        self,
        images: &mut Images<M>,
        channel: Channel,
        drive: Drive,
    ) -> Result<Option<Notice>, FileStoreError> {
        let is_edited = !self.is_there || self.sectors.values().any(|touched| !touched.is_ours);
        let copy = if is_edited { Some(self.write_beside(images, channel, drive)?) } else { None };
        if self.is_there {
            for (sector, touched) in self.sectors.iter().filter(|(_, touched)| touched.is_ours) {
                let Ok(run) = Run::new(self.geometry, *sector, 1) else { continue };
                let author = Author::Legacy { generation: 0 };
                let write = Write { drive, run, bytes: touched.last.clone(), author };
                images.apply(channel, &write, &self.identity, self.segment);
            }
        }
        let path = images.path((Some(channel), drive));
        Ok(copy.map(|copy| Notice::ImageChanged { path, copy }))
    }

    /// Writes a copy of the image with all sectors as the journal has them.
    fn write_beside<M: Medium>(
        &self,
        images: &mut Images<M>,
        channel: Channel,
        drive: Drive,
    ) -> Result<PathBuf, FileStoreError> {
        let path = images.path((Some(channel), drive));
        // The same name if this is done again, after a power cut.
        let copy = path.with_extension(format!("replayed-{}", self.segment));
        let fill = |file: &M::File| {
            let length = u64::from(self.geometry.sector_length());
            self.sectors.iter().try_for_each(|(sector, touched)| {
                file.write_all_at(&touched.last, u64::from(*sector).saturating_mul(length))
            })
        };
        images
            .write_beside(channel, drive, self.geometry, &copy, fill)
            .map_err(FileStoreError::io(&copy, "write"))?;
        Ok(copy)
    }
}

/// Whether a part of a sector at an offset, between two borders, is that of a record.
fn has_part(offset: u64, found: &[u8], record: &[u8]) -> bool {
    let mut at = 0;
    while at < found.len().min(record.len()) {
        let to_border = PIECE_LENGTH - offset.saturating_add(at as u64) % PIECE_LENGTH;
        let end = at.saturating_add(usize::try_from(to_border).unwrap_or(usize::MAX)).min(found.len());
        if found.get(at..end) == record.get(at..end) {
            return true;
        }
        at = end;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_between_borders_is_a_whole_one() {
        assert!(has_part(0, b"abc", b"abc"));
        assert!(!has_part(0, b"abc", b"abd"));
        assert!(has_part(510, b"abc", b"abd"), "the two before the border");
        assert!(has_part(510, b"xbc", b"abc"), "the one behind it");
        assert!(!has_part(510, b"xbd", b"abc"));
        assert!(!has_part(512, b"abc", b"abd"));
    }
}
