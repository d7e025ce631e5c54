/* Looking up and putting: what is held, what is evicted, and in which order. */

#include "fixture.h"

#define LRU SECTOR_CACHE_LRU

static uint8_t target[LONGEST_SECTOR];

/* A sector of the length under test. */
static int32_t put(sector_cache *cache, uint32_t length, uint8_t drive, uint32_t sector, uint8_t byte)
{
    return sector_cache_put(cache, drive, sector, sector_of(byte), length, NULL);
}

static int reads(sector_cache *cache, uint32_t length, uint8_t drive, uint32_t sector, uint8_t byte)
{
    memset(target, ~byte, sizeof target);
    return sector_cache_read(cache, drive, sector, target, length) == SECTOR_CACHE_OK &&
           all_equal(target, length, byte) && all_equal(target + length, sizeof target - length, (uint8_t)~byte);
}

static void what_is_put_is_found(uint32_t length)
{
    sector_cache *cache = new_cache(3, length, LRU);
    CHECK(sector_cache_get(cache, 0, 7) == NULL);
    CHECK(sector_cache_peek(cache, 0, 7) == NULL);
    memset(target, 0xee, sizeof target);
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_read(cache, 0, 7, target, length));
    CHECK(all_equal(target, sizeof target, 0xee));

    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put(cache, length, 0, 7, 0x70));
    CHECK(reads(cache, length, 0, 7, 0x70));
    const uint8_t *lent = sector_cache_get(cache, 0, 7);
    CHECK(lent != NULL && all_equal(lent, length, 0x70));
    CHECK(sector_cache_peek(cache, 0, 7) == lent);

    CHECK_EQUAL(SECTOR_CACHE_UNCHANGED, put(cache, length, 0, 7, 0x70));
    CHECK_EQUAL(SECTOR_CACHE_REPLACED, put(cache, length, 0, 7, 0x71));
    CHECK(reads(cache, length, 0, 7, 0x71));

    /* The same number on another drive is another sector. */
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put(cache, length, 1, 7, 0x17));
    CHECK(reads(cache, length, 0, 7, 0x71));
    CHECK(reads(cache, length, 1, 7, 0x17));
    free(cache);
}

static void a_byte_that_differs_is_no_unchanged_sector(void)
{
    sector_cache *cache = new_cache(1, 137, LRU);
    uint8_t bytes[137] = {0};
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, sector_cache_put(cache, 0, 0, bytes, sizeof bytes, NULL));
    for (size_t at = 0; at < sizeof bytes; ++at) {
        bytes[at] = 1;
        CHECK_EQUAL(SECTOR_CACHE_REPLACED, sector_cache_put(cache, 0, 0, bytes, sizeof bytes, NULL));
        const uint8_t *held = sector_cache_peek(cache, 0, 0);
        CHECK(held != NULL && memcmp(held, bytes, sizeof bytes) == 0);
    }
    CHECK_EQUAL(0, statistics_of(cache).unchanged);
    free(cache);
}

static void the_least_recently_used_is_evicted(uint32_t length)
{
    sector_cache *cache = new_cache(3, length, LRU);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put(cache, length, 2, 1, 0x21));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put(cache, length, 2, 2, 0x22));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put(cache, length, 2, 3, 0x23));
    /* Used by get, by read, by put; not by peek. */
    CHECK(sector_cache_get(cache, 2, 1) != NULL);
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, put(cache, length, 2, 4, 0x24));
    CHECK(sector_cache_peek(cache, 2, 2) == NULL);
    CHECK(reads(cache, length, 2, 3, 0x23));
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, put(cache, length, 2, 5, 0x25));
    CHECK(sector_cache_peek(cache, 2, 1) == NULL);
    CHECK_EQUAL(SECTOR_CACHE_UNCHANGED, put(cache, length, 2, 4, 0x24));
    CHECK(sector_cache_peek(cache, 2, 3) != NULL);
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, put(cache, length, 2, 6, 0x26));
    CHECK(sector_cache_peek(cache, 2, 3) == NULL);
    CHECK(reads(cache, length, 2, 4, 0x24));
    CHECK(reads(cache, length, 2, 5, 0x25));
    CHECK(reads(cache, length, 2, 6, 0x26));
    free(cache);
}

static void the_evicted_sector_is_handed_over(uint32_t length)
{
    sector_cache *cache = new_cache(1, length, LRU);
    uint8_t *bytes = (uint8_t *)malloc(length);
    sector_cache_evicted evicted = {99, 9, bytes, length};

    memset(bytes, 0xee, length);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, sector_cache_put(cache, 15, 16777215, sector_of(1), length, &evicted));
    CHECK_EQUAL(SECTOR_CACHE_UNCHANGED, sector_cache_put(cache, 15, 16777215, sector_of(1), length, &evicted));
    CHECK_EQUAL(SECTOR_CACHE_REPLACED, sector_cache_put(cache, 15, 16777215, sector_of(2), length, &evicted));
    CHECK(evicted.sector == 99 && evicted.drive == 9 && all_equal(bytes, length, 0xee));

    CHECK_EQUAL(SECTOR_CACHE_EVICTED, sector_cache_put(cache, 0, 0, sector_of(3), length, &evicted));
    CHECK(evicted.sector == 16777215 && evicted.drive == 15 && all_equal(bytes, length, 2));
    CHECK(evicted.bytes == bytes && evicted.capacity == length);

    /* A buffer that is too short is refused even where nothing would be evicted, and a long one is not filled up. */
    evicted.capacity = length - 1;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, sector_cache_put(cache, 0, 0, sector_of(3), length, &evicted));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, sector_cache_put(cache, 0, 1, sector_of(4), length, &evicted));
    CHECK(sector_cache_peek(cache, 0, 1) == NULL);
    CHECK(reads(cache, length, 0, 0, 3));
    CHECK(evicted.sector == 16777215 && all_equal(bytes, length, 2));
    uint8_t *longer = (uint8_t *)malloc(length + 1);
    longer[length] = 0xaa;
    evicted.bytes = longer;
    evicted.capacity = length + 1;
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, sector_cache_put(cache, 0, 1, sector_of(4), length, &evicted));
    CHECK(evicted.sector == 0 && evicted.drive == 0 && all_equal(longer, length, 3) && longer[length] == 0xaa);

    /* Without a buffer, the name alone. */
    evicted.bytes = NULL;
    evicted.capacity = 0;
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, sector_cache_put(cache, 4, 5, sector_of(5), length, &evicted));
    CHECK(evicted.sector == 1 && evicted.drive == 0 && evicted.bytes == NULL);
    free(longer);
    free(bytes);
    free(cache);
}

static void a_cache_without_slots_refuses(uint32_t flags)
{
    sector_cache *cache = new_cache(0, 137, flags);
    uint8_t *place = target;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FULL, put_137(cache, 0, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FULL, sector_cache_fill_begin(cache, 0, 0, &place));
    CHECK(place == target);
    CHECK(sector_cache_get(cache, 0, 0) == NULL);
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_read(cache, 0, 0, target, 137));
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_remove(cache, 0, 0));
    CHECK_EQUAL(0, sector_cache_invalidate_drive(cache, 0));
    CHECK_EQUAL(0, sector_cache_invalidate_range(cache, 0, 0, UINT32_MAX));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_clear(cache));
    CHECK_EQUAL(0, statistics_of(cache).used);
    CHECK_EQUAL(0, statistics_of(cache).slots);
    CHECK_EQUAL(2, statistics_of(cache).refused);
    CHECK_EQUAL(2, statistics_of(cache).misses);
    free(cache);
}

static void a_cache_that_never_evicts_refuses_when_full(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_NEVER_EVICT);
    sector_cache_evicted evicted = {99, 9, NULL, 0};
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 1, 0x11));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 2, 0x22));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FULL, sector_cache_put(cache, 0, 3, sector_of(0x33), 137, &evicted));
    CHECK(evicted.sector == 99 && evicted.drive == 9);
    CHECK_EQUAL(SECTOR_CACHE_REPLACED, put_137(cache, 0, 1, 0x12));
    CHECK_EQUAL(1, statistics_of(cache).refused);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_remove(cache, 0, 2));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 3, 0x33));
    CHECK(holds_137(cache, 0, 1, 0x12) && holds_137(cache, 0, 3, 0x33));
    free(cache);
}

/* One byte a sector: its number's lowest. */
static void as_many_slots_as_there_may_be(void)
{
    sector_cache *cache = new_cache(65535, 1, LRU);
    for (uint32_t sector = 0; sector < 65535; ++sector)
        CHECK_EQUAL(SECTOR_CACHE_INSERTED, put(cache, 1, (uint8_t)(sector % 16), sector, (uint8_t)sector));
    for (uint32_t sector = 0; sector < 65535; ++sector) {
        const uint8_t *held = sector_cache_get(cache, (uint8_t)(sector % 16), sector);
        CHECK(held != NULL && *held == (uint8_t)sector);
    }
    CHECK_EQUAL(65535, statistics_of(cache).used);
    CHECK_EQUAL(65535, statistics_of(cache).hits);

    sector_cache_evicted evicted = {99, 99, NULL, 0};
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, sector_cache_put(cache, 0, 65536, sector_of(1), 1, &evicted));
    CHECK(evicted.sector == 0 && evicted.drive == 0);
    CHECK_EQUAL(4096, sector_cache_invalidate_drive(cache, 0));
    CHECK_EQUAL(65535 - 4096, statistics_of(cache).used);
    free(cache);
}

/* Refused by every function that names a sector. */
static void there_is_no_such_sector(sector_cache *cache, uint8_t drive, uint32_t sector)
{
    uint8_t *place = target;
    CHECK(sector_cache_get(cache, drive, sector) == NULL);
    CHECK(sector_cache_peek(cache, drive, sector) == NULL);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_read(cache, drive, sector, target, 137));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, put_137(cache, drive, sector, 1));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_fill_begin(cache, drive, sector, &place));
    CHECK(place == target);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_fill_finish(cache, drive, sector));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_fill_cancel(cache, drive, sector));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_remove(cache, drive, sector));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_pin(cache, drive, sector));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_unpin(cache, drive, sector));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_mark_dirty(cache, drive, sector));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_mark_clean(cache, drive, sector));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_invalidate_range(cache, drive, sector, 1));
}

static void drives_end_at_15_and_sectors_at_16777215(void)
{
    sector_cache *cache = new_cache(4, 137, LRU);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 15, 16777215, 0xff));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 0, 0x00));
    CHECK(holds_137(cache, 15, 16777215, 0xff) && holds_137(cache, 0, 0, 0x00));
    there_is_no_such_sector(cache, 16, 0);
    there_is_no_such_sector(cache, 255, 0);
    there_is_no_such_sector(cache, 0, 16777216);
    there_is_no_such_sector(cache, 15, UINT32_MAX);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_invalidate_drive(cache, 16));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_invalidate_drive(cache, 255));
    CHECK_EQUAL(2, statistics_of(cache).used);
    CHECK_EQUAL(0, statistics_of(cache).misses);
    free(cache);
}

static void a_wrong_length_is_refused(uint32_t length)
{
    const size_t wrong[] = {0, 1, length - 1, length + 1, 65536, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX};
    uint8_t *source = (uint8_t *)calloc(65536, 1);
    sector_cache_evicted evicted = {99, 9, target, sizeof target};
    sector_cache *cache = new_cache(1, length, LRU);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put(cache, length, 0, 1, 0x11));
    memset(target, 0xee, sizeof target);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, sector_cache_read(cache, 0, 1, target, wrong[i]));
        CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, sector_cache_put(cache, 0, 1, source, wrong[i], NULL));
        CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, sector_cache_put(cache, 0, 2, source, wrong[i], &evicted));
    }
    CHECK(all_equal(target, sizeof target, 0xee) && evicted.sector == 99);
    CHECK(reads(cache, length, 0, 1, 0x11));
    free(cache);
    free(source);
}

static void null_is_refused(void)
{
    sector_cache *cache = new_cache(1, 137, LRU);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 1, 0x11));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, sector_cache_read(cache, 0, 1, NULL, 137));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, sector_cache_put(cache, 0, 1, NULL, 137, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, sector_cache_fill_begin(cache, 0, 2, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, sector_cache_for_each(cache, NULL, target));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, sector_cache_stats(cache, NULL));
    CHECK_EQUAL(0, sector_cache_serve(cache, NULL, 3, 144));
    CHECK_EQUAL(0, sector_cache_serve(cache, NULL, 0, 0));
    CHECK(holds_137(cache, 0, 1, 0x11));
    CHECK_EQUAL(1, statistics_of(cache).used);
    free(cache);
}

int main(void)
{
    static const uint32_t lengths[] = {1, 128, 137, 512};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
        what_is_put_is_found(lengths[i]);
        the_least_recently_used_is_evicted(lengths[i]);
        the_evicted_sector_is_handed_over(lengths[i]);
    }
    a_wrong_length_is_refused(128);
    a_wrong_length_is_refused(137);
    a_wrong_length_is_refused(512);
    a_byte_that_differs_is_no_unchanged_sector();
    a_cache_without_slots_refuses(SECTOR_CACHE_LRU);
    a_cache_without_slots_refuses(SECTOR_CACHE_NEVER_EVICT);
    a_cache_that_never_evicts_refuses_when_full();
    as_many_slots_as_there_may_be();
    drives_end_at_15_and_sectors_at_16777215();
    null_is_refused();
    return CHECKS_RESULT;
}
