//! What a power cut leaves.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::folder_of;
use super::image::{Image, Operation, SECTOR_LENGTH};
use super::random::Random;

/// How many of the operations that are not synced are left out, or done, alone.
const ALONE: usize = 8;

/// What is on the disk behind the page cache.
pub(super) struct Disk {
    /// What survives for sure, but for what `pending` does to it.
    sure: Image,
    /// In the order of their performance. What is synced stays here only behind something of the same scope that is
    /// not, which it may overwrite.
    pending: Vec<Pending>,
}

struct Pending {
    operation: Operation,
    scope: Scope,
    fate: Fate,
}

/// What a sync covers.
#[derive(Clone, PartialEq, Eq)]
enum Scope {
    File(usize),
    Folder(PathBuf),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A sync will make it sure.
    Unsynced,
    /// A sync has failed: nothing will.
    Forgotten,
    Sure,
}

/// What becomes of an operation that is not sure.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Kept,
    Dropped,
    /// Of a write some pieces, by this seed. A name is not torn: it is kept or not.
    Torn(u64),
    /// The length of the file, and zeros.
    Lengthened,
}

impl Disk {
    pub(super) fn new(sure: Image) -> Self {
        Self { sure, pending: Vec::new() }
    }

    pub(super) fn perform(&mut self, operation: &Operation) {
        let scope = match operation {
            Operation::Sync { file, succeeds } => return self.sync(&Scope::File(*file), *succeeds),
            Operation::SyncFolder { folder, succeeds } => {
                return self.sync(&Scope::Folder(folder.clone()), *succeeds);
            }
            Operation::SyncAll { succeeds } => return self.sync_all(*succeeds),
            Operation::Write { file, .. } => Scope::File(*file),
            Operation::Create { path, .. }
            | Operation::Remove { path }
            | Operation::CreateFolder { path }
            | Operation::RemoveFolder { path } => folder_scope(path),
            Operation::Rename { from, .. } => folder_scope(from),
        };
        self.pending.push(Pending { operation: operation.clone(), scope, fate: Fate::Unsynced });
    }

    fn sync_all(&mut self, succeeds: bool) {
        while let Some(pending) = self.pending.iter().find(|pending| pending.fate == Fate::Unsynced) {
            let scope = pending.scope.clone();
            self.sync(&scope, succeeds);
        }
    }

    fn sync(&mut self, scope: &Scope, succeeds: bool) {
        let fate = if succeeds { Fate::Sure } else { Fate::Forgotten };
        for pending in &mut self.pending {
            if pending.scope == *scope && pending.fate == Fate::Unsynced {
                pending.fate = fate;
            }
        }
        let Self { sure, pending } = self;
        let mut all_sure = true;
        pending.retain(|pending| {
            if pending.scope != *scope {
                return true;
            }
            all_sure &= pending.fate == Fate::Sure;
            if all_sure {
                sure.apply(&pending.operation);
            }
            !all_sure
        });
    }

    /// What may be left, each with a word about it.
    pub(super) fn states(&self, cut: usize, seeds: Range<u64>) -> Vec<(Image, String)> {
        let unsure = self.pending.iter().filter(|pending| pending.fate != Fate::Sure).count();
        let mut states =
            vec![(self.image(|_| Outcome::Kept), format!("all {unsure} kept that were not synced"))];
        if unsure == 0 {
            return states;
        }
        states.push((self.image(|_| Outcome::Dropped), format!("all {unsure} dropped that were not synced")));
        states.push((self.image(|_| Outcome::Lengthened), "lengths kept, bytes dropped".to_owned()));
        if unsure > 1 {
            for alone in unsure.saturating_sub(ALONE)..unsure {
                let image = self.image(|at| if at == alone { Outcome::Kept } else { Outcome::Dropped });
                states.push((image, format!("of {unsure} not synced only number {alone} kept")));
                let image = self.image(|at| if at == alone { Outcome::Dropped } else { Outcome::Kept });
                states.push((image, format!("of {unsure} not synced only number {alone} dropped")));
            }
        }
        for seed in seeds {
            let mut random = Random::new(seed ^ (cut as u64).rotate_left(32));
            let torn = seed % 2 == 0;
            let image = self.image(|_| match random.below(4) {
                0 if !torn => Outcome::Kept,
                1 if !torn => Outcome::Dropped,
                2 if !torn => Outcome::Lengthened,
                _ => Outcome::Torn(random.next()),
            });
            states.push((image, format!("{} by seed {seed}", if torn { "torn" } else { "mixed" })));
        }
        states
    }

    fn image(&self, mut outcome: impl FnMut(usize) -> Outcome) -> Image {
        let mut image = self.sure.clone();
        let mut unsure = 0;
        let mut lost = Vec::new();
        for pending in &self.pending {
            let outcome = if pending.fate == Fate::Sure {
                Outcome::Kept
            } else {
                unsure += 1;
                outcome(unsure - 1)
            };
            if let Operation::CreateFolder { path } = &pending.operation {
                // It may have been lost before, and be there again.
                lost.retain(|lost| *lost != path);
                if !matches!(outcome, Outcome::Kept) {
                    lost.push(path);
                }
            }
            suffer(&mut image, &pending.operation, outcome);
        }
        // What was synced in a folder is no better off than the folder.
        lost.into_iter().for_each(|folder| image.lose_folder(folder));
        image
    }
}

fn folder_scope(path: &Path) -> Scope {
    Scope::Folder(folder_of(path).to_owned())
}

fn suffer(image: &mut Image, operation: &Operation, outcome: Outcome) {
    match (operation, outcome) {
        (_, Outcome::Dropped) => {}
        (Operation::Write { file, offset, bytes, time }, Outcome::Torn(seed)) => {
            image.tear(*file, *offset, bytes, *time, tear(seed, bytes.len()));
        }
        (Operation::Write { file, offset, bytes, .. }, Outcome::Lengthened) => {
            image.extend(*file, *offset, bytes.len());
        }
        (_, Outcome::Torn(seed)) if seed % 2 == 0 => {}
        (operation, _) => image.apply(operation),
    }
}

/// Which pieces of a write arrive: the first few, the last few, all but one, or any.
fn tear(seed: u64, length: usize) -> impl FnMut(u64) -> bool {
    let mut random = Random::new(seed);
    let pieces = (length as u64).div_ceil(SECTOR_LENGTH as u64);
    let (manner, at) = (random.below(4), random.below(pieces + 1));
    move |piece| match manner {
        0 => piece < at,
        1 => piece >= at,
        2 => piece != at,
        _ => random.below(2) == 0,
    }
}
