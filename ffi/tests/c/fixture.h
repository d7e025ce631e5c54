/* What the tests of a cache work with. */

#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "sector_cache.h"

#define LONGEST_SECTOR 512

/* A cache in memory that has not a byte too many, and that nobody wrote to: a sanitizer sees every slip. */
static inline sector_cache *new_cache(uint32_t slots, uint32_t sector_length, uint32_t flags)
{
    size_t bytes = sector_cache_bytes(slots, sector_length);
    sector_cache *cache = (sector_cache *)malloc(bytes);
    CHECK_EQUAL(SECTOR_CACHE_OK,
                sector_cache_init(cache, bytes, SECTOR_CACHE_ABI_VERSION, slots, sector_length, flags));
    return cache;
}

/* A sector of equal bytes; valid until the next call. */
static inline const uint8_t *sector_of(uint8_t byte)
{
    static uint8_t bytes[LONGEST_SECTOR];
    memset(bytes, byte, sizeof bytes);
    return bytes;
}

/* Whether that many bytes are all equal to one. */
static inline int all_equal(const uint8_t *bytes, size_t length, uint8_t byte)
{
    for (size_t at = 0; at < length; ++at) {
        if (bytes[at] != byte)
            return 0;
    }
    return 1;
}

/* Puts a sector of 137 equal bytes. */
static inline int32_t put_137(sector_cache *cache, uint8_t drive, uint32_t sector, uint8_t byte)
{
    return sector_cache_put(cache, drive, sector, sector_of(byte), 137, NULL);
}

/* Whether a sector of 137 bytes is held and is that; changes nothing. */
static inline int holds_137(const sector_cache *cache, uint8_t drive, uint32_t sector, uint8_t byte)
{
    const uint8_t *bytes = sector_cache_peek(cache, drive, sector);
    return bytes != NULL && all_equal(bytes, 137, byte);
}

static inline sector_cache_statistics statistics_of(const sector_cache *cache)
{
    sector_cache_statistics statistics;
    memset(&statistics, 0xff, sizeof statistics);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_stats(cache, &statistics));
    return statistics;
}

#endif
