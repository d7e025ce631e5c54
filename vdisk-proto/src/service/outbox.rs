//! What waits to be sent.

use std::collections::VecDeque;

use bytes::Bytes;

use super::ByChannel;
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
    /// The only one, where one alone waits, as most do whose driver polls after each. It is not in `waiting` yet.
    only: Option<Transmit>,
    messages: VecDeque<Transmit>,
    /// Bytes of `messages`, for every channel that has any.
    waiting: ByChannel<usize>,
    /// How many bytes of a channel may wait, half of which are room for what is longer than a refusal.
    bound: usize,
}

impl Outbox {
    pub(super) fn new(channel_answer_bytes: usize) -> Self {
        let bound = channel_answer_bytes.saturating_mul(2);
        Self { only: None, messages: VecDeque::new(), waiting: ByChannel::default(), bound }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.only.is_none() && self.messages.is_empty()
    }

    /// Whether so many bytes more would keep to the channel's first half.
    pub(super) fn has_room(&self, channel: Channel, bytes: usize) -> bool {
        let only = self.only.as_ref().filter(|only| only.channel == channel);
        let waiting = only.map_or_else(|| self.waiting(channel), |only| only.payload.len());
        waiting.saturating_add(bytes) <= self.bound / 2
    }

    /// Takes a message; `false` if one was dropped.
    pub(super) fn push(&mut self, message: Transmit) -> bool {
        if self.is_empty() {
            self.only = Some(message);
            return true;
        }
        let is_kept = self.only.take().is_none_or(|only| self.queue(only));
        self.queue(message) && is_kept
    }

    pub(super) fn pop(&mut self) -> Option<Transmit> {
        if let Some(only) = self.only.take() {
            return Some(only);
        }
        let message = self.messages.pop_front()?;
        let waiting = self.waiting(message.channel).saturating_sub(message.payload.len());
        if waiting == 0 {
            self.waiting.remove(&message.channel);
        } else {
            self.waiting.insert(message.channel, waiting);
        }
        Some(message)
    }

    fn queue(&mut self, message: Transmit) -> bool {
        let waiting = self.waiting(message.channel).saturating_add(message.payload.len());
        if waiting > self.bound {
            return false;
        }
        self.waiting.insert(message.channel, waiting);
        self.messages.push_back(message);
        true
    }

    fn waiting(&self, channel: Channel) -> usize {
        self.waiting.get(&channel).copied().unwrap_or_default()
    }
}
