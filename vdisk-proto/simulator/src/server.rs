//! The server: a service over a store that loses what was not synced, and that people tamper with.

use std::collections::BTreeMap;

use bytes::Bytes;
use sector_cache::{Drive, Geometry, Sector, SectorKey};
use vdisk_proto::codec::{Channel, Status, Topic};
use vdisk_proto::service::{Limits, Now, Service, Transmit};
use vdisk_proto::store::{Author, Faults as StoreFaults, Group, Image, MemoryStore, Record, Store};

use crate::contents::{self, Content};
use crate::defect::Defect;
use crate::fault::{Fault, Faults};
use crate::oracle::{self, Checked, Oracle, Violation, check};
use crate::plan::Plan;

/// The drives of every channel.
pub(crate) const DRIVES: [(Drive, Geometry); 2] =
    [(Drive::A, Geometry::ALTAIR_MINIDISK), (Drive::B, Geometry::ALTAIR_8_INCH)];
/// Bytes of a record that waits, at most: devices here write a sector at a time.
const RECORD_BYTES: usize = 160 + 4 + 137;
/// Contents of the templates: above those of replaced images.
const TEMPLATE: u64 = 1 << 32;

pub(crate) struct Server {
    pub(crate) store: MemoryStore,
    /// `None` while no server runs.
    service: Option<Service<MemoryStore>>,
    limits: Limits,
    channels: BTreeMap<Channel, usize>,
    /// The group between its write and its sync.
    written: Option<Group>,
    /// Images that were replaced, as long as that is not in the journal, and whether the service was told: one that starts
    /// finds out by itself.
    replaced: Vec<(Channel, Drive, bool)>,
    /// A copy of the folder from some time ago.
    saved: Option<MemoryStore>,
    /// The next contents of an image that is replaced.
    fresh: u64,
    busy: u64,
    pub(crate) is_legacy: bool,
    /// When a folder was restored last.
    pub(crate) restored_ms: Option<u64>,
    store_faults: StoreFaults,
    /// When the store last began to refuse something.
    pub(crate) refused_ms: Option<u64>,
    defect: Option<Defect>,
}

pub(crate) fn channel(number: usize) -> Channel {
    let names = ["12345678", "altair-8800_of-the-cellar"];
    Channel::new(names.get(number).copied().unwrap_or("x")).unwrap_or_else(|error| panic!("{error}"))
}

impl Server {
    pub(crate) fn new(plan: &Plan, oracle: &mut Oracle, defect: Option<Defect>) -> Self {
        let store = MemoryStore::new();
        let mut first = TEMPLATE;
        for (drive, geometry) in DRIVES {
            let image = Image { geometry, is_read_only: false };
            store.set_template(drive, image, contents::disk(geometry, oracle::content(0, first)));
            for channel in 0..plan.channels {
                oracle.add_disk(channel, drive, geometry.sectors(), oracle::content(0, first));
            }
            first += u64::from(geometry.sectors());
        }
        Self {
            store,
            service: None,
            limits: Limits { channel_records: plan.channel_records, ..Limits::default() },
            channels: (0..plan.channels).map(|number| (channel(number), number)).collect(),
            written: None,
            replaced: Vec::new(),
            saved: None,
            fresh: 0,
            busy: 0,
            is_legacy: plan.is_legacy,
            restored_ms: None,
            store_faults: StoreFaults::default(),
            refused_ms: None,
            defect,
        }
    }

    pub(crate) const fn is_up(&self) -> bool {
        self.service.is_some()
    }

    pub(crate) fn start(&mut self, now_ms: u64, oracle: &mut Oracle) {
        let mut service = Service::new(self.store.clone(), self.limits, time(now_ms));
        crate::defect::plant_in_service(&mut service, self.defect);
        self.busy = 0;
        self.service = Some(service);
        self.replaced.iter_mut().for_each(|(_, _, is_told)| *is_told = false);
        self.tell(now_ms, oracle);
    }

    /// The process ends, and the disk keeps what was synced, or by luck a bit more.
    pub(crate) fn crash(
        &mut self,
        luck: bool,
        now_ms: u64,
        oracle: &mut Oracle,
        faults: &mut Faults,
    ) -> Checked {
        if self.service.take().is_none() {
            return Ok(());
        }
        faults.happened(Fault::ServerCrash);
        self.store.crash(luck);
        if let Some(group) = self.written.take() {
            faults.happened(if luck { Fault::UnsyncedKept } else { Fault::UnsyncedLost });
            if luck {
                self.note(&group, now_ms, oracle)?;
            }
        }
        Ok(())
    }

    pub(crate) fn received(
        &mut self,
        channel: Channel,
        topic: Topic,
        payload: &[u8],
        is_retained: bool,
        now_ms: u64,
    ) {
        let Some(service) = &mut self.service else { return };
        if self.is_legacy && topic == Topic::Request {
            return;
        }
        service.received_on(channel, topic, &Bytes::copy_from_slice(payload), is_retained, time(now_ms));
    }

    /// The disk does the next step of its work: writes a group, or syncs it. Whether it did anything.
    pub(crate) fn work(&mut self, now_ms: u64, oracle: &mut Oracle) -> Result<bool, Violation> {
        let Some(service) = &mut self.service else { return Ok(false) };
        if let Some(group) = self.written.take() {
            check!(self.store.sync(&group).is_ok(), "the store cannot sync");
            self.note(&group, now_ms, oracle)?;
            if let Some(service) = &mut self.service {
                service.end_group(group);
            }
            return Ok(true);
        }
        let Some(mut group) = service.begin_group() else { return Ok(false) };
        check!(self.store.write_group(&mut group).is_ok(), "the store cannot write");
        self.written = Some(group);
        Ok(true)
    }

    /// What is to be sent.
    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.service.as_mut()?.poll_transmit()
    }

    pub(crate) fn number(&self, channel: Channel) -> usize {
        self.channels.get(&channel).copied().unwrap_or_default()
    }

    /// What waits is bounded, whatever devices do.
    pub(crate) fn check_bounds(&self) -> Checked {
        let waiting = self.service.as_ref().map_or(0, Service::waiting_bytes);
        let most = self.channels.len() * self.limits.channel_records * RECORD_BYTES;
        check!(waiting <= most, "{waiting} bytes wait for the disk, {most} at most may");
        Ok(())
    }

    /// Counts what was refused with BUSY since the last time.
    pub(crate) fn count_busy(&mut self, faults: &mut Faults) {
        let busy = self.service.as_ref().map_or(0, |service| service.counters().refused(Status::Busy));
        faults.happened_times(Fault::Busy, busy.saturating_sub(self.busy));
        self.busy = busy;
    }

    /// People replace an image by another. A service that runs is told [later](Self::tell).
    pub(crate) fn replace(&mut self, number: usize, drive: Drive, now_ms: u64, oracle: &mut Oracle) {
        let Some((_, geometry)) = DRIVES.into_iter().find(|(of, _)| *of == drive) else { return };
        let first = oracle::content(0, self.fresh);
        self.fresh += u64::from(geometry.sectors());
        let image = Image { geometry, is_read_only: false };
        self.store.set_image(channel(number), drive, image, contents::disk(geometry, first));
        oracle.replaced(number, drive, first.., now_ms);
        self.replaced.push((channel(number), drive, false));
    }

    /// The service notices what people did.
    pub(crate) fn tell(&mut self, now_ms: u64, oracle: &mut Oracle) {
        let Some(service) = &mut self.service else { return };
        for (channel, drive, is_told) in self.replaced.iter_mut().filter(|(_, _, is_told)| !is_told) {
            *is_told = true;
            service.image_changed(*channel, *drive, time(now_ms));
            oracle.noticed(self.channels.get(channel).copied().unwrap_or_default(), now_ms);
        }
    }

    pub(crate) fn save(&mut self) {
        if self.written.is_none() && self.replaced.is_empty() {
            self.saved = Some(self.store.save());
        }
    }

    /// The folder is as it was when it was saved; no server runs.
    pub(crate) fn restore(&mut self, now_ms: u64, oracle: &mut Oracle) -> Result<bool, Violation> {
        let Some(saved) = self.saved.take() else { return Ok(false) };
        self.store.restore(&saved);
        self.restored_ms = Some(now_ms);
        for (channel, number) in self.channels.clone() {
            for (drive, geometry) in DRIVES {
                let held = self.contents(channel, drive, geometry)?;
                oracle.replaced(number, drive, held.into_iter(), now_ms);
            }
            // Nobody tells the server: it finds by what devices know that it is in the past.
            oracle.noticed(number, now_ms);
        }
        Ok(true)
    }

    pub(crate) fn set_store_faults(&mut self, change: impl FnOnce(&mut StoreFaults), now_ms: u64) {
        change(&mut self.store_faults);
        self.store.set_faults(self.store_faults);
        self.refused_ms = Some(now_ms);
    }

    pub(crate) fn heal(&mut self) {
        self.store_faults = StoreFaults::default();
        self.store.set_faults(self.store_faults);
    }

    /// The bytes of a sector on the disk.
    pub(crate) fn stored(&self, number: usize, key: SectorKey) -> Option<Vec<u8>> {
        let (_, geometry) = DRIVES.into_iter().find(|(of, _)| *of == key.drive())?;
        let mut bytes = vec![0; usize::from(geometry.sector_length())];
        let offset = u64::from(key.sector().number()) * u64::from(geometry.sector_length());
        self.store.read(channel(number), key.drive(), offset, &mut bytes).ok()?;
        Some(bytes)
    }

    fn contents(
        &self,
        channel: Channel,
        drive: Drive,
        geometry: Geometry,
    ) -> Result<Vec<Content>, Violation> {
        let image = self.store.bytes(channel, drive).unwrap_or_default();
        let sectors = image.chunks_exact(usize::from(geometry.sector_length()));
        let decode = |sector: &[u8]| {
            contents::decode(sector)
                .ok_or_else(|| Violation(format!("a sector of {drive} is torn on the disk")))
        };
        sectors.map(decode).collect()
    }

    /// Tells the oracle what a group wrote.
    fn note(&mut self, group: &Group, now_ms: u64, oracle: &mut Oracle) -> Checked {
        for (_, entry) in group.entries() {
            if let Record::Changed { drive, .. } = entry.record {
                self.replaced
                    .retain(|(of, which, is_told)| !*is_told || (*of, *which) != (entry.channel, drive));
            }
            let Record::Write(write) = &entry.record else { continue };
            let number = self.number(entry.channel);
            let length = usize::from(write.run.geometry().sector_length());
            for (sector, bytes) in write.run.sectors().zip(write.bytes.chunks_exact(length)) {
                let key = SectorKey::new(
                    write.drive,
                    Sector::new(sector).map_err(|error| Violation(error.to_string()))?,
                );
                let held =
                    contents::decode(bytes).ok_or_else(|| Violation(format!("{key} is written torn")))?;
                let is_legacy = matches!(write.author, Author::Legacy { .. });
                oracle.wrote(number, key, held, is_legacy, now_ms)?;
            }
        }
        Ok(())
    }
}

/// The two clocks of the server, of which the second began in 2023.
const fn time(now_ms: u64) -> Now {
    Now { monotonic_ms: now_ms, wall_ns: 1_700_000_000_000_000_000 + now_ms * 1_000_000 }
}
