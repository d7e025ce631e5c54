//! Compiles the C peer: the `uthash` design that firmware uses today.

fn main() {
    println!("cargo:rerun-if-changed=src/caches/uthash_cache.c");
    // -O3 whatever the profile: a peer gets the best that its users could ask for.
    let compiled =
        cc::Build::new().file("src/caches/uthash_cache.c").opt_level(3).try_compile("uthash_cache");
    if let Err(error) = compiled {
        panic!("{error}\nIt takes a C compiler, and uthash.h: Debian's package uthash-dev");
    }
}
