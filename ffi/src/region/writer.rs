//! Writing a region.

use core::ffi::c_char;
use std::vec::Vec;

use region_store::format::RegionId;
use region_store::{MAX_PARCEL_LENGTH, Options, Parcel, ParcelError, RegionWriter as Writer, Sealed};

use super::header::{self, RegionHeader};
use super::{fault, lent_path};
use crate::codes::{
    REGION_ERROR_DAMAGED, REGION_ERROR_TOO_LONG, SECTOR_CACHE_ERROR_OUT_OF_RANGE, SECTOR_CACHE_ERROR_SYSTEM,
    SECTOR_CACHE_OK,
};
use crate::hosted::{self, Fault};
use crate::object::{Inside, Object, lent_bytes};
use crate::threads::Threaded;

/// What a region is to be. `region_defaults()` fills it in.
#[repr(C)]
pub struct RegionOptions {
    /// What the header page says; version 1 has none.
    pub header: RegionHeader,
    /// How many bytes the file will have, if that is known, else 0: a disk that is too full shows at once.
    pub expected_bytes: u64,
    /// Bytes that a block has before the next is begun, 16 MiB at most. A blob that is longer has a block of its own.
    pub block_bytes: usize,
    /// Of the format: 1 or 2.
    pub version: u32,
}

/// A region that was written and is on its disk.
#[repr(C)]
pub struct RegionSealed {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Blobs in it.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Blocks that they are in; 0 in version 1.
    pub blocks: u64,
    /// What tells the file from others: in version 2 the blocks' checksum in its seal, in version 1, which has none, the
    /// CRC-32C of the file.
    pub checksum: u32,
    /// Which region it is; zeros in version 1.
    pub id: [u8; 16],
}

/// A region that is being written.
pub struct RegionWriter {
    writer: Threaded<Writer>,
}

impl Inside for RegionWriter {
    const KIND: u8 = 0xa9;
}

/// Fills in `options`, *borrowed* during the call: version 2, blocks of 256 KiB that start at multiples of 32, a random
/// id, and zeros. `abi_version` is `SECTOR_CACHE_ABI_VERSION`.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_VERSION`, and the options are as they were.
///
/// # Safety
/// `options` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_defaults(options: *mut RegionOptions, abi_version: u32) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { hosted::fill(options, abi_version, RegionOptions::of(&Options::default())) }
}

/// Creates a region. There must be no file of its name; it has another, with `.part` behind it, until it is sealed. If a
/// process is killed meanwhile, that file stays, and until you remove it this returns `REGION_ERROR_EXISTS`.
///
/// `path`, and `options`, which may be NULL for those of `region_defaults()`, are *borrowed* during the call.
///
/// Returns `SECTOR_CACHE_OK`, and `*writer` is to be ended with `region_seal()` or `region_discard()`; or
/// `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_TEXT`, `_OUT_OF_RANGE` (an alignment or a version that cannot be) or
/// `_SYSTEM` (no entropy), or `REGION_ERROR_EXISTS`, `_NOT_FOUND` (the folder), `_DISK_FULL` or `_IO`, and nothing is
/// left behind.
///
/// # Safety
/// `writer` is NULL or points to a pointer; `path` is NULL or ends with a NUL; `options` is NULL or points to one such
/// structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_create(
    writer: *mut *mut Object<RegionWriter>,
    abi_version: u32,
    path: *const c_char,
    options: *const RegionOptions,
) -> i32 {
    let create = || {
        // SAFETY: the header demands the same of the caller.
        let path = unsafe { lent_path(path) }?;
        // SAFETY: the same.
        let given =
            unsafe { options.as_ref() }.map_or_else(|| Ok(Options::default()), RegionOptions::given)?;
        let (path, given) = (path.to_path_buf(), with_id(given)?);
        Ok(RegionWriter { writer: Threaded::make(move || Writer::create(path, &given).map_err(fault))? })
    };
    // SAFETY: the same.
    unsafe { hosted::open(writer, abi_version, create) }
}

/// Adds a blob: `bytes`, of `length` bytes, at most 2,147,483,647, is *borrowed* during the call, and may be NULL if it
/// has none. Another thread, the library's, writes what is gathered meanwhile.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_LENGTH`, or `REGION_ERROR_TOO_LONG`,
/// and nothing has changed; or `REGION_ERROR_DISK_FULL` or `_IO`, possibly of what was added before, and the region is
/// lost: all that can be done is `region_discard()`, and other calls return `REGION_ERROR_FAILED`.
///
/// # Safety
/// `writer` is NULL or what `region_create()` left; `bytes` is NULL or points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_append(
    writer: *mut Object<RegionWriter>,
    bytes: *const u8,
    length: usize,
) -> i32 {
    let append = |inside: &mut RegionWriter| {
        // SAFETY: the header demands the same of the caller.
        let blob = unsafe { lent_bytes(bytes, length) }?;
        inside.writer.get_mut()?.push(blob).map(|()| SECTOR_CACHE_OK).map_err(fault)
    };
    // SAFETY: the same.
    unsafe { hosted::change(writer, append) }
}

/// Adds the blobs of a parcel, all or none: `bytes`, of `length` bytes, at most 1 GiB, is *borrowed* during the call,
/// and holds blobs one behind the other, each its length, 4 bytes little-endian that do not count themselves, then as
/// many bytes. In version 2 a parcel is a block of its own.
///
/// Returns as `region_append()`; or `REGION_ERROR_DAMAGED` if the lengths do not end where the parcel does, and nothing
/// has changed.
///
/// # Safety
/// As `region_append()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_append_parcel(
    writer: *mut Object<RegionWriter>,
    bytes: *const u8,
    length: usize,
) -> i32 {
    let append = |inside: &mut RegionWriter| {
        // SAFETY: the header demands the same of the caller.
        let parcel = parcel(unsafe { lent_bytes(bytes, length) }?)?;
        inside.writer.get_mut()?.push_parcel(&parcel).map(|()| SECTOR_CACHE_OK).map_err(fault)
    };
    // SAFETY: the same.
    unsafe { hosted::change(writer, append) }
}

/// Completes a region and gives it its name. When this returns, the file and its name are on the disk, and outlive a
/// power cut.
///
/// `sealed` is *borrowed* during the call and may be NULL: what the region is, is written there.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_EXISTS` (something
/// got the name meanwhile), `_DISK_FULL`, `_IO`, `_TOO_LONG` (more blocks than can be: make them longer) or `_FAILED`,
/// and nothing is left of the region: after a sync that failed nobody knows what the disk has, so write it anew from
/// where it came. However it went, the writer is freed and `*writer` NULL, but after `_NOT_INITIALISED`.
///
/// # Safety
/// `writer` is NULL or points to a pointer as in `region_append()`; `sealed` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_seal(
    writer: *mut *mut Object<RegionWriter>,
    sealed: *mut RegionSealed,
) -> i32 {
    let seal = |inside: RegionWriter| {
        let done = inside.writer.take()?.seal().map_err(fault)?;
        if sealed.is_null() {
            return Ok(SECTOR_CACHE_OK);
        }
        // SAFETY: the header demands the same of the caller.
        unsafe { hosted::put(sealed, RegionSealed::of(&done)) }
    };
    // SAFETY: the same.
    unsafe { hosted::close(writer, seal) }
}

/// Gives up a region. Nothing is left of it.
///
/// Returns `SECTOR_CACHE_OK`, and `*writer` is NULL; or `SECTOR_CACHE_ERROR_NULL` (if `*writer` is, too) or
/// `_NOT_INITIALISED`.
///
/// # Safety
/// As `region_seal()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn region_discard(writer: *mut *mut Object<RegionWriter>) -> i32 {
    let end = |inside: RegionWriter| {
        drop(inside.writer.take()?);
        Ok(SECTOR_CACHE_OK)
    };
    // SAFETY: the header demands the same of the caller.
    unsafe { hosted::close(writer, end) }
}

impl RegionOptions {
    fn of(options: &Options) -> Self {
        Self {
            header: RegionHeader::of(&options.header),
            expected_bytes: options.expected_bytes,
            block_bytes: options.block_bytes,
            version: header::number(options.version),
        }
    }

    fn given(&self) -> Result<Options, Fault> {
        let version = header::version(self.version).ok_or_else(|| {
            let version = self.version;
            Fault::new(SECTOR_CACHE_ERROR_OUT_OF_RANGE, format_args!("a version of {version}: it is 1 or 2"))
        })?;
        Ok(Options {
            version,
            header: self.header.to_header(),
            block_bytes: self.block_bytes,
            expected_bytes: self.expected_bytes,
        })
    }
}

impl RegionSealed {
    const fn of(sealed: &Sealed) -> Self {
        Self {
            file_bytes: sealed.file_length,
            blobs: sealed.blobs,
            blob_bytes: sealed.blob_bytes,
            blocks: sealed.blocks,
            checksum: sealed.checksum,
            id: sealed.region_id.0,
        }
    }
}

/// The options with an id that no other region has, if they have none.
fn with_id(mut options: Options) -> Result<Options, Fault> {
    if options.header.region_id == RegionId::default() {
        options.header.region_id =
            RegionId::random().map_err(|error| Fault::new(SECTOR_CACHE_ERROR_SYSTEM, error))?;
    }
    Ok(options)
}

/// A parcel of bytes that C keeps.
fn parcel(lent: &[u8]) -> Result<Parcel, Fault> {
    let too_long = || Fault::new(REGION_ERROR_TOO_LONG, ParcelError::TooLong { length: lent.len() });
    let mut slots = Vec::new();
    if lent.len() > MAX_PARCEL_LENGTH || slots.try_reserve_exact(lent.len()).is_err() {
        return Err(too_long());
    }
    slots.extend_from_slice(lent);
    Parcel::raw(slots.into()).map_err(|error| Fault::new(REGION_ERROR_DAMAGED, error))
}
