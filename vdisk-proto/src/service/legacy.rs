//! Version 1 of the protocol: drive B, by byte offsets.

use bytes::{Bytes, BytesMut};
use sector_cache::{Drive, Geometry};

use super::{Now, Service};
use crate::codec::{Channel, Status, Topic, legacy};
use crate::store::{Author, Record, Run, Store, Write};

/// The drive that legacy messages mean.
const DRIVE: Drive = Drive::B;

impl<S: Store> Service<S> {
    /// Answers with the bytes at an offset, zeros where the image has none.
    pub(super) fn legacy_read(&mut self, channel: Channel, payload: &[u8]) {
        let Ok(read) = legacy::Read::decode(payload) else {
            self.counters.legacy_lengths += 1;
            return;
        };
        let offset = u64::from(read.offset);
        let mut answer = BytesMut::zeroed(legacy::DATA_LENGTH);
        let (head, sector) = answer.split_at_mut(legacy::OFFSET_LENGTH);
        head.copy_from_slice(payload);
        let Ok(inside) = self.read_inside(channel, offset, sector) else {
            self.counters.legacy_read_errors += 1;
            return;
        };
        self.show_waiting(channel, offset, sector.get_mut(..inside).unwrap_or_default());
        self.counters.legacy_reads += 1;
        self.counters.legacy_reads_past_image += u64::from(inside < legacy::SECTOR_LENGTH);
        self.send(channel, Topic::LegacyData, answer.freeze());
    }

    /// Reads as much as the image has, with zeros behind it: says how much that is.
    fn read_inside(&self, channel: Channel, offset: u64, bytes: &mut [u8]) -> Result<usize, Status> {
        // Nearly every read is inside, and has the store look for the image once.
        if self.store.read(channel, DRIVE, offset, bytes).is_ok() {
            return Ok(bytes.len());
        }
        bytes.fill(0);
        let image = self.store.image(channel, DRIVE).map_or(0, |image| image.geometry.bytes());
        let inside = usize::try_from(image.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len());
        match bytes.get_mut(..inside) {
            Some(held) if inside > 0 => self.store.read(channel, DRIVE, offset, held).map(|()| inside),
            _ => Ok(0),
        }
    }

    /// Puts over what was read the legacy writes that are not durable yet. They carry no acknowledgement, so that the
    /// emulator, which keeps no window, counts on reading what it wrote.
    fn show_waiting(&self, channel: Channel, offset: u64, bytes: &mut [u8]) {
        let waiting = self.channels.get(&channel).into_iter().flat_map(|state| &state.legacy);
        for (start, written) in waiting {
            let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
            let target = bytes.get_mut(at(start.saturating_sub(offset))..).unwrap_or_default();
            let source = written.get(at(offset.saturating_sub(*start))..).unwrap_or_default();
            target.iter_mut().zip(source).for_each(|(target, source)| *target = *source);
        }
    }

    /// Takes a write of one whole sector, if no session can be meant.
    pub(super) fn legacy_write(&mut self, channel: Channel, payload: &Bytes, now: Now) {
        let Ok(write) = legacy::Write::decode(payload) else {
            self.counters.legacy_lengths += 1;
            return;
        };
        if self.channels.get(&channel).is_some_and(|state| state.is_heard(now)) {
            self.counters.legacy_writes_in_session += 1;
            return;
        }
        let image = self.store.image(channel, DRIVE);
        let Some(run) = image.and_then(|image| whole_sector(image.geometry, write.offset)) else {
            self.counters.legacy_writes_outside += 1;
            return;
        };
        if image.is_some_and(|image| image.is_read_only) {
            self.counters.legacy_writes_refused += 1;
            return;
        }
        if self.room_for(channel).is_err() {
            self.counters.legacy_writes_busy += 1;
            return;
        }
        let generation = self.staged(channel).next_generation(now.wall_ns);
        let bytes = payload.slice(legacy::OFFSET_LENGTH..);
        let author = Author::Legacy { generation };
        self.counters.legacy_writes += 1;
        self.stage(channel, Record::Write(Write { drive: DRIVE, run, bytes, author }));
    }
}

/// The sector that lies at an offset of the image, if sectors are as long as legacy ones and one begins there.
fn whole_sector(geometry: Geometry, offset: u32) -> Option<Run> {
    let length = u32::from(geometry.sector_length());
    if usize::from(geometry.sector_length()) != legacy::SECTOR_LENGTH || !offset.is_multiple_of(length) {
        return None;
    }
    Run::new(geometry, offset.checked_div(length)?, 1).ok()
}
