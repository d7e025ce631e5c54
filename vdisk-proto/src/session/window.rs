//! The writes that were accepted and are not acknowledged.
//!
//! They are a ring in the caller's memory, oldest first. Each has its sector, and before it:
//!
//! | Offset | Size | Field |
//! |-------:|-----:|-------|
//! |      0 |    4 | key: the drive in bits 24 to 27, the sector below |
//! |      4 |    2 | length of the sector |
//! |      6 |    1 | version 1: 0 to be sent, 1 sent, 2 and asked back |
//! |      7 |    1 | version 1: how often other bytes came back |

use sector_cache::SectorKey;

const PROGRESS_AT: usize = 6;
const DIFFERENCES_AT: usize = 7;
/// Bytes of a write before its sector.
pub(super) const OVERHEAD: usize = 8;
const _: () = assert!(DIFFERENCES_AT + 1 == OVERHEAD);

/// How far a write of version 1 is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Progress {
    ToSend = 0,
    Sent = 1,
    AskedBack = 2,
}

/// The writes that wait, and how far those of version 2 are.
#[derive(Debug)]
pub(super) struct Window<'m> {
    memory: &'m mut [u8],
    /// Bytes of a write with what is before it: `memory` has `capacity` of these.
    stride: usize,
    /// 1 to 64.
    capacity: usize,
    /// Where the oldest is, below `capacity`.
    start: usize,
    /// How many there are.
    length: usize,
    /// The sequence of the oldest, 1 at the start of a session.
    first: u32,
    /// The index of the next to send.
    pub(super) next: usize,
    /// How many of them, from the oldest on, were ever sent in this session.
    sent: usize,
}

/// A write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'w> {
    pub(super) key: SectorKey,
    pub(super) bytes: &'w [u8],
    pub(super) progress: Progress,
}

impl<'m> Window<'m> {
    /// An empty window in memory of `capacity` times (`OVERHEAD` + `sector_length`) bytes.
    pub(super) const fn new(memory: &'m mut [u8], capacity: usize, sector_length: usize) -> Self {
        let stride = OVERHEAD + sector_length;
        Self { memory, stride, capacity, start: 0, length: 0, first: 1, next: 0, sent: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.length
    }

    pub(super) const fn is_full(&self) -> bool {
        self.length >= self.capacity
    }

    /// The sequence that a write has in this session, `None` if there are no numbers left.
    pub(super) fn sequence(&self, index: usize) -> Option<u32> {
        self.first.checked_add(u32::try_from(index).ok()?)
    }

    /// The last sequence that was acknowledged in this session.
    pub(super) const fn mark(&self) -> u32 {
        self.first.wrapping_sub(1)
    }

    /// The index of the write that has this sequence, if it was sent in this session and is not acknowledged.
    pub(super) fn in_flight(&self, sequence: u32) -> Option<usize> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        (index < self.sent).then_some(index)
    }

    /// Another session: all are sent again, and count from 1.
    pub(super) const fn renumber(&mut self) {
        self.first = 1;
        self.next = 0;
        self.sent = 0;
    }

    /// As if so many writes had been acknowledged in this session that the next has this sequence.
    #[cfg(test)]
    pub(super) const fn start_at(&mut self, sequence: u32) {
        self.first = sequence;
    }

    /// The next one was sent.
    pub(super) fn advance(&mut self) {
        self.next = self.next.saturating_add(1);
        self.sent = self.sent.max(self.next);
    }

    /// Drops the writes up to that sequence, as far as they were sent, and says how many.
    pub(super) fn acknowledge(&mut self, sequence: u32) -> usize {
        let after = sequence.saturating_add(1).saturating_sub(self.first);
        let count = usize::try_from(after).unwrap_or(usize::MAX).min(self.sent);
        self.start = self.place(count);
        self.length = self.length.saturating_sub(count);
        self.next = self.next.saturating_sub(count);
        self.sent = self.sent.saturating_sub(count);
        self.first = self.first.saturating_add(u32::try_from(count).unwrap_or_default());
        count
    }

    /// Adds a write; `false` if there is no room for it.
    pub(super) fn push(&mut self, key: SectorKey, bytes: &[u8]) -> bool {
        let Ok(length) = u16::try_from(bytes.len()) else { return false };
        if self.is_full() {
            return false;
        }
        let Some((head, sector)) = self.entry_mut(self.length) else { return false };
        let Some(place) = sector.get_mut(..bytes.len()) else { return false };
        place.copy_from_slice(bytes);
        *head = pack(key, length);
        self.length = self.length.saturating_add(1);
        true
    }

    pub(super) fn get(&self, index: usize) -> Option<Entry<'_>> {
        if index >= self.length {
            return None;
        }
        let at = self.place(index).checked_mul(self.stride)?;
        let (head, sector) = self.memory.get(at..)?.get(..self.stride)?.split_first_chunk::<OVERHEAD>()?;
        let &[a, b, c, drive, low, high, progress, _] = head;
        let length = usize::from(u16::from_le_bytes([low, high]));
        Some(Entry {
            key: SectorKey::try_new(drive, u32::from_le_bytes([a, b, c, 0])).ok()?,
            bytes: sector.get(..length)?,
            progress: match progress {
                0 => Progress::ToSend,
                1 => Progress::Sent,
                _ => Progress::AskedBack,
            },
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.length).map_while(|index| self.get(index))
    }

    /// The index of the last write of a sector.
    pub(super) fn latest(&self, key: SectorKey) -> Option<usize> {
        (0..self.length).rev().find(|&index| self.is_of(index, key))
    }

    /// The index of the first write of a sector.
    pub(super) fn oldest(&self, key: SectorKey) -> Option<usize> {
        (0..self.length).find(|&index| self.is_of(index, key))
    }

    fn is_of(&self, index: usize, key: SectorKey) -> bool {
        self.get(index).is_some_and(|entry| entry.key == key)
    }

    pub(super) fn set_progress(&mut self, index: usize, progress: Progress) {
        if let Some((head, _)) = self.entry_mut(index) {
            head[PROGRESS_AT] = progress as u8;
        }
    }

    /// Counts that other bytes came back for a write, and says how often that was.
    pub(super) fn differs(&mut self, index: usize) -> u8 {
        let Some((head, _)) = self.entry_mut(index) else { return 0 };
        head[DIFFERENCES_AT] = head[DIFFERENCES_AT].saturating_add(1);
        head[DIFFERENCES_AT]
    }

    /// Takes a write out of the middle. Those behind it are others from then on: a new session has to follow, unless
    /// the protocol is version 1, which counts nothing.
    pub(super) fn remove(&mut self, index: usize) {
        if index >= self.length {
            return;
        }
        for index in index..self.length.saturating_sub(1) {
            self.copy(self.place(index.saturating_add(1)), self.place(index));
        }
        self.length = self.length.saturating_sub(1);
        // Nothing from there on has the sequence that it was sent with.
        self.next = self.next.min(index);
        self.sent = self.sent.min(index);
    }

    /// Copies a write from one place to another.
    fn copy(&mut self, from: usize, to: usize) {
        let (low, high) = (from.min(to), from.max(to));
        let (Some(low), Some(high)) = (low.checked_mul(self.stride), high.checked_mul(self.stride)) else {
            return;
        };
        let Some((before, after)) = self.memory.split_at_mut_checked(high) else { return };
        let Some(low) = before.get_mut(low..).and_then(|rest| rest.get_mut(..self.stride)) else { return };
        let Some(high) = after.get_mut(..self.stride) else { return };
        if from < to {
            high.copy_from_slice(low);
        } else {
            low.copy_from_slice(high);
        }
    }

    fn entry_mut(&mut self, index: usize) -> Option<(&mut [u8; OVERHEAD], &mut [u8])> {
        let at = self.place(index).checked_mul(self.stride)?;
        self.memory.get_mut(at..)?.get_mut(..self.stride)?.split_first_chunk_mut()
    }

    /// Where in the ring a write is.
    const fn place(&self, index: usize) -> usize {
        let at = self.start.saturating_add(index);
        if at < self.capacity { at } else { at.saturating_sub(self.capacity) }
    }
}

/// What is before the sector of a write that was not sent.
const fn pack(key: SectorKey, length: u16) -> [u8; OVERHEAD] {
    let [a, b, c, _] = key.sector().number().to_le_bytes();
    let [low, high] = length.to_le_bytes();
    [a, b, c, key.drive().number(), low, high, Progress::ToSend as u8, 0]
}

#[cfg(test)]
mod tests;
