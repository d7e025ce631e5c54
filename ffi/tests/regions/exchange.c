/* exchange write | read PATH VERSION BLOBS: writes a region of blobs that a program in Rust knows, too, or finds nothing
 * else in one. */

#include "region.h"

static int see(void *context, const uint8_t *bytes, size_t length)
{
    uint64_t *next = (uint64_t *)context;
    CHECK(is_blob(*next, bytes, length));
    ++*next;
    return 0;
}

int main(int count, char **arguments)
{
    if (count != 5)
        return 2;
    const char *path = arguments[2];
    uint32_t version = (uint32_t)atoi(arguments[3]);
    uint64_t blobs = (uint64_t)atoi(arguments[4]);

    if (strcmp(arguments[1], "write") == 0) {
        region_options options = options_of(version);
        region_writer *writer;
        region_sealed sealed;
        CHECK_EQUAL(SECTOR_CACHE_OK, region_create(&writer, VERSION, path, &options));
        for (uint64_t ordinal = 0; ordinal < blobs; ++ordinal)
            CHECK_EQUAL(SECTOR_CACHE_OK, append_blob(writer, ordinal));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_seal(&writer, &sealed));
        CHECK_EQUAL(blobs, sealed.blobs);
    } else {
        region_reader *region;
        region_info info;
        uint64_t next = 0;
        CHECK_EQUAL(SECTOR_CACHE_OK, region_open(&region, VERSION, path, REGION_VERIFY_ONCE));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_describe(region, &info));
        CHECK_EQUAL(version, info.version);
        CHECK_EQUAL(0, region_scan(region, see, &next));
        CHECK_EQUAL(blobs, next);
        CHECK_EQUAL(SECTOR_CACHE_OK, region_verify(region));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    }
    return CHECKS_RESULT;
}
