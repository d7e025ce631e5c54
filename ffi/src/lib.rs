//! The C ABI of Platter: the library `libsector_cache` and the header `include/sector_cache.h`.
//!
//! Nothing is decided here. Each function checks what C handed over, calls the crate that knows, and turns the answer
//! into a code. The header is generated from these files by cbindgen and is the manual; a test keeps it from drifting.
//!
//! Without the feature `hosted` and on a target without an operating system this is what firmware links.
//!
//! # Installation
//!
//! `ffi/install --prefix DIR` builds and installs header, static and shared library, a pkg-config file and a CMake
//! package; with `--target thumbv7em-none-eabi`, for a Cortex-M4, or with that of another machine, all but the shared
//! library. `--help` says more.
//!
//! - With pkg-config: `cc program.c $(pkg-config --cflags --libs sector_cache)`; for a program that is static as a
//!   whole, `cc -static program.c $(pkg-config --static --cflags --libs sector_cache)`.
//! - With CMake: `find_package(sector_cache 0.1 REQUIRED)`, and `target_link_libraries(program PRIVATE
//!   sector_cache::sector_cache)`. That is the shared library where it is installed, or with `COMPONENTS static` the
//!   static one. For a Cortex-M4 it is the same with a toolchain file; `examples/consumers` has one of each.
//!
//! The soname is `libsector_cache.so.` and the ABI version, set by `build.rs` on Linux, so that a program never starts
//! with a library of another one. What the shared library exports is what the header declares: rustc hides the rest.
//! The static library for a Cortex-M4 brings no visible `memcpy` and the like, so that a program gets the C library's.

#![no_std]
#![expect(unsafe_code, reason = "C hands over pointers; each use says what the header demands of them")]

#[cfg(not(target_os = "none"))]
extern crate std;

pub mod cache;
pub mod codes;
pub mod disk;
pub mod object;
pub mod session;

// Where there is an operating system: the sections of the header that follow, in their order.
#[cfg(feature = "hosted")]
pub mod hosted;

#[cfg(feature = "hosted")]
mod threads;

#[cfg(feature = "hosted")]
pub mod client;

#[cfg(feature = "hosted")]
pub mod region;

/// Required by the language where there is no operating system. Nothing that firmware links can reach it, and the
/// example firmware's build fails if anything does.
#[cfg(target_os = "none")]
#[panic_handler]
fn unreachable(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
