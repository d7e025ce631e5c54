//! Mistakes that a test makes on purpose, to see that its checker finds them. None can be made outside of tests.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// A group is applied and acknowledged before its sync.
    AcknowledgeBeforeSync,
    /// Images are written before the journal is synced.
    ImagesBeforeJournal,
    /// Segments go before the images are synced.
    RotateBeforeImages,
    /// What is recovered is served as it was found.
    RecoverWithoutRewriting,
    /// Recovery writes images before the journal's last group is on the disk for sure.
    RecoverBeforeJournal,
    /// A new image has its name without a sync of the folder.
    NoFolderSync,
}

#[cfg(test)]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Defect>> = const { std::cell::Cell::new(None) };
}

/// Does something with a mistake in all stores of this thread.
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
