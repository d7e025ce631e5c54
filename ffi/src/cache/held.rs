//! What becomes of a sector: it is filled in place, pinned, dirty, dropped.

use core_cache::{Drive, SectorCache, SectorKey};

use super::Cache;
use crate::codes::{self, SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_OK, count, key, result};
use crate::object::Object;

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
