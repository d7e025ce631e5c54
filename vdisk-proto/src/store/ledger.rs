//! What a server must remember of a channel for as long as it has its disks.

use sector_cache::Drive;

use super::group::{Author, Record, Session};

/// How many nonces a channel remembers.
pub const NONCES: usize = 16;

/// The durable facts about a channel, and the only place that says how a record changes them.
///
/// The store journals [`Record`]s and applies each to its ledgers, at work and at recovery alike; a checkpoint is a
/// copy of them all. It is plain data, so that a store can lay it out as it likes.
///
/// # Generations
///
/// The number of a drive that a HELLO's answer tells is the largest of three: that of its image, the channel's `floor`,
/// and the growth of the last session. A HELLO whose previous session missed writes brings a growth, which is told in
/// its own answer at once, but becomes the floor only when its session is heard: carries another request, or is named
/// as the previous one. A HELLO that was late on its way, whose sender is gone, is answered with a session that nobody
/// will use; if its growth stayed, then the device that is there would be told in its next HELLO that its disks
/// changed, and would fail writes that it had accepted. No session that was not heard has changed a byte, so setting
/// its growth aside hides nothing. No number is ever given twice. A store learns that a session was heard with its next
/// write, or with the floor that the next session is given.
///
/// A late HELLO may also come when the device that is there has not been heard yet, and take its place. That device
/// names its session in its next HELLO, and is to be told what it knows. So growths are remembered for as long as
/// nonces are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// The last session assigned, 0 before the first.
    pub session: u32,
    /// Whether that session has ended without another one in its place.
    pub ended: bool,
    /// The last WRITE of that session that is applied.
    pub mark: u32,
    /// The largest frame that its device takes.
    pub largest_frame: u16,
    /// The last session that wrote, 0 before the first.
    pub writer: u32,
    /// The last sessions, newest first: the first is `session`. Those beyond [`granted_count`](Self::granted_count) are
    /// none.
    pub granted: [Granted; NONCES],
    /// How many of `granted` there are.
    pub granted_count: u8,
    /// The least generation of any drive; 0 before the first session.
    pub floor: u64,
    /// The largest generation ever given.
    pub highest: u64,
    /// Generations of the images that changed, by drive; else 0.
    pub images: [u64; Drive::COUNT as usize],
}

/// One of the last sessions of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Its number.
    pub session: u32,
    /// The nonce that it was given to.
    pub nonce: u64,
    /// What its HELLO grew the generations to; 0 if it did not.
    pub growth: u64,
    /// The last WRITE of it that was applied when the next session began.
    pub mark: u32,
}

impl Ledger {
    /// That of a channel of which nothing is known.
    pub const NEW: Self = Self {
        session: 0,
        ended: false,
        mark: 0,
        largest_frame: 0,
        writer: 0,
        granted: [Granted { session: 0, nonce: 0, growth: 0, mark: 0 }; NONCES],
        granted_count: 0,
        floor: 0,
        highest: 0,
        images: [0; Drive::COUNT as usize],
    };

    /// The current session, if there is one.
    #[must_use]
    pub const fn current(&self) -> Option<u32> {
        if self.session == 0 || self.ended { None } else { Some(self.session) }
    }

    /// The generation that HELLO's answer tells of a drive.
    #[must_use]
    pub fn generation(&self, drive: Drive) -> u64 {
        let image = self.images.get(usize::from(drive.number())).copied().unwrap_or_default();
        image.max(self.floor).max(self.growth(self.session))
    }

    /// What the HELLO of a session grew the generations to; 0 if it did not, or if that is too long ago.
    pub(crate) fn growth(&self, session: u32) -> u64 {
        self.granted(session).map_or(0, |granted| granted.growth)
    }

    /// Whether a device that was told of so many writes of a session knows more than the disks do: they are from before
    /// that session, or from before some of its writes.
    pub(crate) fn is_behind(&self, session: u32, mark: u32) -> bool {
        session != 0 && (self.granted(session).is_none() || mark > self.mark(session))
    }

    /// The last WRITE of a session that is applied; 0 if there is none, or if that is too long ago.
    pub(crate) fn mark(&self, session: u32) -> u32 {
        match self.granted(session) {
            Some(_) if session == self.session => self.mark,
            Some(granted) => granted.mark,
            None => 0,
        }
    }

    /// One of the last sessions.
    fn granted(&self, session: u32) -> Option<&Granted> {
        self.granted.iter().take(usize::from(self.granted_count)).find(|granted| granted.session == session)
    }

    /// A generation that was never given, and is the clock's nanoseconds at least.
    #[must_use]
    pub fn next_generation(&self, wall_ns: u64) -> u64 {
        wall_ns.max(self.highest.saturating_add(1))
    }

    /// The nonces remembered, newest first.
    pub fn nonces(&self) -> impl Iterator<Item = u64> + '_ {
        self.granted.iter().take(usize::from(self.granted_count)).map(|granted| granted.nonce)
    }

    /// What a record makes of it.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Session(session) => self.begin(session),
            Record::Write(write) => match write.author {
                Author::Session { session, sequence } => self.wrote(session, sequence),
                Author::Legacy { generation } => self.changed(write.drive, generation),
            },
            Record::Changed { drive, generation } => self.changed(*drive, *generation),
        }
    }

    fn begin(&mut self, session: &Session) {
        if let Some(last) = self.granted.first_mut() {
            last.mark = self.mark;
        }
        self.granted.rotate_right(1);
        if let Some(newest) = self.granted.first_mut() {
            *newest =
                Granted { session: session.session, nonce: session.nonce, growth: session.growth, mark: 0 };
        }
        if usize::from(self.granted_count) < NONCES {
            self.granted_count += 1;
        }
        self.session = session.session;
        self.ended = false;
        self.mark = 0;
        self.largest_frame = session.largest_frame;
        self.floor = session.floor;
        self.highest = self.highest.max(session.floor).max(session.growth);
    }

    fn wrote(&mut self, session: u32, sequence: u32) {
        self.writer = session;
        if session == self.session {
            self.mark = sequence;
            self.heard();
        }
    }

    /// The last session is heard: its growth is the channel's.
    pub(crate) fn heard(&mut self) {
        self.floor = self.floor.max(self.growth(self.session));
    }

    /// An image was changed by somebody else: its generation grows, and the session ends.
    fn changed(&mut self, drive: Drive, generation: u64) {
        self.ended = true;
        self.highest = self.highest.max(generation);
        if let Some(image) = self.images.get_mut(usize::from(drive.number())) {
            *image = generation;
        }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::NEW
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn session(number: u32, floor: u64, growth: u64) -> Record {
        let nonce = u64::from(number) + 100;
        Record::Session(Session { session: number, nonce, largest_frame: 500, floor, growth })
    }

    fn after(records: &[Record]) -> Ledger {
        let mut ledger = Ledger::NEW;
        records.iter().for_each(|record| ledger.apply(record));
        ledger
    }

    #[test]
    fn sixteen_nonces_are_remembered_newest_first() {
        let records: Vec<_> = (1..=20).map(|number| session(number, 1, 0)).collect();
        assert_eq!(after(&records[..2]).nonces().collect::<Vec<_>>(), [102, 101]);
        assert_eq!(after(&records).nonces().collect::<Vec<_>>(), (105..=120).rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_nonce_of_zero_is_one_like_others() {
        assert_eq!(Ledger::NEW.nonces().next(), None);
        let zero = Record::Session(Session { session: 1, nonce: 0, largest_frame: 500, floor: 1, growth: 0 });
        assert_eq!(after(&[zero]).nonces().next(), Some(0));
    }

    #[test]
    fn a_change_ends_the_session_and_a_new_one_follows() {
        let changed = Record::Changed { drive: Drive::B, generation: 9 };
        let ledger = after(&[session(1, 5, 0), changed.clone()]);
        assert_eq!((ledger.current(), ledger.session), (None, 1));
        assert_eq!((ledger.generation(Drive::A), ledger.generation(Drive::B)), (5, 9));
        assert_eq!(after(&[session(1, 5, 0), changed, session(2, 5, 0)]).current(), Some(2));
    }

    #[test]
    fn a_growth_that_is_set_aside_is_never_given_again() {
        let ledger = after(&[session(1, 5, 0), session(2, 5, 8), session(3, 5, 0)]);
        assert_eq!(ledger.generation(Drive::A), 5);
        assert_eq!(ledger.next_generation(7), 9);
        assert_eq!(ledger.next_generation(70), 70);
    }

    #[test]
    fn growths_are_remembered_as_long_as_nonces() {
        let ledger =
            after(&(1..=20).map(|number| session(number, 5, 90 + u64::from(number))).collect::<Vec<_>>());
        let growths = |sessions: [u32; 6]| sessions.map(|session| ledger.growth(session));
        assert_eq!(growths([20, 19, 5, 4, 0, 21]), [110, 109, 95, 0, 0, 0]);
        assert_eq!(after(&[session(1, 5, 91)]).growth(0), 0);
    }

    #[test]
    fn a_growth_stays_once_its_session_is_heard() {
        let mut ledger = after(&[session(1, 5, 0), session(2, 5, 8)]);
        assert_eq!(ledger.generation(Drive::A), 8);
        ledger.heard();
        assert_eq!((ledger.generation(Drive::A), ledger.floor), (8, 8));
    }
}
