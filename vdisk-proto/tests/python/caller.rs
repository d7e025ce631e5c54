//! The device's caller, who knows what it may be told: what it wrote, and nothing else.

use std::collections::BTreeMap;

use sector_cache::Drive;

use crate::server::Server;

/// A sector of a drive.
pub(crate) type Key = (Drive, u32);
type Bytes = Vec<u8>;

/// Writes and reads, and what became of them.
#[derive(Default)]
pub(crate) struct Caller {
    /// How many things it asked for: each has the number as its identity.
    asked: u32,
    /// Writes that were asked for, accepted or not, and nothing is known of; in order.
    pub(crate) unsettled: Vec<Write>,
    pub(crate) reads: BTreeMap<u32, Read>,
    pub(crate) flushes: BTreeMap<u32, Vec<u32>>,
    pub(crate) sectors: BTreeMap<Key, Sector>,
    /// Images that were replaced, and the device does not know.
    pub(crate) replaced: BTreeMap<Drive, Bytes>,
    /// Of those, what the device learned by the HELLO that is being answered.
    seen: Vec<Drive>,
    /// How often each thing was told.
    pub(crate) told: BTreeMap<String, u32>,
}

pub(crate) struct Write {
    identity: u32,
    is_accepted: bool,
    pub(crate) sectors: Vec<(Key, Bytes)>,
}

pub(crate) struct Read {
    key: Key,
    /// Whatever the sector was since it was asked for.
    allowed: Vec<Bytes>,
}

/// What a sector is once no write to it is unsettled.
#[derive(Clone, Default)]
pub(crate) struct Sector {
    /// The last write that was acknowledged, or the image.
    pub(crate) durable: Bytes,
    /// Writes after that which failed, but may have been applied.
    pub(crate) uncertain: Vec<Bytes>,
}

impl Caller {
    /// One that knows what the sectors are.
    pub(crate) fn new(sectors: impl Iterator<Item = (Key, Bytes)>) -> Self {
        let sector = |(key, durable)| (key, Sector { durable, uncertain: Vec::new() });
        Self { sectors: sectors.map(sector).collect(), ..Self::default() }
    }

    fn identity(&mut self) -> u32 {
        self.asked += 1;
        self.asked
    }

    /// A command that reads a sector.
    pub(crate) fn read(&mut self, key: Key) -> String {
        let identity = self.identity();
        self.reads.insert(identity, Read { key, allowed: self.current(key) });
        format!("read {identity} {} {}", key.0.number(), key.1)
    }

    /// A command that writes sectors with bytes that no other write has.
    pub(crate) fn write(&mut self, drive: Drive, sectors: &[u32]) -> String {
        let identity = self.identity();
        let byte = |sector: u32, at: u32| (identity >> (at % 4 * 8)) as u8 ^ sector as u8;
        let sectors: Vec<(Key, Bytes)> = sectors
            .iter()
            .map(|&sector| ((drive, sector), (0..137).map(|at| byte(sector, at)).collect()))
            .collect();
        let body: Bytes = sectors.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let command = format!("write {identity} {} {} {}", drive.number(), sectors[0].0.1, hex(&body));
        self.unsettled.push(Write { identity, is_accepted: false, sectors });
        command
    }

    /// A command that flushes.
    pub(crate) fn flush(&mut self) -> String {
        let identity = self.identity();
        self.flushes.insert(identity, self.unsettled.iter().map(|write| write.identity).collect());
        format!("flush {identity}")
    }

    /// Whether nothing is open.
    pub(crate) fn is_content(&self) -> bool {
        self.unsettled.is_empty() && self.reads.is_empty() && self.flushes.is_empty()
    }

    /// What a sector is, as far as can be known: the last write, and if that is settled, what is durable.
    fn current(&self, key: Key) -> Vec<Bytes> {
        let writes = self.unsettled.iter().filter(|write| write.is_accepted);
        let last = writes.rev().find_map(|write| write.bytes(key));
        last.map_or_else(|| self.sectors[&key].all(), |bytes| vec![bytes.clone()])
    }

    /// Reads may see the sectors as they are now, too.
    fn allow(&mut self, keys: &[Key]) {
        for &key in keys {
            let current = self.current(key);
            for read in self.reads.values_mut().filter(|read| read.key == key) {
                read.allowed.extend(current.clone());
            }
        }
    }

    /// What the device says.
    pub(crate) fn hear(&mut self, text: &str, server: &Server) {
        let mut words = text.split(' ');
        let drive = |number: u32| Drive::new(u8::try_from(number).unwrap()).unwrap();
        let (kind, number) = (words.next().unwrap(), words.next().map(|word| word.parse().unwrap()));
        *self.told.entry(kind.to_owned()).or_default() += 1;
        match (kind, number) {
            ("accepted", Some(identity)) => self.accepted(identity),
            ("full", Some(identity)) => self.unsettled.retain(|write| write.identity != identity),
            ("read", Some(identity)) => self.was_read(identity, words.next().unwrap()),
            ("acknowledged", Some(identity)) => self.acknowledged(identity, server),
            ("failed", Some(identity)) => self.failed(identity, words.next().unwrap()),
            ("flushed", Some(identity)) => self.flushed(identity),
            ("drive", Some(number)) => {
                self.drive(drive(number), words.next().unwrap().parse().unwrap(), server);
            }
            ("changed", Some(number)) => assert!(self.is_replaced(drive(number)), "{text}, but it did not"),
            ("begins", Some(_)) => self.seen.clear(),
            _ => panic!("the device says {text}"),
        }
    }

    fn accepted(&mut self, identity: u32) {
        let write = self.unsettled.iter_mut().find(|write| write.identity == identity).unwrap();
        write.is_accepted = true;
        let keys = write.keys();
        self.allow(&keys);
    }

    fn was_read(&mut self, identity: u32, bytes: &str) {
        let Read { key, allowed } = self.reads.remove(&identity).expect("a read is answered once");
        assert!(allowed.iter().any(|allowed| hex(allowed) == bytes), "{key:?} was read as {bytes}");
    }

    /// A write is durable, and so are those before it.
    fn acknowledged(&mut self, identity: u32, server: &Server) {
        let write = self.unsettled.remove(0);
        assert_eq!((write.identity, write.is_accepted), (identity, true), "in order, and once");
        for (key, bytes) in write.sectors {
            let sector = self.sectors.get_mut(&key).unwrap();
            let later = self.unsettled.iter().filter_map(|write| write.bytes(key));
            let is_there = |stored: &Bytes| {
                *stored == bytes || later.chain(&sector.uncertain).any(|later| stored == later)
            };
            assert!(
                self.replaced.contains_key(&key.0) || is_there(&server.sector(key.0, key.1)),
                "{identity} is not stored"
            );
            *sector = Sector { durable: bytes, uncertain: Vec::new() };
        }
    }

    fn failed(&mut self, identity: u32, reason: &str) {
        let at = self.unsettled.iter().position(|write| write.identity == identity);
        let write = self.unsettled.remove(at.expect("no read fails here"));
        let keys = write.keys();
        if reason != "changed" {
            assert_eq!(reason, "DISK_FULL");
            for (key, bytes) in write.sectors {
                self.sectors.get_mut(&key).unwrap().uncertain.push(bytes);
            }
        }
        self.allow(&keys);
    }

    fn flushed(&mut self, identity: u32) {
        let writes = self.flushes.remove(&identity).expect("a flush is done once");
        assert!(self.unsettled.iter().all(|write| !writes.contains(&write.identity)));
    }

    /// The device learns a drive's generation. If it is the latest, nothing old is read any more.
    fn drive(&mut self, drive: Drive, generation: u64, server: &Server) {
        if server.is_latest(drive, generation)
            && let Some(image) = self.replaced.remove(&drive)
        {
            self.is_now(drive, &image);
            self.seen.push(drive);
        }
    }

    fn is_replaced(&self, drive: Drive) -> bool {
        self.replaced.contains_key(&drive) || self.seen.contains(&drive)
    }

    fn is_now(&mut self, drive: Drive, image: &[u8]) {
        for ((_, number), sector) in self.sectors.iter_mut().filter(|((of, _), _)| *of == drive) {
            let at = *number as usize * 137;
            *sector = Sector { durable: image[at..at + 137].to_vec(), uncertain: Vec::new() };
        }
        let reads = self.reads.values_mut().filter(|read| read.key.0 == drive);
        reads.for_each(|read| read.allowed = self.sectors[&read.key].all());
    }

    /// The device boots: what it had accepted may be applied or not, and it will see images as they are.
    pub(crate) fn reboot(&mut self) {
        for (key, bytes) in self.unsettled.drain(..).flat_map(|write| write.sectors) {
            self.sectors.get_mut(&key).unwrap().uncertain.push(bytes);
        }
        for (drive, image) in std::mem::take(&mut self.replaced) {
            self.is_now(drive, &image);
        }
        self.reads.clear();
        self.flushes.clear();
    }
}

impl Write {
    fn keys(&self) -> Vec<Key> {
        self.sectors.iter().map(|(key, _)| *key).collect()
    }

    fn bytes(&self, key: Key) -> Option<&Bytes> {
        self.sectors.iter().find(|(of, _)| *of == key).map(|(_, bytes)| bytes)
    }
}

impl Sector {
    pub(crate) fn all(&self) -> Vec<Bytes> {
        std::iter::once(&self.durable).chain(&self.uncertain).cloned().collect()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
