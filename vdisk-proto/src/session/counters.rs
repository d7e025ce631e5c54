//! What a session counted.

/// What a session counted since it was made. Each stops at its largest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages to publish: the requests of version 2 that were not sent before, and all of version 1.
    pub sent: u32,
    /// Requests of version 2 that were sent again.
    pub sent_again: u32,
    /// Messages that arrived with the retain flag, or on a topic that is not for devices.
    pub foreign: u32,
    /// Messages that are neither an answer nor an invalidation nor data.
    pub malformed: u32,
    /// Messages of version 2 to another session, or to no request in flight; data of version 1 while that is not spoken,
    /// or at no sector's offset.
    pub unmatched: u32,
    /// Sectors that came to a read, and were taken.
    pub sectors: u32,
    /// Sectors that came to a read, but were written, dropped or taken meanwhile.
    pub sectors_discarded: u32,
    /// Sessions of version 2 that were opened.
    pub sessions: u32,
}

impl Counters {
    /// Counts a message to publish.
    pub(super) const fn count_sent(&mut self, is_again: bool) {
        count(if is_again { &mut self.sent_again } else { &mut self.sent });
    }
}

/// Adds one.
pub(super) const fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
