//! Mistakes that a test makes on purpose, to see that its checker finds them. None can be made outside of tests.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// The manifests have their names before those of the regions are on the disk.
    ManifestBeforeFolders,
    /// Whether something has failed is not looked at after a fold.
    FoldIgnoresFailure,
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

#[cfg(test)]
pub(super) fn planted(defect: Defect) -> bool {
    PLANTED.get() == Some(defect)
}

#[cfg(not(test))]
pub(super) const fn planted(_: Defect) -> bool {
    false
}
