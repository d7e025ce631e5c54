//! What is durable in the journal and could not be written to its image.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::store::Write;

/// The sectors of one drive that its image has not, though they were acknowledged.
#[derive(Debug)]
pub(super) struct Overlay {
    /// The lowest segment of the journal that holds one of them: it has to stay.
    segment: u64,
    /// By number; all of one length.
    sectors: BTreeMap<u32, Bytes>,
}

impl Overlay {
    pub(super) const fn new(segment: u64) -> Self {
        Self { segment, sectors: BTreeMap::new() }
    }

    pub(super) const fn segment(&self) -> u64 {
        self.segment
    }

    /// Takes a write, whose sectors are newer than those that are here.
    pub(super) fn hold(&mut self, write: &Write) {
        let length = usize::from(write.run.geometry().sector_length());
        for (index, sector) in write.run.sectors().enumerate() {
            let from = index.saturating_mul(length);
            let to = from.saturating_add(length);
            if to <= write.bytes.len() {
                self.sectors.insert(sector, write.bytes.slice(from..to));
            }
        }
    }

    /// Puts what is here over what was read from the image at an offset.
    pub(super) fn cover(&self, offset: u64, bytes: &mut [u8]) {
        for (sector, held) in &self.sectors {
            let start = u64::from(*sector).saturating_mul(held.len() as u64);
            // How far the sector begins before what was read, or behind its start: one of the two is 0.
            let skipped = usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
            let ahead = usize::try_from(start.saturating_sub(offset)).unwrap_or(usize::MAX);
            let Some(place) = bytes.get_mut(ahead..) else { continue };
            let Some(held) = held.get(skipped..) else { continue };
            let length = place.len().min(held.len());
            if let (Some(place), Some(held)) = (place.get_mut(..length), held.get(..length)) {
                place.copy_from_slice(held);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Run;
    use crate::store::Author;
    use sector_cache::{Drive, Geometry};

    #[test]
    fn sectors_cover_what_they_overlap() {
        let run = Run::new(Geometry::new(2, 4, 3).unwrap(), 3, 2).unwrap();
        let author = Author::Legacy { generation: 1 };
        let write = Write { drive: Drive::A, run, bytes: Bytes::from_static(b"333000"), author };
        let mut overlay = Overlay::new(7);
        overlay.hold(&write);
        for (offset, length, expected) in [
            (0, 12, &b"000......333"[..]),
            (1, 3, b"00."),
            (3, 6, b"......"),
            (8, 3, b".33"),
            (10, 5, b"33..."),
            (12, 2, b".."),
            (u64::MAX, 2, b".."),
        ] {
            let mut bytes = [b'.'; 12];
            overlay.cover(offset, &mut bytes[..length]);
            assert_eq!(&bytes[..length], expected, "{offset}");
        }
    }
}
