/* The peer: the cache as firmware in the field has it, by Troy Hanson's uthash, under the names of
 * our library, so that both run in the same firmware and the same measurement.
 *
 * Entries come from malloc(), whose arena is the storage given at init. A hit takes its entry out of
 * the table and adds it again, which makes it the last in iteration order; when the cache is full
 * the first in that order goes. */

#include "startup.h"

#include <sector_cache.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) fault()
#include <uthash.h>

enum { SECTOR_LENGTH = 137 };
enum { MAX_ITEMS = 800 }; /* what was found to be stable in the field */

typedef struct {
    int key;
    uint8_t bytes[SECTOR_LENGTH];
    UT_hash_handle hh;
} entry;

static entry *table;
static uint32_t limit;

static uint8_t *arena;
static size_t arena_bytes, arena_used;

void *_sbrk(ptrdiff_t increment);

void *_sbrk(ptrdiff_t increment)
{
    if (increment > 0 && (size_t)increment > arena_bytes - arena_used) {
        return (void *)-1;
    }
    uint8_t *start = arena + arena_used;
    arena_used += (size_t)increment;
    return start;
}

static int key_of(uint8_t drive, uint32_t sector)
{
    return (int)((uint32_t)drive << 24 | sector);
}

static entry *find_recent(int key)
{
    entry *found;

    HASH_FIND_INT(table, &key, found);
    if (found != NULL) {
        HASH_DEL(table, found);
        HASH_ADD_INT(table, key, found);
    }
    return found;
}

static void evict_first(void)
{
    entry *first, *next;

    HASH_ITER (hh, table, first, next) {
        HASH_DEL(table, first);
        free(first);
        break;
    }
}

static void clear(void)
{
    entry *held, *next;

    HASH_ITER (hh, table, held, next) {
        HASH_DEL(table, held);
        free(held);
    }
}

uint32_t sector_cache_slots_in(size_t bytes, uint32_t sector_length)
{
    (void)bytes;
    (void)sector_length;
    return MAX_ITEMS;
}

int32_t sector_cache_init(sector_cache *cache, size_t storage_bytes, uint32_t abi_version, uint32_t slots,
                          uint32_t sector_length, uint32_t flags)
{
    (void)abi_version;
    (void)sector_length;
    (void)flags;
    clear();
    arena = (uint8_t *)cache;
    arena_bytes = storage_bytes;
    limit = slots;
    return SECTOR_CACHE_OK;
}

const uint8_t *sector_cache_get(sector_cache *cache, uint8_t drive, uint32_t sector)
{
    (void)cache;
    entry *found = find_recent(key_of(drive, sector));
    return found != NULL ? found->bytes : NULL;
}

int32_t sector_cache_read(sector_cache *cache, uint8_t drive, uint32_t sector, uint8_t *bytes, size_t length)
{
    (void)cache;
    (void)length;
    entry *found = find_recent(key_of(drive, sector));
    if (found == NULL) {
        return SECTOR_CACHE_MISS;
    }
    memcpy(bytes, found->bytes, SECTOR_LENGTH);
    return SECTOR_CACHE_OK;
}

int32_t sector_cache_put(sector_cache *cache, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length,
                         sector_cache_evicted *evicted)
{
    (void)cache;
    (void)length;
    (void)evicted;
    entry *held = find_recent(key_of(drive, sector));
    if (held != NULL) {
        memcpy(held->bytes, bytes, SECTOR_LENGTH);
        return SECTOR_CACHE_REPLACED;
    }

    int32_t outcome = SECTOR_CACHE_INSERTED;
    if (HASH_COUNT(table) >= limit) {
        evict_first();
        outcome = SECTOR_CACHE_EVICTED;
    }
    entry *added = malloc(sizeof *added);
    if (added == NULL) {
        return SECTOR_CACHE_ERROR_FULL;
    }
    added->key = key_of(drive, sector);
    memcpy(added->bytes, bytes, SECTOR_LENGTH);
    HASH_ADD_INT(table, key, added);
    return outcome;
}
