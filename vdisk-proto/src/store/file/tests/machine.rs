//! A program that writes groups to a store of files and to one in memory.

use std::borrow::ToOwned as _;
use std::format;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec;
use std::vec::Vec;

use bytes::Bytes;
use region_store::medium::{CrashMedium, Medium, MediumFile};
use sector_cache::{Drive, Geometry};

use super::super::{FileStore, FileStoreError, FileStoreOptions};
use crate::codec::{Channel, Run};
use crate::store::{Author, Entry, Group, Image, Ledger, MemoryStore, Record, Session, Store, Write};

pub(super) const FOLDER: &str = "data";
/// The two drives: B, of which there is a template, and C, which only channel b has.
pub(super) const DRIVES: [u8; 2] = [1, 2];
pub(super) const IMAGE: Image = Image { geometry: Geometry::ALTAIR_MINIDISK, is_read_only: false };

pub(super) type Checked<T = ()> = Result<T, String>;

pub(super) fn channels() -> [Channel; 2] {
    ["a", "b"].map(|name| Channel::new(name).unwrap())
}

pub(super) fn drive(number: u8) -> Drive {
    Drive::new(number).unwrap()
}

/// Small segments: a checkpoint and three groups fill one.
pub(super) fn options() -> FileStoreOptions {
    FileStoreOptions {
        segment_bytes: 16 << 10,
        journal_bytes: 96 << 10,
        allocates_aside: false,
        ..FileStoreOptions::default()
    }
}

/// Numbers from a seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What was true when.
pub(super) struct Told {
    /// After how many operations of the medium it was acknowledged, and what is true then, oldest first.
    pub(super) states: Vec<(usize, MemoryStore)>,
    /// What may be true too, if the last group was not acknowledged.
    pub(super) maybe: Option<MemoryStore>,
}

pub(super) struct Machine {
    pub(super) medium: CrashMedium,
    pub(super) store: FileStore<CrashMedium>,
    pub(super) memory: MemoryStore,
    random: Random,
    /// By channel: session, sequence, generation.
    devices: [(u32, u32, u64); 2],
}

/// A medium with a template and an image, all of it on the disk.
pub(super) fn medium() -> CrashMedium {
    let medium = CrashMedium::new();
    for folder in ["templates", "channels", "channels/b"] {
        medium.create_folder(&Path::new(FOLDER).join(folder)).unwrap();
    }
    for (path, fill) in [("templates/b.dsk", 1), ("channels/b/c.dsk", 2)] {
        let file = medium.create(&Path::new(FOLDER).join(path)).unwrap();
        file.write_all_at(&bytes(fill), 0).unwrap();
    }
    medium.sync_all(Path::new(FOLDER)).unwrap();
    medium
}

pub(super) fn memory() -> MemoryStore {
    let memory = MemoryStore::new();
    memory.set_template(drive(1), IMAGE, bytes(1));
    memory.set_image(channels()[1], drive(2), IMAGE, bytes(2));
    memory
}

fn bytes(fill: u8) -> Vec<u8> {
    vec![fill; IMAGE.geometry.bytes() as usize]
}

pub(super) fn open(medium: &CrashMedium) -> Result<FileStore<CrashMedium>, FileStoreError> {
    open_with(medium, &options())
}

pub(super) fn open_with(
    medium: &CrashMedium,
    options: &FileStoreOptions,
) -> Result<FileStore<CrashMedium>, FileStoreError> {
    FileStore::open(medium.clone(), Path::new(FOLDER), options, 1_000)
}

/// The files of the journal.
pub(super) fn segments(medium: &CrashMedium) -> Vec<PathBuf> {
    medium.list(&Path::new(FOLDER).join("journal")).unwrap()
}

/// That a store shows what the one in memory does.
pub(super) fn compare<M: Medium>(store: &FileStore<M>, memory: &MemoryStore) -> Checked {
    let ledgers: Vec<(Channel, Ledger)> = store.ledgers();
    if ledgers != memory.ledgers() {
        let short = |ledgers: Vec<(Channel, Ledger)>| -> Vec<_> {
            ledgers.iter().map(|(_, ledger)| (ledger.session, ledger.mark, ledger.highest)).collect()
        };
        return Err(format!("ledgers: {:?}, not {:?}", short(ledgers), short(memory.ledgers())));
    }
    for (channel, number) in channels().into_iter().flat_map(|channel| DRIVES.map(|number| (channel, number)))
    {
        let drive = drive(number);
        let Some(expected) = memory.bytes(channel, drive) else {
            if store.image(channel, drive).is_some() {
                return Err(format!("{channel} has drive {number}"));
            }
            continue;
        };
        let mut shown = vec![0; expected.len()];
        store
            .read(channel, drive, 0, &mut shown)
            .map_err(|status| format!("{channel}, {number}: {status}"))?;
        if shown == expected {
            continue;
        }
        if let Some(at) = (0..shown.len()).find(|at| shown[*at] != expected[*at]) {
            let (shown, expected) = (shown[at], expected[at]);
            let sector = at / 137;
            return Err(format!("{channel}, drive {number}, sector {sector}: {shown}, not {expected}"));
        }
    }
    Ok(())
}

impl Told {
    pub(super) fn new(memory: &MemoryStore) -> Self {
        Self { states: vec![(0, memory.save())], maybe: None }
    }

    /// What may be true after so many operations.
    pub(super) fn at(&self, cut: usize) -> Vec<&MemoryStore> {
        let last = self.states.iter().rposition(|(operations, _)| *operations <= cut).unwrap();
        let next = self.states.get(last + 1).map(|(_, memory)| memory).or(self.maybe.as_ref());
        [Some(&self.states[last].1), next].into_iter().flatten().collect()
    }

    /// Checks what a store makes of a medium, and says which of the states it is.
    pub(super) fn check(&self, store: &FileStore<CrashMedium>, cut: usize) -> Checked<MemoryStore> {
        let mut errors = String::new();
        for memory in self.at(cut) {
            match compare(store, memory) {
                Ok(()) => return Ok(memory.save()),
                Err(error) => errors = format!("{errors}; {error}"),
            }
        }
        Err(errors)
    }
}

impl Machine {
    pub(super) fn start(
        medium: &CrashMedium,
        memory: &MemoryStore,
        seed: u64,
    ) -> Result<Self, FileStoreError> {
        let store = open(medium)?;
        let devices = channels().map(|channel| {
            let ledgers = memory.ledgers();
            let ledger = ledgers.into_iter().find(|(found, _)| *found == channel);
            let ledger = ledger.map_or(Ledger::NEW, |(_, ledger)| ledger);
            (ledger.session, ledger.mark, ledger.highest)
        });
        Ok(Self { medium: medium.clone(), store, memory: memory.save(), random: Random(seed), devices })
    }

    /// Writes groups until an error, and notes what was acknowledged.
    pub(super) fn run(&mut self, groups: usize, told: &mut Told) -> Result<(), FileStoreError> {
        for _ in 0..groups {
            let mut group = self.group();
            self.commit(&mut group, told)?;
        }
        Ok(())
    }

    /// Writes a group and does not sync it.
    pub(super) fn write(&mut self, told: &mut Told) -> Result<(), FileStoreError> {
        let mut group = self.group();
        self.begin(&mut group, told)
    }

    pub(super) fn commit(&mut self, group: &mut Group, told: &mut Told) -> Result<(), FileStoreError> {
        self.begin(group, told)?;
        self.store.sync(group)?;
        told.states.push((self.medium.operations(), self.memory.save()));
        told.maybe = None;
        Ok(())
    }

    fn begin(&mut self, group: &mut Group, told: &mut Told) -> Result<(), FileStoreError> {
        let written = self.store.write_group(group);
        let entries: Vec<Entry> = group.entries().map(|(_, entry)| entry.clone()).collect();
        let mut kept = Group { entries, refused: vec![] };
        self.memory.write_group(&mut kept).unwrap();
        self.memory.sync(&kept).unwrap();
        told.maybe = Some(self.memory.save());
        written
    }

    pub(super) fn group(&mut self) -> Group {
        let count = 1 + self.random.below(3);
        let entries = (0..count).map(|_| self.entry()).collect();
        Group { entries, refused: vec![] }
    }

    fn entry(&mut self) -> Entry {
        let number = self.random.below(2) as usize;
        let channel = channels()[number];
        let device = &mut self.devices[number];
        let drive = drive(if number == 1 && self.random.below(2) == 0 { 2 } else { 1 });
        let kind = if device.0 == 0 { 0 } else { self.random.below(10) };
        let record = match kind {
            0 => {
                *device = (device.0 + 1, 0, device.2 + 1);
                let (session, floor) = (device.0, device.2);
                Record::Session(Session { session, nonce: 7, largest_frame: 500, floor, growth: 0 })
            }
            1 => {
                device.2 += 1;
                Record::Changed { drive, generation: device.2 }
            }
            kind => {
                let author = if kind == 2 {
                    device.2 += 1;
                    Author::Legacy { generation: device.2 }
                } else {
                    device.1 += 1;
                    Author::Session { session: device.0, sequence: device.1 }
                };
                Record::Write(self.some_write(drive, author))
            }
        };
        Entry { channel, record }
    }

    fn some_write(&mut self, drive: Drive, author: Author) -> Write {
        // They meet, wrap, and straddle borders of 512 bytes.
        let run = Run::new(IMAGE.geometry, 12 + self.random.below(4) as u32, 1 + self.random.below(3) as u16);
        let run = run.unwrap();
        let fill = self.random.below(5) as u8;
        let bytes = Bytes::from(vec![fill; run.bytes()].iter().map(|fill| fill * 50).collect::<Vec<u8>>());
        Write { drive, run, bytes, author }
    }
}

pub(super) fn context<E: std::fmt::Display>(what: &str) -> impl Fn(E) -> String {
    let what = what.to_owned();
    move |error| format!("{what}: {error}")
}
