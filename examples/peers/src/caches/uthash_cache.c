/* The cache that firmware uses today: entries from malloc in a uthash table, whose own order is the order of use.
   To refresh an entry is to delete it and add it again; the first in order is evicted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes in use, tables included. A plain counter: the benchmark is one thread. */
static size_t live_bytes;

static void *counted_malloc(size_t size)
{
    live_bytes += size;
    return malloc(size);
}

static void counted_free(void *memory, size_t size)
{
    live_bytes -= size;
    free(memory);
}

#define uthash_malloc(size) counted_malloc(size)
#define uthash_free(memory, size) counted_free(memory, size)
#include <uthash.h>

#define SECTOR_LENGTH 137

struct entry {
    uint32_t key;
    uint8_t bytes[SECTOR_LENGTH];
    UT_hash_handle hh;
};

struct uthash_cache {
    struct entry *entries;
    uint32_t slots;
};

struct uthash_cache *uthash_cache_new(uint32_t slots)
{
    struct uthash_cache *cache = counted_malloc(sizeof *cache);
    if (cache != NULL) {
        cache->entries = NULL;
        cache->slots = slots;
    }
    return cache;
}

void uthash_cache_free(struct uthash_cache *cache)
{
    struct entry *entry, *next;
    HASH_ITER(hh, cache->entries, entry, next) {
        HASH_DEL(cache->entries, entry);
        counted_free(entry, sizeof *entry);
    }
    counted_free(cache, sizeof *cache);
}

size_t uthash_cache_live_bytes(void)
{
    return live_bytes;
}

/* Lends the bytes until the next insertion; NULL on a miss. */
const uint8_t *uthash_cache_get(struct uthash_cache *cache, uint32_t key)
{
    struct entry *entry;
    HASH_FIND(hh, cache->entries, &key, sizeof key, entry);
    if (entry == NULL) {
        return NULL;
    }
    HASH_DEL(cache->entries, entry);
    HASH_ADD(hh, cache->entries, key, sizeof key, entry);
    return entry->bytes;
}

int uthash_cache_read(struct uthash_cache *cache, uint32_t key, uint8_t *out)
{
    const uint8_t *bytes = uthash_cache_get(cache, key);
    if (bytes == NULL) {
        return 0;
    }
    memcpy(out, bytes, SECTOR_LENGTH);
    return 1;
}

int uthash_cache_holds(const struct uthash_cache *cache, uint32_t key)
{
    struct entry *entry;
    HASH_FIND(hh, cache->entries, &key, sizeof key, entry);
    return entry != NULL;
}

void uthash_cache_insert(struct uthash_cache *cache, uint32_t key, const uint8_t *bytes)
{
    struct entry *entry;
    HASH_FIND(hh, cache->entries, &key, sizeof key, entry);
    if (entry != NULL) {
        HASH_DEL(cache->entries, entry);
    } else {
        if (HASH_COUNT(cache->entries) >= cache->slots) {
            struct entry *oldest = cache->entries;
            HASH_DEL(cache->entries, oldest);
            counted_free(oldest, sizeof *oldest);
        }
        entry = counted_malloc(sizeof *entry);
        if (entry == NULL) {
            abort();
        }
        entry->key = key;
    }
    memcpy(entry->bytes, bytes, SECTOR_LENGTH);
    HASH_ADD(hh, cache->entries, key, sizeof key, entry);
}
