//! HELLO: how sessions begin, end, and turn out to be over.

use sector_cache::{Drive, Geometry};

use super::counters::count;
use super::reads::READS;
use super::retry::Retry;
use super::{Defect, Event, Failure, Host, Mode, Session};
use crate::codec::Status;
use crate::codec::frame::Frame;
use crate::codec::hello::{DriveInfo, HelloAnswer};

/// After how long without a word the nonce is said again.
const SILENCE_MS: u64 = 30_000;
/// Two sessions of others within so long, and the channel is theirs.
const USURPED_MS: u64 = 60_000;
/// How often a HELLO stays unanswered before version 1 is tried.
pub(super) const UNANSWERED: u8 = 3;

/// A HELLO, and whether one is to be said.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) ask: Ask,
    /// Whether there is a nonce: not before the first HELLO.
    pub(super) has_nonce: bool,
    pub(super) nonce: u64,
    /// The request's sequence, 0 if it is to be given one.
    pub(super) sequence: u32,
    /// What was acknowledged when the HELLO was first sent: no answer may say less.
    pub(super) mark: u32,
    pub(super) retry: Retry,
    /// How many times it was sent since a server of version 2 was last heard, 255 at most.
    pub(super) unanswered: u8,
    pub(super) probe: Probe,
}

/// A read of version 1, to find out whether the server speaks that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    Nothing,
    ToSend,
    InFlight,
}

/// What a HELLO is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// There is nothing to say.
    Nothing,
    /// A new session.
    New,
    /// Whether the session is still the current one.
    Again,
}

impl Greeting {
    pub(super) const fn at_boot(now_ms: u64) -> Self {
        Self {
            ask: Ask::New,
            has_nonce: false,
            nonce: 0,
            sequence: 0,
            mark: 0,
            retry: Retry::at(now_ms),
            unanswered: 0,
            probe: Probe::Nothing,
        }
    }

    /// Says the session's nonce again, unless that is being done.
    pub(super) fn say_again(&mut self, now_ms: u64) {
        if self.ask == Ask::Nothing {
            self.ask = Ask::Again;
            self.sequence = 0;
            self.retry = Retry::at(now_ms);
        }
    }

    /// Whoever answers, be it with a refusal, speaks version 2.
    const fn heard(&mut self) {
        self.unanswered = 0;
        self.probe = Probe::Nothing;
    }
}

impl Session<'_> {
    /// The session is over. Another one is asked for.
    pub(super) fn begin(&mut self, now_ms: u64, host: &mut impl Host) {
        self.end();
        self.greeting = Greeting::at_boot(now_ms);
        self.take_nonce(host);
    }

    /// The session, if there is one, is the previous one from now on.
    fn end(&mut self) {
        if self.number != 0 {
            self.previous = (self.number, self.window.mark());
        }
        self.number = 0;
    }

    /// Takes another nonce for the HELLO that is said, without starting its pauses again.
    pub(super) fn take_nonce(&mut self, host: &mut impl Host) {
        self.greeting.nonce = host.random();
        self.greeting.has_nonce = true;
        self.greeting.sequence = 0;
        if self.sequence == 0 {
            // Half of the numbers are left.
            self.sequence = u32::try_from(host.random() >> 33).unwrap_or_default();
        }
    }

    /// Asks whether the session is still the current one if nothing was heard of it for long.
    pub(super) fn mind_silence(&mut self, now_ms: u64) {
        if self.number != 0 && now_ms >= self.heard_ms.saturating_add(SILENCE_MS) {
            self.greeting.say_again(now_ms);
        }
    }

    /// When [`mind_silence`](Self::mind_silence) has something to do.
    pub(super) fn silence_ends_ms(&self) -> Option<u64> {
        let waits = self.number != 0 && self.greeting.ask == Ask::Nothing;
        waits.then_some(self.heard_ms.saturating_add(SILENCE_MS))
    }

    /// Whether an answer is one to the HELLO in flight.
    pub(super) fn is_greeting(&self, frame: &Frame<'_>) -> bool {
        let is_asked = self.greeting.ask != Ask::Nothing && self.greeting.sequence != 0;
        is_asked && (frame.sequence == self.greeting.sequence || self.has_defect(Defect::IgnoreNonce))
    }

    /// A HELLO was answered.
    pub(super) fn hello_answered(&mut self, frame: &Frame<'_>, now_ms: u64, host: &mut impl Host) {
        if frame.status != Status::Ok {
            self.greeting.heard();
        }
        match frame.status {
            Status::Ok => self.welcomed(frame, now_ms, host),
            Status::StaleSession if self.greeting.ask == Ask::Again => {
                self.stale(frame.acknowledged, now_ms, host);
            }
            // The nonce's session came and went before its answer did.
            Status::StaleSession => self.take_nonce(host),
            Status::Busy => {}
            status => host.told(Event::Refused(status)),
        }
    }

    fn welcomed(&mut self, frame: &Frame<'_>, now_ms: u64, host: &mut impl Host) {
        let Ok((answer, drives)) = HelloAnswer::decode(frame.body) else { return };
        let is_other = answer.nonce != self.greeting.nonce && !self.has_defect(Defect::IgnoreNonce);
        if is_other || frame.session == 0 {
            return;
        }
        if self.mode == Mode::One && self.window.len() > 0 {
            // The session stays where it is, and is asked for again.
            return;
        }
        self.heard_ms = now_ms;
        self.greeting.heard();
        if self.greeting.ask == Ask::New {
            if frame.acknowledged != 0 {
                host.told(Event::NonceRepeated);
                self.take_nonce(host);
                return;
            }
            self.greeting.ask = Ask::Nothing;
            self.allowed = usize::from(answer.window.max(1)).min(usize::from(self.config.window));
            self.server_frame = answer.largest_frame;
            if self.previous.0 != 0 {
                // Of the session before, these came through, though nobody was told: they are not to be written again.
                self.acknowledge(frame.sector, now_ms, host);
            }
            self.open(frame.session, drives, now_ms, host);
        } else if frame.session != self.number
            || frame.acknowledged < self.greeting.mark
            || drives.clone().any(|info| self.generation(info.drive) != Some(info.generation))
        {
            self.lose_data(now_ms, host);
        } else {
            self.greeting.ask = Ask::Nothing;
            self.acknowledge(frame.acknowledged, now_ms, host);
        }
    }

    /// The generation that the session was told of a drive.
    fn generation(&self, drive: Drive) -> Option<u64> {
        self.drive(drive).map(|info| info.generation)
    }

    /// A new session: what waits goes on in it, as far as its drives are as they were.
    fn open(
        &mut self,
        number: u32,
        drives: impl Iterator<Item = DriveInfo> + Clone,
        now_ms: u64,
        host: &mut impl Host,
    ) {
        if self.mode == Mode::One {
            // Nobody told of what others wrote meanwhile.
            self.trust.clear(host.cache());
            self.drives = [None; Drive::COUNT as usize];
        }
        self.mode = Mode::Two;
        self.number = number;
        count(&mut self.counters.sessions);
        for drive in (0..Drive::COUNT).filter_map(|number| Drive::new(number).ok()) {
            self.learn(drive, drives.clone().find(|info| info.drive == drive), host);
        }
        self.window.renumber();
        self.writes = Retry::at(now_ms);
        self.held_ms = now_ms;
        self.flush.1 = 0;
        for slot in 0..READS {
            self.ask_again(slot, now_ms, host);
        }
        host.told(Event::Opened);
    }

    /// What a new session is told of a drive.
    fn learn(&mut self, drive: Drive, info: Option<DriveInfo>, host: &mut impl Host) {
        let Some(place) = self.drives.get_mut(usize::from(drive.number())) else { return };
        let known = core::mem::replace(place, info);
        let Some(known) = known else { return };
        let is_same =
            info.is_some_and(|info| info.generation == known.generation && info.geometry == known.geometry);
        if !is_same {
            self.fail_writes(|key| key.drive() == drive, Failure::Changed, host);
            self.trust.forget(host.cache(), drive);
            host.told(Event::DriveChanged(drive));
        }
    }

    /// Asks for a READ's sectors again, by what is known of the drive and the server now, if somebody waits for one of
    /// them.
    pub(super) fn ask_again(&mut self, slot: usize, now_ms: u64, host: &mut impl Host) {
        let Some(read) = self.reads.get(slot).copied() else { return };
        if !self.reads.is_wanted(slot) {
            self.reads.remove(slot);
            return;
        }
        let refused = match self.run(read.key) {
            Ok(run) if read.run.is_none_or(|before| before.geometry() == run.geometry()) => {
                for index in run.count()..read.count() {
                    self.fail_sector(slot, index, Failure::Refused(Status::TooLarge), host);
                }
                if let Some(read) = self.reads.get_mut(slot) {
                    read.run = Some(run);
                    read.sequence = 0;
                    read.retry = Retry::at(now_ms);
                }
                self.reads.ask_for_all(slot);
                self.bar_unacknowledged(slot);
                return;
            }
            Ok(_) => Failure::Changed,
            Err(super::Error::NoDrive) => Failure::Refused(Status::UnknownDrive),
            Err(super::Error::TooLong) => Failure::Refused(Status::TooLarge),
            Err(_) => Failure::Refused(Status::OutOfRange),
        };
        self.fail_read(slot, refused, host);
    }

    /// A request of the session was answered with STALE: another one is to follow, unless somebody else uses the
    /// channel.
    pub(super) fn stale(&mut self, current: u32, now_ms: u64, host: &mut impl Host) {
        if current != 0 && current != self.number {
            let is_second =
                self.usurped_ms.is_some_and(|before_ms| now_ms.saturating_sub(before_ms) <= USURPED_MS);
            if is_second {
                self.taken_over(host);
                return;
            }
            self.usurped_ms = Some(now_ms);
        }
        self.begin(now_ms, host);
    }

    fn taken_over(&mut self, host: &mut impl Host) {
        self.end();
        self.mode = Mode::TakenOver;
        self.greeting.ask = Ask::Nothing;
        self.trust.clear(host.cache());
        self.fail_reads(Failure::TakenOver, host);
        host.told(Event::TakenOver);
    }

    /// The server's disks are from the past. What it had acknowledged is lost, and what waits was to follow that.
    fn lose_data(&mut self, now_ms: u64, host: &mut impl Host) {
        host.told(Event::DataLoss);
        self.fail_writes(|_| true, Failure::DataLoss, host);
        self.trust.clear(host.cache());
        self.begin(now_ms, host);
    }

    /// A server of version 1 answered: it has the one drive that the emulators in the field know.
    pub(super) fn fall_back(&mut self, now_ms: u64, host: &mut impl Host) {
        self.mode = Mode::One;
        self.greeting.probe = Probe::Nothing;
        let info = DriveInfo {
            drive: Drive::B,
            is_read_only: false,
            geometry: Geometry::ALTAIR_8_INCH,
            generation: 0,
        };
        if let Some(place) = self.drives.get_mut(usize::from(Drive::B.number())) {
            *place = Some(info);
        }
        host.told(Event::FellBack);
        for slot in 0..READS {
            self.ask_again(slot, now_ms, host);
        }
    }

    fn fail_writes(
        &mut self,
        which: impl Fn(sector_cache::SectorKey) -> bool,
        failure: Failure,
        host: &mut impl Host,
    ) {
        let mut index = 0;
        while let Some(entry) = self.window.get(index) {
            if which(entry.key) {
                self.fail_write(index, failure, host);
            } else {
                index += 1;
            }
        }
    }
}
