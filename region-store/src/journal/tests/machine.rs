//! A program that keeps a log in journals, as a server does, and what may be read from them after its end.
//!
//! The log is a number of records; each is a group whose blobs follow from its number. A journal begins with a
//! checkpoint, which says how many records there were before it, so that older journals can go.

use std::path::PathBuf;

use super::super::defect::{Defect, planted};
use super::super::{HEADER_LENGTH, State};
use super::*;
use crate::format::{BlockBuilder, Kind};
use crate::medium::Random;

const FOLDER: &str = "journal";
const PAGES: u64 = 12;

/// What the program told the world.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// After so many operations so many records were said to survive.
    acknowledged: Vec<(usize, u32)>,
    /// The most that it tried to write.
    tried: u32,
}

impl Told {
    /// What it had said after so many operations.
    pub(super) fn acknowledged_at(&self, cut: usize) -> u32 {
        let before = self.acknowledged.iter().take_while(|(operations, _)| *operations <= cut);
        before.map(|(_, records)| *records).max().unwrap_or(0)
    }

    /// What it had said then, for a medium whose operations count from 0 again.
    pub(super) fn carried(&self, cut: usize) -> Self {
        Self { acknowledged: vec![(0, self.acknowledged_at(cut))], tried: self.tried }
    }

    /// What it had said until then.
    pub(super) fn until(&self, cut: usize) -> Self {
        let before = self.acknowledged.iter().copied().take_while(|(operations, _)| *operations <= cut);
        Self { acknowledged: before.collect(), tried: self.tried }
    }

    fn acknowledge(&mut self, medium: &CrashMedium, records: u32) {
        self.acknowledged.push((medium.operations(), records));
    }
}

/// The program.
pub(super) struct Machine<'a> {
    medium: &'a CrashMedium,
    journal: Journal<CrashMedium>,
    /// The journal's.
    number: u32,
    records: u32,
    told: &'a mut Told,
}

impl<'a> Machine<'a> {
    /// Reads the log and goes on with it in a new journal. What it read is said to survive from then on.
    pub(super) fn start(medium: &'a CrashMedium, told: &'a mut Told) -> Result<Self> {
        let log = Log::read(medium)?;
        told.tried = told.tried.max(log.records);
        let (journal, number) = match &log.live {
            Some(live) if planted(Defect::AppendToTorn) => (reopen(medium, live)?, number_of(live)),
            _ => {
                let number = log.files.last().map_or(1, |last| number_of(last) + 1);
                (open_with_checkpoint(medium, number, log.records)?, number)
            }
        };
        let machine = Self { medium, journal, number, records: log.records, told };
        machine.remove(log.files.iter().filter(|path| number_of(path) != number))?;
        machine.told.acknowledge(medium, log.records);
        Ok(machine)
    }

    /// Adds so many records, with a new journal whenever one is full, or by chance.
    pub(super) fn run(&mut self, seed: u64, records: u32) -> Result<()> {
        for _ in 0..records {
            if mix(seed ^ u64::from(self.records)).is_multiple_of(7) {
                self.rotate()?;
            }
            match self.add() {
                Err(Error::JournalFull { .. }) => {
                    self.rotate()?;
                    self.add()?;
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn add(&mut self) -> Result<()> {
        let blobs = record(self.records, &checkpoint_page(self.medium, self.journal.path())?);
        self.told.tried = self.told.tried.max(self.records + 1);
        self.journal.append(blobs.iter().map(Vec::as_slice))?;
        self.journal.sync()?;
        self.records += 1;
        self.told.acknowledge(self.medium, self.records);
        Ok(())
    }

    fn rotate(&mut self) -> Result<()> {
        let old = self.journal.path().to_owned();
        self.number += 1;
        self.journal = open_with_checkpoint(self.medium, self.number, self.records)?;
        self.remove([&old])
    }

    fn remove<'p>(&self, old: impl IntoIterator<Item = &'p PathBuf>) -> Result<()> {
        for path in old {
            self.medium.remove(path).map_err(Error::io(path, "remove"))?;
        }
        let folder = Path::new(FOLDER);
        self.medium.sync_folder(folder).map_err(Error::io(folder, "sync the folder"))
    }
}

fn open_with_checkpoint(medium: &CrashMedium, number: u32, records: u32) -> Result<Journal<CrashMedium>> {
    let path = Path::new(FOLDER).join(format!("{number:08}.region"));
    let region_id = RegionId(u128::from(number).to_le_bytes());
    let mut journal = Journal::create(medium, &path, &options_of(PAGES, region_id))?;
    journal.append([checkpoint(records).as_slice()])?;
    journal.sync()?;
    Ok(journal)
}

fn number_of(path: &Path) -> u32 {
    path.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

/// What there is no way to do: appends to what another process left.
fn reopen(medium: &CrashMedium, path: &Path) -> Result<Journal<CrashMedium>> {
    let recovered = recover(medium, path, Mode::Strict)?;
    let last = recovered.groups().last();
    let end = last.as_ref().map_or(HEADER_LENGTH as u64, |group| {
        group.offset() + u64::from(group.block.head().length).next_multiple_of(PAGE)
    });
    Ok(Journal {
        path: path.to_owned(),
        file: medium.open_to_write(path).map_err(Error::io(path, "open"))?,
        region_id: RegionId(u128::from(number_of(path)).to_le_bytes()),
        capacity_bytes: PAGES * PAGE,
        end,
        next_ordinal: recovered.groups().map(|group| group.blobs().count() as u64).sum(),
        state: State::Synced,
        block: BlockBuilder::new(Kind::JournalGroup, 0),
    })
}

/// What journals hold.
pub(super) struct Log {
    pub(super) records: u32,
    pub(super) files: Vec<PathBuf>,
    /// The last of them that has a checkpoint.
    live: Option<PathBuf>,
    pub(super) tails: Vec<Tail>,
}

impl Log {
    /// Reads it, and fails the test if a record is not what was written.
    pub(super) fn read(medium: &CrashMedium) -> Result<Self> {
        let folder = Path::new(FOLDER);
        let files = medium.list(folder).map_err(Error::io(folder, "list"))?;
        let mut log = Self { records: 0, files, live: None, tails: Vec::new() };
        for path in &log.files {
            let recovered = recover(medium, path, Mode::Strict)?;
            log.tails.push(recovered.tail());
            let mut groups = groups(&recovered).into_iter();
            let Some(first) = groups.next() else { continue };
            log.records = u32::from_le_bytes(first[0][..4].try_into().unwrap());
            assert!(first == [checkpoint(log.records)], "a journal begins with a checkpoint");
            log.live = Some(path.clone());
            let page = checkpoint_page(medium, path)?;
            for group in groups {
                assert!(group == record(log.records, &page), "record {} is what was written", log.records);
                log.records += 1;
            }
        }
        Ok(log)
    }
}

/// A checkpoint, of two pages at times.
fn checkpoint(records: u32) -> Vec<u8> {
    let mut blob = records.to_le_bytes().to_vec();
    blob.resize(if records.is_multiple_of(2) { 100 } else { 5_000 }, 0xc9);
    blob
}

/// A record: a few blobs of any length, or one that has, where a block could begin, a copy of a block of its journal.
fn record(number: u32, page: &[u8]) -> Vec<Vec<u8>> {
    let chance = mix(u64::from(number));
    if chance.is_multiple_of(3) {
        let until_page = PAGE as usize - 40;
        return vec![[&vec![number as u8; until_page], page].concat()];
    }
    let mut blobs = vec![number.to_le_bytes().to_vec()];
    for at in 0..chance % 4 {
        let length = mix(chance + at) % [10, 100, 3_000][(chance % 5 % 3) as usize];
        blobs.push((0..length).map(|byte| mix(chance ^ byte) as u8).collect());
    }
    blobs
}

/// The page with the start of the checkpoint.
fn checkpoint_page(medium: &CrashMedium, path: &Path) -> Result<Vec<u8>> {
    let mut page = vec![0; PAGE as usize];
    let file = medium.open(path).map_err(Error::io(path, "open"))?;
    file.read_full_at(&mut page, HEADER_LENGTH as u64).map_err(Error::io(path, "read"))?;
    Ok(page)
}

/// What looks like chance, the same in every run.
pub(super) fn mix(number: u64) -> u64 {
    Random::new(number).next()
}

/// Fails unless what is there has all that was acknowledged, and nothing that was not tried.
pub(super) fn check(
    medium: &CrashMedium,
    acknowledged: u32,
    told: &Told,
) -> core::result::Result<Log, String> {
    let before = medium.operations();
    let log = Log::read(medium).map_err(|error| error.to_string())?;
    let again = Log::read(medium).map_err(|error| format!("the second time: {error}"))?;
    if medium.operations() != before || log.records != again.records || log.tails != again.tails {
        return Err("recovery is not idempotent".to_owned());
    }
    if !(acknowledged..=told.tried).contains(&log.records) {
        let Log { records, tails, .. } = log;
        return Err(format!(
            "{records} records, {acknowledged} acknowledged, {} tried, tails {tails:?}",
            told.tried
        ));
    }
    Ok(log)
}
