//! How a process ends, and what the next one makes of what is left.

use std::format;
use std::string::ToString as _;
use std::sync::Arc;
use std::vec::Vec;

use region_store::medium::CrashMedium;

use super::super::super::super::{FileStore, Notice, lock};
use super::super::super::machine::Checked;
use super::super::oracle::Truth;
use super::super::people::{self, Act};
use super::{Server, World, open};

impl World {
    /// The process is ended by its disk.
    pub(super) fn die(&mut self) -> Checked {
        self.seen.deaths += 1;
        let operations = self.medium.operations();
        if self.random.below(2) == 0 {
            self.restart(self.medium.killed(operations), operations, false)
        } else {
            self.cut(operations)
        }
    }

    pub(super) fn kill(&mut self) -> Checked {
        let cut = self.some_operation();
        self.restart(self.medium.killed(cut), cut, false)
    }

    pub(super) fn power_cut(&mut self) -> Checked {
        let cut = self.some_operation();
        self.cut(cut)
    }

    /// One of the last ones, mostly.
    fn some_operation(&mut self) -> usize {
        let (first, now) = (self.told[0].operations, self.medium.operations());
        let back = if self.random.below(4) == 0 { 1_000 } else { 30 };
        now - self.random.below((now - first).min(back) as u64 + 1) as usize
    }

    /// Looks at some of what the power cut may leave, and goes on with one of that.
    fn cut(&mut self, cut: usize) -> Checked {
        let mut next = None;
        let seed = self.random.below(1 << 32);
        let crashes: Vec<_> = self.medium.crashes(cut..=cut, seed..seed + 2).collect();
        for _ in 0..3 {
            let crash = &crashes[self.random.below(crashes.len() as u64) as usize];
            let what = |error| format!("{crash}: {error}");
            let left = crash.medium.killed(0);
            self.recover(&crash.medium, cut).map_err(what)?;
            next = Some(left);
        }
        self.restart(next.unwrap(), cut, false)
    }

    /// Opens a store on what is left, which shows what was told. The recovery may be cut, too.
    fn recover(
        &mut self,
        left: &CrashMedium,
        cut: usize,
    ) -> Checked<(FileStore<CrashMedium>, Truth, CrashMedium)> {
        let mut left = left.clone();
        for _ in 0..self.random.below(3) {
            let first = left.operations();
            drop(open(&left, &mut self.random, self.now).map_err(|error| format!("recovery: {error}"))?);
            let at = first + self.random.below((left.operations() - first) as u64 + 1) as usize;
            let seed = self.random.below(1 << 32);
            let crashes: Vec<_> = left.crashes(at..=at, seed..seed + 2).collect();
            let index = self.random.below(crashes.len() as u64) as usize;
            left = crashes.into_iter().nth(index).unwrap().medium;
            self.seen.cut += 1;
        }
        let store = open(&left, &mut self.random, self.now).map_err(|error| format!("recovery: {error}"))?;
        self.seen.recoveries += 1;
        let told = self.told.iter().rfind(|told| told.operations <= cut).unwrap_or(&self.told[0]);
        let mut ahead = told.truth.clone();
        ahead.apply(&told.flying);
        let first = match told.truth.recovered(&store) {
            Ok(truth) => return Ok((store, truth, left)),
            Err(error) => error,
        };
        match ahead.recovered(&store) {
            Ok(truth) => {
                self.seen.ahead += 1;
                Ok((store, truth, left))
            }
            Err(_) if told.flying.is_empty() => Err(first),
            Err(second) => Err(format!("{first}; and with the group: {second}")),
        }
    }

    fn restart(&mut self, left: CrashMedium, cut: usize, may_edit: bool) -> Checked {
        if self.random.below(3) == 0 {
            let acts = [Act::Replace, Act::Reset, Act::Remove, Act::ReplaceTemplate, Act::Edit];
            let act = acts[self.random.below(if may_edit { 5 } else { 4 }) as usize];
            let stamp = self.new_stamp();
            let last = self.told.iter().rposition(|told| told.operations <= cut).unwrap_or_default();
            let told = &mut self.told[last];
            people::act(&left, &mut told.truth, act, &mut self.random, stamp);
            for flying in &mut told.flying {
                (flying.is_for_newest, flying.covers) = (false, None);
            }
        }
        let (store, truth, medium) = self.recover(&left, cut)?;
        let is_edit = |notice: &&Notice| matches!(notice, Notice::ImageChanged { .. });
        self.seen.edited += store.notices().iter().filter(is_edit).count() as u64;
        (self.truth, self.medium) = (truth, medium);
        self.now.monotonic_ms = 0;
        self.now.wall_ns += 1_000;
        self.server = Server::new(store, self.now);
        (self.flight, self.is_full) = (None, false);
        self.told.clear();
        self.announced.clear();
        self.meet_devices();
        self.tell()
    }

    /// The server ends well, if nothing cuts that.
    pub(super) fn close(&mut self) -> Checked {
        let first = self.medium.operations();
        let is_pinned = lock(&self.server.store.images).pinned().is_some();
        // Any other will do, on a medium of its own.
        let other = people::first_disks().0;
        let other = Server::new(
            open(&other, &mut self.random, self.now).map_err(|error| error.to_string())?,
            self.now,
        );
        let Server { store, service } = core::mem::replace(&mut self.server, other);
        drop(service);
        Arc::into_inner(store).unwrap().close().map_err(|error| error.to_string())?;
        self.seen.ends += 1;
        let last = self.medium.operations();
        match self.random.below(3) {
            0 => {
                let cut = first + self.random.below((last - first) as u64 + 1) as usize;
                self.cut(cut)
            }
            _ => self.restart(self.medium.killed(last), last, !is_pinned),
        }
    }
}
