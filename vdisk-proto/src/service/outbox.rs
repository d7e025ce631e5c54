//! What waits to be sent.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::codec::{Channel, Topic};

/// A message to publish, not retained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The channel.
    pub channel: Channel,
    /// [`Topic::LegacyData`] or [`Topic::Response`].
    pub topic: Topic,
    /// The payload.
    pub payload: Bytes,
}

/// Messages in the order in which they were made, and how much of them is whose.
#[derive(Debug)]
pub(super) struct Outbox {
    messages: VecDeque<Transmit>,
    /// Bytes waiting, for every channel that has any.
    waiting: HashMap<Channel, usize>,
    /// How many bytes of a channel may wait, half of which are room for what is longer than a refusal.
    bound: usize,
}

impl Outbox {
    pub(super) fn new(channel_answer_bytes: usize) -> Self {
        let bound = channel_answer_bytes.saturating_mul(2);
        Self { messages: VecDeque::new(), waiting: HashMap::new(), bound }
    }

    /// Whether so many bytes more would keep to the channel's first half.
    pub(super) fn has_room(&self, channel: Channel, bytes: usize) -> bool {
        self.waiting(channel).saturating_add(bytes) <= self.bound / 2
    }

    /// Takes a message; `false` if it was dropped.
    pub(super) fn push(&mut self, message: Transmit) -> bool {
        let waiting = self.waiting(message.channel).saturating_add(message.payload.len());
        if waiting > self.bound {
            return false;
        }
        self.waiting.insert(message.channel, waiting);
        self.messages.push_back(message);
        true
    }

    pub(super) fn pop(&mut self) -> Option<Transmit> {
        let message = self.messages.pop_front()?;
        let waiting = self.waiting(message.channel).saturating_sub(message.payload.len());
        if waiting == 0 {
            self.waiting.remove(&message.channel);
        } else {
            self.waiting.insert(message.channel, waiting);
        }
        Some(message)
    }

    fn waiting(&self, channel: Channel) -> usize {
        self.waiting.get(&channel).copied().unwrap_or_default()
    }
}
