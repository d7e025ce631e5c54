//! How much a service takes on.

/// What bounds a service's memory and its answers.
///
/// One flooding device meets the bounds of its channel before it meets those that are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Channels with something durable: a session, or a write. More are refused with BUSY.
    pub channels: usize,
    /// Records of a channel that wait to be durable, writes and sessions; more are BUSY. A device can have no more
    /// than a window of them.
    pub channel_records: usize,
    /// Bytes of all records that wait for the next group, with 160 for each and 4 for each of its sectors; more are
    /// BUSY.
    pub waiting_bytes: usize,
    /// Bytes of records in one group, counted so: no less than a journal takes for them. A group has one record in any
    /// case. A [`FileStore`](crate::store::file::FileStore) has room for the default, which is 8 KiB less than a block.
    pub group_bytes: usize,
    /// Bytes of a channel's answers that wait to be sent; a READ beyond is BUSY, and at twice as many nothing is
    /// answered.
    pub channel_answer_bytes: usize,
    /// The largest frame that the service takes, as HELLO's answer tells.
    pub largest_frame: u16,
    /// How many writes a device may have unacknowledged, 1 to 64, as HELLO's answer tells.
    pub window: u8,
}

/// What fits into a block of a journal, of 1 MiB at most.
pub(crate) const GROUP_BYTES: usize = (1 << 20) - (8 << 10);

impl Default for Limits {
    fn default() -> Self {
        Self {
            channels: 65_536,
            channel_records: 128,
            waiting_bytes: 16 << 20,
            group_bytes: GROUP_BYTES,
            channel_answer_bytes: 64 << 10,
            largest_frame: 16_384,
            window: 64,
        }
    }
}

/// The time, by two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that only goes forward, from any start.
    pub monotonic_ms: u64,
    /// Nanoseconds since 1970, which generations are never below.
    pub wall_ns: u64,
}
