//! Mistakes that a test makes on purpose, to see that its checker finds them. None can be made outside of tests.

use crate::format::RegionId;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    NoFolderSync,
    AcknowledgeBeforeSync,
    ChecksumWithoutOffset,
    ChecksumWithoutId,
    #[cfg(test)]
    AppendToTorn,
}

#[cfg(test)]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Defect>> = const { std::cell::Cell::new(None) };
}

/// Does something with a mistake in all journals of this thread.
#[cfg(test)]
pub(super) fn with<T>(defect: Defect, doing: impl FnOnce() -> T) -> T {
    PLANTED.set(Some(defect));
    let done = doing();
    PLANTED.set(None);
    done
}

#[cfg(test)]
pub(super) fn planted(defect: Defect) -> bool {
    PLANTED.get() == Some(defect)
}

#[cfg(not(test))]
pub(super) const fn planted(_: Defect) -> bool {
    false
}

/// The offset that goes into a block's checksum.
pub(super) fn place(offset: u64) -> u64 {
    if planted(Defect::ChecksumWithoutOffset) { 0 } else { offset }
}

/// The region that goes into a block's checksum.
pub(super) fn id(region_id: RegionId) -> RegionId {
    if planted(Defect::ChecksumWithoutId) { RegionId([0; 16]) } else { region_id }
}
