//! Defects to plant, so that a test of tests can prove that it notices.

/// A defect of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "defects"), allow(dead_code, unreachable_pub))]
pub enum Defect {
    /// An answer to a HELLO is taken whichever nonce it is for.
    IgnoreNonce,
    /// STALE answers count whatever they answer.
    CountEveryStale,
    /// The cache is not cleared at boot.
    NoBootClear,
    /// Sectors are taken from answers that match no request.
    AcceptUnmatchedAnswer,
    /// Sectors that were written since the READ was sent are taken from its answer.
    ReadAheadOverWrite,
}
