//! `sector_cache_*`: the cache and the mailbox's cache service.

pub mod held;
pub mod iteration;
pub mod mailbox;

use core::ptr;

use core_cache::mailbox::Drives;
use core_cache::{Eviction, SectorCache, SectorKey};

use crate::codes::{self, SECTOR_CACHE_ERROR_FLAGS, SECTOR_CACHE_ERROR_LENGTH, key, result};
use crate::object::{Inside, Object, SECTOR_CACHE_ABI_VERSION, Stored, lent, lent_mut};

/// A flag of `sector_cache_init()`: the least recently used sector gives up its slot. The default.
pub const SECTOR_CACHE_LRU: u32 = 0;
/// A flag of `sector_cache_init()`: nothing is evicted; a new sector that finds no slot is refused. For a difference
/// disk.
pub const SECTOR_CACHE_NEVER_EVICT: u32 = 1;
/// A flag of `sector_cache_init()`: `sector_cache_serve()` heeds the drive in a message. By default it does not, since
/// boards in the field send there whatever was in memory.
pub const SECTOR_CACHE_MULTI_DRIVE: u32 = 2;

/// A cache, and how its mailbox service reads messages.
pub struct Cache {
    cache: SectorCache<'static>,
    drives: Drives,
}

impl Inside for Cache {
    const KIND: u8 = 0xc5;
}

impl Stored for Cache {
    const HEADER_BYTES: usize = if size_of::<usize>() == 4 { 80 } else { 160 };
}

/// # Structures and callbacks
/// What `sector_cache_put()` evicted.
#[repr(C)]
pub struct Evicted {
    /// Which sector.
    pub sector: u32,
    /// Of which drive.
    pub drive: u8,
    /// *Borrowed* during the call: your buffer for the sector's bytes, or NULL if you do not want them.
    pub bytes: *mut u8,
    /// Bytes of that buffer: the sector length or more.
    pub capacity: usize,
}

/// # The cache
/// Sectors of up to 16 drives, found by drive and number. In front of a disk that is slow:
///
///     #include "sector_cache.h"
///
///     SECTOR_CACHE_STORAGE(cache, 64, 512);
///
///     int cache_start(void)
///     {
///         return (int)sector_cache_init(cache, sizeof cache_storage, SECTOR_CACHE_ABI_VERSION, 64, 512,
///                                       SECTOR_CACHE_LRU);
///     }
///
///     int read_sector(uint8_t drive, uint32_t sector, uint8_t *bytes)
///     {
///         if (sector_cache_read(cache, drive, sector, bytes, 512) == SECTOR_CACHE_OK)
///             return 0;
///         if (slow_read(drive, sector, bytes) != 0)
///             return -1;
///         sector_cache_put(cache, drive, sector, bytes, 512, NULL);
///         return 0;
///     }
///
///     int write_sector(uint8_t drive, uint32_t sector, const uint8_t *bytes)
///     {
///         if (slow_write(drive, sector, bytes) != 0) {
///             sector_cache_remove(cache, drive, sector);
///             return -1;
///         }
///         sector_cache_put(cache, drive, sector, bytes, 512, NULL);
///         return 0;
///     }
/// ---
/// The library's ABI version. Equals `SECTOR_CACHE_ABI_VERSION` of the header that belongs to it.
#[unsafe(no_mangle)]
pub extern "C" fn sector_cache_abi_version() -> u32 {
    SECTOR_CACHE_ABI_VERSION
}

/// The bytes of storage for a cache of `slots` sectors of `sector_length` bytes, as `SECTOR_CACHE_BYTES` computes them;
/// 0 if there can be no such cache.
#[unsafe(no_mangle)]
pub extern "C" fn sector_cache_bytes(slots: u32, sector_length: u32) -> usize {
    let behind = SectorCache::<u16>::required_bytes(slots as usize, sector_length as usize);
    behind.and_then(|behind| behind.checked_add(Cache::HEADER_BYTES)).unwrap_or(0)
}

/// How many sectors of `sector_length` bytes fit into `storage_bytes` of storage: 0 to 65,535.
#[unsafe(no_mangle)]
pub extern "C" fn sector_cache_slots_in(storage_bytes: usize, sector_length: u32) -> u32 {
    let behind = storage_bytes.saturating_sub(Cache::HEADER_BYTES);
    u32::try_from(SectorCache::<u16>::slots_in(behind, sector_length as usize)).unwrap_or(0)
}

/// Makes an empty cache in storage of yours.
///
/// `cache`, of `storage_bytes` bytes, is *borrowed* until you stop using it: it has to stay where it is, and nothing
/// else may write there. There is nothing to free. `abi_version` is `SECTOR_CACHE_ABI_VERSION`; `slots` is 0 to 65,535;
/// `sector_length` is in bytes, 1 to 16,777,216; `flags` is `SECTOR_CACHE_LRU` or a sum of the flags above.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_ALIGNMENT` (the address must be a multiple of
/// 8), `_TOO_SMALL`, `_OUT_OF_RANGE` or `_FLAGS`, and the object is as it was.
///
/// # Safety
/// `cache` is NULL or points to `storage_bytes` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_init(
    cache: *mut Object<Cache>,
    storage_bytes: usize,
    abi_version: u32,
    slots: u32,
    sector_length: u32,
    flags: u32,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let (place, memory) = unsafe { Object::storage(cache, storage_bytes, abi_version) }?;
        if flags & !(SECTOR_CACHE_NEVER_EVICT | SECTOR_CACHE_MULTI_DRIVE) != 0 {
            return Err(SECTOR_CACHE_ERROR_FLAGS);
        }
        let never = flags & SECTOR_CACHE_NEVER_EVICT != 0;
        let eviction = if never { Eviction::Never } else { Eviction::Lru };
        let many = flags & SECTOR_CACHE_MULTI_DRIVE != 0;
        let drives = if many { Drives::Many } else { Drives::One };
        let cache = SectorCache::new(memory, slots as usize, sector_length as usize, eviction);
        Ok(place.initialise(Cache { cache: cache.map_err(codes::error)?, drives }))
    })
}

/// Lends the bytes of a sector, which becomes the most recently used.
///
/// Returns one sector, *borrowed* from the cache: it is valid until the next call that changes the cache (any whose
/// `cache` is not `const`). NULL if the sector is not held, if there can be no such sector, and for a `cache` that is
/// NULL or not initialised.
///
/// # Safety
/// `cache` is NULL or points to storage of a cache.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_get(cache: *mut Object<Cache>, drive: u8, sector: u32) -> *const u8 {
    // SAFETY: the header demands the same of the caller.
    let Ok(inside) = (unsafe { Object::inside(cache) }) else { return ptr::null() };
    let Ok(key) = key(drive, sector) else { return ptr::null() };
    lend(&mut inside.cache, key)
}

/// Apart, so that the compiler knows that nothing else points into the cache.
fn lend(cache: &mut SectorCache<'_>, key: SectorKey) -> *const u8 {
    cache.get(key).map_or(ptr::null(), <[u8]>::as_ptr)
}

/// Lends the bytes of a sector and changes nothing: neither its recency nor the statistics.
///
/// Returns as `sector_cache_get()`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_peek(cache: *const Object<Cache>, drive: u8, sector: u32) -> *const u8 {
    // SAFETY: the header demands the same of the caller.
    let Ok(inside) = (unsafe { Object::look(cache) }) else { return ptr::null() };
    let Ok(key) = key(drive, sector) else { return ptr::null() };
    inside.cache.peek(key).map_or(ptr::null(), <[u8]>::as_ptr)
}

/// Copies the bytes of a sector to `bytes`, *borrowed* during the call; the sector becomes the most recently used.
///
/// `length` is in bytes and must be the sector length.
///
/// Returns `SECTOR_CACHE_OK`; `SECTOR_CACHE_MISS`, and nothing is copied; or `SECTOR_CACHE_ERROR_NULL`,
/// `_NOT_INITIALISED`, `_LENGTH` or `_OUT_OF_RANGE`.
///
/// # Safety
/// As `sector_cache_get()`; `bytes` is NULL or points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_read(
    cache: *mut Object<Cache>,
    drive: u8,
    sector: u32,
    bytes: *mut u8,
    length: usize,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(cache) }?;
        // SAFETY: the same.
        let bytes = unsafe { lent_mut(bytes, length, inside.cache.sector_length()) }?;
        copy_out(&mut inside.cache, key(drive, sector)?, bytes)
    })
}

/// Apart for the same reason as [`lend`].
fn copy_out(cache: &mut SectorCache<'_>, key: SectorKey, bytes: &mut [u8]) -> Result<i32, i32> {
    cache.read(key, bytes).map(codes::found).map_err(codes::error)
}

/// Holds these bytes for a sector, which becomes the most recently used.
///
/// `bytes` is *borrowed* during the call; `length` is in bytes and must be the sector length. A sector that is dirty
/// or pinned stays so.
///
/// `evicted` is *borrowed* during the call and may be NULL. If a sector gives up its slot, its drive and number are
/// written there and its bytes are copied to `evicted->bytes`, unless that is NULL.
///
/// Neither buffer may overlap the other, or the cache: copy what `sector_cache_get()` lent before you put it elsewhere.
///
/// Returns `SECTOR_CACHE_INSERTED`, `SECTOR_CACHE_REPLACED`, `SECTOR_CACHE_UNCHANGED` or `SECTOR_CACHE_EVICTED`; or
/// `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_LENGTH` (of `bytes`, or `evicted->capacity` is short),
/// `_OUT_OF_RANGE`, `_FILLING`, `_FULL` or `_DIRTY`, and nothing has changed but the count of those refused for lack of
/// a slot.
///
/// # Safety
/// As `sector_cache_get()`; `bytes` is NULL or points to `length` bytes; `evicted` is NULL or points to one such
/// structure whose `bytes` is NULL or points to `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_put(
    cache: *mut Object<Cache>,
    drive: u8,
    sector: u32,
    bytes: *const u8,
    length: usize,
    evicted: *mut Evicted,
) -> i32 {
    if !evicted.is_null() {
        // SAFETY: the caller's promise is the same.
        return unsafe { tell_and_put(cache, drive, sector, bytes, length, evicted) };
    }
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(cache) }?;
        // SAFETY: the same.
        let bytes = unsafe { lent(bytes, length, inside.cache.sector_length()) }?;
        keep(&mut inside.cache, key(drive, sector)?, bytes)
    })
}

/// Apart for the same reason as [`lend`].
fn keep(cache: &mut SectorCache<'_>, key: SectorKey, bytes: &[u8]) -> Result<i32, i32> {
    cache.put(key, bytes).map(codes::outcome).map_err(codes::error)
}

/// Puts a sector, having copied the one that is evicted for it, if one is: all that a caller without `evicted` need not
/// carry along.
///
/// # Safety
/// As `sector_cache_put()`, and `evicted` is not NULL.
#[cold]
unsafe fn tell_and_put(
    cache: *mut Object<Cache>,
    drive: u8,
    sector: u32,
    bytes: *const u8,
    length: usize,
    evicted: *mut Evicted,
) -> i32 {
    result(|| {
        // SAFETY: the caller's promise is the same.
        let inside = unsafe { Object::look(cache) }?;
        // Nothing may be handed over if nothing is going to be put.
        // SAFETY: the same.
        unsafe { lent(bytes, length, inside.cache.sector_length()) }?;
        let key = key(drive, sector)?;
        // SAFETY: the same.
        let evicted = unsafe { &mut *evicted };
        if !evicted.bytes.is_null() && evicted.capacity < length {
            return Err(SECTOR_CACHE_ERROR_LENGTH);
        }
        if let Some((victim, held)) = inside.cache.displaced_by(key) {
            evicted.drive = victim.drive().number();
            evicted.sector = victim.sector().number();
            // SAFETY: the same; what is held has the length that the capacity was checked for.
            if let Ok(buffer) = unsafe { lent_mut(evicted.bytes, length, held.len()) } {
                buffer.copy_from_slice(held);
            }
        }
        // SAFETY: the same.
        Ok(unsafe { sector_cache_put(cache, drive, sector, bytes, length, ptr::null_mut()) })
    })
}
