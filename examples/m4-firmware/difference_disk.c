/* The difference disk of an M4 core of the MT3620: the disk itself is elsewhere and cannot be written, what was written
 * lies here until a clear. What finds no room is dropped, and the emulator is not told: it waits for no answer to a
 * write, and would take one for that to its next read. */

#include "message_loop.h"
#include "startup.h"

#include <sector_cache.h>

/* 172,032 bytes of the TCM: as many sectors can differ. */
enum { SLOTS = 1154, SECTOR_LENGTH = 137 };

SECTOR_CACHE_STORAGE(differences, SLOTS, SECTOR_LENGTH);

static size_t serve(uint8_t *message, size_t length, size_t capacity)
{
    return sector_cache_serve(differences, message, length, capacity);
}

int main(void)
{
    if (sector_cache_init(differences, sizeof differences_storage, SECTOR_CACHE_ABI_VERSION, SLOTS, SECTOR_LENGTH,
                          SECTOR_CACHE_NEVER_EVICT) != SECTOR_CACHE_OK) {
        fault();
    }
    message_loop(serve);
}
