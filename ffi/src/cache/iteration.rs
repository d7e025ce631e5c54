//! What a cache holds, and what it has counted.

use core::ffi::{c_int, c_void};

use core_cache::Stats;

use super::Cache;
use crate::codes::{SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_OK, result};
use crate::object::Object;

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
        *place = Statistics::of(&inside.cache.stats());
        Ok(SECTOR_CACHE_OK)
    })
}

impl Statistics {
    pub(crate) fn of(stats: &Stats) -> Self {
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
