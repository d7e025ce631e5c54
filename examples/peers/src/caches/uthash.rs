//! The peer in C, behind a safe type.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ptr::NonNull;

use crate::cache::{Cache, SECTOR_LENGTH, SectorBytes, packed_key};

/// Lives in C; only pointers to it are handed about.
#[repr(C)]
struct Raw {
    opaque: [u8; 0],
}

unsafe extern "C" {
    fn uthash_cache_new(slots: u32) -> *mut Raw;
    fn uthash_cache_free(cache: *mut Raw);
    fn uthash_cache_live_bytes() -> usize;
    fn uthash_cache_get(cache: *mut Raw, key: u32) -> *const u8;
    fn uthash_cache_read(cache: *mut Raw, key: u32, out: *mut u8) -> c_int;
    fn uthash_cache_holds(cache: *const Raw, key: u32) -> c_int;
    fn uthash_cache_insert(cache: *mut Raw, key: u32, bytes: *const u8);
}

/// The uthash design in use today. Its `raw` is owned, and freed by `drop` alone.
pub(crate) struct UthashCache {
    raw: NonNull<Raw>,
}

impl UthashCache {
    pub(crate) fn new(slots: u32) -> Self {
        // SAFETY: any number of slots is valid.
        let raw = unsafe { uthash_cache_new(slots) };
        Self { raw: NonNull::new(raw).expect("out of memory") }
    }
}

impl Drop for UthashCache {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `uthash_cache_new` and is freed only here.
        unsafe { uthash_cache_free(self.raw.as_ptr()) };
    }
}

impl Cache for UthashCache {
    type Key = u32;

    fn key(drive: u8, sector: u32) -> u32 {
        packed_key(drive, sector)
    }

    fn bytes_outside_rust(&self) -> usize {
        // SAFETY: reads a counter; the benchmark is one thread.
        unsafe { uthash_cache_live_bytes() }
    }

    fn holds(&self, key: u32) -> bool {
        // SAFETY: `raw` is live.
        unsafe { uthash_cache_holds(self.raw.as_ptr(), key) != 0 }
    }

    #[inline(always)]
    fn read(&mut self, key: u32, out: &mut SectorBytes) -> bool {
        const { assert!(size_of::<SectorBytes>() == SECTOR_LENGTH) };
        // SAFETY: `raw` is live and not shared, and `out` has room for the 137 bytes that C writes.
        unsafe { uthash_cache_read(self.raw.as_ptr(), key, out.as_mut_ptr()) != 0 }
    }

    #[inline(always)]
    fn lend(&mut self, key: u32) -> Option<&[u8]> {
        // SAFETY: `raw` is live and not shared.
        let bytes = unsafe { uthash_cache_get(self.raw.as_ptr(), key) };
        // SAFETY: C lends 137 bytes until the next insertion, which needs `self` again.
        (!bytes.is_null()).then(|| unsafe { std::slice::from_raw_parts(bytes, SECTOR_LENGTH) })
    }

    #[inline(always)]
    fn insert(&mut self, key: u32, bytes: &SectorBytes) {
        // SAFETY: `raw` is live and not shared, and C reads just the 137 bytes.
        unsafe { uthash_cache_insert(self.raw.as_ptr(), key, bytes.as_ptr()) };
    }
}
