//! What a service counted.

use crate::codec::Status;

/// What a service counted since it started: everything that it dropped or refused, among the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages whose topic is none that a device sends to.
    pub foreign_topics: u64,
    /// Messages that arrived with the retain flag.
    pub retained: u64,

    /// Legacy reads answered.
    pub legacy_reads: u64,
    /// Of those, how many reached past the image and got zeros there.
    pub legacy_reads_past_image: u64,
    /// Legacy reads not answered because the image could not be read.
    pub legacy_read_errors: u64,
    /// Legacy messages of another length than theirs.
    pub legacy_lengths: u64,
    /// Legacy writes accepted.
    pub legacy_writes: u64,
    /// Legacy writes refused since a session was heard not long ago.
    pub legacy_writes_in_session: u64,
    /// Legacy writes that are not of one whole sector inside the image.
    pub legacy_writes_outside: u64,
    /// Legacy writes to an image that is read-only, or that could not be kept.
    pub legacy_writes_refused: u64,
    /// Legacy writes dropped because too much waited.
    pub legacy_writes_busy: u64,

    /// Messages that are no frame: magic, length or checksum is wrong.
    pub malformed_frames: u64,
    /// Frames that are answers themselves.
    pub answers_received: u64,
    /// Requests that were not refused.
    pub requests: u64,
    /// WRITEs that came again.
    pub duplicate_writes: u64,
    /// WRITEs dropped because one before them is missing.
    pub writes_after_gap: u64,
    /// WRITEs dropped while they waited, unanswered: their session ended, or one before them was refused.
    pub writes_dropped: u64,
    /// Answers dropped because too many waited.
    pub answers_dropped: u64,
    /// Groups of writes made durable.
    pub groups: u64,
    /// WRITEs and legacy writes made durable.
    pub writes: u64,
    /// Requests refused, by status.
    refused: [u64; 12],
}

impl Counters {
    /// Requests refused with that status.
    #[must_use]
    pub fn refused(&self, status: Status) -> u64 {
        self.refused.get(status as usize).copied().unwrap_or_default()
    }

    pub(super) fn refuse(&mut self, status: Status) {
        if let Some(count) = self.refused.get_mut(status as usize) {
            *count += 1;
        }
    }
}
