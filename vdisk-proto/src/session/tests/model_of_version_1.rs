//! Random operations on a device beside a naive server of version 1, whose three topics each keep their order and lose
//! messages, and have no order between them.

use std::collections::{BTreeSet, VecDeque};

use super::*;

struct World<'m> {
    device: Device<'m>,
    reads: VecDeque<u32>,
    writes: VecDeque<(u32, u8)>,
    data: VecDeque<(u32, u8)>,
    disk: BTreeMap<u32, u8>,
    /// The last write of each sector that was accepted.
    written: BTreeMap<u32, u8>,
    /// Sectors of which a write failed, so that nobody knows.
    unsure: BTreeSet<u32>,
}

impl World<'_> {
    fn step(&mut self, operation: u8, sector: u32, fill: u8) {
        match operation {
            0..=2 => self.read(sector),
            3..=5 => {
                if self.device.write(sector, fill).is_ok() {
                    self.written.insert(sector, fill);
                }
            }
            6 => self.publish(),
            7..=9 => self.serve_read(),
            10..=12 => self.serve_write(),
            13..=15 => self.hear(),
            16 => drop(self.reads.pop_front()),
            17 => drop(self.writes.pop_front()),
            18 => drop(self.data.pop_front()),
            19 => self.device.host.cache.is_deaf = fill == 0,
            _ => self.device.wait(u64::from(fill) * 400),
        }
        self.check();
    }

    fn read(&mut self, sector: u32) {
        let cached = self.device.cached(sector);
        if let Some(fill) = cached {
            return self.expect(sector, fill);
        }
        if let Ok(Lookup::Held(bytes)) = self.device.session.read(b(sector), self.device.now_ms) {
            let fill = fill_of(bytes);
            self.expect(sector, fill);
        }
    }

    fn publish(&mut self) {
        for sent in self.device.sent() {
            match sent {
                LegacyRead(offset) => self.reads.push_back(offset / SECTOR as u32),
                LegacyWrite(offset, fill) => self.writes.push_back((offset / SECTOR as u32, fill)),
                // A server of version 1 knows nothing of it.
                other => assert!(matches!(other, Hello { .. })),
            }
        }
    }

    fn serve_read(&mut self) {
        if let Some(sector) = self.reads.pop_front() {
            self.data.push_back((sector, self.disk.get(&sector).copied().unwrap_or_default()));
        }
    }

    fn serve_write(&mut self) {
        if let Some((sector, fill)) = self.writes.pop_front() {
            self.disk.insert(sector, fill);
        }
    }

    fn hear(&mut self) {
        if let Some((sector, fill)) = self.data.pop_front() {
            self.device.data(sector, fill);
        }
    }

    fn expect(&self, sector: u32, fill: u8) {
        let written = self.written.get(&sector).copied().unwrap_or_default();
        assert!(fill == written || self.unsure.contains(&sector), "{sector} has {fill}, not {written}");
    }

    fn check(&mut self) {
        for event in self.device.told() {
            match event {
                Event::WriteFailed(key, Failure::NotKept) => drop(self.unsure.insert(key.sector().number())),
                Event::ReadFailed(_, Failure::TimedOut) => {}
                other => panic!("{other:?} cannot be"),
            }
        }
        for (key, fill) in self.device.arrived() {
            self.expect(key.sector().number(), fill);
        }
    }

    /// With a good network all writes end, and are on the disk.
    fn settle(&mut self) {
        self.device.host.cache.is_deaf = false;
        for _ in 0..100 {
            self.publish();
            for _ in 0..300 {
                self.serve_write();
                self.serve_read();
                self.hear();
            }
            self.check();
            if self.device.session.unacknowledged() == 0 {
                break;
            }
            let deadline_ms = self.device.session.deadline_ms(self.device.now_ms);
            self.device.now_ms = self.device.now_ms.max(deadline_ms.unwrap_or_default());
        }
        assert_eq!(self.device.session.unacknowledged(), 0, "writes wait for ever");
        for sector in 0..64 {
            self.expect(sector, self.disk.get(&sector).copied().unwrap_or_default());
        }
    }
}

proptest::proptest! {
    #[test]
    fn whatever_is_lost_of_version_1_a_read_returns_the_last_write(
        operations in proptest::collection::vec(
            (0..21_u8, 30..34_u32, 0..4_u8),
            0..if cfg!(miri) { 20 } else { 400 },
        ),
    ) {
        let mut memory = [0; MEMORY];
        let mut world = World {
            device: Device::fallen_back(&mut memory),
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            data: VecDeque::new(),
            disk: BTreeMap::new(),
            written: BTreeMap::new(),
            unsure: BTreeSet::new(),
        };
        for (operation, sector, fill) in operations {
            world.step(operation, sector, fill);
        }
        world.settle();
    }
}
