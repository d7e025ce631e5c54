/* The cache of a drive that is elsewhere, on an M4 core of the MT3620. */

#include "message_loop.h"
#include "startup.h"

#include <sector_cache.h>

enum { SECTOR_LENGTH = 137 };

/* 172,032 bytes of the TCM; code, stack and the mailbox share the other 24 KiB. */
#define STORAGE_SLOTS 1154

/* The peer that we are measured against holds fewer in the same memory. */
#ifndef SLOTS
#define SLOTS STORAGE_SLOTS
#endif

SECTOR_CACHE_STORAGE(cache, STORAGE_SLOTS, SECTOR_LENGTH);

static size_t serve(uint8_t *message, size_t length, size_t capacity)
{
    return sector_cache_serve(cache, message, length, capacity);
}

int main(void)
{
    if (sector_cache_init(cache, sizeof cache_storage, SECTOR_CACHE_ABI_VERSION, SLOTS, SECTOR_LENGTH,
                          SECTOR_CACHE_LRU) != SECTOR_CACHE_OK) {
        fault();
    }
    message_loop(serve);
}
