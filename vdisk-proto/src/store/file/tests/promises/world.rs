//! A server of a few channels, its devices, and what is true of it.

mod ends;

use std::boxed::Box;
use std::collections::BTreeMap;
use std::format;
use std::ops::AddAssign;
use std::path::Path;
use std::string::ToString as _;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use region_store::medium::{Call, CrashMedium, Fault, Medium as _, Trouble};

use super::super::super::{FileStore, FileStoreError, FileStoreOptions, lock};
use super::super::machine::{Checked, FOLDER, Random, drive, options};
use super::device::Device;
use super::oracle::{Flying, Place, Truth};
use super::people::{self, Act};
use crate::codec::Channel;
use crate::service::{Limits, Now, Service};
use crate::store::{Group, Record, Store as _};

/// A process.
struct Server {
    store: Arc<FileStore<CrashMedium>>,
    service: Service<Arc<FileStore<CrashMedium>>>,
}

/// What was met: a checker that meets nothing shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) writes: u64,
    pub(super) sessions: u64,
    pub(super) changes: u64,
    pub(super) refused: u64,
    pub(super) faults: u64,
    pub(super) recoveries: u64,
    /// Of them, those that a power cut interrupted.
    pub(super) cut: u64,
    /// Of them, those that found a group that was not acknowledged.
    pub(super) ahead: u64,
    /// Clean ends.
    pub(super) ends: u64,
    /// Ends by a disk that failed.
    pub(super) deaths: u64,
    /// Images that the journal writes to and that somebody changed while no server ran.
    pub(super) edited: u64,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.writes += other.writes;
        self.sessions += other.sessions;
        self.changes += other.changes;
        self.refused += other.refused;
        self.faults += other.faults;
        self.recoveries += other.recoveries;
        self.cut += other.cut;
        self.ahead += other.ahead;
        self.ends += other.ends;
        self.deaths += other.deaths;
        self.edited += other.edited;
    }
}

/// A group on its way.
struct Flight {
    group: Group,
    flying: Vec<Flying>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Begun,
    Written,
    Synced,
}

/// What is true from an operation of the medium on.
struct Told {
    operations: usize,
    truth: Truth,
    /// What may be true, too.
    flying: Vec<Flying>,
}

pub(super) struct World {
    pub(super) random: Random,
    pub(super) medium: CrashMedium,
    server: Server,
    devices: BTreeMap<Channel, Device>,
    flight: Option<Box<Flight>>,
    pub(super) truth: Truth,
    told: Vec<Told>,
    /// Changes that the service was told of and that are not durable: by place, the number of the last.
    announced: BTreeMap<Place, u32>,
    pub(super) now: Now,
    pub(super) stamps: u32,
    is_full: bool,
    pub(super) seen: Seen,
}

pub(super) fn places() -> [Place; 4] {
    [("a", 1), ("b", 1), ("b", 2), ("c", 1)]
        .map(|(name, number)| (Channel::new(name).unwrap(), drive(number)))
}

impl World {
    pub(super) fn new(seed: u64) -> Checked<Self> {
        let mut random = Random(seed);
        let (medium, truth) = people::first_disks();
        let now = Now { monotonic_ms: 0, wall_ns: 1_000_000_000_000 };
        let server = Server::new(open(&medium, &mut random, now).map_err(|error| error.to_string())?, now);
        let mut world = Self {
            random,
            medium,
            server,
            devices: BTreeMap::new(),
            flight: None,
            truth,
            told: vec![],
            announced: BTreeMap::new(),
            now,
            stamps: 100,
            is_full: false,
            seen: Seen::default(),
        };
        world.meet_devices();
        world.tell()?;
        Ok(world)
    }

    pub(super) fn new_stamp(&mut self) -> u32 {
        self.stamps += 1;
        self.stamps
    }

    pub(super) fn step(&mut self) -> Checked {
        match self.random.below(100) {
            0..45 => self.message(),
            45..85 => self.advance()?,
            85..90 => self.look()?,
            90..94 => self.act()?,
            94..96 => self.now.monotonic_ms += 60_000,
            96 => {
                self.is_full = !self.is_full;
                self.medium.set_free_bytes(self.is_full.then_some(0));
            }
            97 => self.power_cut()?,
            98 => self.kill()?,
            _ if self.random.below(2) == 0 => self.close()?,
            _ => {}
        }
        self.now.monotonic_ms += 10;
        self.now.wall_ns += 10;
        self.listen()
    }

    /// A device says something.
    fn message(&mut self) {
        let channels: Vec<Channel> = self.devices.keys().copied().collect();
        let channel = channels[self.random.below(channels.len() as u64) as usize];
        let stamps = [self.new_stamp(), self.new_stamp(), self.new_stamp()];
        let Some(device) = self.devices.get_mut(&channel) else { return };
        let (topic, payload) = device.say(&mut self.random, stamps);
        self.server.service.received(&format!("altair/{channel}/vdisk/{topic}"), &payload, false, self.now);
    }

    /// Devices hear what they are told, all of which is true.
    fn listen(&mut self) -> Checked {
        while let Some(message) = self.server.service.poll_transmit() {
            let ledger = self.truth.ledgers.get(&message.channel);
            let device = self.devices.get_mut(&message.channel).unwrap();
            device.hear(&message, ledger).map_err(|error| format!("{}: {error}", message.channel))?;
        }
        Ok(())
    }

    /// Lets a call of the disk fail, or all from it on, until the engine's step is over.
    fn fail_sometimes(&mut self) {
        const CALLS: [Call; 7] = [
            Call::Any,
            Call::Write,
            Call::SyncData,
            Call::Create,
            Call::Identity,
            Call::SyncFolder,
            Call::SyncAll,
        ];
        if self.random.below(12) == 0 {
            let call = CALLS[self.random.below(CALLS.len() as u64) as usize];
            let trouble = if self.random.below(2) == 0 { Trouble::InputOutput } else { Trouble::NoSpace };
            let (number, lasting) = (self.random.below(6), self.random.below(4) == 0);
            self.medium.fail(Fault { call, number, trouble, lasting });
        }
    }

    /// The engine's next step. Something may fail meanwhile, and then the process may end.
    fn advance(&mut self) -> Checked {
        let Some(mut flight) = self.flight.take() else {
            let group = self.server.service.begin_group();
            self.flight = group.map(|group| Box::new(Flight { group, flying: vec![], phase: Phase::Begun }));
            return Ok(());
        };
        self.fail_sometimes();
        match flight.phase {
            Phase::Begun => {
                let newest: Vec<Place> =
                    places().into_iter().filter(|place| self.is_newest(*place)).collect();
                let written = self.server.store.write_group(&mut flight.group);
                self.repair();
                flight.flying = self.flying(&flight.group, &newest);
                if let Some(told) = self.told.last_mut() {
                    told.flying = flight.flying.clone();
                }
                self.seen.refused += flight.group.refused.len() as u64;
                flight.phase = Phase::Written;
                if written.is_err() {
                    return self.die();
                }
                self.no_session_writes_to_the_past(&flight.group)?;
                self.flight = Some(flight);
                self.tell()
            }
            Phase::Written => {
                let synced = self.server.store.sync(&flight.group);
                self.repair();
                if synced.is_err() {
                    return self.die();
                }
                self.is_durable(&core::mem::take(&mut flight.flying));
                flight.phase = Phase::Synced;
                self.flight = Some(flight);
                self.tell()
            }
            Phase::Synced => {
                self.repair();
                let changed = self.server.store.noticed_images();
                self.server.service.end_group(flight.group);
                self.pass_on(&changed)
            }
        }
    }

    /// What will be acknowledged goes into the file that has the image's name.
    fn no_session_writes_to_the_past(&self, group: &Group) -> Checked {
        let images = lock(&self.server.store.images);
        for (_, entry) in group.entries().filter(|(_, entry)| entry.session().is_some()) {
            let Record::Write(write) = &entry.record else { continue };
            let place = (Some(entry.channel), write.drive);
            let found = self.medium.identity(&images.path(place)).map_err(|error| error.to_string())?;
            if !images.known(place).is_some_and(|known| known.is_same_file(&found)) {
                return Err(format!("{}: a write goes into an image that was replaced", entry.channel));
            }
        }
        Ok(())
    }

    fn repair(&mut self) {
        self.seen.faults += self.medium.faults();
        self.medium.repair();
    }

    /// A group is durable.
    fn is_durable(&mut self, flying: &[Flying]) {
        self.truth.apply(flying);
        for Flying { entry, covers, .. } in flying {
            match entry.record {
                Record::Write(_) => self.seen.writes += 1,
                Record::Session(_) => self.seen.sessions += 1,
                Record::Changed { drive, .. } => {
                    self.seen.changes += 1;
                    let place = (entry.channel, drive);
                    if lock(&self.server.store.images).has_changes() {
                        self.truth.suspect(place);
                    }
                    if self.announced.get(&place).is_some_and(|number| *covers >= Some(*number)) {
                        self.announced.remove(&place);
                    }
                }
            }
        }
    }

    /// What is left of a group that was written, and what its writes and changes are about. The store may find within the
    /// group that a file is another one than those that it knew as the newest.
    fn flying(&self, group: &Group, newest: &[Place]) -> Vec<Flying> {
        let is_newest = |place| newest.contains(&place) && self.is_newest(place);
        let entries = group.entries().map(|(_, entry)| entry.clone());
        let flying = entries.map(|entry| {
            let (mut is_for_newest, mut covers) = (false, None);
            match &entry.record {
                Record::Write(write) => is_for_newest = is_newest((entry.channel, write.drive)),
                Record::Changed { drive, .. } => {
                    let place = (entry.channel, *drive);
                    covers = self.truth.changes(place).filter(|_| is_newest(place));
                }
                Record::Session(_) => {}
            }
            Flying { entry, is_for_newest, covers }
        });
        flying.collect()
    }

    /// Whether the store knows the file that a disk is read from now.
    fn is_newest(&self, (channel, drive): Place) -> bool {
        let images = lock(&self.server.store.images);
        let is_newest = |channel: Option<Channel>| {
            let found = self.medium.identity(&images.path((channel, drive))).ok();
            found == images.known((channel, drive))
        };
        let has_own = self.medium.identity(&people::own((channel, drive))).is_ok();
        is_newest(Some(channel)) && (has_own || is_newest(None))
    }

    /// The watcher's turn.
    fn look(&mut self) -> Checked {
        let changed = self.server.store.changed_images();
        self.pass_on(&changed)
    }

    /// The service is told of changes.
    fn pass_on(&mut self, changed: &[Place]) -> Checked {
        for place in changed {
            let before = self.server.service.waiting_bytes();
            self.server.service.image_changed(place.0, place.1, self.now);
            // It minds no channel of which there is nothing to know.
            let is_minded =
                self.server.service.waiting_bytes() != before || self.announced.contains_key(place);
            if let Some(number) = self.truth.changes(*place).filter(|_| is_minded) {
                self.announced.insert(*place, number);
                self.truth.announce(*place);
            }
        }
        // What the end of a group noticed is passed on with the next one.
        if lock(&self.server.store.images).has_changes() {
            return self.tell();
        }
        for place in places() {
            // No device was told of it, or the channel had its own copy before its template changed.
            let is_settled = !self.announced.contains_key(&place) && !self.is_written(place);
            if self.truth.changes(place).is_some() && is_settled && self.is_newest(place) {
                self.truth.change_is_over(place);
            }
        }
        self.tell()
    }

    /// Whether something is on its way to a disk.
    fn is_written(&self, (channel, drive): Place) -> bool {
        let is_it = |record: &Record| matches!(record, Record::Write(write) if write.drive == drive);
        self.flight.as_ref().is_some_and(|flight| {
            flight.group.entries.iter().any(|entry| entry.channel == channel && is_it(&entry.record))
        })
    }

    /// Somebody does something to an image.
    fn act(&mut self) -> Checked {
        let acts = [Act::Replace, Act::Reset, Act::Remove, Act::ReplaceTemplate, Act::Edit];
        let act = acts[self.random.below(5) as usize];
        let stamp = self.new_stamp();
        if act == Act::Edit && (self.flight.is_some() || lock(&self.server.store.images).pinned().is_some()) {
            return Ok(());
        }
        // What is on its way is for the file that was there.
        self.flight
            .iter_mut()
            .flat_map(|flight| &mut flight.flying)
            .for_each(|flying| flying.is_for_newest = false);
        let first = self.medium.operations();
        people::act(&self.medium, &mut self.truth, act, &mut self.random, stamp);
        self.tell_from(first)?;
        // A write would hide an edit.
        if act == Act::Edit { self.look() } else { Ok(()) }
    }

    /// Checks what reads show, and notes that it is so from now on.
    fn tell(&mut self) -> Checked {
        self.tell_from(self.medium.operations())
    }

    fn tell_from(&mut self, operations: usize) -> Checked {
        self.truth.check(&self.server.store)?;
        let flying = self.flight.as_ref().map(|flight| flight.flying.clone()).unwrap_or_default();
        self.told.push(Told { operations, truth: self.truth.clone(), flying });
        Ok(())
    }

    /// Devices that know what the disks do.
    fn meet_devices(&mut self) {
        for (channel, _) in places() {
            let ledger = self.truth.ledgers.get(&channel);
            self.devices.insert(channel, Device::new(channel, ledger));
        }
    }
}

impl Server {
    fn new(store: FileStore<CrashMedium>, now: Now) -> Self {
        let store = Arc::new(store);
        Self { service: Service::new(Arc::clone(&store), Limits::default(), now), store }
    }
}

fn open(
    medium: &CrashMedium,
    random: &mut Random,
    now: Now,
) -> Result<FileStore<CrashMedium>, FileStoreError> {
    let open_files = [1, 2, 50][random.below(3) as usize];
    let options = FileStoreOptions { open_files, ..options() };
    FileStore::open(medium.clone(), Path::new(FOLDER), &options, now.wall_ns)
}
