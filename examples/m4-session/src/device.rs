//! The firmware: a session and a cache of drive B, and the loop that feeds them.

use sector_cache::{Drive, Eviction, SectorCache, SectorKey};
use vdisk_proto::codec::{Channel, Topic};
use vdisk_proto::session::{Config, Event, Host, Lookup, Session};

/// What the firmware needs of its board.
pub trait Board {
    /// Milliseconds since some time before the start.
    fn now_ms(&mut self) -> u64;
    /// 64 bits that never repeat, across boots too.
    fn random(&mut self) -> u64;
    /// Whether there is a connection to the broker, and the channel's topics are subscribed to.
    fn is_connected(&mut self) -> bool;
    /// The next message that arrived not retained, and its length; longer ones than there is room for are dropped.
    fn receive(&mut self, payload: &mut [u8]) -> Option<(Topic, usize)>;
    /// Publishes a message on a topic of the channel.
    fn publish(&mut self, topic: Topic, payload: &[u8]);
    /// What the CPU wants next, and what it writes.
    fn wanted(&mut self, bytes: &mut [u8]) -> Option<Wanted>;
    /// A read is done, or a write accepted; without bytes, it failed.
    fn done(&mut self, sector: u32, bytes: &[u8]);
    /// Something happened.
    fn told(&mut self, event: Event);
}

/// What the CPU wants: a sector of drive B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To read it.
    Read(u32),
    /// To write it.
    Write(u32),
}

/// Bytes of a sector.
pub const SECTOR_LENGTH: u16 = 137;
/// How many sectors the cache holds: what is left beside code and stack.
pub const SLOTS: u16 = 800;
/// Bytes of the largest payload that arrives, of an MQTT client with 1,024 bytes for a packet.
const PAYLOAD: usize = 1_024;

/// The memory of session and cache.
#[derive(Debug)]
pub struct Memory {
    /// The session's.
    pub session: &'static mut [u8; Memory::SESSION],
    /// The cache's.
    pub sectors: &'static mut [u8; Memory::SECTORS],
}

impl Memory {
    /// Bytes of a session with a window of 8 writes to an Altair's 8-inch disk.
    pub const SESSION: usize = match Config::required_bytes(8, SECTOR_LENGTH, 32) {
        Some(bytes) => bytes,
        None => 0,
    };
    /// Bytes of the cache.
    pub const SECTORS: usize =
        match SectorCache::<u16>::required_bytes(SLOTS as usize, SECTOR_LENGTH as usize) {
            Some(bytes) => bytes,
            None => 0,
        };
}

/// Who the session talks to on the board.
#[derive(Debug)]
pub struct Device<B> {
    /// The sectors that are here.
    pub cache: SectorCache<'static>,
    /// The hardware.
    pub board: B,
}

impl<B: Board> Host for Device<B> {
    type Cache = SectorCache<'static>;

    fn cache(&mut self) -> &mut SectorCache<'static> {
        &mut self.cache
    }

    fn random(&mut self) -> u64 {
        self.board.random()
    }

    fn arrived(&mut self, key: SectorKey, bytes: &[u8]) {
        self.board.done(key.sector().number(), bytes);
    }

    fn told(&mut self, event: Event) {
        if let Event::ReadFailed(key, _) = event {
            self.board.done(key.sector().number(), &[]);
        }
        self.board.told(event);
    }
}

/// A session and the device around it.
#[derive(Debug)]
pub struct Firmware<B> {
    /// What is said to the server.
    pub session: Session<'static>,
    /// What is said to the board.
    pub device: Device<B>,
    is_connected: bool,
}

impl<B: Board> Firmware<B> {
    /// The firmware of a device that boots; `None` for a configuration that cannot be.
    pub fn new(channel: Channel, mut board: B, memory: Memory) -> Option<Self> {
        let config = Config { cacheable_sectors: SLOTS.into(), ..Config::altair(channel) };
        let session = Session::new(config, memory.session, board.now_ms()).ok()?;
        let cache =
            SectorCache::new(memory.sectors, SLOTS.into(), SECTOR_LENGTH.into(), Eviction::Lru).ok()?;
        Some(Self { session, device: Device { cache, board }, is_connected: false })
    }

    /// Reads a sector, from the cache if it can be.
    pub fn read(&mut self, sector: u32) {
        let Ok(key) = SectorKey::try_new(Drive::B.number(), sector) else {
            return self.device.board.done(sector, &[]);
        };
        if self.session.trusts(key)
            && let Some(bytes) = self.device.cache.get(key)
        {
            return self.device.board.done(sector, bytes);
        }
        let now_ms = self.device.board.now_ms();
        match self.session.read(key, now_ms) {
            Ok(Lookup::Asked) => {}
            Ok(Lookup::Held(bytes)) => self.device.board.done(sector, bytes),
            Err(_) => self.device.board.done(sector, &[]),
        }
    }

    /// Accepts a write of a sector.
    pub fn write(&mut self, sector: u32, bytes: &[u8]) {
        let now_ms = self.device.board.now_ms();
        let is_accepted = SectorKey::try_new(Drive::B.number(), sector)
            .is_ok_and(|key| self.session.write(key, bytes, now_ms, &mut self.device).is_ok());
        self.device.board.done(sector, if is_accepted { bytes } else { &[] });
    }

    /// Takes a message that arrived.
    pub fn receive(&mut self, topic: Topic, payload: &[u8]) {
        let now_ms = self.device.board.now_ms();
        self.session.received(topic, payload, false, now_ms, &mut self.device);
    }

    /// Publishes all that is to be published.
    pub fn transmit(&mut self) {
        let mut payload = [0; Config::longest_payload(SECTOR_LENGTH)];
        let now_ms = self.device.board.now_ms();
        while let Some(message) = self.session.poll_transmit(now_ms, &mut payload, &mut self.device) {
            self.device.board.publish(message.topic, payload.get(..message.length).unwrap_or_default());
        }
    }

    /// Follows the connection as it comes and goes.
    pub fn mind_connection(&mut self) {
        let (is_connected, now_ms) = (self.device.board.is_connected(), self.device.board.now_ms());
        if is_connected && !self.is_connected {
            self.session.connected(now_ms);
        } else if !is_connected {
            self.session.disconnected();
        }
        self.is_connected = is_connected;
    }

    /// One turn of the loop.
    fn turn(&mut self) {
        self.mind_connection();
        let mut payload = [0; PAYLOAD];
        while let Some((topic, length)) = self.device.board.receive(&mut payload) {
            self.receive(topic, payload.get(..length).unwrap_or_default());
        }
        let mut bytes = [0; SECTOR_LENGTH as usize];
        match self.device.board.wanted(&mut bytes) {
            Some(Wanted::Read(sector)) => self.read(sector),
            Some(Wanted::Write(sector)) => self.write(sector, &bytes),
            None => {}
        }
        self.transmit();
    }
}

/// Runs the firmware for ever; comes back if its configuration cannot be.
pub fn run(board: impl Board, memory: Memory) {
    let Ok(channel) = Channel::new("12345678") else { return };
    let Some(mut firmware) = Firmware::new(channel, board, memory) else { return };
    loop {
        firmware.turn();
    }
}
