//! Mistakes that tests make in stores on purpose. A flight takes along what is planted where it is asked for.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// The write lock of a load is released, and the read locks of those who waited are taken afterwards.
    ReleaseAndRetake,
    /// A restart takes the regions without a manifest of a spindle for rubbish though another spindle is missing.
    MissingIsEmpty,
}

crate::defect::plantable!(Defect);
