//! A device: an emulated controller, its cache, and a session.

use std::collections::{HashMap, VecDeque};

use sector_cache::mailbox::{self, Answer, Drives, Request};
use sector_cache::{Drive, Eviction, SectorCache, SectorKey};
use vdisk_proto::session::{Cache, Config, Event, Host, Mailbox, Session};

use crate::chance::Chance;
use crate::contents::{self, Content};
use crate::oracle::Author;
use crate::plan::{DevicePlan, Kind};
use crate::program::Program;
use crate::server;

/// A device, on or off.
pub(crate) struct Device {
    pub(crate) plan: DevicePlan,
    pub(crate) author: Author,
    /// How many contents it wrote.
    pub(crate) written: u64,
    /// `None` while it is off, and for an emulator of version 1.
    pub(crate) session: Option<Session<'static>>,
    pub(crate) side: Side,
    pub(crate) program: Program,
    pub(crate) doing: Doing,
    /// Grows with every boot: what was meant for an earlier one is dropped.
    pub(crate) boot: u32,
    pub(crate) is_on: bool,
    pub(crate) is_connected: bool,
    /// What the broker keeps for it.
    pub(crate) kept: VecDeque<crate::network::Message>,
    /// When it is to be woken.
    pub(crate) wake_ms: Option<u64>,
    pub(crate) known: Known,
}

/// What the CPU waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Nothing: it thinks.
    Thinking,
    /// The microcontroller's answer, or that it does not come.
    AsksM4 { key: SectorKey, floor_ms: u64, until_ms: u64 },
    /// The session.
    Reads { key: SectorKey, floor_ms: u64 },
    /// An emulator of version 1: data at an offset.
    FieldReads { key: SectorKey, until_ms: u64 },
    /// Nothing more: its program is over.
    Done,
}

/// What may be expected of what a device reads.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The writes that are accepted and not settled, in order.
    pub(crate) window: Vec<(SectorKey, Content)>,
    /// When the last write of a sector that was acknowledged came to the disk.
    pub(crate) durable_ms: HashMap<SectorKey, u64>,
    /// The writes that failed, and when.
    pub(crate) failed: Vec<(SectorKey, Content, u64)>,
    /// What a session vouches for is from then on: its HELLO was first sent then.
    pub(crate) floor_ms: u64,
    /// When each nonce was first sent.
    pub(crate) hellos: HashMap<u64, u64>,
    pub(crate) last_nonce: u64,
    /// Whether version 1 is spoken.
    pub(crate) has_fallen_back: bool,
    pub(crate) is_taken_over: bool,
}

/// The device around a session.
pub(crate) struct Side {
    cache: SectorCache<'static>,
    is_board: bool,
    /// Messages to the microcontroller, and back.
    pub(crate) to_m4: VecDeque<Vec<u8>>,
    pub(crate) from_m4: VecDeque<Vec<u8>>,
    room: usize,
    /// Whether the mailbox is full whatever is in it.
    pub(crate) is_blocked: bool,
    pub(crate) sends_failed: u64,
    pub(crate) chance: Chance,
    pub(crate) arrived: Vec<(SectorKey, Option<Content>)>,
    pub(crate) told: Vec<Event>,
}

impl Device {
    pub(crate) fn new(plan: DevicePlan, author: Author, chance: &mut Chance) -> Self {
        let program = match plan.recorded {
            Some(session) => {
                Program::Recorded { session, next: usize::try_from(chance.below(10_000)).unwrap_or_default() }
            }
            None => Program::Random,
        };
        let (slots, is_board) = match plan.kind {
            Kind::Board { slots } => (slots, true),
            Kind::Host { slots } => (slots, false),
            Kind::Field => (0, false),
        };
        // As long as the program runs: a device has its memory for ever.
        let memory = vec![0; slots * 149].leak();
        let cache =
            SectorCache::new(memory, slots, 137, Eviction::Lru).unwrap_or_else(|error| panic!("{error}"));
        let side = Side {
            cache,
            is_board,
            to_m4: VecDeque::new(),
            from_m4: VecDeque::new(),
            room: chance.pick(&[4, 16, 64]).unwrap_or(16),
            is_blocked: false,
            sends_failed: 0,
            chance: Chance::new(chance.next()),
            arrived: Vec::new(),
            told: Vec::new(),
        };
        Self {
            plan,
            author,
            written: 0,
            session: None,
            side,
            program,
            doing: Doing::Thinking,
            boot: 0,
            is_on: false,
            is_connected: false,
            kept: VecDeque::new(),
            wake_ms: None,
            known: Known::default(),
        }
    }

    /// The power comes: all that the device knew is gone, while a microcontroller may have run on.
    pub(crate) fn boot(&mut self, now_ms: u64, defect: Option<crate::Defect>) {
        self.boot += 1;
        self.is_on = true;
        self.doing = Doing::Thinking;
        self.known = Known { floor_ms: now_ms, ..Known::default() };
        self.side.arrived.clear();
        self.side.told.clear();
        self.drain_mailbox();
        if !self.side.is_board {
            self.side.cache.clear();
        }
        if self.plan.kind != Kind::Field {
            let slots = u32::try_from(self.side.cache.slots()).unwrap_or(u32::MAX);
            let config = Config {
                window: self.plan.window,
                cacheable_sectors: slots,
                ..Config::altair(server::channel(self.plan.channel))
            };
            let bytes = Config::required_bytes(config.window, config.sector_length, config.sectors_per_track);
            let memory = vec![0; bytes.unwrap_or_default()].leak();
            let mut session = Session::new(config, memory, now_ms).unwrap_or_else(|error| panic!("{error}"));
            crate::defect::plant_in_session(&mut session, defect);
            self.session = Some(session);
        }
    }

    /// The power goes.
    pub(crate) fn power_off(&mut self) {
        self.is_on = false;
        self.is_connected = false;
        self.session = None;
        self.wake_ms = None;
    }

    /// The next contents that it writes.
    pub(crate) const fn fresh_content(&mut self) -> Content {
        self.written += 1;
        crate::oracle::content(self.author, self.written)
    }

    /// From when on a sector must have held what a read returns.
    pub(crate) fn floor_ms(&self, key: SectorKey) -> u64 {
        self.known.floor_ms.max(self.known.durable_ms.get(&key).copied().unwrap_or_default())
    }

    /// What is in the cache and trusted.
    pub(crate) fn trusted(&self) -> Vec<(SectorKey, Option<Content>)> {
        let Some(session) = &self.session else { return Vec::new() };
        let named = |key: SectorKey| {
            // A microcontroller that serves one drive calls it A.
            if self.side.is_board { SectorKey::new(Drive::B, key.sector()) } else { key }
        };
        if !self.side.to_m4.is_empty() {
            return Vec::new();
        }
        let held = self.side.cache.iter().map(|entry| (named(entry.key), contents::decode(entry.bytes)));
        held.filter(|(key, _)| session.trusts(*key)).collect()
    }

    /// Whether the cache is one that the CPU may look into by itself, and what it has of a sector.
    pub(crate) fn look_up(&mut self, key: SectorKey) -> Option<Option<Content>> {
        if self.side.is_board {
            return None;
        }
        self.side.cache.get(key).map(contents::decode)
    }

    pub(crate) const fn has_m4(&self) -> bool {
        self.side.is_board
    }

    /// The microcontroller reboots: its cache is empty, and what was on the way to it is lost, or is not.
    pub(crate) fn m4_crash(&mut self, keeps_mailbox: bool) {
        self.side.cache.clear();
        if !keeps_mailbox {
            self.side.to_m4.clear();
            self.side.from_m4.clear();
        }
    }

    /// The microcontroller serves a message.
    pub(crate) fn m4_serves(&mut self) {
        let Some(mut message) = self.side.to_m4.pop_front() else { return };
        let length = message.len();
        message.resize(mailbox::MESSAGE_LENGTH, 0xaa);
        let served = mailbox::serve(&mut self.side.cache, Drives::One, &mut message, length);
        if served.answer_length() > 0 {
            message.truncate(served.answer_length());
            self.side.from_m4.push_back(message);
        }
    }

    /// Asks the microcontroller for a sector; `false` if there is no room for that.
    pub(crate) fn ask_m4(&mut self, key: SectorKey) -> bool {
        let sector = u16::try_from(key.sector().number()).unwrap_or_default();
        let mut message = [0; mailbox::MESSAGE_LENGTH];
        let length = Request::Read { sector, drive: None }.encode(&mut message);
        self.side.post(message.get(..length).unwrap_or_default())
    }

    /// What the microcontroller answered: a sector's contents, or that it does not have it.
    pub(crate) fn m4_answer(&mut self) -> Option<Option<(u16, Option<Content>)>> {
        let message = self.side.from_m4.pop_front()?;
        Some(match Answer::decode(&message) {
            Some(Answer::Sector { sector, bytes, .. }) => Some((sector, contents::decode(bytes))),
            _ => None,
        })
    }

    /// Whoever reboots takes nothing from the mailbox that was not for him.
    fn drain_mailbox(&mut self) {
        while !self.side.to_m4.is_empty() {
            self.m4_serves();
        }
        self.side.from_m4.clear();
    }
}

impl Side {
    fn post(&mut self, message: &[u8]) -> bool {
        if self.is_blocked || self.to_m4.len() >= self.room {
            self.sends_failed += 1;
            return false;
        }
        self.to_m4.push_back(message.to_vec());
        true
    }

    fn mailbox(&mut self) -> Mailbox<impl FnMut(&[u8]) -> bool> {
        Mailbox::new(Drive::B, |message: &[u8]| self.post(message))
    }
}

impl Cache for Side {
    fn fill(&mut self, key: SectorKey, bytes: &[u8]) -> bool {
        if self.is_board { self.mailbox().fill(key, bytes) } else { self.cache.fill(key, bytes) }
    }

    fn remove(&mut self, key: SectorKey) -> bool {
        if self.is_board { self.mailbox().remove(key) } else { Cache::remove(&mut self.cache, key) }
    }

    fn clear(&mut self) -> bool {
        if self.is_board { self.mailbox().clear() } else { Cache::clear(&mut self.cache) }
    }

    fn forget(&mut self, drive: Drive) -> bool {
        if self.is_board { self.mailbox().forget(drive) } else { self.cache.forget(drive) }
    }
}

impl Host for Side {
    type Cache = Self;

    fn cache(&mut self) -> &mut Self {
        self
    }

    fn random(&mut self) -> u64 {
        self.chance.next()
    }

    fn arrived(&mut self, key: SectorKey, bytes: &[u8]) {
        self.arrived.push((key, contents::decode(bytes)));
    }

    fn told(&mut self, event: Event) {
        self.told.push(event);
    }
}
