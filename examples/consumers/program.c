/* Uses the installed library, and ends with 0 if it is the one that the header belongs to and does as it says. */

#include <sector_cache.h>

#include <string.h>

enum { SLOTS = 4, SECTOR_LENGTH = 137 };

SECTOR_CACHE_STORAGE(cache, SLOTS, SECTOR_LENGTH);

int main(void)
{
    static uint8_t sector[SECTOR_LENGTH];
    static uint8_t copy[SECTOR_LENGTH];

    if (sector_cache_abi_version() != SECTOR_CACHE_ABI_VERSION) {
        return 1;
    }
    if (sector_cache_init(cache, sizeof cache_storage, SECTOR_CACHE_ABI_VERSION, SLOTS, SECTOR_LENGTH,
                          SECTOR_CACHE_LRU) != SECTOR_CACHE_OK) {
        return 2;
    }
    /* One sector more than there are slots, so that the first has to go. */
    for (uint32_t number = 0; number <= SLOTS; number++) {
        memset(sector, (int)number, sizeof sector);
        if (sector_cache_put(cache, 1, number, sector, sizeof sector, NULL) < 0) {
            return 3;
        }
    }
    if (sector_cache_read(cache, 1, 0, copy, sizeof copy) != SECTOR_CACHE_MISS) {
        return 4;
    }
    if (sector_cache_read(cache, 1, SLOTS, copy, sizeof copy) != SECTOR_CACHE_OK) {
        return 5;
    }
    if (memcmp(copy, sector, sizeof copy) != 0) {
        return 6;
    }
#ifdef SECTOR_CACHE_HOSTED
    /* Nobody listens there. */
    vdisk_client *client;
    if (vdisk_client_open(&client, SECTOR_CACHE_ABI_VERSION, "mqtt://127.0.0.1:1", "12345678", NULL) !=
            VDISK_ERROR_UNREACHABLE ||
        strstr(sector_cache_error_text(), "127.0.0.1:1") == NULL) {
        return 7;
    }
#endif
    return 0;
}
