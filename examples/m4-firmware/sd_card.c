/* The disks on an SD card behind an M4 core of the MT3620, and a cache in front of them. Sector s of drive d is block
 * s + 3,000 d of the card. */

#include "card.h"
#include "message_loop.h"
#include "startup.h"

#include <sector_cache.h>

/* 172,032 bytes of the TCM. */
enum { SLOTS = 1153 };

SECTOR_CACHE_DISK_STORAGE(disk, SLOTS);

static size_t serve(uint8_t *message, size_t length, size_t capacity)
{
    return sector_cache_disk_serve(disk, message, length, capacity);
}

int main(void)
{
    if (sector_cache_disk_init(disk, sizeof disk_storage, SECTOR_CACHE_ABI_VERSION, SLOTS, card_read, card_write,
                               NULL) != SECTOR_CACHE_OK) {
        fault();
    }
    message_loop(serve);
}
