//! The C ABI of Platter: the library `libsector_cache` and the header `include/sector_cache.h`.
//!
//! Nothing is decided here. Each function checks what C handed over, calls the crate that knows, and turns the answer
//! into a code. The header is generated from these files by cbindgen and is the manual; a test keeps it from drifting.
//!
//! Without the feature `hosted` and on a target without an operating system this is what firmware links.

#![no_std]
#![expect(unsafe_code, reason = "C hands over pointers; each use says what the header demands of them")]

#[cfg(not(target_os = "none"))]
extern crate std;

pub mod cache;
pub mod codes;
pub mod disk;
pub mod object;

/// Required by the language where there is no operating system. Nothing that firmware links can reach it, and the
/// example firmware's build fails if anything does.
#[cfg(target_os = "none")]
#[panic_handler]
fn unreachable(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
