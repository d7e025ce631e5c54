//! The way of messages between devices and server: an MQTT broker and the lines to it.
//!
//! Messages of version 2 may be lost, come twice, late, out of order, damaged, or as if they had been retained. Those of
//! version 1 may be lost and late, but keep their order on each topic, as MQTT promises: their protocol counts on it.

use std::collections::HashMap;

use vdisk_proto::codec::Topic;

use crate::chance::Chance;
use crate::fault::{Fault, Faults};
use crate::plan::NetworkPlan;

/// A message under way.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) topic: Topic,
    pub(crate) payload: Vec<u8>,
    pub(crate) is_retained: bool,
}

/// The network, and when the last message of each kind is to arrive.
#[derive(Debug)]
pub(crate) struct Network {
    plan: NetworkPlan,
    last_ms: HashMap<(usize, Topic), u64>,
    /// It works as it should from now on.
    pub(crate) is_healed: bool,
}

impl Network {
    pub(crate) fn new(plan: NetworkPlan) -> Self {
        Self { plan, last_ms: HashMap::new(), is_healed: false }
    }

    /// What becomes of a message to or from a device: what arrives, and when.
    pub(crate) fn send(
        &mut self,
        device: usize,
        message: &Message,
        now_ms: u64,
        chance: &mut Chance,
        faults: &mut Faults,
    ) -> Vec<(u64, Message)> {
        let is_legacy = matches!(message.topic, Topic::LegacyRead | Topic::LegacyWrite | Topic::LegacyData);
        let mut copies = vec![message.clone()];
        if !self.is_healed {
            if chance.per_mille(self.plan.lost) {
                faults.happened(Fault::Lost);
                copies.clear();
            }
            if !is_legacy && chance.per_mille(self.plan.duplicated) {
                faults.happened(Fault::Duplicated);
                copies.push(message.clone());
            }
            if chance.per_mille(self.plan.retained) {
                faults.happened(Fault::Retained);
                copies.push(Message { is_retained: true, ..message.clone() });
            }
            if !is_legacy && chance.per_mille(self.plan.corrupted) {
                faults.happened(Fault::Corrupted);
                copies.push(damaged(message, chance));
            }
        }
        let place = (device, message.topic);
        let mut arrivals = Vec::new();
        for copy in copies {
            let mut arrives_ms = now_ms + self.delay_ms(chance, faults);
            let last_ms = self.last_ms.entry(place).or_default();
            if is_legacy {
                arrives_ms = arrives_ms.max(*last_ms);
            } else if arrives_ms < *last_ms {
                faults.happened(Fault::Reordered);
            }
            *last_ms = arrives_ms.max(*last_ms);
            arrivals.push((arrives_ms, copy));
        }
        arrivals
    }

    fn delay_ms(&self, chance: &mut Chance, faults: &mut Faults) -> u64 {
        if !self.is_healed && chance.per_mille(self.plan.delayed) {
            let delay_ms = chance.between(50, self.plan.delay_ms);
            if delay_ms > 1_000 {
                faults.happened(Fault::Delayed);
            }
            return delay_ms;
        }
        chance.between(1, 50)
    }
}

/// The message with one byte that is another.
fn damaged(message: &Message, chance: &mut Chance) -> Message {
    let mut message = message.clone();
    let index = chance.below(message.payload.len() as u64);
    if let Some(byte) = usize::try_from(index).ok().and_then(|index| message.payload.get_mut(index)) {
        *byte ^= u8::try_from(chance.between(1, 255)).unwrap_or(1);
    }
    message
}

impl Message {
    /// What it is, in a few words.
    pub(crate) fn brief(&self) -> String {
        let word = |at: usize| {
            let bytes =
                self.payload.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
            u32::from_le_bytes(bytes)
        };
        let byte = |at: usize| self.payload.get(at).copied().unwrap_or_default();
        let retained = if self.is_retained { ", retained" } else { "" };
        match self.topic {
            Topic::Request | Topic::Response => format!(
                "operation {:#x} session {} sequence {} acknowledged {} drive {} sector {} x {} status {}{retained}",
                byte(3),
                word(4),
                word(8),
                word(12),
                byte(22),
                word(16),
                u16::from_le_bytes([byte(20), byte(21)]),
                byte(23)
            ),
            topic => format!("{topic:?} at {}{retained}", word(0) / 137),
        }
    }
}
