//! Every call of the cache, in any order, beside a naive cache on the `lru` crate: the model of the cache's own tests.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sector_cache::{Drive, Entry, Error, Eviction, Link, Outcome, Sector, SectorCache, SectorKey, Stats};

#[path = "../../sector-cache/src/cache/model.rs"]
mod model;

fuzz_target!(|data: &[u8]| {
    if let ([setup, operations @ ..], _) = data.as_chunks() {
        model::Setup::decode(*setup).run(operations.iter().copied());
    }
});
