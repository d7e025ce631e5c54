//! The device's side of both protocol versions, without I/O: messages and the time in, messages and sectors out.
//!
//! A [`Session`] reads and writes the sectors of a channel's drives over MQTT. Its driver, which owns the connection,
//! tells it what the CPU wants, what arrived and what time it is, publishes what it asks for, and gives it a [`Host`]:
//! the device's cache, its entropy, and whoever waits.
//!
//! ```text
//!   CPU ── read, write ──▶ Session ── poll_transmit ──▶ broker
//!       ◀── arrived, told ──┘ │ ▲ ◀──── received ─────
//!                      fill, clear │
//!                             ▼ └ trusts
//!                           Cache: a SectorCache, or an M4 behind its mailbox
//! ```
//!
//! ```
//! use sector_cache::{Eviction, SectorCache, SectorKey};
//! use vdisk_proto::codec::{Channel, Topic};
//! use vdisk_proto::session::{Config, Event, Host, Lookup, Session};
//!
//! struct Device<'m> {
//!     cache: SectorCache<'m>,
//! }
//!
//! impl<'m> Host for Device<'m> {
//!     type Cache = SectorCache<'m>;
//!     fn cache(&mut self) -> &mut SectorCache<'m> {
//!         &mut self.cache
//!     }
//!     fn random(&mut self) -> u64 {
//!         4 // a real device takes this from its hardware
//!     }
//!     fn arrived(&mut self, _key: SectorKey, _bytes: &[u8]) { /* the CPU goes on */ }
//!     fn told(&mut self, event: Event) {
//!         println!("{event:?}");
//!     }
//! }
//!
//! let config = Config::altair(Channel::new("12345678")?);
//! let mut memory = [0; Config::required_bytes(8, 137, 32).unwrap()];
//! let mut sectors = [0; 800 * 149];
//! let mut device = Device { cache: SectorCache::new(&mut sectors, 800, 137, Eviction::Lru)? };
//!
//! let mut session = Session::new(config, &mut memory, 0)?;
//! session.connected(0); // to the broker, and subscribed
//! let boot_sector = SectorKey::try_new(1, 0)?;
//! assert_eq!(session.read(boot_sector, 0)?, Lookup::Asked); // `arrived` will be called
//!
//! let mut payload = [0; Config::longest_payload(137)];
//! let message = session.poll_transmit(0, &mut payload, &mut device).unwrap();
//! assert_eq!((message.topic, message.length), (Topic::Request, 48)); // a HELLO, to be published
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a device does
//!
//! - A read: unless the session [`trusts`](Session::trusts) the cache with the sector and it is held there,
//!   [`read`](Session::read) it. A miss asks for the whole track, and every sector that comes goes into the cache.
//! - A write: [`write`](Session::write) it. It is accepted if there is room in the window, goes into the cache, and is
//!   sent until the server has it on its disk.
//! - Whenever [`deadline_ms`](Session::deadline_ms) has come, or anything was called: publish all that
//!   [`poll_transmit`](Session::poll_transmit) has, not retained.
//! - What arrives on the topics `vdisk/v2/rsp` and `vdisk/data` of the channel, with QoS 0 or 1: [`received`](Session::received).
//!
//! # Promises
//!
//! - A write that was acknowledged is on the server's disk. One that was accepted is sent until it is acknowledged, in
//!   order, across lost connections and restarts of the server; or its failure is told. A reboot of the device loses
//!   those not acknowledged: [`flush`](Session::flush) first.
//! - A read returns the last write that was accepted, or else what the server has.
//! - Old bytes never come back over new ones, whatever the network repeats, delays or reorders.
//! - If somebody else changes a drive, the device learns of it within 30 seconds of the next message that gets through, and
//!   nothing old is in the cache then.
//!
//! A server of version 1 can promise less, and a session [falls back](Event::FellBack) to it only if three HELLOs stayed
//! unanswered and a read of version 1 was answered: a write counts as done once it was read back, which says nothing
//! of the server's disk, and what others write is not noticed.
//!
//! # Memory
//!
//! The caller's: [`Config::required_bytes`], 1,208 bytes for a window of 8 writes to an Altair's disk. The `Session` itself
//! has less than 1,024 bytes. Nothing else is ever used.
//!
//! # Threads
//!
//! A session is plain data behind `&mut`. Who receives on another thread locks.

mod answers;
mod config;
mod counters;
mod defect;
mod event;
mod greeting;
mod host;
mod legacy;
mod reads;
mod retry;
mod transmit;
mod trust;
mod window;

#[cfg(test)]
mod tests;

use sector_cache::{Drive, SectorKey};

pub use config::{Config, MAX_WINDOW};
pub use counters::Counters;
#[cfg(feature = "defects")]
pub use defect::Defect;
pub use event::{Error, Event, Failure};
pub use host::{Cache, Host, Mailbox};
pub use transmit::Transmit;

use crate::codec::hello::DriveInfo;
use crate::codec::{Run, frame};
#[cfg(not(feature = "defects"))]
use defect::Defect;
use greeting::Greeting;
use reads::{Read, Reads};
use retry::Retry;
use trust::Trust;
use window::Window;

/// The device's side of the protocol; see the [module](self).
#[derive(Debug)]
pub struct Session<'m> {
    config: Config,
    /// Whether there is a connection: nothing is sent without.
    is_connected: bool,
    mode: Mode,
    greeting: Greeting,
    /// The session's number, 0 if none is open.
    number: u32,
    /// The last session of this boot that is over, and what was acknowledged in it; 0 before the first.
    previous: (u32, u32),
    /// How many writes the server allows to be unacknowledged.
    allowed: usize,
    /// The largest frame that the server takes.
    server_frame: u16,
    /// How many sectors are read together at most.
    read_together: u16,
    /// What the last session was told of each drive, by number.
    drives: [Option<DriveInfo>; Drive::COUNT as usize],
    /// The sequence of the last request that is no WRITE. Its start is random, so that an answer from before a reboot
    /// matches nothing.
    sequence: u32,
    window: Window<'m>,
    /// When all writes that were sent go again.
    writes: Retry,
    /// Until when no writes are sent, since the server was busy.
    held_ms: u64,
    /// Whether a FLUSH is wanted, and the sequence of one in flight, or 0: neither while no write waits.
    flush: (bool, u32),
    reads: Reads<'m>,
    trust: Trust,
    /// When something was heard of the session last.
    heard_ms: u64,
    /// When a STALE answer last said that another session is current.
    usurped_ms: Option<u64>,
    /// Writes that were accepted since this was made.
    accepted: u64,
    /// So many of them, from the first on, are done, or failed. There may be more, behind one that waits.
    settled: u64,
    counters: Counters,
    defect: Option<Defect>,
}

/// Which protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Version 2, and nothing else: it worked since the boot.
    Two,
    /// Version 2, unless it turns out that the server speaks version 1 only.
    Unknown,
    /// Version 1.
    One,
    /// None: somebody else uses the channel.
    TakenOver,
}

/// Where the bytes of a sector are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// Here: they were written, and the server does not have them yet.
    Held(&'a [u8]),
    /// On their way: [`Host::arrived`] will have them, or [`Event::ReadFailed`] say why not.
    Asked,
}

impl<'m> Session<'m> {
    /// The session of a device that boots. It sends nothing before it is [`connected`](Self::connected).
    ///
    /// # Errors
    /// [`Error::Configuration`], [`Error::FrameTooSmall`] or [`Error::MemoryTooSmall`].
    pub fn new(config: Config, memory: &'m mut [u8], now_ms: u64) -> Result<Self, Error> {
        let needed = config.check(memory.len())?;
        let (memory, _) = memory.split_at_mut_checked(needed).unwrap_or_default();
        let bits = reads::bytes(config.sectors_per_track);
        let (writes, bits) = memory.split_at_mut_checked(needed.saturating_sub(bits)).unwrap_or_default();
        Ok(Self {
            config,
            is_connected: false,
            mode: if config.may_fall_back { Mode::Unknown } else { Mode::Two },
            greeting: Greeting::at_boot(now_ms),
            number: 0,
            previous: (0, 0),
            allowed: usize::from(config.window),
            server_frame: u16::MAX,
            read_together: config.sectors_per_track,
            drives: [None; Drive::COUNT as usize],
            sequence: 0,
            window: Window::new(writes, usize::from(config.window), usize::from(config.sector_length)),
            writes: Retry::at(now_ms),
            held_ms: now_ms,
            flush: (false, 0),
            reads: Reads::new(bits, config.sectors_per_track),
            trust: Trust::at_boot(),
            heard_ms: now_ms,
            usurped_ms: None,
            accepted: 0,
            settled: 0,
            counters: Counters::default(),
            defect: None,
        })
    }

    /// There is a connection to the broker, and the topics are subscribed to: all that waits for an answer is sent again.
    pub fn connected(&mut self, now_ms: u64) {
        self.is_connected = true;
        self.heard_ms = now_ms;
        self.window.next = 0;
        self.writes.hurry(now_ms);
        for slot in 0..reads::READS {
            if let Some(read) = self.reads.get_mut(slot) {
                read.retry.hurry(now_ms);
                read.cursor = 0;
            }
        }
        self.greeting.retry.hurry(now_ms);
        if self.is_open() {
            self.greeting.say_again(now_ms);
        }
    }

    /// The connection is gone. Reads and writes are accepted still.
    pub const fn disconnected(&mut self) {
        self.is_connected = false;
    }

    /// Whether the cache may be asked for a sector. If not, it may hold bytes that are old: then [`read`](Self::read).
    /// A cache behind a [`Mailbox`] may only be asked for sectors that this [names](Mailbox::names), too.
    #[must_use]
    pub fn trusts(&self, key: SectorKey) -> bool {
        self.trust.trusts(key)
    }

    /// Reads a sector that the cache does not have, or is not to be trusted with.
    ///
    /// The rest of its track is asked for too, and put into the cache.
    ///
    /// # Errors
    /// [`Error::NoDrive`], [`Error::OutOfRange`], [`Error::TooLong`], [`Error::ReadsFull`] or [`Error::TakenOver`].
    pub fn read(&mut self, key: SectorKey, now_ms: u64) -> Result<Lookup<'_>, Error> {
        if self.mode == Mode::TakenOver {
            return Err(Error::TakenOver);
        }
        if let Some(index) = self.window.latest(key) {
            return Ok(self.window.get(index).map_or(Lookup::Asked, |entry| Lookup::Held(entry.bytes)));
        }
        let run = if self.knows_drives() { Some(self.run(key)?) } else { None };
        if let Some((slot, index)) = self.reads.expecting(key) {
            let is_first = !self.reads.is_wanted(slot);
            self.reads.set(slot, reads::Row::Wanted, index, true);
            if let Some(read) = self.reads.get_mut(slot).filter(|_| is_first) {
                read.since_ms = now_ms;
            }
            return Ok(Lookup::Asked);
        }
        let read = Read { key, run, sequence: 0, retry: Retry::at(now_ms), since_ms: now_ms, cursor: 0 };
        let slot = self.reads.insert(read).ok_or(Error::ReadsFull)?;
        self.bar_unacknowledged(slot);
        Ok(Lookup::Asked)
    }

    /// Nobody waits for a sector any more. It may come into the cache still.
    pub fn give_up(&mut self, key: SectorKey) {
        for slot in 0..reads::READS {
            if let Some(index) = self.reads.get(slot).and_then(|read| read.index_of(key)) {
                self.reads.set(slot, reads::Row::Wanted, index, false);
            }
        }
    }

    /// Accepts a write of a whole sector: it is in the cache, in what [`read`](Self::read) finds, and on its way.
    ///
    /// # Errors
    /// [`Error::WindowFull`], to be tried again after the next [`received`](Self::received);
    /// [`Error::NotOpen`] before the drives are known; [`Error::NoDrive`], [`Error::OutOfRange`],
    /// [`Error::WrongLength`], [`Error::TooLong`], [`Error::ReadOnly`] or [`Error::TakenOver`].
    pub fn write(
        &mut self,
        key: SectorKey,
        bytes: &[u8],
        now_ms: u64,
        host: &mut impl Host,
    ) -> Result<(), Error> {
        if self.mode == Mode::TakenOver {
            return Err(Error::TakenOver);
        }
        if !self.knows_drives() {
            return Err(Error::NotOpen);
        }
        self.run(key)?;
        let drive = self.drive(key.drive()).ok_or(Error::NoDrive)?;
        let expected = drive.geometry.sector_length();
        if usize::from(expected) != bytes.len() {
            return Err(Error::WrongLength { expected, actual: bytes.len() });
        }
        if usize::from(self.server_frame) < frame::OVERHEAD + bytes.len() {
            return Err(Error::TooLong);
        }
        if drive.is_read_only {
            return Err(Error::ReadOnly);
        }
        if self.window.len() == 0 {
            self.writes = Retry::at(now_ms);
        }
        if !self.window.push(key, bytes) {
            return Err(Error::WindowFull);
        }
        self.accepted = self.accepted.saturating_add(1);
        if self.reads.bar(key) {
            host.arrived(key, bytes);
        }
        self.trust.fill(host.cache(), key, bytes);
        Ok(())
    }

    /// How many writes are accepted, and neither acknowledged nor failed.
    #[must_use]
    pub const fn unacknowledged(&self) -> usize {
        self.window.len()
    }

    /// The writes that are accepted, and neither acknowledged nor failed, oldest first: what a reboot now would lose.
    pub fn unacknowledged_writes(&self) -> impl Iterator<Item = (SectorKey, &[u8])> {
        self.window.iter().map(|entry| (entry.key, entry.bytes))
    }

    /// Asks for all writes that were accepted so far to be done. They are when [`is_flushed`](Self::is_flushed).
    pub const fn flush(&mut self) -> Flush {
        self.flush.0 = self.window.len() > 0;
        Flush(self.accepted)
    }

    /// Whether all writes accepted before a flush are on the server's disk, or failed, which was told.
    #[must_use]
    pub const fn is_flushed(&self, flush: &Flush) -> bool {
        self.settled >= flush.0
    }

    /// Takes the channel back after [`Event::TakenOver`]: the device asks for a session again.
    pub fn resume(&mut self, now_ms: u64, host: &mut impl Host) {
        if self.mode == Mode::TakenOver {
            self.mode = Mode::Two;
            self.usurped_ms = None;
            self.begin(now_ms, host);
        }
    }

    /// Whether reads and writes are being served.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.number != 0 || self.mode == Mode::One
    }

    /// What is known of a drive.
    #[must_use]
    pub fn drive(&self, drive: Drive) -> Option<&DriveInfo> {
        self.drives.get(usize::from(drive.number()))?.as_ref()
    }

    /// The session's number on the wire, 0 if none is open.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Plants a defect: for tests of tests.
    #[cfg(feature = "defects")]
    pub fn plant(&mut self, defect: Defect) {
        if defect == Defect::NoBootClear {
            self.trust = Trust::blind();
        }
        self.defect = Some(defect);
    }

    /// Panics if the session is in a state that cannot be.
    #[cfg(any(test, fuzzing, feature = "defects"))]
    pub fn check_invariants(&self) {
        use reads::Row;
        assert!(self.window.len() <= usize::from(self.config.window));
        assert!(self.window.next <= self.window.len());
        for (slot, read) in self.reads.in_use() {
            for index in (0..read.count()).filter(|index| self.reads.bit(slot, Row::Wanted, *index)) {
                assert!(self.reads.takes(slot, index), "somebody waits for what will not be taken");
            }
            assert!(!self.reads.is_done(slot), "nothing is missing any more");
        }
        assert!(self.number == 0 || self.mode == Mode::Two, "version 2 has a session, and works then");
    }

    fn has_defect(&self, defect: Defect) -> bool {
        cfg!(any(test, feature = "defects")) && self.defect == Some(defect)
    }

    fn knows_drives(&self) -> bool {
        self.is_open() || self.drives.iter().any(Option::is_some)
    }

    /// What to ask for where a sector is missed: its track from there on, as much of it as the cache holds.
    fn run(&self, key: SectorKey) -> Result<Run, Error> {
        let geometry = self.drive(key.drive()).ok_or(Error::NoDrive)?.geometry;
        if geometry.sector_length() > self.config.sector_length {
            return Err(Error::TooLong);
        }
        let cacheable = u16::try_from(self.config.cacheable_sectors).unwrap_or(u16::MAX).max(1);
        let count = geometry.sectors_per_track().min(self.read_together).min(cacheable);
        Run::new(geometry, key.sector().number(), count).map_err(|_| Error::OutOfRange)
    }

    /// Bars from a READ what was written and is not acknowledged.
    fn bar_unacknowledged(&mut self, slot: usize) {
        for entry in self.window.iter() {
            self.reads.bar_in(slot, entry.key);
        }
    }

    /// Gives up all reads that somebody waits for.
    fn fail_reads(&mut self, failure: Failure, host: &mut impl Host) {
        for slot in 0..reads::READS {
            self.fail_read(slot, failure, host);
        }
    }

    /// Gives up a READ, and tells whoever waits.
    fn fail_read(&mut self, slot: usize, failure: Failure, host: &mut impl Host) {
        let Some(read) = self.reads.get(slot).copied() else { return };
        for index in 0..read.count() {
            self.fail_sector(slot, index, failure, host);
        }
        self.reads.remove(slot);
    }

    /// Tells whoever waits for a sector of a READ that it will not come.
    fn fail_sector(&mut self, slot: usize, index: u16, failure: Failure, host: &mut impl Host) {
        let key = self.reads.get(slot).and_then(|read| read.sector(index));
        if let Some(key) = key.filter(|_| self.reads.bit(slot, reads::Row::Wanted, index)) {
            self.reads.set(slot, reads::Row::Wanted, index, false);
            host.told(Event::ReadFailed(key, failure));
        }
    }

    /// A write is done, or failed.
    fn settle(&mut self, index: usize) {
        self.window.remove(index);
        self.count_settled(u64::from(index == 0));
    }

    /// Gives up a write, and drops from the cache what the disk does not have.
    fn fail_write(&mut self, index: usize, failure: Failure, host: &mut impl Host) {
        let Some(key) = self.window.get(index).map(|entry| entry.key) else { return };
        self.settle(index);
        // Those that came later are in its place now.
        let is_newest = self.window.iter().skip(index).all(|entry| entry.key != key);
        if is_newest {
            self.trust.remove(host.cache(), key);
        }
        host.told(Event::WriteFailed(key, failure));
    }
}

/// A moment in the order of writes: see [`Session::flush`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flush(u64);
