//! Defects to plant, so that a test of tests can prove that it notices.

/// A defect of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "defects"), allow(dead_code, unreachable_pub))]
pub enum Defect {
    /// The nonces of ended sessions are forgotten.
    ForgetNonces,
    /// Writes are acknowledged when their group begins.
    AcknowledgeBeforeSync,
    /// WRITEs are applied in whatever order they come, however often.
    NoDuplicateCheck,
    /// Requests of ended sessions are served.
    AcceptOldSession,
}
