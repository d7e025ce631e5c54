//! A store that is opened when something is asked of it.

use std::collections::BTreeSet;
use std::time::Duration;

use region_store::slice::Spindle;
use region_store::store::{Filter, Store, StoreOptions};

use super::arguments::{Asked, Command, Source};
use super::{down, help, json, load, picture, scan, told};
use crate::{Failure, REFUSED, say};

pub(super) struct Session {
    options: StoreOptions,
    /// What comes of each command that is read is said as JSON.
    pub(super) json: bool,
    /// `None` until it is open.
    store: Option<Store>,
    /// Whether the standard input is where commands come from.
    pub(super) reads_input: bool,
}

impl Session {
    pub(super) fn new(
        spindles: Vec<Spindle>,
        regions: Option<usize>,
        memory_bytes: Option<u64>,
        json: bool,
    ) -> Self {
        let defaults = StoreOptions::default();
        let options = StoreOptions {
            spindles,
            regions: regions.unwrap_or(defaults.regions),
            memory_bytes,
            // What happens is what is asked for: nothing by itself, and nothing but at once.
            tender: None,
            retries: 0,
            heal_after: Duration::ZERO,
            patience: Duration::MAX,
            ..defaults
        };
        Self { options, json, store: None, reads_input: false }
    }

    pub(super) fn run(&mut self, asked: &Asked) -> Result<(), Failure> {
        let json = asked.json;
        match &asked.command {
            Command::Help => say(help::of_commands()),
            Command::Status(filter) => {
                let store = self.existing()?;
                let (status, snaps) = (store.status(), store.search(filter));
                if json {
                    return say(json::of_store(&status, &self.options, &snaps));
                }
                say(picture::of_store(&status, &self.options, &snaps, picture::width()))
            }
            Command::Search(filter) => {
                let snaps = self.existing()?.search(filter);
                if json {
                    return say(json::of_slices(&snaps));
                }
                say(picture::of_slices(&snaps, picture::width()))
            }
            Command::Load(load) => {
                if self.reads_input && matches!(load.source, Source::Input) {
                    let said = "commands come from the standard input: lines are read from a file";
                    return Err(Failure::Other(2, said.to_owned()));
                }
                load::run(load, json, || self.made())
            }
            Command::Scan(scan) => scan::run(self.existing()?, scan, json),
            Command::Down(step, filter) => down::run(self.existing()?, *step, filter, json),
            Command::Tend => down::tend(self.existing()?, json),
        }
    }

    /// The store. Nothing becomes one.
    pub(super) fn existing(&mut self) -> Result<&Store, Failure> {
        if self.store.is_none()
            && let Some(spindle) = new(&self.options.spindles)
        {
            let said = format!("there is no store at {} yet: load makes one", spindle.folder.display());
            return Err(Failure::Other(REFUSED, said));
        }
        self.made()
    }

    /// Opens the store if it is there, so that nobody else has it meanwhile.
    pub(super) fn open(&mut self) -> Result<(), Failure> {
        if new(&self.options.spindles).is_none() {
            self.made()?;
        }
        Ok(())
    }

    /// The store. If there is none, there is one now.
    fn made(&mut self) -> Result<&Store, Failure> {
        let store = match self.store.take() {
            Some(store) => store,
            None => {
                let store = Store::open_with(self.options.clone(), told::hear)?;
                // Nothing is known of a store that was just opened but what it found.
                told::say_found(store.search(&Filter::default()).len());
                store
            }
        };
        Ok(self.store.insert(store))
    }
}

/// The first folder that opening would make a store's: it is there, and neither it nor another one tells of a spindle of
/// its name.
fn new(spindles: &[Spindle]) -> Option<&Spindle> {
    // What cannot be read is for the store to tell.
    let told = |spindle: &Spindle| Store::spindles_at(&spindle.folder).ok();
    let others: BTreeSet<String> = spindles.iter().filter_map(told).flatten().collect();
    spindles.iter().find(|spindle| {
        let is_empty = spindle.folder.is_dir() && told(spindle).is_some_and(|names| names.is_empty());
        is_empty && !others.contains(&spindle.name)
    })
}
