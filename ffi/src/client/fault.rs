//! What can go wrong with a client, as C gets it.

use vdisk_proto::client::{ConnectionFailure, Error};
use vdisk_proto::session::Failure;

use crate::codes::{
    self, SECTOR_CACHE_ERROR_FILE, SECTOR_CACHE_ERROR_INTERNAL, SECTOR_CACHE_ERROR_SYSTEM,
    VDISK_ERROR_CHANGED, VDISK_ERROR_DATA_LOSS, VDISK_ERROR_DENIED, VDISK_ERROR_NO_SERVER,
    VDISK_ERROR_OPTIONS, VDISK_ERROR_REFUSED, VDISK_ERROR_TAKEN_OVER, VDISK_ERROR_TIMED_OUT, VDISK_ERROR_TLS,
    VDISK_ERROR_UNREACHABLE, VDISK_ERROR_URL, VDISK_ERROR_WRITES_FAILED,
};
use crate::hosted::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Url { .. } => VDISK_ERROR_URL,
            Error::Channel { .. } | Error::Options(_) => VDISK_ERROR_OPTIONS,
            Error::File { .. } => SECTOR_CACHE_ERROR_FILE,
            Error::System { .. } => SECTOR_CACHE_ERROR_SYSTEM,
            Error::Connection(failure) => connection(failure),
            Error::NoServer { .. } => VDISK_ERROR_NO_SERVER,
            Error::Refused { .. } => VDISK_ERROR_REFUSED,
            Error::TimedOut { .. } => VDISK_ERROR_TIMED_OUT,
            Error::Read { failure, .. } => read(*failure),
            Error::Call { reason, .. } => codes::session_error(*reason),
            Error::WritesFailed { .. } => VDISK_ERROR_WRITES_FAILED,
            Error::DataLoss { .. } => VDISK_ERROR_DATA_LOSS,
            Error::TakenOver { .. } => VDISK_ERROR_TAKEN_OVER,
            // The compiler asks for a last arm, and the next error to come is no success.
            Error::Stopped | _ => SECTOR_CACHE_ERROR_INTERNAL,
        };
        Self::new(code, error)
    }
}

const fn connection(failure: &ConnectionFailure) -> i32 {
    match failure {
        ConnectionFailure::Tls { .. } => VDISK_ERROR_TLS,
        ConnectionFailure::Denied { .. } | ConnectionFailure::NotSubscribed { .. } => VDISK_ERROR_DENIED,
        // A last arm, as above.
        ConnectionFailure::Unreachable { .. } | ConnectionFailure::Lost { .. } | _ => VDISK_ERROR_UNREACHABLE,
    }
}

const fn read(failure: Failure) -> i32 {
    match failure {
        Failure::TimedOut => VDISK_ERROR_TIMED_OUT,
        Failure::Changed => VDISK_ERROR_CHANGED,
        Failure::TakenOver => VDISK_ERROR_TAKEN_OVER,
        // A last arm, as above; the others are a write's.
        Failure::Refused(_) | _ => VDISK_ERROR_REFUSED,
    }
}
