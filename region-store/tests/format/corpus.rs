//! What the fuzz target `region_decode` starts from, and what it has found.

use std::fs;
use std::path::Path;

use crate::script;

#[test]
#[cfg_attr(miri, ignore = "takes long there")]
fn the_corpus_of_the_fuzz_target_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/region_decode");
    let mut replayed = 0;
    for input in fs::read_dir(folder).unwrap() {
        script::run(&fs::read(input.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0);
}
