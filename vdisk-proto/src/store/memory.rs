//! A store without a disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use sector_cache::Drive;

use super::{Entry, Group, Image, Ledger, Record, Store, Write};
use crate::codec::{Channel, Status};

/// A store in memory that keeps what a disk would: a [`crash`](Self::crash) takes what was not synced.
///
/// It is a handle, whose clones are the same store: a simulation keeps one while services come and go.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Contents>>);

/// What goes wrong from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Reads fail with IO_ERROR.
    pub read: bool,
    /// Writes are refused so when their group is written.
    pub refuse: Option<Status>,
    /// Groups cannot be written or synced.
    pub sync: bool,
}

/// How much was written to the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Journalled {
    /// Groups.
    pub groups: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of sectors in those.
    pub bytes: u64,
}

/// The journal cannot be written or synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal in memory was told to fail")]
pub struct SyncFailed;

#[derive(Clone, Debug, Default)]
struct Contents {
    templates: BTreeMap<Drive, (Image, Vec<u8>)>,
    images: BTreeMap<(Channel, Drive), (Image, Vec<u8>)>,
    ledgers: BTreeMap<Channel, Ledger>,
    /// The group that is written and not synced.
    unsynced: Vec<Entry>,
    journalled: Journalled,
    faults: Faults,
}

impl MemoryStore {
    /// A store without any image.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives every channel a drive, of which it gets a copy of its own at its first write. The bytes are made as long
    /// as the image, with zeros.
    pub fn set_template(&self, drive: Drive, image: Image, bytes: Vec<u8>) {
        self.contents().templates.insert(drive, (image, fitted(image, bytes)));
    }

    /// Puts an image in the place of a channel's own, as people do: durable at once. The service is not told.
    pub fn set_image(&self, channel: Channel, drive: Drive, image: Image, bytes: Vec<u8>) {
        self.contents().images.insert((channel, drive), (image, fitted(image, bytes)));
    }

    /// The bytes of a channel's drive, as reads show them.
    #[must_use]
    pub fn bytes(&self, channel: Channel, drive: Drive) -> Option<Vec<u8>> {
        self.contents().image(channel, drive).map(|(_, bytes)| bytes.clone())
    }

    /// How much was written to the journal.
    #[must_use]
    pub fn journalled(&self) -> Journalled {
        self.contents().journalled
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.contents().faults = faults;
    }

    /// A copy of everything, as of now.
    #[must_use]
    pub fn save(&self) -> Self {
        Self(Arc::new(Mutex::new(self.contents().clone())))
    }

    /// Puts back what was saved, as people do with a folder while no server runs.
    pub fn restore(&self, saved: &Self) {
        let contents = saved.contents().clone();
        *self.contents() = contents;
    }

    /// The power fails, and comes back. A group that was written and not synced is lost, unless luck kept it.
    pub fn crash(&self, luck: bool) {
        let mut contents = self.contents();
        let unsynced = core::mem::take(&mut contents.unsynced);
        if luck {
            contents.apply(unsynced);
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // Nothing in here stops half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    type Error = SyncFailed;

    fn ledgers(&self) -> Vec<(Channel, Ledger)> {
        self.contents().ledgers.iter().map(|(channel, ledger)| (*channel, ledger.clone())).collect()
    }

    fn image(&self, channel: Channel, drive: Drive) -> Option<Image> {
        self.contents().image(channel, drive).map(|(image, _)| *image)
    }

    fn read(&self, channel: Channel, drive: Drive, offset: u64, bytes: &mut [u8]) -> Result<(), Status> {
        let contents = self.contents();
        if contents.faults.read {
            return Err(Status::IoError);
        }
        let (_, image) = contents.image(channel, drive).ok_or(Status::UnknownDrive)?;
        let held = usize::try_from(offset).ok().and_then(|offset| image.get(offset..)?.get(..bytes.len()));
        bytes.copy_from_slice(held.ok_or(Status::IoError)?);
        Ok(())
    }

    fn write_group(&self, group: &mut Group) -> Result<(), SyncFailed> {
        let mut contents = self.contents();
        if contents.faults.sync {
            return Err(SyncFailed);
        }
        if let Some(status) = contents.faults.refuse {
            let is_write = |(index, entry): (usize, &Entry)| match entry.record {
                Record::Write(_) => Some(index),
                _ => None,
            };
            let writes: Vec<_> = group.entries().filter_map(is_write).collect();
            writes.into_iter().for_each(|index| group.refuse(index, status));
        }
        let entries: Vec<_> = group.entries().map(|(_, entry)| entry.clone()).collect();
        contents.count(&entries);
        contents.unsynced = entries;
        Ok(())
    }

    fn sync(&self, _group: &Group) -> Result<(), SyncFailed> {
        let mut contents = self.contents();
        if contents.faults.sync {
            return Err(SyncFailed);
        }
        let unsynced = core::mem::take(&mut contents.unsynced);
        contents.apply(unsynced);
        Ok(())
    }
}

impl Contents {
    fn image(&self, channel: Channel, drive: Drive) -> Option<&(Image, Vec<u8>)> {
        self.images.get(&(channel, drive)).or_else(|| self.templates.get(&drive))
    }

    fn apply(&mut self, entries: Vec<Entry>) {
        for Entry { channel, record } in entries {
            self.ledgers.entry(channel).or_default().apply(&record);
            if let Record::Write(write) = record {
                self.write(channel, &write);
            }
        }
    }

    fn write(&mut self, channel: Channel, write: &Write) {
        let template = self.templates.get(&write.drive);
        let own = self.images.entry((channel, write.drive));
        let (_, image) = own.or_insert_with(|| template.cloned().unwrap_or_else(|| blank(write)));
        for (offset, bytes) in write.pieces() {
            let at = usize::try_from(offset).ok();
            if let Some(held) = at.and_then(|at| image.get_mut(at..)?.get_mut(..bytes.len())) {
                held.copy_from_slice(bytes);
            }
        }
    }

    fn count(&mut self, entries: &[Entry]) {
        self.journalled.groups += 1;
        self.journalled.records += entries.len() as u64;
        for (index, entry) in entries.iter().enumerate() {
            let before = entries.get(..index).unwrap_or_default();
            if let Record::Write(write) = &entry.record
                && !self.holds(entry.channel, write, before)
            {
                self.journalled.bytes += write.bytes.len() as u64;
            }
        }
    }

    /// Whether the image has these bytes already, and no entry before it changes that.
    fn holds(&self, channel: Channel, write: &Write, before: &[Entry]) -> bool {
        let touched = before.iter().any(|entry| match &entry.record {
            Record::Write(other) => entry.channel == channel && other.drive == write.drive,
            _ => false,
        });
        let Some((_, image)) = self.image(channel, write.drive) else { return false };
        !touched
            && write.pieces().all(|(offset, bytes)| {
                usize::try_from(offset).ok().and_then(|at| image.get(at..)?.get(..bytes.len())) == Some(bytes)
            })
    }
}

/// The image of a drive that is gone, for a write that was accepted before.
fn blank(write: &Write) -> (Image, Vec<u8>) {
    let image = Image { geometry: write.run.geometry(), is_read_only: false };
    (image, fitted(image, Vec::new()))
}

fn fitted(image: Image, mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(usize::try_from(image.geometry.bytes()).unwrap_or(usize::MAX), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Author, Run};
    use bytes::Bytes;
    use sector_cache::Geometry;
    use std::vec;

    const IMAGE: Image = Image { geometry: Geometry::ALTAIR_MINIDISK, is_read_only: false };

    fn channel(name: &str) -> Channel {
        Channel::new(name).unwrap()
    }

    /// A group that writes sector 1 of channel a's drive A.
    fn group(fill: u8) -> Group {
        let run = Run::new(IMAGE.geometry, 1, 1).unwrap();
        let author = Author::Session { session: 1, sequence: 1 };
        let write = Write { drive: Drive::A, run, bytes: Bytes::from(vec![fill; 137]), author };
        let mut group = Group::new();
        group.entries.push(Entry { channel: channel("a"), record: Record::Write(write) });
        group
    }

    fn sector(store: &MemoryStore, name: &str, number: u64) -> Result<[u8; 137], Status> {
        let mut bytes = [0; 137];
        store.read(channel(name), Drive::A, number * 137, &mut bytes).map(|()| bytes)
    }

    #[test]
    fn a_channel_gets_a_copy_of_the_template_when_it_writes() {
        let store = MemoryStore::new();
        store.set_template(Drive::A, IMAGE, vec![5; 1_000]);
        let mut group = group(9);
        store.write_group(&mut group).unwrap();
        assert_eq!(sector(&store, "a", 1), Ok([5; 137]), "reads show what is synced");
        store.sync(&group).unwrap();
        assert_eq!(sector(&store, "a", 1), Ok([9; 137]));
        assert_eq!(sector(&store, "a", 0), Ok([5; 137]));
        assert_eq!(sector(&store, "b", 1), Ok([5; 137]));
        assert_eq!(store.bytes(channel("a"), Drive::A).unwrap().len(), 76_720);
    }

    #[test]
    fn what_is_not_there_cannot_be_read() {
        let store = MemoryStore::new();
        assert_eq!(sector(&store, "a", 0), Err(Status::UnknownDrive));
        store.set_template(Drive::A, IMAGE, vec![]);
        assert_eq!(sector(&store, "a", 559), Ok([0; 137]));
        assert_eq!(sector(&store, "a", 560), Err(Status::IoError));
        assert_eq!(store.read(channel("a"), Drive::A, u64::MAX, &mut [0]), Err(Status::IoError));
    }

    #[test]
    fn a_crash_takes_a_group_that_is_not_synced_unless_luck_keeps_it() {
        for (luck, expected) in [(false, [0; 137]), (true, [9; 137])] {
            let store = MemoryStore::new();
            store.set_template(Drive::A, IMAGE, vec![]);
            store.write_group(&mut group(9)).unwrap();
            store.crash(luck);
            assert_eq!(sector(&store, "a", 1), Ok(expected));
            assert_eq!(store.ledgers().len(), usize::from(luck));
            store.crash(true);
            assert_eq!(sector(&store, "a", 1), Ok(expected), "nothing comes back later");
        }
    }
}
