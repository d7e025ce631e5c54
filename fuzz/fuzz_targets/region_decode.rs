//! Region files of both versions: any bytes, any bytes behind a good header and with good checksums, and files that are
//! written, read and damaged. What is checked is in the tests of the crate, which replay the corpus.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../region-store/tests/format/files.rs"]
mod files;
#[path = "../../region-store/tests/format/script.rs"]
mod script;

fuzz_target!(|data: &[u8]| script::run(data));
