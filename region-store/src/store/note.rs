//! What the manifest of a slice keeps for the store: its times to live, and how its load went.
//!
//! | Offset | Size | Field          | Rule |
//! |-------:|-----:|----------------|------|
//! |      0 |    4 | tag            | `SNP1`; other notes are somebody else's, and say nothing |
//! |      4 |    4 | flags          | 1: the times to live are said |
//! |      8 |   24 | times to live  | evict, flush and erase, in milliseconds |
//! |     32 |    8 | parcels        | |
//! |     40 |    8 | received bytes | |
//! |     48 |    8 | inflated bytes | |
//! |     56 |    8 | load time      | nanoseconds |
//! |     64 |    8 | queue wait     | nanoseconds |
//! |     72 |    8 | time skew      | a binary64 |
//!
//! All little-endian. What is longer is read as far as it is known.

use std::time::Duration;

use super::options::TimesToLive;
use super::status::SnapMetrics;

const TAG: &[u8; 4] = b"SNP1";
const HAS_TIMES: u32 = 1;
const LENGTH: usize = 80;

/// What is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Note {
    pub(super) times_to_live: Option<TimesToLive>,
    /// Those of the load alone.
    pub(super) metrics: SnapMetrics,
}

impl Note {
    pub(super) fn encode(&self) -> Vec<u8> {
        let times = self.times_to_live.map(|times| [times.evict, times.flush, times.erase].map(milliseconds));
        let SnapMetrics { parcels, received_bytes, inflated_bytes, load_time, queue_wait, time_skew, .. } =
            self.metrics;
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(TAG);
        bytes.extend_from_slice(&times.map_or(0, |_| HAS_TIMES).to_le_bytes());
        let counted =
            [parcels, received_bytes, inflated_bytes, nanoseconds(load_time), nanoseconds(queue_wait)];
        for number in times.unwrap_or_default().into_iter().chain(counted) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&time_skew.to_le_bytes());
        bytes
    }

    /// What a note says; nothing if it is not the store's.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        Self::decoded(bytes).unwrap_or_default()
    }

    fn decoded(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first_chunk::<4>()?;
        let (flags, rest) = rest.split_first_chunk::<4>()?;
        let (numbers, _) = rest.as_chunks::<8>();
        let [evict, flush, erase, parcels, received_bytes, inflated_bytes, load_ns, queue_ns, skew] =
            *numbers.first_chunk::<9>()?;
        let milliseconds = |bytes| Duration::from_millis(u64::from_le_bytes(bytes));
        let nanoseconds = |bytes| Duration::from_nanos(u64::from_le_bytes(bytes));
        let times = TimesToLive {
            evict: milliseconds(evict),
            flush: milliseconds(flush),
            erase: milliseconds(erase),
        };
        (tag == TAG).then(|| Self {
            times_to_live: (u32::from_le_bytes(*flags) & HAS_TIMES != 0).then_some(times),
            metrics: SnapMetrics {
                parcels: u64::from_le_bytes(parcels),
                received_bytes: u64::from_le_bytes(received_bytes),
                inflated_bytes: u64::from_le_bytes(inflated_bytes),
                load_time: nanoseconds(load_ns),
                queue_wait: nanoseconds(queue_ns),
                time_skew: f64::from_le_bytes(skew),
                ..SnapMetrics::default()
            },
        })
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: TimesToLive = TimesToLive {
        evict: Duration::from_millis(0x0102),
        flush: Duration::from_millis(3),
        erase: Duration::from_millis(u64::MAX),
    };

    #[test]
    fn a_note_has_these_bytes() {
        let metrics = SnapMetrics {
            parcels: 4,
            received_bytes: 5,
            inflated_bytes: 6,
            load_time: Duration::from_nanos(7),
            queue_wait: Duration::from_nanos(8),
            time_skew: 1.0,
            ..SnapMetrics::default()
        };
        let note = Note { times_to_live: Some(TIMES), metrics };
        let mut bytes = b"SNP1\x01\0\0\0\x02\x01\0\0\0\0\0\0\x03\0\0\0\0\0\0\0".to_vec();
        bytes.extend_from_slice(&[0xff; 8]);
        (4..=8_u64).for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        bytes.extend_from_slice(b"\0\0\0\0\0\0\xf0\x3f");
        assert_eq!((note.encode(), bytes.len()), (bytes.clone(), LENGTH));
        assert_eq!(Note::decode(&bytes), note);
        bytes.push(9);
        assert_eq!(Note::decode(&bytes), note);
    }

    #[test]
    fn other_notes_say_nothing() {
        let none = Note::default();
        assert_eq!(Note::decode(&none.encode()), none);
        let bytes = Note { times_to_live: Some(TIMES), ..none }.encode();
        for length in 0..LENGTH {
            assert_eq!(Note::decode(&bytes[..length]), none);
        }
        assert_eq!(Note::decode(&[b"SNP2", &bytes[4..]].concat()), none);
    }
}
