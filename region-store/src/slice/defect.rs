//! Mistakes that a test makes on purpose, to see that its checker finds them. None can be made outside of tests.

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

#[cfg(test)]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Defect>> = const { std::cell::Cell::new(None) };
}

/// Does something with a mistake in all that this thread does itself with slices.
#[cfg(test)]
pub(super) fn with<T>(defect: Defect, doing: impl FnOnce() -> T) -> T {
    PLANTED.set(Some(defect));
    let done = doing();
    PLANTED.set(None);
    done
}

pub(super) fn planted(defect: Defect) -> bool {
    current() == Some(defect)
}

/// What is planted in this thread, to be taken along into another.
#[cfg(test)]
pub(super) fn current() -> Option<Defect> {
    PLANTED.get()
}

#[cfg(not(test))]
pub(super) const fn current() -> Option<Defect> {
    None
}
