//! `sector_cache_*`: the cache and the mailbox's cache service.

use core::ffi::{c_int, c_void};
use core::ptr;

use core_cache::mailbox::{self, Drives};
use core_cache::{Drive, Eviction, SectorCache, SectorKey};

use crate::codes::{
    self, SECTOR_CACHE_ERROR_FLAGS, SECTOR_CACHE_ERROR_LENGTH, SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_OK,
};
use crate::object::{Inside, Object, SECTOR_CACHE_ABI_VERSION, lent, lent_message, lent_mut};

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

/// A sector that is held, as `sector_cache_for_each()` shows it.
#[repr(C)]
pub struct Entry {
    /// Which sector.
    pub sector: u32,
    /// Of which drive.
    pub drive: u8,
    /// 1 if the device does not have these bytes yet, else 0.
    pub dirty: u8,
    /// 1 if the sector is pinned, else 0.
    pub pinned: u8,
    /// *Borrowed* from the cache until the visitor returns: one sector.
    pub bytes: *const u8,
}

/// What a cache has counted since `sector_cache_init()`, and how full it is.
///
/// On a 32-bit machine the counters wrap after 4,294,967,295.
#[repr(C)]
pub struct Statistics {
    /// The sector was found.
    pub hits: u64,
    /// The sector was not found.
    pub misses: u64,
    /// A sector gave up its slot to another.
    pub evictions: u64,
    /// A sector was put that was held with the same bytes.
    pub unchanged: u64,
    /// A new sector found no slot.
    pub refused: u64,
    /// Slots in use.
    pub used: u32,
    /// Slots in all.
    pub slots: u32,
}

/// Looks at a sector for `sector_cache_for_each()`. Returns 0 to see the next, anything else to stop.
///
/// `context` is what was given to the call; `entry` is *borrowed* until the visitor returns. The visitor may not call
/// functions that change the cache, nor be left by an exception or `longjmp()`.
pub type Visitor = Option<unsafe extern "C" fn(context: *mut c_void, entry: *const Entry) -> c_int>;

/// # The cache
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
        let (object, memory) = unsafe { Object::storage(cache, storage_bytes, abi_version) }?;
        if flags & !(SECTOR_CACHE_NEVER_EVICT | SECTOR_CACHE_MULTI_DRIVE) != 0 {
            return Err(SECTOR_CACHE_ERROR_FLAGS);
        }
        let never = flags & SECTOR_CACHE_NEVER_EVICT != 0;
        let eviction = if never { Eviction::Never } else { Eviction::Lru };
        let many = flags & SECTOR_CACHE_MULTI_DRIVE != 0;
        let drives = if many { Drives::Many } else { Drives::One };
        let cache = SectorCache::new(memory, slots as usize, sector_length as usize, eviction);
        // SAFETY: `storage` returned it.
        unsafe { Object::initialise(object, Cache { cache: cache.map_err(codes::error)?, drives }) };
        Ok(SECTOR_CACHE_OK)
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
    let Ok(key) = SectorKey::try_new(drive, sector) else { return ptr::null() };
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
    let Ok(key) = SectorKey::try_new(drive, sector) else { return ptr::null() };
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

/// Reserves a slot for a sector and lends it to be written in place, for instance by DMA.
///
/// `*bytes`, *borrowed* from the cache until the fill ends, is one sector; it holds some former sector's bytes. Nobody
/// sees the sector, and nothing evicts it, until `sector_cache_fill_finish()` or `sector_cache_fill_cancel()`; whatever
/// drops the sector cancels the fill, too. Other calls may come in between. A sector that is held already disappears
/// until then, and for good if the fill is cancelled.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_OUT_OF_RANGE`, `_FILLING`, `_FULL` or
/// `_DIRTY`, and `*bytes` is as it was.
///
/// # Safety
/// As `sector_cache_get()`; `bytes` is NULL or points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_fill_begin(
    cache: *mut Object<Cache>,
    drive: u8,
    sector: u32,
    bytes: *mut *mut u8,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(cache) }?;
        // SAFETY: the same.
        let place = unsafe { bytes.as_mut() }.ok_or(SECTOR_CACHE_ERROR_NULL)?;
        *place = inside.cache.begin_fill(key(drive, sector)?).map_err(codes::error)?.as_mut_ptr();
        Ok(SECTOR_CACHE_OK)
    })
}

/// Makes a sector visible whose slot was filled, as the most recently used.
///
/// Returns `SECTOR_CACHE_OK`; `SECTOR_CACHE_MISS` if it was not being filled; or `SECTOR_CACHE_ERROR_NULL`,
/// `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_fill_finish(cache: *mut Object<Cache>, drive: u8, sector: u32) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { change(cache, drive, sector, |cache, key| cache.finish_fill(key)) }
}

/// Gives up a fill and drops the sector.
///
/// Returns as `sector_cache_fill_finish()`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_fill_cancel(cache: *mut Object<Cache>, drive: u8, sector: u32) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { change(cache, drive, sector, |cache, key| cache.cancel_fill(key)) }
}

/// Drops a sector, dirty or pinned or being filled or not.
///
/// Returns `SECTOR_CACHE_OK`; `SECTOR_CACHE_MISS` if it was not held; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`
/// or `_OUT_OF_RANGE`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_remove(cache: *mut Object<Cache>, drive: u8, sector: u32) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe {
        change(cache, drive, sector, |cache, key| cache.cancel_fill(key) || cache.remove(key).is_some())
    }
}

/// Keeps a sector from eviction until `sector_cache_unpin()`.
///
/// Returns as `sector_cache_remove()`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_pin(cache: *mut Object<Cache>, drive: u8, sector: u32) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { change(cache, drive, sector, |cache, key| cache.pin(key)) }
}

/// Allows a sector to be evicted again, as the most recently used.
///
/// Returns as `sector_cache_remove()`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_unpin(cache: *mut Object<Cache>, drive: u8, sector: u32) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { change(cache, drive, sector, |cache, key| cache.unpin(key)) }
}

/// Notes that the device does not have a sector's bytes yet. The sector is not evicted: where it is next in line, an
/// insertion is refused with `SECTOR_CACHE_ERROR_DIRTY`.
///
/// Returns as `sector_cache_remove()`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_mark_dirty(cache: *mut Object<Cache>, drive: u8, sector: u32) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { change(cache, drive, sector, |cache, key| cache.mark_dirty(key)) }
}

/// Notes that the device has a sector's bytes.
///
/// Returns as `sector_cache_remove()`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_mark_clean(cache: *mut Object<Cache>, drive: u8, sector: u32) -> i32 {
    // SAFETY: the header demands the same of the caller.
    unsafe { change(cache, drive, sector, |cache, key| cache.mark_clean(key)) }
}

/// Drops all sectors of a drive, dirty, pinned and filling ones too. Looks at every slot.
///
/// Returns how many were dropped; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_invalidate_drive(cache: *mut Object<Cache>, drive: u8) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(cache) }?;
        let drive = Drive::new(drive).map_err(codes::error)?;
        Ok(count(inside.cache.invalidate_drive(drive)))
    })
}

/// Drops `sectors` sectors of a drive from `first` on, dirty, pinned and filling ones too. Looks up each, or looks at
/// every slot if those are fewer.
///
/// Returns as `sector_cache_invalidate_drive()`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_invalidate_range(
    cache: *mut Object<Cache>,
    drive: u8,
    first: u32,
    sectors: u32,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(cache) }?;
        Ok(count(inside.cache.invalidate(key(drive, first)?, sectors)))
    })
}

/// Drops everything, dirty, pinned and filling sectors too. The statistics go on. Writes to every slot.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_clear(cache: *mut Object<Cache>) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        unsafe { Object::inside(cache) }?.cache.clear();
        Ok(SECTOR_CACHE_OK)
    })
}

/// Shows every sector to `visitor`, the most recently used first and pinned ones before all others.
///
/// Returns 0 after the last, or what `visitor` returned to stop; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `sector_cache_get()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_for_each(
    cache: *const Object<Cache>,
    visitor: Visitor,
    context: *mut c_void,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::look(cache) }?;
        let visitor = visitor.ok_or(SECTOR_CACHE_ERROR_NULL)?;
        for held in &inside.cache {
            let entry = Entry {
                sector: held.key.sector().number(),
                drive: held.key.drive().number(),
                dirty: u8::from(held.dirty),
                pinned: u8::from(held.pinned),
                bytes: held.bytes.as_ptr(),
            };
            // SAFETY: the caller says that it is such a function, and what it does with `context` is the caller's.
            let stop = unsafe { visitor(context, &raw const entry) };
            if stop != 0 {
                return Ok(stop);
            }
        }
        Ok(SECTOR_CACHE_OK)
    })
}

/// Writes what the cache has counted to `statistics`, *borrowed* during the call.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `sector_cache_get()`; `statistics` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_stats(cache: *const Object<Cache>, statistics: *mut Statistics) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::look(cache) }?;
        // SAFETY: the same.
        let place = unsafe { statistics.as_mut() }.ok_or(SECTOR_CACHE_ERROR_NULL)?;
        *place = Statistics::of(&inside.cache);
        Ok(SECTOR_CACHE_OK)
    })
}

/// # The mailbox
/// Serves one mailbox message: this is a firmware's whole message loop between dequeue and enqueue.
///
/// `message` is the buffer behind the mailbox's 20-byte header, *borrowed* during the call; `length` is what was
/// received there and `capacity` what there is room for, in bytes: 144 or more, or no read is answered. The answer
/// takes the message's place. The cache's sectors must have 137 bytes.
///
/// A read is answered with the sector, 144 bytes, or, if it is not held, with 4 zeros. A write, a clear, and whatever
/// is no message are not answered. With `SECTOR_CACHE_NEVER_EVICT` a new sector that finds no slot is not kept and
/// counts as refused.
///
/// Returns the answer's length in bytes, 0 if nothing is to be sent. Nothing is served for a NULL, a `cache` that is
/// not initialised, or a `length` above `capacity`.
///
/// # Safety
/// As `sector_cache_get()`; `message` is NULL or points to `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_serve(
    cache: *mut Object<Cache>,
    message: *mut u8,
    length: usize,
    capacity: usize,
) -> usize {
    // SAFETY: the header demands the same of the caller.
    let Ok(inside) = (unsafe { Object::inside(cache) }) else { return 0 };
    // SAFETY: the same.
    let Ok(buffer) = (unsafe { lent_message(message, capacity) }) else { return 0 };
    mailbox::serve(&mut inside.cache, inside.drives, buffer, length).answer_length()
}

impl Statistics {
    pub(crate) fn of(cache: &SectorCache<'_>) -> Self {
        let stats = cache.stats();
        Self {
            hits: stats.hits as u64,
            misses: stats.misses as u64,
            evictions: stats.evictions as u64,
            unchanged: stats.unchanged as u64,
            refused: stats.refused as u64,
            used: u32::try_from(stats.used).unwrap_or(u32::MAX),
            slots: u32::try_from(stats.slots).unwrap_or(u32::MAX),
        }
    }
}

/// Calls what can fail with a code, and makes that code the result.
#[inline(always)]
pub(crate) fn result(call: impl FnOnce() -> Result<i32, i32>) -> i32 {
    call().unwrap_or_else(|code| code)
}

#[inline(always)]
fn key(drive: u8, sector: u32) -> Result<SectorKey, i32> {
    SectorKey::try_new(drive, sector).map_err(codes::error)
}

/// Does something to one sector, and says whether it was there.
///
/// # Safety
/// As `sector_cache_get()`.
#[inline(always)]
unsafe fn change(
    cache: *mut Object<Cache>,
    drive: u8,
    sector: u32,
    change: impl FnOnce(&mut SectorCache<'static>, SectorKey) -> bool,
) -> i32 {
    result(|| {
        // SAFETY: the caller's promise is the same.
        let inside = unsafe { Object::inside(cache) }?;
        Ok(codes::found(change(&mut inside.cache, key(drive, sector)?)))
    })
}

/// A number of slots as a result.
fn count(slots: usize) -> i32 {
    i32::try_from(slots).unwrap_or(i32::MAX)
}
