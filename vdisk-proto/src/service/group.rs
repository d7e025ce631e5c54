//! Writes, sessions and changes on their way to be durable.

use std::collections::HashSet;
use std::vec::Vec;

use super::channel::ChannelState;
use super::{Defect, Service};
use crate::codec::{Channel, Status};
use crate::store::{Author, Entry, Group, Record, Store, Write};

impl<S: Store> Service<S> {
    /// Takes what waits, as the next group to write: `None` if nothing waits, or if the last group has not ended.
    /// Changes of images that the store refused come with whatever waits next.
    ///
    /// The group goes to [`Store::write_group`] and [`Store::sync`], and then to [`end_group`](Self::end_group). If one
    /// of the two fails, the process is to end: no group begins any more.
    #[must_use = "what is in the group is not written yet"]
    pub fn begin_group(&mut self) -> Option<Group> {
        if self.in_flight || self.waiting.len() <= self.refused_changes {
            return None;
        }
        let mut group = Group::new();
        let mut bytes = 0_usize;
        while let Some(entry) = self.waiting.front() {
            bytes = bytes.saturating_add(entry.cost());
            if bytes > self.limits.group_bytes && !group.entries.is_empty() {
                break;
            }
            group.entries.extend(self.waiting.pop_front());
        }
        let taken: usize = group.entries.iter().map(Entry::cost).sum();
        self.waiting_bytes = self.waiting_bytes.saturating_sub(taken);
        self.refused_changes = self.refused_changes.saturating_sub(group.entries.len());
        self.in_flight = true;
        if self.has_defect(Defect::AcknowledgeBeforeSync) {
            self.settle(&group);
        }
        Some(group)
    }

    /// The group is durable: its requests are answered, and another one may begin.
    pub fn end_group(&mut self, group: Group) {
        self.in_flight = false;
        self.counters.groups += 1;
        if !self.has_defect(Defect::AcknowledgeBeforeSync) {
            self.settle(&group);
        }
    }

    /// Writes a group from begin to end, if something waits; says whether something did.
    ///
    /// # Errors
    /// The store's own. The process is to end, and no group begins any more.
    pub fn commit(&mut self) -> Result<bool, S::Error> {
        let Some(mut group) = self.begin_group() else { return Ok(false) };
        self.store.write_group(&mut group)?;
        self.store.sync(&group)?;
        self.end_group(group);
        Ok(true)
    }

    /// Drops the waiting WRITEs of some channels. They were not answered, and come again or are given up.
    pub(super) fn drop_waiting_writes(&mut self, channels: &HashSet<Channel>) {
        let (states, waiting_bytes, counters) =
            (&mut self.channels, &mut self.waiting_bytes, &mut self.counters);
        self.waiting.retain(|entry| {
            if entry.session().is_none() || !channels.contains(&entry.channel) {
                return true;
            }
            *waiting_bytes = waiting_bytes.saturating_sub(entry.cost());
            counters.writes_dropped += 1;
            if let Some(state) = states.get_mut(&entry.channel) {
                state.dropped();
            }
            false
        });
    }

    /// Applies the group to what is durable of its channels, and answers.
    fn settle(&mut self, group: &Group) {
        let mut ended = Vec::new();
        let mut refused = HashSet::new();
        for (index, entry) in group.entries.iter().enumerate() {
            let Some(state) = self.channels.get_mut(&entry.channel) else { continue };
            let session = state.durable().current();
            let is_durable = group.refusal(index).is_none();
            state.settle(&entry.record, is_durable);
            if !is_durable {
                refused.insert(entry.channel);
            } else if let (Some(session), Some(drive)) = (session, entry.record.changed_drive()) {
                ended.push((entry.channel, session, drive));
            }
        }
        self.wait_again(group);
        self.restage(&refused);
        // Now that all are settled, each answer's mark is that of the whole group.
        for (index, entry) in group.entries.iter().enumerate() {
            match group.refusal(index) {
                None => self.acknowledge(entry),
                Some(status) => self.give_up(entry, status),
            }
        }
        // Last, since a device drops what comes for a session that it ended.
        for (channel, session, drive) in ended {
            self.invalidate(channel, session, drive);
        }
    }

    /// Changes that were refused come first in the next group: reads show them, no session goes on after them, and
    /// nobody tells of them twice.
    fn wait_again(&mut self, group: &Group) {
        let changes = group.entries.iter().enumerate().rev();
        for (_, entry) in
            changes.filter(|(index, entry)| entry.record.is_change() && group.refusal(*index).is_some())
        {
            self.waiting_bytes = self.waiting_bytes.saturating_add(entry.cost());
            self.waiting.push_front(entry.clone());
            self.refused_changes += 1;
        }
    }

    /// After refusals: writes that wait would follow a gap, and what is staged counted on what was refused.
    fn restage(&mut self, channels: &HashSet<Channel>) {
        if channels.is_empty() {
            return;
        }
        self.drop_waiting_writes(channels);
        for channel in channels {
            self.channels.entry(*channel).and_modify(ChannelState::unstage);
        }
        for entry in self.waiting.iter().filter(|entry| channels.contains(&entry.channel)) {
            self.channels.entry(entry.channel).and_modify(|state| state.restage(&entry.record));
        }
    }

    fn acknowledge(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Session(session) => self.welcome(entry.channel, session),
            Record::Write(write) => {
                self.counters.writes += 1;
                self.answer_write(entry.channel, write, Status::Ok);
            }
            Record::Changed { .. } => {}
        }
    }

    /// An entry was refused by the store, or followed a write that was.
    fn give_up(&mut self, entry: &Entry, status: Option<Status>) {
        match (&entry.record, status) {
            (Record::Write(Write { author: Author::Legacy { .. }, .. }), _) => {
                self.counters.legacy_writes_refused += 1;
            }
            (Record::Write(write), Some(status)) => self.answer_write(entry.channel, write, status),
            (Record::Session(_), Some(status)) => self.refuse_session(entry.channel, status),
            (Record::Write(_), None) => self.counters.writes_dropped += 1,
            _ => {}
        }
        if self.channels.get(&entry.channel).is_some_and(ChannelState::is_blank) {
            self.channels.remove(&entry.channel);
        }
    }
}
