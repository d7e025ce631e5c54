//! A server whose groups take time, and whose power may fail in between.

use bytes::Bytes;
use sector_cache::{Drive, Geometry};
use vdisk_proto::codec::{Channel, Status, Topic};
use vdisk_proto::service::{Limits, Now, Service, Transmit};
use vdisk_proto::store::{Faults, Group, Image, MemoryStore, Store};

pub(crate) const CHANNEL: &str = "12345678";

pub(crate) struct Server {
    pub(crate) service: Service<MemoryStore>,
    pub(crate) store: MemoryStore,
    pub(crate) now: Now,
    /// Written and not synced.
    group: Option<Group>,
    /// Drives whose change is not durable yet. After a crash a store finds by itself that they changed.
    changing: Vec<Drive>,
}

pub(crate) fn channel() -> Channel {
    Channel::new(CHANNEL).unwrap()
}

/// What a test can fill by hand: eight writes in flight.
fn limits() -> Limits {
    Limits { window: 8, ..Limits::default() }
}

impl Server {
    /// One with these drives, filled with zeros.
    pub(crate) fn new(drives: &[(Drive, Geometry)]) -> Self {
        let store = MemoryStore::new();
        for &(drive, geometry) in drives {
            store.set_template(drive, Image { geometry, is_read_only: false }, Vec::new());
        }
        let now = Now { monotonic_ms: 1, wall_ns: 1_000_000 };
        let service = Service::new(store.clone(), limits(), now);
        Self { service, store, now, group: None, changing: Vec::new() }
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.now.monotonic_ms += ms;
        self.now.wall_ns += ms * 1_000_000;
    }

    /// A message came from the device.
    pub(crate) fn receive(&mut self, topic: Topic, payload: &[u8]) {
        self.service.received_on(channel(), topic, &Bytes::copy_from_slice(payload), false, self.now);
    }

    pub(crate) fn sent(&mut self) -> Vec<Transmit> {
        std::iter::from_fn(|| self.service.poll_transmit()).collect()
    }

    /// Begins a group if none is in flight.
    pub(crate) fn begin_group(&mut self) {
        if self.group.is_none()
            && let Some(mut group) = self.service.begin_group()
        {
            self.store.write_group(&mut group).unwrap();
            self.group = Some(group);
        }
    }

    pub(crate) fn end_group(&mut self) {
        if let Some(group) = self.group.take() {
            self.store.sync(&group).unwrap();
            self.service.end_group(group);
            self.changing.clear();
        }
    }

    /// Makes everything durable.
    pub(crate) fn commit(&mut self) {
        self.end_group();
        while self.service.commit().unwrap() {}
        self.changing.clear();
    }

    /// The power fails: a group that is written and not synced is lost, unless luck keeps it.
    pub(crate) fn crash(&mut self, luck: bool) {
        self.group = None;
        self.store.crash(luck);
        self.now.monotonic_ms = 0;
        self.service = Service::new(self.store.clone(), limits(), self.now);
        for drive in self.changing.clone() {
            self.service.image_changed(channel(), drive, self.now);
        }
    }

    /// Somebody puts another image in the place of a drive's.
    pub(crate) fn replace(&mut self, drive: Drive, bytes: Vec<u8>) {
        self.commit();
        let image = self.store.image(channel(), drive).unwrap();
        self.store.set_image(channel(), drive, image, bytes);
        self.service.image_changed(channel(), drive, self.now);
        self.changing.push(drive);
    }

    /// Whether that is what a HELLO would be told of a drive.
    pub(crate) fn is_latest(&self, drive: Drive, generation: u64) -> bool {
        let ledgers = self.store.ledgers();
        !self.changing.contains(&drive)
            && ledgers.iter().all(|(_, ledger)| ledger.generation(drive) == generation)
    }

    /// Writes are refused so from now on, or no more.
    pub(crate) fn refuse_writes(&self, refuse: Option<Status>) {
        self.store.set_faults(Faults { refuse, ..Faults::default() });
    }

    pub(crate) fn sector(&self, drive: Drive, sector: u32) -> Vec<u8> {
        let length = usize::from(self.store.image(channel(), drive).unwrap().geometry.sector_length());
        let at = sector as usize * length;
        self.store.bytes(channel(), drive).unwrap()[at..at + length].to_vec()
    }
}
