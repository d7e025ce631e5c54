//! `region recover`.

use region_store::journal::Mode;
use region_store::salvage::salvage;

use crate::arguments::Recover;
use crate::inspect::{as_json, is_unfinished};
use crate::progress::{bar_of_file, by_blobs};
use crate::{Failure, grouped, say};

pub(crate) fn run(recover: &Recover) -> Result<(), Failure> {
    let mode = if recover.force { Mode::Force } else { Mode::Strict };
    let length = std::fs::metadata(&recover.from).map_or(0, |metadata| metadata.len());
    let bar = bar_of_file(&recover.from, length);
    let salvaged = salvage(&recover.from, &recover.to, mode, by_blobs(&bar));
    bar.finish_and_clear();
    let (found, sealed) = salvaged?;
    if recover.json {
        return say(as_json(&recover.from, length, &found));
    }
    let what = match found.damage {
        Some(damage) => format!("damaged at its {damage}"),
        None if is_unfinished(&found) => "not completed: there may have been more".to_owned(),
        None => "whole".to_owned(),
    };
    say(format!("{}: {what}", recover.from.display()))?;
    let (blobs, bytes) = (grouped(sealed.blobs), grouped(sealed.blob_bytes));
    say(format!("{}: {blobs} blobs of {bytes} bytes in all", sealed.path.display()))
}
