//! The committed header is what cbindgen makes of the sources, laid out as a manual.

mod manual;

use std::{env, fs, path::Path};

#[test]
fn header_is_what_the_sources_say() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = package.join("../include/sector_cache.h");
    let mut generated = Vec::new();
    cbindgen::generate(package).expect("cbindgen reads the sources").write(&mut generated);
    let generated = manual::lay_out(&String::from_utf8(generated).expect("a header is text"));

    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&header, &generated).expect("the header can be written");
    }
    let committed = fs::read_to_string(&header).unwrap_or_default();
    assert!(
        committed == generated,
        "include/sector_cache.h has drifted: run UPDATE_HEADER=1 cargo test -p sector-cache-ffi --test header"
    );
}
