//! Mistakes that tests make in journals on purpose.

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

crate::defect::plantable!(Defect);

/// The offset that goes into a block's checksum.
pub(super) fn place(offset: u64) -> u64 {
    if planted(Defect::ChecksumWithoutOffset) { 0 } else { offset }
}

/// The region that goes into a block's checksum.
pub(super) fn id(region_id: RegionId) -> RegionId {
    if planted(Defect::ChecksumWithoutId) { RegionId([0; 16]) } else { region_id }
}
