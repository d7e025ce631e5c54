//! `region verify`.

use region_store::format::Summary;
use region_store::{Error, Region};
use serde_json::json;

use crate::arguments::Verify;
use crate::progress::bar_of_file;
use crate::{DAMAGED, Failure, each, grouped, say};

pub(crate) fn run(verify: &Verify) -> Result<(), Failure> {
    each(&verify.files, |file| match Region::open(file).and_then(|region| verified(&region)) {
        Ok(summary) if verify.json => say(json!({
            "file": file.to_string_lossy(), "ok": true, "blobs": summary.blobs, "blob_bytes": summary.blob_bytes,
            "blocks": summary.blocks,
        })),
        Ok(_) if verify.quiet => Ok(()),
        Ok(summary) => {
            let (blobs, bytes) = (grouped(summary.blobs), grouped(summary.blob_bytes));
            say(format!("{}: whole, {blobs} blobs of {bytes} bytes in all", file.display()))
        }
        Err(Error::Damaged { damage, .. }) if verify.json => {
            let (field, problem) = (damage.field, damage.problem.to_string());
            let damage = json!({ "field": field, "offset": damage.offset, "problem": problem });
            say(json!({ "file": file.to_string_lossy(), "ok": false, "damage": damage }))?;
            Err(Failure::Told(DAMAGED))
        }
        Err(error) => Err(error.into()),
    })
}

/// Checks a region that is open, below a bar.
pub(crate) fn verified(region: &Region) -> Result<Summary, Error> {
    let bar = bar_of_file(region.path(), region.file_length());
    let summary = region.verify(|done, _| bar.set_position(done));
    bar.finish_and_clear();
    summary
}
