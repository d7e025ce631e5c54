/* The example of the header's section on the cache, with a slow disk of the test's own behind it. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

static int slow_read(uint8_t drive, uint32_t sector, uint8_t *bytes);
static int slow_write(uint8_t drive, uint32_t sector, const uint8_t *bytes);

/* Written beside the program by whoever compiles it. */
#include "cache_example.inc"

enum { SECTORS = 100, BYTES = 512 };

static uint8_t slow[SECTORS][BYTES];
static int reads;
static int fails;

static int slow_read(uint8_t drive, uint32_t sector, uint8_t *bytes)
{
    CHECK(drive == 1 && sector < SECTORS);
    ++reads;
    memcpy(bytes, slow[sector], BYTES);
    return fails ? -1 : 0;
}

static int slow_write(uint8_t drive, uint32_t sector, const uint8_t *bytes)
{
    CHECK(drive == 1 && sector < SECTORS);
    if (fails)
        return -1;
    memcpy(slow[sector], bytes, BYTES);
    return 0;
}

static int reads_as(uint32_t sector, uint8_t fill)
{
    uint8_t bytes[BYTES];
    return read_sector(1, sector, bytes) == 0 && bytes[0] == fill && bytes[BYTES - 1] == fill;
}

int main(void)
{
    uint8_t bytes[BYTES];
    CHECK_EQUAL(SECTOR_CACHE_OK, cache_start());
    for (uint32_t sector = 0; sector < SECTORS; ++sector) {
        memset(bytes, (int)sector + 1, sizeof bytes);
        CHECK_EQUAL(0, write_sector(1, sector, bytes));
    }
    CHECK(reads_as(SECTORS - 1, SECTORS) && reads == 0);
    CHECK(reads_as(0, 1) && reads == 1);
    CHECK(reads_as(0, 1) && reads == 1);

    /* What a write that failed left nobody knows. */
    fails = 1;
    CHECK_EQUAL(-1, write_sector(1, 0, bytes));
    CHECK_EQUAL(-1, read_sector(1, 0, bytes));
    fails = 0;
    CHECK(reads_as(0, 1) && reads == 3);
    return CHECKS_RESULT;
}
