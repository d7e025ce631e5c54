//! `region_*`: files of blobs, as `region-store` reads and writes them.

pub mod header;
pub mod writer;

use core::ffi::{c_char, c_int, c_void};
use core::ops::ControlFlow;
use std::io::ErrorKind;
use std::path::Path;

use region_store::format::Problem;
use region_store::{Access, Error, OpenOptions, Region, Verify};

use crate::codes::{
    REGION_END, REGION_ERROR_DAMAGED, REGION_ERROR_DISK_FULL, REGION_ERROR_EXISTS, REGION_ERROR_FAILED,
    REGION_ERROR_IO, REGION_ERROR_LOCKED, REGION_ERROR_NEWER, REGION_ERROR_NOT_A_REGION,
    REGION_ERROR_NOT_FOUND, REGION_ERROR_TOO_LONG, SECTOR_CACHE_ERROR_FLAGS, SECTOR_CACHE_ERROR_NULL,
    SECTOR_CACHE_ERROR_OUT_OF_RANGE, SECTOR_CACHE_OK,
};
use crate::hosted::{self, Fault};
use crate::object::{Inside, Object};
use header::RegionInfo;

/// A flag of `region_open()`: the checksum of a block is computed when the first of its blobs is lent. The default.
pub const REGION_VERIFY_ONCE: u32 = 0;
/// A flag of `region_open()`: it is computed whenever a scan or a lookup comes to the block.
pub const REGION_VERIFY_ALWAYS: u32 = 1;
/// A flag of `region_open()`: it is not computed. What is damaged may be lent.
pub const REGION_VERIFY_NEVER: u32 = 2;
/// A flag of `region_open()`: all of the file is read into memory at once, and what happens to it later is not seen. By
/// default it is mapped: pages come when they are touched, and a process is killed by SIGBUS if somebody truncates the
/// file meanwhile or the disk fails.
pub const REGION_RESIDENT: u32 = 4;

/// A region that is open to be read.
pub struct RegionReader {
    region: Region,
}

impl Inside for RegionReader {
    const KIND: u8 = 0xa7;
}

/// Looks at a blob for `region_scan()`. Returns 0 to see the next, anything else to stop.
///
/// `context` is what was given to the call; `bytes`, of `length` bytes, is *borrowed* from the region until it is
/// closed. The visitor may call functions that look at the region, but not be left by an exception or `longjmp()`.
pub type RegionVisitor =
    Option<unsafe extern "C" fn(context: *mut c_void, bytes: *const u8, length: usize) -> c_int>;

/// # Regions
/// Files of *blobs*: bytes of any kind, in an order, each with a length. Such a file is written once, and whole or
/// absent: it gets its name when all of it is on the disk. Then it is mapped into memory and lends its blobs. A dump of
/// a disk, say, blob by sector, and a look at it:
///
///     #include <stdio.h>
///     #include "sector_cache.h"
///
///     static int32_t dump(const char *path, const uint8_t *sectors, size_t count)
///     {
///         region_writer *writer;
///         int32_t result = region_create(&writer, SECTOR_CACHE_ABI_VERSION, path, NULL);
///         if (result < 0)
///             return result;
///         for (size_t sector = 0; sector < count; ++sector) {
///             result = region_append(writer, sectors + 137 * sector, 137);
///             if (result < 0) {
///                 region_discard(&writer);
///                 return result;
///             }
///         }
///         return region_seal(&writer, NULL);
///     }
///
///     static int count_zeros(void *context, const uint8_t *bytes, size_t length)
///     {
///         for (size_t at = 0; at < length; ++at)
///             *(size_t *)context += bytes[at] == 0;
///         return 0;
///     }
///
///     static int32_t look(const char *path, size_t *zeros)
///     {
///         region_reader *region;
///         int32_t result = region_open(&region, SECTOR_CACHE_ABI_VERSION, path, REGION_VERIFY_ONCE);
///         if (result == SECTOR_CACHE_OK) {
///             result = region_scan(region, count_zeros, zeros);
///             region_close(&region);
///         }
///         if (result < 0)
///             fprintf(stderr, "%s\n", sector_cache_error_text());
///         return result;
///     }
///
/// There are two formats. Version 2 has checksums and a seal, by which a file that is cut short or changed is found out.
/// Version 1 is what Burst writes: of it only the first two bytes can be checked when it is opened, and the lengths of
/// the blobs when they are lent. `docs/region-format.md` has both; the command `region` looks at them, checks them, and
/// takes what is whole of a damaged one.
///
/// Threads. Any number of them may read one region at a time, with every function but `region_close()`; to share a scan,
/// each calls `region_scan_parts()`. A writer is for one thread at a time.
///
/// Paths. On Unix a path is any bytes before its NUL; elsewhere it is UTF-8.
/// ---
/// Opens a region, of either version.
///
/// `path` is *borrowed* during the call. `flags` is one of `REGION_VERIFY_ONCE`, `_ALWAYS` and `_NEVER`, plus
/// `REGION_RESIDENT` or not. The file is locked (`flock`, shared) until it is closed; it may be removed or replaced by
/// another meanwhile, but not be changed.
///
/// Returns `SECTOR_CACHE_OK`, and `*region` is to be closed with `region_close()`; or `SECTOR_CACHE_ERROR_NULL`,
/// `_VERSION`, `_FLAGS` or `_TEXT`, or `REGION_ERROR_DAMAGED` (not sealed, too), `_NOT_A_REGION`, `_NEWER`,
/// `_NOT_FOUND`, `_IO`, `_LOCKED` or `_TOO_LONG` (does not fit into memory).
///
/// # Safety
/// `region` is NULL or points to a pointer; `path` is NULL or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_open(
    region: *mut *mut Object<RegionReader>,
    abi_version: u32,
    path: *const c_char,
    flags: u32,
) -> i32 {
    let open = || {
        // SAFETY: the header demands the same of the caller.
        let path = unsafe { lent_path(path) }?;
        Ok(RegionReader { region: options(flags)?.open(path).map_err(fault)? })
    };
    // SAFETY: the same.
    unsafe { hosted::open(region, abi_version, open) }
}

/// Writes to `info`, *borrowed* during the call, what the region says of itself.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// `region` is NULL or what `region_open()` left; `info` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_describe(region: *const Object<RegionReader>, info: *mut RegionInfo) -> i32 {
    let describe = |reader: &RegionReader| {
        // SAFETY: the header demands the same of the caller.
        unsafe { hosted::put(info, RegionInfo::of(&reader.region)) }
    };
    // SAFETY: the same.
    unsafe { hosted::look(region, describe) }
}

/// Writes to `blobs` how many blobs there are, and to `blob_bytes` how many bytes they have in all. Both are *borrowed*
/// during the call, and the second may be NULL.
///
/// In version 1 a pass over all lengths finds out, once.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or, in version 1 only,
/// `REGION_ERROR_DAMAGED`.
///
/// # Safety
/// As `region_describe()`; the others are NULL or point to one number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_count(
    region: *const Object<RegionReader>,
    blobs: *mut u64,
    blob_bytes: *mut u64,
) -> i32 {
    let count = |reader: &RegionReader| {
        let found = (reader.region.len().map_err(fault)?, reader.region.blob_bytes().map_err(fault)?);
        // SAFETY: the header demands the same of the caller.
        let counted = unsafe { hosted::put(blobs, found.0) }?;
        // SAFETY: the same.
        if blob_bytes.is_null() { Ok(counted) } else { unsafe { hosted::put(blob_bytes, found.1) } }
    };
    // SAFETY: the same.
    unsafe { hosted::look(region, count) }
}

/// Lends a blob by its number in the region, from 0 on.
///
/// `*bytes`, of `*length` bytes, is *borrowed* from the region until it is closed; it is not NULL, not even without any
/// bytes. In version 1 this takes a pass over all lengths, once, and over up to 4,096 of them each time.
///
/// Returns `SECTOR_CACHE_OK`; `REGION_END` if there are not so many, and `*bytes` and `*length` are as they were, as
/// they are after `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_DAMAGED` or `_NEWER`.
///
/// # Safety
/// As `region_describe()`; the others are NULL or point to one pointer and one number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_get(
    region: *const Object<RegionReader>,
    ordinal: u64,
    bytes: *mut *const u8,
    length: *mut usize,
) -> i32 {
    let get = |reader: &RegionReader| {
        if bytes.is_null() || length.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL.into());
        }
        let Some(blob) = reader.region.get(ordinal).map_err(fault)? else { return Ok(REGION_END) };
        // SAFETY: the header demands the same of the caller.
        unsafe { hosted::put(bytes, blob.as_ptr()) }?;
        // SAFETY: the same.
        unsafe { hosted::put(length, blob.len()) }
    };
    // SAFETY: the same.
    unsafe { hosted::look(region, get) }
}

/// Lends all blobs to `visitor`, in order.
///
/// Returns 0 after the last, or what `visitor` returned to stop: let that be positive, to tell it from errors; or
/// `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_DAMAGED` or `_NEWER` at the first blob of a block
/// that cannot be read: those before have been lent.
///
/// # Safety
/// As `region_describe()`; `visitor` is NULL or such a function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_scan(
    region: *const Object<RegionReader>,
    visitor: RegionVisitor,
    context: *mut c_void,
) -> i32 {
    let scan = |reader: &RegionReader| {
        // SAFETY: the header demands the same of the caller.
        let visit = unsafe { visit_with(visitor, context) }?;
        reader.region.scan_until(visit).map(stopped).map_err(fault)
    };
    // SAFETY: the same.
    unsafe { hosted::look(region, scan) }
}

/// Writes to `parts`, *borrowed* during the call, how many parts there are that threads can share a scan by: in version
/// 2 its blocks, in version 1 runs of 4,096 blobs.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_DAMAGED` or `_NEWER`.
///
/// # Safety
/// As `region_describe()`; `parts` is NULL or points to one number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_parts(region: *const Object<RegionReader>, parts: *mut usize) -> i32 {
    let count = |reader: &RegionReader| {
        let found = reader.region.parts().map_err(fault)?;
        // SAFETY: the header demands the same of the caller.
        unsafe { hosted::put(parts, found) }
    };
    // SAFETY: the same.
    unsafe { hosted::look(region, count) }
}

/// Lends the blobs of `parts` parts from `first` on to `visitor`, in order. Parts that are not there have none.
///
/// Returns as `region_scan()`.
///
/// # Safety
/// As `region_scan()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_scan_parts(
    region: *const Object<RegionReader>,
    first: usize,
    parts: usize,
    visitor: RegionVisitor,
    context: *mut c_void,
) -> i32 {
    let scan = |reader: &RegionReader| {
        // SAFETY: the header demands the same of the caller.
        let visit = unsafe { visit_with(visitor, context) }?;
        let parts = first..first.saturating_add(parts);
        reader.region.scan_parts_until(parts, visit).map(stopped).map_err(fault)
    };
    // SAFETY: the same.
    unsafe { hosted::look(region, scan) }
}

/// Checks every rule and every checksum of the file, by reading it anew, whatever the flags. In version 1 only the
/// lengths can be checked.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_DAMAGED`, whose text
/// names the first field that is wrong and its offset in the file, `_NEWER`, `_IO` or `_TOO_LONG`.
///
/// # Safety
/// As `region_describe()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_verify(region: *const Object<RegionReader>) -> i32 {
    let verify =
        |reader: &RegionReader| reader.region.verify(|_, _| ()).map(|_| SECTOR_CACHE_OK).map_err(fault);
    // SAFETY: the header demands the same of the caller.
    unsafe { hosted::look(region, verify) }
}

/// Closes a region. What it lent may not be used any more.
///
/// Returns `SECTOR_CACHE_OK`, and `*region` is NULL; or `SECTOR_CACHE_ERROR_NULL` (if `*region` is, too) or
/// `_NOT_INITIALISED`.
///
/// # Safety
/// `region` is NULL or points to a pointer as in `region_describe()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_close(region: *mut *mut Object<RegionReader>) -> i32 {
    let end = |reader| {
        drop::<RegionReader>(reader);
        Ok(SECTOR_CACHE_OK)
    };
    // SAFETY: the header demands the same of the caller.
    unsafe { hosted::close(region, end) }
}

fn options(flags: u32) -> Result<OpenOptions, Fault> {
    let access = if flags & REGION_RESIDENT == 0 { Access::Map } else { Access::Read };
    let verify = match flags & !REGION_RESIDENT {
        REGION_VERIFY_ONCE => Verify::Once,
        REGION_VERIFY_ALWAYS => Verify::Always,
        REGION_VERIFY_NEVER => Verify::Never,
        _ => {
            let text = "one of REGION_VERIFY_ONCE, _ALWAYS and _NEVER, plus REGION_RESIDENT or not";
            return Err(Fault::new(SECTOR_CACHE_ERROR_FLAGS, format_args!("flags of {flags:#x}: {text}")));
        }
    };
    Ok(Region::options().verify(verify).access(access))
}

/// A visitor of C as one of Rust.
///
/// # Safety
/// `visitor` is NULL or such a function, which goes with `context`.
unsafe fn visit_with(
    visitor: RegionVisitor,
    context: *mut c_void,
) -> Result<impl FnMut(&[u8]) -> ControlFlow<c_int>, Fault> {
    let visitor = visitor.ok_or(SECTOR_CACHE_ERROR_NULL)?;
    Ok(move |blob: &[u8]| {
        // SAFETY: the caller says that it is such a function, and what it does with `context` is the caller's.
        match unsafe { visitor(context, blob.as_ptr(), blob.len()) } {
            0 => ControlFlow::Continue(()),
            stop => ControlFlow::Break(stop),
        }
    })
}

fn stopped(flow: ControlFlow<c_int>) -> i32 {
    flow.break_value().unwrap_or(SECTOR_CACHE_OK)
}

/// A path that C lends for a call.
///
/// # Safety
/// `path` is NULL, or ends with a NUL and is changed by nobody during the call.
unsafe fn lent_path<'a>(path: *const c_char) -> Result<&'a Path, Fault> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        // SAFETY: the caller's promise is the same.
        let path = unsafe { hosted::lent_text(path, "path") }?;
        Ok(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())))
    }
    #[cfg(not(unix))]
    // SAFETY: the caller's promise is the same.
    return unsafe { hosted::text(path, "path") }.map(Path::new);
}

fn fault(error: Error) -> Fault {
    let code = match &error {
        Error::Damaged { damage, .. } => match damage.problem {
            Problem::Unsupported { .. } => REGION_ERROR_NEWER,
            _ if matches!(damage.field, "magic" | "magic and version") => REGION_ERROR_NOT_A_REGION,
            _ => REGION_ERROR_DAMAGED,
        },
        Error::Io { source, .. } => match source.kind() {
            ErrorKind::NotFound => REGION_ERROR_NOT_FOUND,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => REGION_ERROR_DISK_FULL,
            _ => REGION_ERROR_IO,
        },
        Error::Exists { .. } => REGION_ERROR_EXISTS,
        Error::Locked { .. } => REGION_ERROR_LOCKED,
        Error::BlobTooLong { .. } | Error::TooManyBlocks { .. } | Error::TooLarge { .. } => {
            REGION_ERROR_TOO_LONG
        }
        Error::Alignment { .. } => SECTOR_CACHE_ERROR_OUT_OF_RANGE,
        // What is left only journals, slices and stores say.
        Error::WriterFailed { .. } | _ => REGION_ERROR_FAILED,
    };
    Fault::new(code, error)
}
