//! What the operating system and the processor offer beyond portable, safe Rust: all that differs between systems, and all
//! unsafe code of the crate.
//!
//! On Windows a folder cannot be synced, the end of a disk's space and other machines' file systems are not noticed in
//! advance, and a file is told from others by its index.

#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

use crate::medium::Identity;

mod memory;
#[cfg(all(test, target_os = "linux"))]
pub(crate) mod tests;

pub(crate) use memory::memory_bytes;

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

/// The same for one that is needed only after many others: it is to wait in the second fastest cache.
#[inline(always)]
pub(crate) fn prefetch_for_later(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T1 }>(address.cast());
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
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(file);
        // SAFETY: the descriptor is open as long as `file` is borrowed, and no memory is handed over.
        let result =
            unsafe { libc::sync_file_range(descriptor, offset, length, libc::SYNC_FILE_RANGE_WRITE) };
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

/// Reads at an offset, as much as one call gives.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, bytes, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, bytes, offset);
}

/// Writes at an offset, as much as one call takes.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_at(file, bytes, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_write(file, bytes, offset);
}

/// Creates a file that does not exist, for its owner alone where the system knows owners.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether a lock was refused since the file system has none, which it says in several ways.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let refusals = [Errno::NOTSUP, Errno::NOSYS, Errno::NOLCK, Errno::INVAL];
        Errno::from_io_error(error).is_some_and(|errno| refusals.contains(&errno))
    }
    #[cfg(windows)]
    return error.kind() == io::ErrorKind::Unsupported;
}

/// Whether an error says that a disk fails: what is read may be so again the next time, and for ever.
pub(crate) fn is_of_the_disk(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        // The other is what some file systems say whose own checksum is wrong.
        matches!(Errno::from_io_error(error), Some(Errno::IO | Errno::BADMSG))
    }
    #[cfg(windows)]
    {
        const ERROR_CRC: i32 = 23;
        const ERROR_IO_DEVICE: i32 = 1_117;
        const ERROR_FILE_CORRUPT: i32 = 1_392;
        matches!(error.raw_os_error(), Some(ERROR_CRC | ERROR_IO_DEVICE | ERROR_FILE_CORRUPT))
    }
}

/// Whether nothing was done since this process, or the system, has as many files open as it may.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
    }
    #[cfg(windows)]
    {
        const ERROR_TOO_MANY_OPEN_FILES: i32 = 4;
        error.raw_os_error() == Some(ERROR_TOO_MANY_OPEN_FILES)
    }
}

/// Has the file system set space aside. One that cannot shows at the write that the disk is full.
pub(crate) fn allocate(file: &File, length: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            // Refused by the call, though there is nothing to do.
            Err(Errno::INVAL) if length == 0 => Ok(()),
            other => Ok(other?),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, length);
        Ok(())
    }
}

/// Puts the names of a folder on its disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return File::open(folder)?.sync_all();
    #[cfg(windows)]
    return folder.metadata().map(|_| ());
}

/// Puts everything of a folder's file system on its disk, or where there is no call for that, all that is in the folder.
pub(crate) fn sync_file_system(folder: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return Ok(rustix::fs::syncfs(File::open(folder)?)?);
    #[cfg(not(target_os = "linux"))]
    {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                sync_file_system(&entry.path())?;
                continue;
            }
            match OpenOptions::new().write(true).open(entry.path()) {
                Ok(file) => file.sync_all()?,
                // Nobody has written to what may not be written to.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => return Err(error),
            }
        }
        sync_folder(folder)
    }
}

/// Whether a folder is on another machine, as far as that is known.
pub(crate) fn is_remote(folder: &Path) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    {
        // 32 bits, which some machines sign.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "32 bits")]
        let kind = rustix::fs::statfs(folder)?.f_type as u32;
        Ok(REMOTE.contains(&kind))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        Ok(false)
    }
}

/// The magic numbers of file systems whose files are on another machine: NFS, SMB 1, SMB 2, CIFS, AFS, Coda, NCP, Ceph,
/// Lustre and 9P.
#[cfg(target_os = "linux")]
const REMOTE: [u32; 10] = [
    0x6969,
    0x517b,
    0xfe53_4d42,
    0xff53_4d42,
    0x5346_414f,
    0x7375_7245,
    0x564c,
    0x00c3_6400,
    0x0bd0_0bd0,
    0x0102_1997,
];

/// Bytes that are free for this process, where that is known.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<Option<u64>> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(folder)?;
        Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
    }
    #[cfg(windows)]
    {
        let _ = folder;
        Ok(None)
    }
}

/// How many files this process may have open, where that is bounded.
pub(crate) fn most_open_files() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(windows)]
    return None;
}

/// Has this thread give way to others, where the system has a call for that.
pub(crate) fn give_way() {
    // There, threads have priorities of their own. Without it all is well, too.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 10);
}

/// Keeps this thread on one of the processors that it may run on, by a number that is divided by how many those are.
/// Where the system has no call for that, it runs where the system likes.
pub(crate) fn pin_to_processor(number: usize) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let allowed = sched_getaffinity(None)?;
        let processors = (0..CpuSet::MAX_CPU).filter(|&processor| allowed.is_set(processor));
        let count = usize::try_from(allowed.count()).unwrap_or(1).max(1);
        let mut pinned = CpuSet::new();
        processors.skip(number % count).take(1).for_each(|processor| pinned.set(processor));
        Ok(sched_setaffinity(None, &pinned)?)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = number;
        Ok(())
    }
}

/// What tells an open file from others.
pub(crate) fn identity(file: &File) -> io::Result<Identity> {
    #[cfg(unix)]
    return file.metadata().map(|metadata| identity_of(&metadata));
    #[cfg(windows)]
    {
        let found = winapi_util::file::information(file)?;
        // Windows counts in 100 ns from 1601; only differences matter.
        let modified = i64::try_from(found.last_write_time().unwrap_or_default()).unwrap_or(i64::MAX);
        Ok(Identity {
            device: found.volume_serial_number(),
            inode: found.file_index(),
            length: found.file_size(),
            modified_ns: modified.saturating_mul(100),
            is_read_only: file.metadata()?.permissions().readonly(),
        })
    }
}

/// What tells the file of a name from others.
pub(crate) fn identity_at(path: &Path) -> io::Result<Identity> {
    #[cfg(unix)]
    return std::fs::metadata(path).map(|metadata| identity_of(&metadata));
    #[cfg(windows)]
    {
        // A folder is opened by a flag of its own.
        const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
        let mut options = OpenOptions::new();
        std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, FILE_FLAG_BACKUP_SEMANTICS);
        identity(&options.read(true).open(path)?)
    }
}

#[cfg(unix)]
fn identity_of(metadata: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    let seconds_ns = metadata.mtime().saturating_mul(1_000_000_000);
    Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        length: metadata.len(),
        modified_ns: seconds_ns.saturating_add(metadata.mtime_nsec()),
        is_read_only: metadata.mode() & 0o222 == 0,
    }
}
