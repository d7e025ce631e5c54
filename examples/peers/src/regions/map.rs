//! What takes unsafe code of our own: a file as memory, and a hint to the processor.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// Maps a whole file.
pub(crate) fn map(path: &Path) -> io::Result<Mmap> {
    // SAFETY: the benchmark's own file, in a folder of its own: nobody cuts or changes it while it is mapped.
    unsafe { Mmap::map(&File::open(path)?) }
}

/// Asks for the cache line at `at`, if it lies within `bytes`, before it is needed.
#[inline(always)]
pub(crate) fn prefetch(bytes: &[u8], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(byte) = bytes.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of x86-64; the address is that of a byte of `bytes`, and is not even read.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, at);
}
