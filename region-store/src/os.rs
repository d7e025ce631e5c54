//! What the operating system and the processor offer beyond safe Rust: all unsafe code of the crate.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

use memmap2::{Mmap, MmapOptions};

/// A file's bytes, mapped to be read.
#[derive(Debug)]
pub(crate) struct Map(Mmap);

impl Map {
    /// Maps the first `length` bytes of a file that has as many.
    pub(crate) fn new(file: &File, length: usize) -> io::Result<Self> {
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // SAFETY: the map is private to this process and read only, and `Map` keeps it until nobody borrows from it.
        // Trusted, not checked: no process changes or truncates the file under us. Regions are written under another
        // name, are for their owner alone, and are locked while they are open; whoever ignores all that can change
        // what a reader sees, or have it killed by SIGBUS.
        unsafe { MmapOptions::new().len(length).map(file) }.map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Has the processor fetch the cache line at an address, if there is memory.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: SSE is part of x86-64. A prefetch is a hint: it reads nothing into the program and faults at no address.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

/// Has the operating system start to write a part of a file to its disk, and does not wait.
pub(crate) fn start_write_back(file: &File, offset: u64, length: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let (offset, length) =
            (i64::try_from(offset).map_err(invalid)?, i64::try_from(length).map_err(invalid)?);
        // To the system, no length is all the rest.
        if length == 0 {
            return Ok(());
        }
        // SAFETY: the descriptor is open as long as `file` is borrowed, and no memory is handed over.
        let result =
            unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) };
        let error = io::Error::last_os_error();
        // Only a hint: a file system that cannot is not asked again by the sync either.
        let is_refused = matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL | libc::ESPIPE));
        if result == 0 || is_refused { Ok(()) } else { Err(error) }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, offset, length);
        Ok(())
    }
}
