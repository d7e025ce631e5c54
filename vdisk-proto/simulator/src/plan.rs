//! What a run is about: which devices there are, and what goes wrong how often. All of it follows from the seed.

use crate::chance::Chance;

/// A run's circumstances.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) channels: usize,
    pub(crate) devices: Vec<DevicePlan>,
    pub(crate) network: NetworkPlan,
    /// Between two things that go wrong beside the network.
    pub(crate) fault_ms: u64,
    /// Whether the server speaks version 1 only, until something may change that.
    pub(crate) is_legacy: bool,
    /// How long the server's disk takes to write or sync, at most.
    pub(crate) disk_ms: u64,
    /// How many records of a channel the server lets wait.
    pub(crate) channel_records: usize,
}

/// A device of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DevicePlan {
    pub(crate) channel: usize,
    pub(crate) kind: Kind,
    /// Writes that may wait.
    pub(crate) window: u8,
    /// Whether it plays a recorded session, and which; else its program is random.
    pub(crate) recorded: Option<usize>,
    /// Whether the broker keeps what comes while it is away.
    pub(crate) is_kept: bool,
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A board whose cache is a microcontroller's, behind a mailbox.
    Board { slots: usize },
    /// A machine with the cache beside the session.
    Host { slots: usize },
    /// An emulator in the field, of version 1.
    Field,
}

/// What a network does, in thousandths of its messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetworkPlan {
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) delayed: u64,
    pub(crate) corrupted: u64,
    pub(crate) retained: u64,
    /// The longest delay.
    pub(crate) delay_ms: u64,
}

impl Plan {
    pub(crate) fn new(chance: &mut Chance, recorded: usize) -> Self {
        let story = chance.below(100);
        let channels = if story < 60 { 1 + usize::from(chance.coin()) } else { 1 };
        let mut kinds: Vec<(usize, Kind)> = (0..channels).map(|channel| (channel, cached(chance))).collect();
        match story {
            60..75 => kinds.push((0, Kind::Field)),
            75..90 => kinds.push((0, cached(chance))),
            _ => {}
        }
        let devices = kinds.into_iter().map(|(channel, kind)| DevicePlan {
            channel,
            kind,
            window: chance.pick(&[1, 2, 8, 8, 64]).unwrap_or(8),
            recorded: if chance.per_mille(300) {
                usize::try_from(chance.below(recorded as u64)).ok()
            } else {
                None
            },
            is_kept: chance.coin(),
        });
        let devices = devices.collect();
        let rough = chance.per_mille(700);
        let mut up_to = |most: u64| if rough { chance.below(most + 1) } else { 0 };
        let network = NetworkPlan {
            lost: up_to(300),
            duplicated: up_to(300),
            delayed: up_to(200),
            corrupted: up_to(50),
            retained: up_to(20),
            delay_ms: 1_000 + up_to(14_000),
        };
        Self {
            channels,
            devices,
            network,
            fault_ms: chance.between(500, 20_000),
            is_legacy: story >= 90,
            disk_ms: chance.between(0, 200),
            channel_records: if chance.coin() { 128 } else { 4 },
        }
    }
}

/// A device with a cache of either kind.
fn cached(chance: &mut Chance) -> Kind {
    let slots = chance.pick(&[1, 8, 40, 200]).unwrap_or(8);
    if chance.per_mille(650) { Kind::Board { slots } } else { Kind::Host { slots } }
}
