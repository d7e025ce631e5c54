/*
 * sector_cache.h - a cache of disk sectors in memory of yours.
 *
 * It finds a sector by drive and number in a few dozen instructions, forgets the least recently used one when it is
 * full, allocates nothing, and keeps no pointer to anything but its own storage and the callbacks you give it.
 * The whole message loop of a firmware whose emulator asks for sectors over a mailbox:
 *
 *     #include "sector_cache.h"
 *
 *     SECTOR_CACHE_STORAGE(cache, 1154, 137);
 *
 *     void firmware(void)
 *     {
 *         static uint8_t message[1024];
 *         if (sector_cache_init(cache, sizeof cache_storage, SECTOR_CACHE_ABI_VERSION, 1154, 137,
 *                               SECTOR_CACHE_LRU) != SECTOR_CACHE_OK)
 *             return;
 *         for (;;) {
 *             size_t length = mailbox_dequeue(message, sizeof message);
 *             if (length <= 20)
 *                 continue;
 *             length = sector_cache_serve(cache, message + 20, length - 20, sizeof message - 20);
 *             if (length > 0)
 *                 mailbox_enqueue(message, 20 + length);
 *         }
 *     }
 *
 * Threads. Nothing here may be called from an interrupt. An object may be used by one thread at a time: use it from
 * one thread, or lock around every call, those on `const` objects included. Different objects are independent.
 *
 * Memory. You supply all of it: the macros below declare it or say its size, and there is nothing to free. An object
 * may not be moved or copied. A pointer is *borrowed* if the other side may use it for the time stated, *owned* if it
 * becomes the other side's, and *static* if it is valid for ever; every parameter and result says which.
 *
 * Units. Lengths and capacities are in bytes. Drives count from 0 (A) to 15; sectors count from 0 over all tracks of
 * a drive, up to 16,777,215.
 *
 * Results. 0 is success, a positive code a documented outcome, a negative one an error; after an error nothing has
 * changed unless its function says so. NULL, misaligned or uninitialised objects and lengths that do not fit are
 * refused by code. What cannot be seen from a pointer is trusted: that the memory behind it is yours and as long as
 * you say.
 *
 * Stability. Names, codes, and what they mean stay; codes and functions are only added. SECTOR_CACHE_ABI_VERSION
 * grows when a program must be compiled again, and the library refuses an object made with another version.
 */

#ifndef SECTOR_CACHE_H
#define SECTOR_CACHE_H

#include <stddef.h>
#include <stdint.h>

/* Storage ---------------------------------------------------------------------------------------------------------- */

/* Bytes of an object before its sectors. */
#define SECTOR_CACHE_HEADER_BYTES (sizeof(void *) == 4 ? 80u : 160u)
#define SECTOR_CACHE_DISK_HEADER_BYTES (sizeof(void *) == 4 ? 96u : 192u)

/*
 * Bytes of storage for a cache of `slots` sectors of `sector_length` bytes: 12 bytes a sector more than the sectors.
 * A constant expression; `slots` is 0 to 65,535, and it must not exceed what a size_t can count.
 */
#define SECTOR_CACHE_BYTES(slots, sector_length) \
    (SECTOR_CACHE_HEADER_BYTES + (size_t)(slots) * ((size_t)(sector_length) + 12u))

/* The same for a disk (an SD card and its cache), whose sectors have 137 bytes. */
#define SECTOR_CACHE_DISK_BYTES(slots) (SECTOR_CACHE_DISK_HEADER_BYTES + (size_t)(slots) * (137u + 12u))

/*
 * Declares static storage for a cache, aligned, as `name_storage`, and `name`, a pointer to it. Initialise it with
 * sector_cache_init(name, sizeof name_storage, SECTOR_CACHE_ABI_VERSION, slots, sector_length, flags).
 */
#define SECTOR_CACHE_STORAGE(name, slots, sector_length) \
    static union { \
        uint64_t alignment; \
        uint8_t bytes[SECTOR_CACHE_BYTES(slots, sector_length)]; \
    } name##_storage; \
    static sector_cache *const name = (sector_cache *)(void *)&name##_storage

/* The same for a disk; see sector_cache_disk_init(). */
#define SECTOR_CACHE_DISK_STORAGE(name, slots) \
    static union { \
        uint64_t alignment; \
        uint8_t bytes[SECTOR_CACHE_DISK_BYTES(slots)]; \
    } name##_storage; \
    static sector_cache_disk *const name = (sector_cache_disk *)(void *)&name##_storage

/* A cache and a disk: opaque, in storage of yours. */
typedef struct sector_cache sector_cache;
typedef struct sector_cache_disk sector_cache_disk;

/* Codes and flags -------------------------------------------------------------------------------------------------- */

/* A flag of `sector_cache_init()`: the least recently used sector gives up its slot. The default. */
#define SECTOR_CACHE_LRU 0

/*
 * A flag of `sector_cache_init()`: nothing is evicted; a new sector that finds no slot is refused. For a difference
 * disk.
 */
#define SECTOR_CACHE_NEVER_EVICT 1

/*
 * A flag of `sector_cache_init()`: `sector_cache_serve()` heeds the drive in a message. By default it does not, since
 * boards in the field send there whatever was in memory.
 */
#define SECTOR_CACHE_MULTI_DRIVE 2

/* Done. */
#define SECTOR_CACHE_OK 0

/* The sector is not held. */
#define SECTOR_CACHE_MISS 1

/* The sector was not held, and got a free slot. */
#define SECTOR_CACHE_INSERTED 2

/* The sector was held with other bytes. */
#define SECTOR_CACHE_REPLACED 3

/* The sector was held with the same bytes. */
#define SECTOR_CACHE_UNCHANGED 4

/* The sector was not held, and got the slot of another. */
#define SECTOR_CACHE_EVICTED 5

/* A pointer is NULL that may not be. */
#define SECTOR_CACHE_ERROR_NULL (-1)

/* The storage is not aligned; declare it with the macro. */
#define SECTOR_CACHE_ERROR_ALIGNMENT (-2)

/* The storage has too few bytes; see the macros for its size. */
#define SECTOR_CACHE_ERROR_TOO_SMALL (-3)

/* Header and library do not belong together: compile again with the library's header. */
#define SECTOR_CACHE_ERROR_VERSION (-4)

/* The object was not initialised, or something wrote over it. */
#define SECTOR_CACHE_ERROR_NOT_INITIALISED (-5)

/* A drive from 16 on, a sector from 16,777,216 on, more than 65,535 slots, or a sector length of 0 or too many. */
#define SECTOR_CACHE_ERROR_OUT_OF_RANGE (-6)

/* A length that is not the sector length, or a buffer that is too short. */
#define SECTOR_CACHE_ERROR_LENGTH (-7)

/* No slot is free and nothing may be evicted. */
#define SECTOR_CACHE_ERROR_FULL (-8)

/* A sector that would be overwritten is dirty: write it to its device and mark it clean first. */
#define SECTOR_CACHE_ERROR_DIRTY (-9)

/* A flag that this version does not know. */
#define SECTOR_CACHE_ERROR_FLAGS (-10)

/* The sector is being filled in place: finish or cancel that first. */
#define SECTOR_CACHE_ERROR_FILLING (-11)

/* The version of this header. The library refuses to initialise an object for another one. */
#define SECTOR_CACHE_ABI_VERSION 1

/* Structures and callbacks ----------------------------------------------------------------------------------------- */

/* What `sector_cache_put()` evicted. */
typedef struct {
    /* Which sector. */
    uint32_t sector;
    /* Of which drive. */
    uint8_t drive;
    /* *Borrowed* during the call: your buffer for the sector's bytes, or NULL if you do not want them. */
    uint8_t *bytes;
    /* Bytes of that buffer: the sector length or more. */
    size_t capacity;
} sector_cache_evicted;

/* A sector that is held, as `sector_cache_for_each()` shows it. */
typedef struct {
    /* Which sector. */
    uint32_t sector;
    /* Of which drive. */
    uint8_t drive;
    /* 1 if the device does not have these bytes yet, else 0. */
    uint8_t dirty;
    /* 1 if the sector is pinned, else 0. */
    uint8_t pinned;
    /* *Borrowed* from the cache until the visitor returns: one sector. */
    const uint8_t *bytes;
} sector_cache_entry;

/*
 * Looks at a sector for `sector_cache_for_each()`. Returns 0 to see the next, anything else to stop.
 *
 * `context` is what was given to the call; `entry` is *borrowed* until the visitor returns. The visitor may not call
 * functions that change the cache, nor be left by an exception or `longjmp()`.
 */
typedef int (*sector_cache_visitor)(void *context, const sector_cache_entry *entry);

/*
 * What a cache has counted since `sector_cache_init()`, and how full it is.
 *
 * On a 32-bit machine the counters wrap after 4,294,967,295.
 */
typedef struct {
    /* The sector was found. */
    uint64_t hits;
    /* The sector was not found. */
    uint64_t misses;
    /* A sector gave up its slot to another. */
    uint64_t evictions;
    /* A sector was put that was held with the same bytes. */
    uint64_t unchanged;
    /* A new sector found no slot. */
    uint64_t refused;
    /* Slots in use. */
    uint32_t used;
    /* Slots in all. */
    uint32_t slots;
} sector_cache_statistics;

/*
 * Reads block `block` of the card into `bytes`, which has `length` bytes: 512. Returns 0 for success.
 *
 * It may block. It may not call this library for the same disk, nor be left by an exception or `longjmp()`.
 */
typedef int (*sector_cache_card_read)(void *context, uint32_t block, uint8_t *bytes, size_t length);

/*
 * Writes `bytes`, which has `length` bytes, 512, to block `block` of the card. Returns 0 for success.
 *
 * It may block. It may not call this library for the same disk, nor be left by an exception or `longjmp()`.
 */
typedef int (*sector_cache_card_write)(void *context, uint32_t block, const uint8_t *bytes, size_t length);

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/* The cache -------------------------------------------------------------------------------------------------------- */

/* The library's ABI version. Equals `SECTOR_CACHE_ABI_VERSION` of the header that belongs to it. */
uint32_t sector_cache_abi_version(void);

/*
 * The bytes of storage for a cache of `slots` sectors of `sector_length` bytes, as `SECTOR_CACHE_BYTES` computes them;
 * 0 if there can be no such cache.
 */
size_t sector_cache_bytes(uint32_t slots, uint32_t sector_length);

/* How many sectors of `sector_length` bytes fit into `storage_bytes` of storage: 0 to 65,535. */
uint32_t sector_cache_slots_in(size_t storage_bytes, uint32_t sector_length);

/*
 * Makes an empty cache in storage of yours.
 *
 * `cache`, of `storage_bytes` bytes, is *borrowed* until you stop using it: it has to stay where it is, and nothing
 * else may write there. There is nothing to free. `abi_version` is `SECTOR_CACHE_ABI_VERSION`; `slots` is 0 to 65,535;
 * `sector_length` is in bytes, 1 to 16,777,216; `flags` is `SECTOR_CACHE_LRU` or a sum of the flags above.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_ALIGNMENT` (the address must be a multiple of
 * 8), `_TOO_SMALL`, `_OUT_OF_RANGE` or `_FLAGS`, and the object is as it was.
 */
int32_t sector_cache_init(sector_cache *cache, size_t storage_bytes, uint32_t abi_version, uint32_t slots,
    uint32_t sector_length, uint32_t flags);

/*
 * Lends the bytes of a sector, which becomes the most recently used.
 *
 * Returns one sector, *borrowed* from the cache: it is valid until the next call that changes the cache (any whose
 * `cache` is not `const`). NULL if the sector is not held, if there can be no such sector, and for a `cache` that is
 * NULL or not initialised.
 */
const uint8_t *sector_cache_get(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Lends the bytes of a sector and changes nothing: neither its recency nor the statistics.
 *
 * Returns as `sector_cache_get()`.
 */
const uint8_t *sector_cache_peek(const sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Copies the bytes of a sector to `bytes`, *borrowed* during the call; the sector becomes the most recently used.
 *
 * `length` is in bytes and must be the sector length.
 *
 * Returns `SECTOR_CACHE_OK`; `SECTOR_CACHE_MISS`, and nothing is copied; or `SECTOR_CACHE_ERROR_NULL`,
 * `_NOT_INITIALISED`, `_LENGTH` or `_OUT_OF_RANGE`.
 */
int32_t sector_cache_read(sector_cache *cache, uint8_t drive, uint32_t sector, uint8_t *bytes, size_t length);

/*
 * Holds these bytes for a sector, which becomes the most recently used.
 *
 * `bytes` is *borrowed* during the call; `length` is in bytes and must be the sector length. A sector that is dirty
 * or pinned stays so.
 *
 * `evicted` is *borrowed* during the call and may be NULL. If a sector gives up its slot, its drive and number are
 * written there and its bytes are copied to `evicted->bytes`, unless that is NULL.
 *
 * Neither buffer may overlap the other, or the cache: copy what `sector_cache_get()` lent before you put it elsewhere.
 *
 * Returns `SECTOR_CACHE_INSERTED`, `SECTOR_CACHE_REPLACED`, `SECTOR_CACHE_UNCHANGED` or `SECTOR_CACHE_EVICTED`; or
 * `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_LENGTH` (of `bytes`, or `evicted->capacity` is short),
 * `_OUT_OF_RANGE`, `_FILLING`, `_FULL` or `_DIRTY`, and nothing has changed but the count of those refused for lack of
 * a slot.
 */
int32_t sector_cache_put(sector_cache *cache, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length,
    sector_cache_evicted *evicted);

/*
 * Reserves a slot for a sector and lends it to be written in place, for instance by DMA.
 *
 * `*bytes`, *borrowed* from the cache until the fill ends, is one sector; it holds some former sector's bytes. Nobody
 * sees the sector, and nothing evicts it, until `sector_cache_fill_finish()` or `sector_cache_fill_cancel()`; whatever
 * drops the sector cancels the fill, too. Other calls may come in between. A sector that is held already disappears
 * until then, and for good if the fill is cancelled.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_OUT_OF_RANGE`, `_FILLING`, `_FULL` or
 * `_DIRTY`, and `*bytes` is as it was.
 */
int32_t sector_cache_fill_begin(sector_cache *cache, uint8_t drive, uint32_t sector, uint8_t **bytes);

/*
 * Makes a sector visible whose slot was filled, as the most recently used.
 *
 * Returns `SECTOR_CACHE_OK`; `SECTOR_CACHE_MISS` if it was not being filled; or `SECTOR_CACHE_ERROR_NULL`,
 * `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
 */
int32_t sector_cache_fill_finish(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Gives up a fill and drops the sector.
 *
 * Returns as `sector_cache_fill_finish()`.
 */
int32_t sector_cache_fill_cancel(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Drops a sector, dirty or pinned or being filled or not.
 *
 * Returns `SECTOR_CACHE_OK`; `SECTOR_CACHE_MISS` if it was not held; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`
 * or `_OUT_OF_RANGE`.
 */
int32_t sector_cache_remove(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Keeps a sector from eviction until `sector_cache_unpin()`.
 *
 * Returns as `sector_cache_remove()`.
 */
int32_t sector_cache_pin(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Allows a sector to be evicted again, as the most recently used.
 *
 * Returns as `sector_cache_remove()`.
 */
int32_t sector_cache_unpin(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Notes that the device does not have a sector's bytes yet. The sector is not evicted: where it is next in line, an
 * insertion is refused with `SECTOR_CACHE_ERROR_DIRTY`.
 *
 * Returns as `sector_cache_remove()`.
 */
int32_t sector_cache_mark_dirty(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Notes that the device has a sector's bytes.
 *
 * Returns as `sector_cache_remove()`.
 */
int32_t sector_cache_mark_clean(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Drops all sectors of a drive, dirty, pinned and filling ones too. Looks at every slot.
 *
 * Returns how many were dropped; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
 */
int32_t sector_cache_invalidate_drive(sector_cache *cache, uint8_t drive);

/*
 * Drops `sectors` sectors of a drive from `first` on, dirty, pinned and filling ones too. Looks up each, or looks at
 * every slot if those are fewer.
 *
 * Returns as `sector_cache_invalidate_drive()`.
 */
int32_t sector_cache_invalidate_range(sector_cache *cache, uint8_t drive, uint32_t first, uint32_t sectors);

/*
 * Drops everything, dirty, pinned and filling sectors too. The statistics go on. Writes to every slot.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t sector_cache_clear(sector_cache *cache);

/*
 * Shows every sector to `visitor`, the most recently used first and pinned ones before all others.
 *
 * Returns 0 after the last, or what `visitor` returned to stop; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t sector_cache_for_each(const sector_cache *cache, sector_cache_visitor visitor, void *context);

/*
 * Writes what the cache has counted to `statistics`, *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t sector_cache_stats(const sector_cache *cache, sector_cache_statistics *statistics);

/* The mailbox ------------------------------------------------------------------------------------------------------ */

/*
 * Serves one mailbox message: this is a firmware's whole message loop between dequeue and enqueue.
 *
 * `message` is the buffer behind the mailbox's 20-byte header, *borrowed* during the call; `length` is what was
 * received there and `capacity` what there is room for, in bytes: 144 or more, or no read is answered. The answer
 * takes the message's place. The cache's sectors must have 137 bytes.
 *
 * A read is answered with the sector, 144 bytes, or, if it is not held, with 4 zeros. A write, a clear, and whatever
 * is no message are not answered. With `SECTOR_CACHE_NEVER_EVICT` a new sector that finds no slot is not kept and
 * counts as refused.
 *
 * Returns the answer's length in bytes, 0 if nothing is to be sent. Nothing is served for a NULL, a `cache` that is
 * not initialised, or a `length` above `capacity`.
 */
size_t sector_cache_serve(sector_cache *cache, uint8_t *message, size_t length, size_t capacity);

/* The SD card ------------------------------------------------------------------------------------------------------ */

/*
 * Makes a disk with an empty cache of `slots` sectors of 137 bytes in storage of yours.
 *
 * `disk`, of `storage_bytes` bytes, is *borrowed* until you stop using it: it has to stay where it is, and nothing else
 * may write there. There is nothing to free. `abi_version` is `SECTOR_CACHE_ABI_VERSION`; `slots` is 0 to 65,535.
 * `read` and `write` reach the card and are given `context`, which is yours and may be NULL.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_ALIGNMENT` (the address must be a multiple of
 * 8), `_TOO_SMALL` or `_OUT_OF_RANGE`, and the object is as it was.
 */
int32_t sector_cache_disk_init(sector_cache_disk *disk, size_t storage_bytes, uint32_t abi_version, uint32_t slots,
    sector_cache_card_read read, sector_cache_card_write write, void *context);

/*
 * Serves one mailbox message, as `sector_cache_serve()` does, from the card and its cache.
 *
 * Reads and writes of 144 bytes are answered with 144; their `success` byte is 1 if it was done, and a read that
 * failed has a sector of zeros. Sectors from 3,000 and drives from 16 on fail. A clear empties the cache and is not
 * answered, nor is whatever is no message.
 *
 * Returns the answer's length in bytes, 0 if nothing is to be sent. Nothing is served for a NULL, a `disk` that is not
 * initialised, or a `length` above `capacity`.
 */
size_t sector_cache_disk_serve(sector_cache_disk *disk, uint8_t *message, size_t length, size_t capacity);

/*
 * Writes what the disk's cache has counted to `statistics`, *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t sector_cache_disk_stats(const sector_cache_disk *disk, sector_cache_statistics *statistics);

#ifdef __cplusplus
} /* extern "C" */
#endif /* __cplusplus */

#endif  /* SECTOR_CACHE_H */
