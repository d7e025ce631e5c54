//! The server's side of both protocol versions, without I/O: messages and the time in, messages out.
//!
//! A [`Service`] serves every channel from a [`Store`]. Its driver brings what arrived, publishes what is to be sent,
//! and moves groups of writes to the store:
//!
//! ```text
//!   broker ── received ──▶ Service ── begin_group ──▶ Group ── write_group, sync ──▶ Store
//!          ◀─ poll_transmit ─┘  ▲                                                      │
//!                               └────────────────────── end_group ─────────────────────┘
//! ```
//!
//! Reads are answered at once, from what is durable. Writes, new sessions and changes of images wait, together with
//! those of all other channels, until no group is in flight; then they are the next one, and are answered when it ends.
//! So a driver with threads takes the group, lets go of the service, waits for the disk, and comes back;
//! [`Service::commit`] does it in one step for those without.
//!
//! ```
//! use bytes::Bytes;
//! use sector_cache::{Drive, Geometry};
//! use vdisk_proto::service::{Limits, Now, Service};
//! use vdisk_proto::store::{Image, MemoryStore};
//!
//! let store = MemoryStore::new();
//! let image = Image { geometry: Geometry::ALTAIR_8_INCH, is_read_only: false };
//! store.set_template(Drive::B, image, vec![0xe5; 337_568]);
//! let mut service = Service::new(store, Limits::default(), Now::default());
//!
//! let offset = 137_u32.to_le_bytes();
//! let write = [&offset[..], &[7; 137]].concat();
//! service.received("altair/12345678/vdisk/write", &Bytes::from(write.clone()), false, Now::default());
//! service.commit()?;
//! service.received("altair/12345678/vdisk/read", &Bytes::copy_from_slice(&offset), false, Now::default());
//! assert_eq!(service.poll_transmit().unwrap().payload, write);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Memory
//!
//! It does not grow with images. A channel that has a session or wrote costs less than a kilobyte; what waits to be
//! written or sent is bounded by [`Limits`], for each channel and in all.

mod channel;
mod counters;
mod defect;
mod group;
mod hello;
mod legacy;
mod limits;
mod outbox;
mod request;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use sector_cache::Drive;

pub use counters::Counters;
#[cfg(feature = "defects")]
pub use defect::Defect;
#[cfg(feature = "server")]
pub(crate) use limits::GROUP_BYTES;
pub use limits::{Limits, Now};
pub use outbox::Transmit;

use crate::codec::{Channel, Status, Topic};
use crate::store::{Entry, Ledger, Record, Store};
use channel::ChannelState;
#[cfg(not(feature = "defects"))]
use defect::Defect;
use outbox::Outbox;

/// Something for each channel that has it. Seeds are random, so that channels that collide cannot be chosen in advance.
type ByChannel<T> = HashMap<Channel, T, foldhash::fast::RandomState>;

/// The server's side of the protocol, for every channel; see the [module](self).
#[derive(Debug)]
pub struct Service<S> {
    store: S,
    limits: Limits,
    /// Every channel with something durable, or on the way to it.
    channels: ByChannel<ChannelState>,
    /// What the next groups are made of, in order.
    waiting: VecDeque<Entry>,
    /// How many of `waiting`, the first of them, are changes that the store refused. They begin no group by themselves:
    /// a store that is full would be asked without end.
    refused_changes: usize,
    /// What the entries in `waiting` cost.
    waiting_bytes: usize,
    /// Whether a group began and did not end.
    in_flight: bool,
    outbox: Outbox,
    counters: Counters,
    defect: Option<Defect>,
}

impl<S: Store> Service<S> {
    /// A service over a store, which may know channels already.
    pub fn new(store: S, limits: Limits, now: Now) -> Self {
        let restored = |(channel, ledger)| (channel, ChannelState::restored(ledger, now));
        Self {
            channels: store.ledgers().into_iter().map(restored).collect(),
            store,
            limits,
            waiting: VecDeque::new(),
            refused_changes: 0,
            waiting_bytes: 0,
            in_flight: false,
            outbox: Outbox::new(limits.channel_answer_bytes),
            counters: Counters::default(),
            defect: None,
        }
    }

    /// A message arrived. What it is, its topic says; any bytes may come on any topic.
    ///
    /// Bytes that are written stay slices of `payload` until they are durable.
    pub fn received(&mut self, topic: &str, payload: &Bytes, is_retained: bool, now: Now) {
        match Topic::parse(topic) {
            Some((channel, topic)) => self.received_on(channel, topic, payload, is_retained, now),
            None => self.received_elsewhere(),
        }
    }

    /// The same of a message whose topic the driver has parsed.
    pub fn received_on(
        &mut self,
        channel: Channel,
        topic: Topic,
        payload: &Bytes,
        is_retained: bool,
        now: Now,
    ) {
        if is_retained {
            self.counters.retained += 1;
            return;
        }
        match topic {
            Topic::LegacyRead => self.legacy_read(channel, payload),
            Topic::LegacyWrite => self.legacy_write(channel, payload, now),
            Topic::Request => self.request(channel, payload, now),
            Topic::LegacyData | Topic::Response => self.received_elsewhere(),
        }
    }

    /// A message arrived on a topic that no device sends to. It is counted.
    pub const fn received_elsewhere(&mut self) {
        self.counters.foreign_topics += 1;
    }

    /// An image of a channel was changed by something other than this service: replaced, restored, or the template
    /// that it is still read from. To be called when reads show the change.
    ///
    /// The drive's generation grows, and the channel's session ends; its device is told once that is durable. The
    /// session's writes that are not in a group yet are dropped: they were meant for what was there before.
    pub fn image_changed(&mut self, channel: Channel, drive: Drive, now: Now) {
        if !self.channels.contains_key(&channel) {
            return;
        }
        let staged = self.staged(channel);
        let is_same = |entry: &Entry| {
            let Record::Changed { drive: changed, .. } = entry.record else { return false };
            entry.channel == channel && changed == drive
        };
        if staged.current().is_none() && self.waiting.iter().any(is_same) {
            // The generation that waits will do: no device will be told of it before this change.
            return;
        }
        let generation = staged.next_generation(now.wall_ns);
        self.drop_waiting_writes(&HashSet::from([channel]));
        self.stage(channel, Record::Changed { drive, generation });
    }

    /// The next message to publish, if there is one.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outbox.pop()
    }

    /// Whether there is such a message.
    pub fn has_transmit(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Bytes of the records that wait for the next group, counted as [`Limits::waiting_bytes`] bounds them.
    pub const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Whether a channel's writes are refused until a group has ended. Who can holds them back until then, since a write
    /// of version 1 is lost.
    pub fn is_full(&self, channel: Channel) -> bool {
        let unsettled = self.channels.get(&channel).map_or(0, ChannelState::unsettled);
        unsettled >= self.limits.channel_records || self.waiting_bytes >= self.limits.waiting_bytes
    }

    /// The session that a channel's last HELLO named as the one before, 0 if it named none.
    pub fn previous(&self, channel: Channel) -> u32 {
        self.channels.get(&channel).map_or(0, |state| state.hello_previous)
    }

    /// What was counted since the start.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The store.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Plants a defect: for tests of tests.
    #[cfg(feature = "defects")]
    pub const fn plant(&mut self, defect: Defect) {
        self.defect = Some(defect);
    }

    fn has_defect(&self, defect: Defect) -> bool {
        cfg!(any(test, feature = "defects")) && self.defect == Some(defect)
    }

    /// What is durable of a channel.
    pub fn durable(&self, channel: Channel) -> &Ledger {
        self.channels.get(&channel).map_or(&Ledger::NEW, ChannelState::durable)
    }

    /// What will be durable of a channel.
    fn staged(&self, channel: Channel) -> &Ledger {
        self.channels.get(&channel).map_or(&Ledger::NEW, ChannelState::staged)
    }

    /// Whether there is room for another record of this channel.
    fn room_for(&self, channel: Channel) -> Result<(), Status> {
        let has_room = match self.channels.get(&channel) {
            Some(state) => state.unsettled() < self.limits.channel_records,
            None => self.channels.len() < self.limits.channels,
        };
        if has_room && self.waiting_bytes < self.limits.waiting_bytes { Ok(()) } else { Err(Status::Busy) }
    }

    /// Queues a record to become durable.
    fn stage(&mut self, channel: Channel, record: Record) {
        self.channels.entry(channel).or_default().stage(&record);
        let entry = Entry { channel, record };
        self.waiting_bytes = self.waiting_bytes.saturating_add(entry.cost());
        self.waiting.push_back(entry);
    }

    fn send(&mut self, channel: Channel, topic: Topic, payload: Bytes) {
        if !self.outbox.push(Transmit { channel, topic, payload }) {
            self.counters.answers_dropped += 1;
        }
    }
}
