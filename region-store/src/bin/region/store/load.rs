//! `load`.

mod lines;
#[cfg(feature = "object-store")]
mod objects;
mod parcels;
mod regions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use region_store::Error;
use region_store::format::SliceIdentity;
use region_store::store::{Generation, Loader, SliceKey, SnapStatus, Store};
use serde_json::json;

use super::arguments::{Load, Source};
use super::json;
use crate::interrupt::{self, INTERRUPTED};
use crate::{Failure, REFUSED, grouped, say};
use lines::Text;
#[cfg(feature = "object-store")]
use objects::Objects;
use regions::Regions;

/// Looks before what is there goes: through all of region files, and at the manifest of what was published. Lines cannot
/// be looked at in advance.
type Check = Box<dyn Fn(&SliceIdentity) -> Result<(), Error>>;

/// A loader that is ready, since what it reads is open.
struct Ready {
    loader: Arc<dyn Loader>,
    bar: ProgressBar,
    /// Has the loader fail soon.
    stop: Box<dyn FnOnce() + Send>,
    check: Check,
}

/// `open` opens the store, and makes it if there is none: not before what is to be loaded is open.
pub(super) fn run<'a>(
    load: &Load,
    json: bool,
    open: impl FnOnce() -> Result<&'a Store, Failure>,
) -> Result<(), Failure> {
    let key = load.key;
    let Ready { loader, bar, stop, check } = match &load.source {
        Source::Regions(files) => Regions::open(key, files)?.ready(),
        Source::Lines(file) => Text::of_file(key, file)?.ready()?,
        Source::Input => Text::of_input(key).ready()?,
        #[cfg(feature = "object-store")]
        Source::Objects(url) => Objects::open(key, url)?.ready(),
        #[cfg(not(feature = "object-store"))]
        Source::Objects(url) => {
            let said =
                format!("cannot load from {url}: this command was built without the feature object-store");
            return Err(Failure::Other(2, said));
        }
    };
    let store = open()?;
    let known = store.search(&Default::default()).into_iter().find(|snap| snap.key == key);
    let generation = generation(load, known.as_ref())?;
    let identity = key.generation(generation);
    if known.is_some_and(|snap| snap.snap_id.is_some()) {
        // What is there goes before the load begins.
        check(&identity)?;
    }
    let began = Instant::now();
    let work = || store.load_within(identity, loader, Duration::MAX);
    let (loaded, was_interrupted) = interrupt::during(stop, work)?;
    bar.finish_and_clear();
    let slice = match loaded {
        Err(_) if was_interrupted => {
            let said = format!("the load of slice {key} was interrupted, and nothing of it is left");
            return Err(Failure::Other(INTERRUPTED, said));
        }
        loaded => loaded?,
    };
    let (blobs, bytes) = (slice.blobs(), slice.blob_bytes());
    let (regions, seconds) = (slice.manifest().regions.len(), began.elapsed().as_secs_f64());
    if json {
        return say(json!({
            "slice": key.to_string(), "generation": json::of_generation(generation), "blobs": blobs,
            "blob_bytes": bytes, "regions": regions, "seconds": seconds,
        }));
    }
    let (blobs, bytes) = (grouped(blobs), grouped(bytes));
    let regions = if regions == 1 { "1 region".to_owned() } else { format!("{regions} regions") };
    say(format!("{key}: loaded, {blobs} blobs of {bytes} bytes in all, {regions}, {seconds:.3} s"))
}

/// Which generation a load brings. What is there is not replaced by a slip.
fn generation(load: &Load, known: Option<&SnapStatus>) -> Result<Generation, Failure> {
    match (load.generation, known) {
        (Some(wanted), Some(known)) if known.snap_id.is_none() || wanted.clock > known.generation.clock => {
            Ok(wanted)
        }
        (_, Some(SnapStatus { key, generation, snap_id: Some(_), .. })) => Err(there(*key, *generation)),
        (None, Some(known)) => Ok(known.generation),
        (wanted, _) => Ok(wanted.unwrap_or_default()),
    }
}

fn there(key: SliceKey, generation: Generation) -> Failure {
    let clock = generation.clock;
    let said = format!(
        "slice {key} is there already, in generation {clock}: \
        --generation with a later one replaces it, and erase removes it"
    );
    Failure::Other(REFUSED, said)
}
