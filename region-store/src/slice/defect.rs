//! Mistakes that tests make in slices on purpose. Who has work for another thread takes along what is planted.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// The manifests have their names before those of the regions are on the disk.
    ManifestBeforeFolders,
    /// Whether something has failed is not looked at after a fold.
    FoldIgnoresFailure,
    /// A region has its seal before its blocks are on the disk.
    SealBeforeBlocks,
    /// A watermark is published before the write that it is about.
    WatermarkBeforeWrite,
    /// The regions of a slice that failed go before its manifests have.
    RegionsBeforeManifests,
}

crate::defect::plantable!(Defect);

/// For the tests of those who remove slices.
#[cfg(test)]
pub(crate) fn removing_regions_first<T>(doing: impl FnOnce() -> T) -> T {
    with(Defect::RegionsBeforeManifests, doing)
}
