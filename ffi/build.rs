//! Gives the shared library its soname: `libsector_cache.so.` and the ABI version, so that a program finds at run time
//! the library that its header belongs to, and no other.

use std::error::Error;
use std::{env, fs};

/// A test holds it to `SECTOR_CACHE_ABI_VERSION` in the sources.
const HEADER: &str = "../include/sector_cache.h";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={HEADER}");
    // Other systems name what a program looks for in other ways.
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        let header = fs::read_to_string(HEADER)?;
        let version = header.lines().find_map(|line| line.strip_prefix("#define SECTOR_CACHE_ABI_VERSION "));
        let version = version.ok_or("the header has no SECTOR_CACHE_ABI_VERSION")?;
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsector_cache.so.{version}");
    }
    Ok(())
}
