//! What becomes durable together.

use std::vec::Vec;

use bytes::Bytes;
use sector_cache::Drive;

use super::Run;
use crate::codec::{Channel, Status};

/// What a record costs beside its sectors, at most: in a journal, its head, and the name of the file that it goes to.
const RECORD_COST: usize = 160;
/// What a sector costs beside its bytes: the checksum of what it replaces.
const SECTOR_COST: usize = 4;

/// A change of what is durable of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A HELLO is given a session.
    Session(Session),
    /// Sectors are written.
    Write(Write),
    /// An image was changed by somebody else, which ends the channel's session.
    Changed {
        /// Its drive.
        drive: Drive,
        /// Its new generation.
        generation: u64,
    },
}

/// A session that a HELLO is given: the channel's current one from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number, more than that of the channel's last.
    pub session: u32,
    /// The HELLO's nonce.
    pub nonce: u64,
    /// The largest frame that the device takes: a READ may come after a restart without another HELLO.
    pub largest_frame: u16,
    /// The least generation of the channel's drives.
    pub floor: u64,
    /// What this HELLO grows the generations to, or 0; see [`Ledger`](super::Ledger).
    pub growth: u64,
}

/// Sectors that are written together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The drive.
    pub drive: Drive,
    /// Which of its sectors.
    pub run: Run,
    /// Their bytes, in the run's order and of its length: a slice of the message that brought them.
    pub bytes: Bytes,
    /// Who writes them.
    pub author: Author,
}

impl Write {
    /// What to write where in the image: an offset and its bytes, once or twice.
    pub fn pieces(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = &self.bytes[..];
        self.run.pieces().map_while(move |(offset, length)| {
            let (piece, after) = rest.split_at_checked(length)?;
            rest = after;
            Some((offset, piece))
        })
    }
}

/// Who wrote sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A session, of which this is the WRITE of that sequence: it becomes the session's mark.
    Session {
        /// Its number.
        session: u32,
        /// The WRITE's sequence.
        sequence: u32,
    },
    /// A legacy write: somebody else's change to every session, which ends the current one.
    Legacy {
        /// The image's new generation.
        generation: u64,
    },
}

/// A record of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The channel.
    pub channel: Channel,
    /// What changes.
    pub record: Record,
}

/// Records that become durable together: they are written in order, and none counts before all are on the disk.
///
/// It belongs to whoever writes it, so that a store may wait for its disk while the service goes on.
#[derive(Debug)]
pub struct Group {
    pub(crate) entries: Vec<Entry>,
    /// Entries that are not part of it any more, by index in `entries`, ascending, with their answer if they get one.
    pub(crate) refused: Vec<(usize, Option<Status>)>,
}

impl Group {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), refused: Vec::new() }
    }

    /// Its entries in order, with their index, but for those that were refused.
    pub fn entries(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(index, _)| self.refusal(*index).is_none())
    }

    /// Those that were.
    pub fn refused(&self) -> impl Iterator<Item = &Entry> {
        self.refused.iter().filter_map(|(index, _)| self.entries.get(*index))
    }

    /// Whether an entry is part of it no more, and what its answer is then, if it gets one.
    pub(crate) fn refusal(&self, index: usize) -> Option<Option<Status>> {
        let at = self.refused.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        self.refused.get(at).map(|(_, status)| *status)
    }

    /// Takes an entry out of the group, before it is written. With a write go the later ones of its session, since none
    /// may follow a gap; they get no answer, and come again. With a change goes all that is later of its channel, which
    /// reckons with it; the change itself waits for the next group.
    ///
    /// The status is the answer: [`Status::DiskFull`] if there is no room for the image, [`Status::IoError`] if what
    /// was written to it before cannot be applied, [`Status::Busy`] if there is no room in the journal.
    pub fn refuse(&mut self, index: usize, status: Status) {
        self.take_out(index, Some(status));
    }

    /// Takes a session's write out, and the later ones of its session with it: none gets an answer. To be followed by a
    /// change that ends the session.
    pub fn drop_write(&mut self, index: usize) {
        self.take_out(index, None);
    }

    fn take_out(&mut self, index: usize, status: Option<Status>) {
        let Some(entry) = self.entries.get(index) else { return };
        let session = entry.session();
        let is_change = entry.record.is_change();
        let goes_along = |later: &Entry| {
            later.channel == entry.channel && (is_change || session.is_some() && later.session() == session)
        };
        let later = self.entries.iter().enumerate().skip(index.saturating_add(1));
        let mut refused = std::vec![(index, status)];
        refused.extend(later.filter(|(_, later)| goes_along(later)).map(|(index, _)| (index, None)));
        for (index, status) in refused {
            if let Err(at) = self.refused.binary_search_by_key(&index, |(index, _)| *index) {
                self.refused.insert(at, (index, status));
            }
        }
    }
}

impl Record {
    /// Whether it says that an image was changed, and nothing else.
    pub(crate) const fn is_change(&self) -> bool {
        matches!(self, Self::Changed { .. })
    }

    /// The drive that this changes without its session.
    pub(crate) const fn changed_drive(&self) -> Option<Drive> {
        match self {
            Self::Write(Write { author: Author::Legacy { .. }, drive, .. }) | Self::Changed { drive, .. } => {
                Some(*drive)
            }
            _ => None,
        }
    }
}

impl Entry {
    /// How many bytes it takes at most in a journal, and about in memory.
    pub(crate) fn cost(&self) -> usize {
        let Record::Write(write) = &self.record else { return RECORD_COST };
        let checksums = usize::from(write.run.count()).saturating_mul(SECTOR_COST);
        RECORD_COST.saturating_add(checksums).saturating_add(write.bytes.len())
    }

    /// The session whose WRITE this is.
    pub(crate) const fn session(&self) -> Option<u32> {
        match &self.record {
            Record::Write(Write { author: Author::Session { session, .. }, .. }) => Some(*session),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sector_cache::Geometry;

    /// Writes of sessions, and 0 for a legacy one.
    fn group(writes: &[(&str, u32)]) -> Group {
        let entry = |&(channel, session): &(&str, u32)| {
            let author = match session {
                0 => Author::Legacy { generation: 1 },
                _ => Author::Session { session, sequence: 1 },
            };
            let run = Run::new(Geometry::ALTAIR_8_INCH, 63, 2).unwrap();
            let write = Write { drive: Drive::B, run, bytes: Bytes::from_static(&[7; 274]), author };
            Entry { channel: Channel::new(channel).unwrap(), record: Record::Write(write) }
        };
        Group { entries: writes.iter().map(entry).collect(), refused: Vec::new() }
    }

    fn changed(channel: &str) -> Entry {
        let record = Record::Changed { drive: Drive::B, generation: 9 };
        Entry { channel: Channel::new(channel).unwrap(), record }
    }

    fn left(group: &Group) -> Vec<usize> {
        group.entries().map(|(index, _)| index).collect()
    }

    #[test]
    fn a_refused_write_takes_the_later_ones_of_its_session_along() {
        let mut group = group(&[("a", 1), ("b", 1), ("a", 1), ("a", 0), ("a", 1), ("a", 2)]);
        group.refuse(2, Status::DiskFull);
        assert_eq!(left(&group), [0, 1, 3, 5]);
        assert_eq!(group.refusal(1), None);
        assert_eq!(group.refusal(2), Some(Some(Status::DiskFull)));
        assert_eq!(group.refusal(4), Some(None));
    }

    #[test]
    fn a_write_that_is_dropped_and_the_later_ones_of_its_session_get_no_answer() {
        let mut group = group(&[("a", 1), ("b", 1), ("a", 1), ("a", 0)]);
        group.drop_write(0);
        assert_eq!(left(&group), [1, 3]);
        assert_eq!((group.refusal(0), group.refusal(2)), (Some(None), Some(None)));
    }

    #[test]
    fn a_legacy_write_goes_alone() {
        let mut group = group(&[("a", 0), ("a", 0), ("a", 1)]);
        group.refuse(0, Status::DiskFull);
        assert_eq!(left(&group), [1, 2]);
    }

    #[test]
    fn a_refused_change_takes_along_what_reckons_with_it() {
        let mut group = group(&[("a", 1), ("b", 1), ("a", 2), ("a", 0), ("b", 0)]);
        group.entries.insert(2, changed("a"));
        group.refuse(2, Status::DiskFull);
        assert_eq!(left(&group), [0, 1, 5]);
        assert_eq!((group.refusal(2), group.refusal(3)), (Some(Some(Status::DiskFull)), Some(None)));
    }

    #[test]
    fn the_first_refusal_stays() {
        let mut group = group(&[("a", 1), ("a", 1), ("a", 1)]);
        group.refuse(1, Status::DiskFull);
        group.refuse(2, Status::IoError);
        group.refuse(1, Status::IoError);
        group.refuse(0, Status::Busy);
        group.refuse(9, Status::Busy);
        assert_eq!(left(&group), [0_usize; 0]);
        assert_eq!(group.refusal(0), Some(Some(Status::Busy)));
        assert_eq!(group.refusal(1), Some(Some(Status::DiskFull)));
        assert_eq!(group.refusal(2), Some(None));
    }

    #[test]
    fn a_write_that_wraps_has_two_pieces() {
        let group = group(&[("a", 1)]);
        let Some((_, Entry { record: Record::Write(write), .. })) = group.entries().next() else { panic!() };
        let pieces: Vec<_> = write.pieces().map(|(offset, bytes)| (offset, bytes.len())).collect();
        assert_eq!(pieces, [(63 * 137, 137), (32 * 137, 137)]);
    }
}
