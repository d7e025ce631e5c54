/* The peer's message loop, on the peer's cache: what the library calls the mailbox's cache service. */

#include <sector_cache.h>
#include <string.h>

enum { READ = 1, WRITE = 2 };
enum { SECTOR_LENGTH = 137, HIT_LENGTH = 144, MISS_LENGTH = 4 };

typedef struct __attribute__((packed)) {
    uint8_t type;
    uint16_t sector;
    uint8_t cached;
    uint8_t success;
    uint8_t drive;
    uint8_t bytes[SECTOR_LENGTH];
    uint8_t padding;
} disk_message;

size_t sector_cache_serve(sector_cache *cache, uint8_t *message, size_t length, size_t capacity)
{
    disk_message *disk = (disk_message *)message;

    (void)length;
    (void)capacity;
    switch (disk->type) {
    case READ:
        if (sector_cache_read(cache, 0, disk->sector, disk->bytes, SECTOR_LENGTH) == SECTOR_CACHE_OK) {
            disk->cached = 1;
            disk->success = 1;
            disk->padding = 0;
            return HIT_LENGTH;
        }
        memset(message, 0, MISS_LENGTH);
        return MISS_LENGTH;
    case WRITE:
        sector_cache_put(cache, 0, disk->sector, disk->bytes, SECTOR_LENGTH, NULL);
        return 0;
    default:
        return 0;
    }
}
