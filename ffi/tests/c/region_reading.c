/* Regions are read: what was written, by every function, in both versions and with all flags. */

#include "region.h"

#include <pthread.h>

#define BLOBS 9

/* What a visitor has seen, from a blob on. */
typedef struct sighting {
    uint64_t next;
    uint64_t stop_after;
    int wrong;
    const uint8_t *last;
} sighting;

static int see(void *context, const uint8_t *bytes, size_t length)
{
    sighting *seen = (sighting *)context;
    seen->wrong += !is_blob(seen->next, bytes, length);
    seen->last = bytes;
    ++seen->next;
    return seen->next == seen->stop_after ? 7 : 0;
}

static void all_blobs_are_lent(const region_reader *region)
{
    uint64_t blobs = 0;
    uint64_t blob_bytes = 0;
    const uint8_t *bytes = NULL;
    size_t length = 0;
    CHECK_EQUAL(SECTOR_CACHE_OK, region_count(region, &blobs, &blob_bytes));
    CHECK(blobs == BLOBS && blob_bytes == 2u * (1 + 137 + 1048576));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_count(region, &blobs, NULL));

    for (uint64_t ordinal = BLOBS; ordinal-- > 0;) {
        CHECK_EQUAL(SECTOR_CACHE_OK, region_get(region, ordinal, &bytes, &length));
        CHECK(bytes != NULL && is_blob(ordinal, bytes, length));
    }
    bytes = NULL;
    length = 99;
    CHECK_EQUAL(REGION_END, region_get(region, BLOBS, &bytes, &length));
    CHECK_EQUAL(REGION_END, region_get(region, UINT64_MAX, &bytes, &length));
    CHECK(bytes == NULL && length == 99);

    sighting seen = {0, 0, 0, NULL};
    CHECK_EQUAL(0, region_scan(region, see, &seen));
    CHECK(seen.next == BLOBS && seen.wrong == 0);
}

static void a_scan_stops_where_the_visitor_says(const region_reader *region)
{
    for (uint64_t stop = 1; stop <= BLOBS; stop += 4) {
        sighting seen = {0, stop, 0, NULL};
        CHECK_EQUAL(7, region_scan(region, see, &seen));
        CHECK(seen.next == stop && seen.wrong == 0);
        CHECK(is_blob(stop - 1, seen.last, length_of(stop - 1)));
    }
}

static void a_scan_can_be_shared(const region_reader *region)
{
    size_t parts = 0;
    CHECK_EQUAL(SECTOR_CACHE_OK, region_parts(region, &parts));
    CHECK(parts >= 1);
    sighting seen = {0, 0, 0, NULL};
    for (size_t part = 0; part < parts; ++part)
        CHECK_EQUAL(0, region_scan_parts(region, part, 1, see, &seen));
    CHECK(seen.next == BLOBS && seen.wrong == 0);

    seen.next = 0;
    CHECK_EQUAL(0, region_scan_parts(region, 0, SIZE_MAX, see, &seen));
    CHECK(seen.next == BLOBS && seen.wrong == 0);
    CHECK_EQUAL(0, region_scan_parts(region, parts, SIZE_MAX, see, &seen));
    CHECK_EQUAL(0, region_scan_parts(region, SIZE_MAX, SIZE_MAX, see, &seen));
    CHECK_EQUAL(0, region_scan_parts(region, 0, 0, see, &seen));
    CHECK(seen.next == BLOBS);

    sighting stopped = {0, 1, 0, NULL};
    CHECK_EQUAL(7, region_scan_parts(region, 0, parts, see, &stopped));
    CHECK(stopped.next == 1);
}

static void both_versions_are_read_with_all_flags(void)
{
    for (uint32_t version = 1; version <= 2; ++version) {
        region_options options = options_of(version);
        write_region("a.region", &options, BLOBS);
        for (uint32_t flags = 0; flags <= (REGION_VERIFY_NEVER | REGION_RESIDENT); ++flags) {
            region_reader *region = NULL;
            if ((flags & 3) == 3) /* no such way to verify */
                continue;
            CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", flags));
            all_blobs_are_lent(region);
            a_scan_stops_where_the_visitor_says(region);
            a_scan_can_be_shared(region);
            CHECK_EQUAL(SECTOR_CACHE_OK, region_verify(region));
            CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
            CHECK(region == NULL);
        }
        remove_file("a.region");
    }
}

static void a_region_without_blobs_is_one(void)
{
    for (uint32_t version = 1; version <= 2; ++version) {
        region_options options = options_of(version);
        region_reader *region;
        uint64_t blobs = 9;
        size_t parts = 9;
        const uint8_t *bytes;
        size_t length;
        sighting seen = {0, 0, 0, NULL};
        write_region("a.region", &options, 0);
        CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_count(region, &blobs, NULL));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_parts(region, &parts));
        CHECK(blobs == 0 && parts == 0);
        CHECK_EQUAL(REGION_END, region_get(region, 0, &bytes, &length));
        CHECK_EQUAL(0, region_scan(region, see, &seen));
        CHECK(seen.next == 0);
        CHECK_EQUAL(SECTOR_CACHE_OK, region_verify(region));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
        remove_file("a.region");
    }
}

/* An id or a whole header. */
static int is_zero(const void *bytes, size_t length)
{
    const uint8_t *byte = (const uint8_t *)bytes;
    while (length > 0 && *byte == 0) {
        ++byte;
        --length;
    }
    return length == 0;
}

static void a_region_describes_itself(void)
{
    region_options options = options_of(2);
    region_reader *region;
    region_info info;
    options.header.domain = 1;
    options.header.view = 2;
    options.header.generation_clock = 3;
    options.header.generation_digest = 4;
    options.header.created_ns = 5;
    options.header.slice_key = 6;
    options.header.region_index = 7;
    options.header.region_count = 8;
    options.header.alignment = 512;
    memset(options.header.id, 10, sizeof options.header.id);
    write_region("a.region", &options, 3);
    memset(&info, 0xff, sizeof info);
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_describe(region, &info));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    CHECK(info.version == 2 && info.is_sealed == 1);
    CHECK(info.header.domain == 1 && info.header.view == 2 && info.header.generation_clock == 3);
    CHECK(info.header.generation_digest == 4 && info.header.created_ns == 5 && info.header.slice_key == 6);
    CHECK(info.header.region_index == 7 && info.header.region_count == 8 && info.header.alignment == 512);
    CHECK(memcmp(info.header.id, options.header.id, sizeof info.header.id) == 0);
    size_t length;
    free(read_file("a.region", &length));
    CHECK_EQUAL(length, info.file_bytes);
    remove_file("a.region");

    options.version = 1;
    write_region("a.region", &options, 3);
    memset(&info, 0xff, sizeof info);
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_describe(region, &info));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    CHECK(info.version == 1 && info.is_sealed == 0 && is_zero(&info.header, sizeof info.header));
    CHECK_EQUAL(2 + 4 + 4 + 1 + 4 + 137, info.file_bytes);
    remove_file("a.region");
}

static void regions_without_an_id_get_different_ones(void)
{
    region_info infos[2];
    for (int number = 0; number < 2; ++number) {
        region_reader *region;
        write_region("a.region", NULL, 3);
        CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_describe(region, &infos[number]));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
        CHECK(!is_zero(infos[number].header.id, sizeof infos[number].header.id));
        remove_file("a.region");
    }
    CHECK(memcmp(infos[0].header.id, infos[1].header.id, sizeof infos[0].header.id) != 0);
}

static void what_is_removed_or_replaced_stays_readable(void)
{
    region_reader *region;
    region_reader *other;
    uint64_t blobs;
    write_region("a.region", NULL, BLOBS);
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
    remove_file("a.region");
    write_region("a.region", NULL, 1);
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&other, "a.region", REGION_VERIFY_ONCE));
    all_blobs_are_lent(region);
    CHECK_EQUAL(SECTOR_CACHE_OK, region_verify(region));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_count(other, &blobs, NULL));
    CHECK_EQUAL(1, blobs);
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&other));
    remove_file("a.region");
}

/* One thread's share of a scan, and a lookup of every blob besides. */
typedef struct share {
    const region_reader *region;
    size_t first;
    size_t parts;
    uint64_t sum;
    int wrong;
} share;

static int add(void *context, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; ++at)
        *(uint64_t *)context += bytes[at];
    return 0;
}

static void *read_share(void *context)
{
    share *own = (share *)context;
    own->wrong += region_scan_parts(own->region, own->first, own->parts, add, &own->sum) != 0;
    for (uint64_t ordinal = 0; ordinal < BLOBS; ++ordinal) {
        const uint8_t *bytes;
        size_t length;
        own->wrong += region_get(own->region, ordinal, &bytes, &length) != SECTOR_CACHE_OK;
        own->wrong += !is_blob(ordinal, bytes, length);
    }
    return NULL;
}

static void threads_read_one_region(void)
{
    for (uint32_t version = 1; version <= 2; ++version) {
        region_options options = options_of(version);
        region_reader *region;
        size_t parts;
        uint64_t expected = 0;
        uint64_t sum = 0;
        pthread_t threads[4];
        share shares[4];
        write_region("a.region", &options, BLOBS);
        CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ALWAYS));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_parts(region, &parts));
        size_t each = parts / 4 + 1;
        for (size_t number = 0; number < 4; ++number) {
            share own = {region, number * each, each, 0, 0};
            shares[number] = own;
            CHECK_EQUAL(0, pthread_create(&threads[number], NULL, read_share, &shares[number]));
        }
        for (size_t number = 0; number < 4; ++number) {
            CHECK_EQUAL(0, pthread_join(threads[number], NULL));
            CHECK_EQUAL(0, shares[number].wrong);
            sum += shares[number].sum;
        }
        CHECK_EQUAL(0, region_scan(region, add, &expected));
        CHECK(sum == expected && sum != 0);
        CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
        remove_file("a.region");
    }
}

static void a_path_may_be_any_bytes(void)
{
    region_reader *region;
    write_region("\xe9\xff.region", NULL, 1);
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "\xe9\xff.region", REGION_VERIFY_ONCE));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    remove_file("\xe9\xff.region");
    CHECK_EQUAL(REGION_ERROR_NOT_FOUND, open_region(&region, "\xe9\xff.region", REGION_VERIFY_ONCE));
    CHECK(text_has("\xef\xbf\xbd.region: cannot open"));
}

int main(void)
{
    make_folder();
    both_versions_are_read_with_all_flags();
    a_region_without_blobs_is_one();
    a_region_describes_itself();
    regions_without_an_id_get_different_ones();
    what_is_removed_or_replaced_stays_readable();
    threads_read_one_region();
    a_path_may_be_any_bytes();
    remove_folder();
    return CHECKS_RESULT;
}
