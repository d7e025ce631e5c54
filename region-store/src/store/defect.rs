//! Mistakes that tests make in stores on purpose. A flight takes along what is planted where it is asked for.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// The write lock of a load is released, and the read locks of those who waited are taken afterwards.
    ReleaseAndRetake,
    /// The last reader goes, and does not tell who waits for that.
    SilentRelease,
    /// A load does not wait for readers.
    BrokenReadLock,
    /// Of those who wait for a writer to end, one is woken.
    OneIsWoken,
    /// Whoever gives up waiting for a load keeps its place, and gets a read lock that it does not know of.
    KeptPlace,
    /// A restart takes the regions without a manifest of a spindle for rubbish though another spindle is missing.
    MissingIsEmpty,
    /// Of what is no slice the regions go before the manifests have.
    RegionsBeforeManifests,
}

crate::defect::plantable!(Defect);
