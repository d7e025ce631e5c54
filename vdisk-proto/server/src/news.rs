//! What there is to say of channels, once a second: which began something, and whose writes were dropped.

use std::collections::{BTreeSet, HashSet};

use vdisk_proto::codec::Channel;
use vdisk_proto::service::{Counters, Service};
use vdisk_proto::store::{Author, Group, Ledger, Record, Store, Write};

/// Channels that are named in one line.
const NAMED: usize = 8;

/// Kinds of legacy writes that are dropped: how many were.
pub(crate) const DROPPED: [fn(&Counters) -> u64; 4] = [
    |counters| counters.legacy_writes_in_session,
    |counters| counters.legacy_writes_outside,
    |counters| counters.legacy_writes_refused,
    |counters| counters.legacy_writes_busy,
];

/// What is to be said of channels.
#[derive(Default)]
pub(crate) struct News {
    /// Channels that have had a session or have written since the start.
    met: HashSet<Channel>,
    /// Those that were met just now, and of which nothing was known.
    new: Named,
    /// Those that were met just now, and were here before the start.
    back: Named,
    /// Those whose session ended for another one that does not follow it.
    taken_over: Named,
    /// Whose legacy writes were dropped, by kind.
    dropped: [Named; DROPPED.len()],
}

/// Some channels by their names.
#[derive(Clone, Default)]
pub(crate) struct Named(BTreeSet<Channel>);

impl Named {
    /// Notes one, unless there are more already than are named.
    fn note(&mut self, channel: Channel) {
        if self.0.len() <= NAMED {
            self.0.insert(channel);
        }
    }

    /// Their names in a line; `None` if there are none.
    pub(crate) fn text(&self) -> Option<String> {
        let mut names: Vec<_> = self.0.iter().take(NAMED).map(Channel::as_str).collect();
        if self.0.len() > NAMED {
            names.push("others");
        }
        (!names.is_empty()).then(|| names.join(", "))
    }
}

impl News {
    /// A group is durable, which the service does not know yet.
    pub(crate) fn group<S: Store>(&mut self, group: &Group, service: &Service<S>) {
        for (_, entry) in group.entries() {
            let (channel, ledger) = (entry.channel, service.durable(entry.channel));
            match &entry.record {
                Record::Session(_) => {
                    let previous = service.previous(channel);
                    if ledger.current().is_some_and(|current| current != previous) {
                        self.taken_over.note(channel);
                    }
                }
                Record::Write(Write { author: Author::Legacy { .. }, .. }) => {}
                _ => continue,
            }
            if self.met.insert(channel) {
                let named = if *ledger == Ledger::NEW { &mut self.new } else { &mut self.back };
                named.note(channel);
            }
        }
        let [_, _, refused, _] = &mut self.dropped;
        for entry in group.refused() {
            if matches!(&entry.record, Record::Write(Write { author: Author::Legacy { .. }, .. })) {
                refused.note(entry.channel);
            }
        }
    }

    /// A channel's message was taken: what was counted before it and behind it.
    pub(crate) fn message(&mut self, channel: Channel, before: &Counters, after: &Counters) {
        for (count, named) in DROPPED.iter().zip(&mut self.dropped) {
            if count(after) > count(before) {
                named.note(channel);
            }
        }
    }

    /// Whose legacy writes were dropped since this was asked for last, by kind.
    pub(crate) fn take_dropped(&mut self) -> [Named; DROPPED.len()] {
        core::mem::take(&mut self.dropped)
    }

    /// What to say of channels that began something since this was asked for last, and their names.
    pub(crate) fn take(&mut self) -> Vec<(&'static str, String)> {
        let kinds = [
            ("new channels, of which nothing was known", &mut self.new),
            ("channels are back, which were here before", &mut self.back),
            (
                "new sessions in the place of some that had not ended: a device began anew, or there are two",
                &mut self.taken_over,
            ),
        ];
        let said = kinds.map(|(what, named)| Some((what, core::mem::take(named).text()?)));
        said.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_eight_channels_at_most() {
        let mut named = Named::default();
        assert_eq!(named.text(), None);
        for number in 1..100 {
            named.note(Channel::new(&number.to_string()).unwrap());
            let text = named.text().unwrap();
            match number {
                1 => assert_eq!(text, "1"),
                8 => assert_eq!(text, "1, 2, 3, 4, 5, 6, 7, 8"),
                _ => assert_eq!(text.ends_with("others"), number > 8, "{text}"),
            }
        }
    }
}
