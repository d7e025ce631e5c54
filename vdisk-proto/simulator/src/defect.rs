//! Defects to plant.

use vdisk_proto::service::Service;
use vdisk_proto::session::Session;
use vdisk_proto::store::MemoryStore;

/// A defect that a run must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// One of the server's.
    #[cfg(feature = "defects")]
    Service(vdisk_proto::service::Defect),
    /// One of the device's.
    #[cfg(feature = "defects")]
    Session(vdisk_proto::session::Defect),
}

/// All of them, with their names.
#[cfg(feature = "defects")]
pub const DEFECTS: [(&str, Defect); 9] = {
    use vdisk_proto::{service, session};
    [
        ("forget-nonces", Defect::Service(service::Defect::ForgetNonces)),
        ("acknowledge-before-sync", Defect::Service(service::Defect::AcknowledgeBeforeSync)),
        ("no-duplicate-check", Defect::Service(service::Defect::NoDuplicateCheck)),
        ("accept-old-session", Defect::Service(service::Defect::AcceptOldSession)),
        ("ignore-nonce", Defect::Session(session::Defect::IgnoreNonce)),
        ("count-every-stale", Defect::Session(session::Defect::CountEveryStale)),
        ("no-boot-clear", Defect::Session(session::Defect::NoBootClear)),
        ("accept-unmatched-answer", Defect::Session(session::Defect::AcceptUnmatchedAnswer)),
        ("read-ahead-over-write", Defect::Session(session::Defect::ReadAheadOverWrite)),
    ]
};

pub(crate) fn plant_in_service(_service: &mut Service<MemoryStore>, _defect: Option<Defect>) {
    #[cfg(feature = "defects")]
    if let Some(Defect::Service(defect)) = _defect {
        _service.plant(defect);
    }
}

pub(crate) fn plant_in_session(_session: &mut Session<'_>, _defect: Option<Defect>) {
    #[cfg(feature = "defects")]
    if let Some(Defect::Session(defect)) = _defect {
        _session.plant(defect);
    }
}
