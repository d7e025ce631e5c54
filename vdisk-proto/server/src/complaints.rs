//! What devices do wrong, for the log: once a second at most, however much it is.

use vdisk_proto::codec::Status;
use vdisk_proto::service::Counters;

use crate::news::{DROPPED, Named};

/// Why legacy writes are dropped, by kind.
const WHY_DROPPED: [&str; DROPPED.len()] = [
    "legacy writes dropped beside a session of version 2",
    "legacy writes dropped that are no sector of the image",
    "legacy writes dropped to an image that is read-only or full",
    "legacy writes dropped, since too much waits for the disk",
];

/// What was counted until some time.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counted {
    /// By the service.
    pub(crate) service: Counters,
    /// Messages on topics on which their sender may not publish.
    pub(crate) not_allowed: u64,
}

/// What to say of the time between two counts, in which the legacy writes of some channels were dropped: nothing of what
/// has not grown.
pub(crate) fn complaints(before: &Counted, after: &Counted, dropped: &[Named; DROPPED.len()]) -> Vec<String> {
    let refused = |status: Status| (after.service.refused(status), before.service.refused(status));
    let of = |count: fn(&Counters) -> u64| (count(&after.service), count(&before.service));
    let kinds: [((u64, u64), &str); 16] = [
        (
            (after.not_allowed, before.not_allowed),
            "messages on topics that their sender may not use, dropped",
        ),
        (of(|counters| counters.foreign_topics), "messages on topics of no channel, or for devices, dropped"),
        (of(|counters| counters.retained), "messages with the retain flag, dropped"),
        (of(|counters| counters.legacy_lengths), "legacy messages of a wrong length, dropped"),
        (of(|counters| counters.legacy_reads_past_image), "legacy reads past the image, answered with zeros"),
        (
            of(|counters| counters.legacy_read_errors),
            "legacy reads not answered, since the image cannot be read",
        ),
        (of(|counters| counters.malformed_frames), "messages that are no frame, dropped"),
        (of(|counters| counters.answers_received), "answers that a device sent, dropped"),
        (of(|counters| counters.answers_dropped), "answers dropped, since too many wait for their device"),
        (refused(Status::BadRequest), "requests refused: they make no sense"),
        (refused(Status::UnknownDrive), "requests refused: there is no such drive"),
        (refused(Status::OutOfRange), "requests refused: there is no such sector"),
        (refused(Status::ReadOnly), "writes refused: the image is read-only"),
        (refused(Status::IoError), "requests refused: the image cannot be read or written"),
        (refused(Status::DiskFull), "writes refused: the disk is full"),
        (refused(Status::Busy), "requests refused: too much waits for the disk"),
    ];
    let grown = |((after, before), what): ((u64, u64), &str)| {
        let count = after.saturating_sub(before);
        (count > 0).then(|| format!("{count} {what}"))
    };
    let of_channels = DROPPED.into_iter().zip(WHY_DROPPED).zip(dropped);
    let of_channels = of_channels.filter_map(|((count, why), named)| {
        let said = grown((of(count), why))?;
        Some(match named.text() {
            Some(names) => format!("{said}, of {names}"),
            None => said,
        })
    });
    kinds.into_iter().filter_map(grown).chain(of_channels).collect()
}
