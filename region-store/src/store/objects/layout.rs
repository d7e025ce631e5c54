//! Where the objects of a slice are.

use object_store::path::Path;

use crate::format::{Manifest, SliceIdentity};
use crate::slice::SliceFile;

/// The manifest of a slice.
pub(super) fn manifest(prefix: &Path, identity: &SliceIdentity) -> Path {
    folder(prefix, identity).join("manifest")
}

/// A region of a slice.
pub(super) fn region(prefix: &Path, manifest: &Manifest, index: u32) -> Path {
    folder(prefix, &manifest.identity).join(SliceFile::region(manifest.snap_id, index).name())
}

fn folder(prefix: &Path, identity: &SliceIdentity) -> Path {
    let SliceIdentity { domain, view, generation_clock, generation_digest, slice_key } = identity;
    let path = prefix.clone().join(domain.to_string()).join(view.to_string()).join(slice_key.to_string());
    path.join(format!("{generation_clock}_{generation_digest:016x}"))
}
