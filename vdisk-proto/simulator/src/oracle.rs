//! What is true: which write each sector of the server's disks held, and when.

use std::collections::HashMap;

use sector_cache::{Drive, SectorKey};

use crate::contents::Content;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub String);

/// What a check finds.
pub(crate) type Checked = Result<(), Violation>;

/// Fails with a message unless a condition holds.
macro_rules! check {
    ($condition:expr, $($message:tt)*) => {
        if !$condition {
            return Err($crate::oracle::Violation(format!($($message)*)));
        }
    };
}
pub(crate) use check;

/// Who may write contents: nobody in particular, who replaces images, and devices from 1 on.
pub(crate) type Author = u64;
/// Bits of a content below its author.
const AUTHOR_SHIFT: u32 = 40;

/// The contents of an author, numbered from 0 on.
pub(crate) const fn content(author: Author, number: u64) -> Content {
    author << AUTHOR_SHIFT | number
}

pub(crate) const fn author(content: Content) -> Author {
    content >> AUTHOR_SHIFT
}

/// What every sector of every disk held, and when.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    disks: HashMap<(usize, Drive), Disk>,
    /// When an author last changed a channel.
    changes: HashMap<(usize, Author), u64>,
}

#[derive(Debug)]
struct Disk {
    /// For each sector what it held, in order; never empty, and the last is what it holds.
    sectors: Vec<Vec<Held>>,
    /// When people last put other bytes there: what was written before may be written again.
    replaced_ms: u64,
}

/// What a sector held for some time.
#[derive(Clone, Copy, Debug)]
struct Held {
    content: Content,
    from_ms: u64,
    /// When the server knew that it held something else.
    until_ms: u64,
}

impl Held {
    const fn from(content: Content, from_ms: u64) -> Self {
        Self { content, from_ms, until_ms: u64::MAX }
    }
}

impl Oracle {
    /// A disk that begins with contents from `first` on.
    pub(crate) fn add_disk(&mut self, channel: usize, drive: Drive, sectors: u32, first: Content) {
        let sectors = (0..u64::from(sectors)).map(|sector| vec![Held::from(first + sector, 0)]).collect();
        self.disks.insert((channel, drive), Disk { sectors, replaced_ms: 0 });
    }

    /// A sector of the server's disk was written: what it holds from now on must be new to it.
    ///
    /// A legacy write counts as done by nobody in particular: to every session, somebody else did it.
    pub(crate) fn wrote(
        &mut self,
        channel: usize,
        key: SectorKey,
        content: Content,
        is_legacy: bool,
        now_ms: u64,
    ) -> Checked {
        let disk = self.disks.get_mut(&(channel, key.drive()));
        let replaced_ms = disk.as_ref().map_or(0, |disk| disk.replaced_ms);
        let history = disk.and_then(|disk| disk.sectors.get_mut(key.sector().number() as usize));
        let Some(history) = history else {
            return Err(Violation(format!("{key} of channel {channel} is on no disk")));
        };
        let by = if is_legacy { 0 } else { author(content) };
        self.changes.insert((channel, by), now_ms);
        if history.last().is_some_and(|last| last.content == content) {
            return Ok(());
        }
        let before = history.iter().rposition(|held| held.content == content && held.from_ms > replaced_ms);
        let since = before.and_then(|before| history.get(before + 1..)).unwrap_or_default();
        // Devices that both speak version 1 know nothing of each other, and each writes until it reads what it wrote.
        let is_dispute = is_legacy && since.iter().any(|held| author(held.content) != author(content));
        check!(
            before.is_none() || is_dispute,
            "old bytes came back: {key} of channel {channel} holds {content:x} again, which was overwritten"
        );
        if let Some(last) = history.last_mut() {
            last.until_ms = now_ms;
        }
        history.push(Held::from(content, now_ms));
        Ok(())
    }

    /// People changed a disk: its sectors hold these contents. The server does not know yet.
    pub(crate) fn replaced(
        &mut self,
        channel: usize,
        drive: Drive,
        contents: impl Iterator<Item = Content>,
        now_ms: u64,
    ) {
        let Some(disk) = self.disks.get_mut(&(channel, drive)) else { return };
        disk.replaced_ms = now_ms;
        for (history, content) in disk.sectors.iter_mut().zip(contents) {
            if history.last().is_none_or(|last| last.content != content) {
                history.push(Held::from(content, now_ms));
            }
        }
    }

    /// The server learns of what people did to a channel's disks: to its sessions, that is when it happens.
    pub(crate) fn noticed(&mut self, channel: usize, now_ms: u64) {
        let disks = self.disks.iter_mut().filter(|((of, _), _)| *of == channel);
        let histories = disks.flat_map(|(_, disk)| &mut disk.sectors);
        for before in histories.filter_map(|history| history.split_last_mut()).flat_map(|(_, before)| before)
        {
            before.until_ms = before.until_ms.min(now_ms);
        }
        self.changes.insert((channel, 0), now_ms);
    }

    /// What a sector holds.
    pub(crate) fn current(&self, channel: usize, key: SectorKey) -> Option<Content> {
        self.history(channel, key).last().map(|held| held.content)
    }

    /// Whether a sector held that, as far as the server knew, at some time from `from_ms` on.
    pub(crate) fn held_since(&self, channel: usize, key: SectorKey, content: Content, from_ms: u64) -> bool {
        let mut history = self.history(channel, key).iter();
        history.any(|held| held.content == content && held.until_ms >= from_ms)
    }

    /// Since when a sector held that, even if it does no more.
    pub(crate) fn held_from(&self, channel: usize, key: SectorKey, content: Content) -> Option<u64> {
        let mut history = self.history(channel, key).iter().rev();
        history.find(|held| held.content == content).map(|held| held.from_ms)
    }

    /// When somebody else than that author last changed a channel.
    pub(crate) fn changed_by_others(&self, channel: usize, by: Author) -> Option<u64> {
        let others = self.changes.iter().filter(|((of, author), _)| *of == channel && *author != by);
        others.map(|(_, time)| *time).max()
    }

    fn history(&self, channel: usize, key: SectorKey) -> &[Held] {
        let disk = self.disks.get(&(channel, key.drive()));
        let history = disk.and_then(|disk| disk.sectors.get(key.sector().number() as usize));
        history.map(Vec::as_slice).unwrap_or_default()
    }
}
