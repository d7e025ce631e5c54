//! `sector_cache_disk_*`: an SD card with a cache in front of it, served over the mailbox.

use core::ffi::{c_int, c_void};

use core_cache::mailbox::{BLOCK_LENGTH, Card, CardService, SECTOR_LENGTH};
use core_cache::{Eviction, SectorCache};

use crate::cache::iteration::Statistics;
use crate::codes::{self, SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_OK, result};
use crate::object::{Inside, Object, Stored, lent_message};

/// Reads block `block` of the card into `bytes`, which has `length` bytes: 512. Returns 0 for success.
///
/// It may block. It may not call this library for the same disk, nor be left by an exception or `longjmp()`.
pub type CardRead =
    Option<unsafe extern "C" fn(context: *mut c_void, block: u32, bytes: *mut u8, length: usize) -> c_int>;

/// Writes `bytes`, which has `length` bytes, 512, to block `block` of the card. Returns 0 for success.
///
/// It may block. It may not call this library for the same disk, nor be left by an exception or `longjmp()`.
pub type CardWrite =
    Option<unsafe extern "C" fn(context: *mut c_void, block: u32, bytes: *const u8, length: usize) -> c_int>;

/// A cached card.
pub struct Disk {
    service: CardService<'static, CallbackCard>,
}

impl Inside for Disk {
    const KIND: u8 = 0xd3;
}

impl Stored for Disk {
    const HEADER_BYTES: usize = if size_of::<usize>() == 4 { 96 } else { 192 };
}

/// A card behind two functions of C.
struct CallbackCard {
    read: unsafe extern "C" fn(*mut c_void, u32, *mut u8, usize) -> c_int,
    write: unsafe extern "C" fn(*mut c_void, u32, *const u8, usize) -> c_int,
    context: *mut c_void,
}

impl Card for CallbackCard {
    /// What the function returned.
    type Error = c_int;

    fn read(&mut self, block: u32, bytes: &mut [u8; BLOCK_LENGTH]) -> Result<(), c_int> {
        // SAFETY: the caller of `sector_cache_disk_init` says that these are such functions and go with `context`.
        success(unsafe { (self.read)(self.context, block, bytes.as_mut_ptr(), BLOCK_LENGTH) })
    }

    fn write(&mut self, block: u32, bytes: &[u8; BLOCK_LENGTH]) -> Result<(), c_int> {
        // SAFETY: as above.
        success(unsafe { (self.write)(self.context, block, bytes.as_ptr(), BLOCK_LENGTH) })
    }
}

fn success(returned: c_int) -> Result<(), c_int> {
    if returned == 0 { Ok(()) } else { Err(returned) }
}

/// # The SD card
/// The mailbox's messages, served from a card that the microcontroller has, with a cache in front. Sector s of drive d
/// is block s + 3,000 d of the card, filled up with zeros to its 512 bytes. With the loop at the top of this header:
///
///     #include "sector_cache.h"
///
///     SECTOR_CACHE_DISK_STORAGE(disk, 1153);
///
///     static int read_block(void *context, uint32_t block, uint8_t *bytes, size_t length)
///     {
///         return spi_read((struct spi_card *)context, block, bytes, length);
///     }
///
///     static int write_block(void *context, uint32_t block, const uint8_t *bytes, size_t length)
///     {
///         return spi_write((struct spi_card *)context, block, bytes, length);
///     }
///
///     int disk_start(struct spi_card *card)
///     {
///         return (int)sector_cache_disk_init(disk, sizeof disk_storage, SECTOR_CACHE_ABI_VERSION, 1153, read_block,
///                                            write_block, card);
///     }
///
///     size_t disk_answer(uint8_t *message, size_t length, size_t capacity)
///     {
///         return sector_cache_disk_serve(disk, message, length, capacity);
///     }
/// ---
/// Makes a disk with an empty cache of `slots` sectors of 137 bytes in storage of yours.
///
/// `disk`, of `storage_bytes` bytes, is *borrowed* until you stop using it: it has to stay where it is, and nothing else
/// may write there. There is nothing to free. `abi_version` is `SECTOR_CACHE_ABI_VERSION`; `slots` is 0 to 65,535.
/// `read` and `write` reach the card and are given `context`, which is yours and may be NULL.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_ALIGNMENT` (the address must be a multiple of
/// 8), `_TOO_SMALL` or `_OUT_OF_RANGE`, and the object is as it was.
///
/// # Safety
/// `disk` is NULL or points to `storage_bytes` bytes; `read` and `write` are NULL or such functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_disk_init(
    disk: *mut Object<Disk>,
    storage_bytes: usize,
    abi_version: u32,
    slots: u32,
    read: CardRead,
    write: CardWrite,
    context: *mut c_void,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let (place, memory) = unsafe { Object::storage(disk, storage_bytes, abi_version) }?;
        let read = read.ok_or(SECTOR_CACHE_ERROR_NULL)?;
        let write = write.ok_or(SECTOR_CACHE_ERROR_NULL)?;
        let service = SectorCache::new(memory, slots as usize, SECTOR_LENGTH, Eviction::Lru)
            .and_then(|cache| CardService::new(cache, CallbackCard { read, write, context }))
            .map_err(codes::error)?;
        Ok(place.initialise(Disk { service }))
    })
}

/// Serves one mailbox message, as `sector_cache_serve()` does, from the card and its cache.
///
/// Reads and writes of 144 bytes are answered with 144; their `success` byte is 1 if it was done, and a read that
/// failed has a sector of zeros. Sectors from 3,000 and drives from 16 on fail. A clear empties the cache and is not
/// answered, nor is whatever is no message.
///
/// Returns the answer's length in bytes, 0 if nothing is to be sent. Nothing is served for a NULL, a `disk` that is not
/// initialised, or a `length` above `capacity`.
///
/// # Safety
/// `disk` is NULL or points to storage of a disk; `message` is NULL or points to `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_disk_serve(
    disk: *mut Object<Disk>,
    message: *mut u8,
    length: usize,
    capacity: usize,
) -> usize {
    // SAFETY: the header demands the same of the caller.
    let Ok(inside) = (unsafe { Object::inside(disk) }) else { return 0 };
    // SAFETY: the same.
    let Ok(buffer) = (unsafe { lent_message(message, capacity) }) else { return 0 };
    inside.service.serve(buffer, length).answer_length()
}

/// Writes what the disk's cache has counted to `statistics`, *borrowed* during the call.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// `disk` is NULL or points to storage of a disk; `statistics` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_disk_stats(
    disk: *const Object<Disk>,
    statistics: *mut Statistics,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::look(disk) }?;
        // SAFETY: the same.
        let place = unsafe { statistics.as_mut() }.ok_or(SECTOR_CACHE_ERROR_NULL)?;
        *place = Statistics::of(&inside.service.cache().stats());
        Ok(SECTOR_CACHE_OK)
    })
}
