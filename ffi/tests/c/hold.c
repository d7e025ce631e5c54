/* Fills, pins and dirty sectors, invalidation, iteration and statistics. */

#include "fixture.h"

static int32_t begin(sector_cache *cache, uint32_t sector, uint8_t **place)
{
    *place = NULL;
    return sector_cache_fill_begin(cache, 0, sector, place);
}

static void a_fill_shows_when_it_is_finished(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_LRU);
    uint8_t *place;
    CHECK_EQUAL(SECTOR_CACHE_OK, begin(cache, 1, &place));
    CHECK(place != NULL);
    CHECK_EQUAL(1, statistics_of(cache).used);
    CHECK(sector_cache_get(cache, 0, 1) == NULL);
    CHECK(sector_cache_peek(cache, 0, 1) == NULL);

    /* Nobody else gets the sector or its slot meanwhile. */
    uint8_t *other = NULL;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FILLING, sector_cache_fill_begin(cache, 0, 1, &other));
    CHECK(other == NULL);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FILLING, put_137(cache, 0, 1, 0xee));
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_pin(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_unpin(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_mark_dirty(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_mark_clean(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 2, 0x22));
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, put_137(cache, 0, 3, 0x33));

    memset(place, 0x11, 137);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_fill_finish(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_fill_finish(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_fill_cancel(cache, 0, 1));
    CHECK(holds_137(cache, 0, 1, 0x11) && sector_cache_peek(cache, 0, 1) == place);

    /* It is the most recently used. */
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, put_137(cache, 0, 4, 0x44));
    CHECK(holds_137(cache, 0, 1, 0x11) && sector_cache_peek(cache, 0, 3) == NULL);
    free(cache);
}

static void a_fill_that_ends_otherwise_drops_the_sector(void)
{
    sector_cache *cache = new_cache(1, 137, SECTOR_CACHE_LRU);
    uint8_t *place;
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_fill_cancel(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, begin(cache, 1, &place));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_fill_cancel(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, begin(cache, 1, &place));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_remove(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, begin(cache, 1, &place));
    CHECK_EQUAL(1, sector_cache_invalidate_drive(cache, 0));
    CHECK_EQUAL(SECTOR_CACHE_OK, begin(cache, 1, &place));
    CHECK_EQUAL(1, sector_cache_invalidate_range(cache, 0, 1, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, begin(cache, 1, &place));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_clear(cache));
    CHECK_EQUAL(0, statistics_of(cache).used);
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_fill_finish(cache, 0, 1));

    /* What was held before is lost too, and all the time unseen. */
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 1, 0x11));
    CHECK_EQUAL(SECTOR_CACHE_OK, begin(cache, 1, &place));
    CHECK(sector_cache_peek(cache, 0, 1) == NULL);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_fill_cancel(cache, 0, 1));
    CHECK(sector_cache_peek(cache, 0, 1) == NULL);
    free(cache);
}

static void a_fill_evicts_as_a_put_does(void)
{
    sector_cache *cache = new_cache(1, 137, SECTOR_CACHE_LRU);
    uint8_t *place;
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 1, 0x11));
    CHECK_EQUAL(SECTOR_CACHE_OK, begin(cache, 2, &place));
    CHECK(sector_cache_peek(cache, 0, 1) == NULL);
    CHECK_EQUAL(1, statistics_of(cache).evictions);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FULL, begin(cache, 3, &place));
    CHECK(place == NULL);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FULL, put_137(cache, 0, 3, 0x33));
    CHECK_EQUAL(2, statistics_of(cache).refused);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_fill_finish(cache, 0, 2));

    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_mark_dirty(cache, 0, 2));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_DIRTY, begin(cache, 2, &place));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_DIRTY, begin(cache, 3, &place));
    CHECK(place == NULL && sector_cache_peek(cache, 0, 2) != NULL);
    free(cache);

    cache = new_cache(1, 137, SECTOR_CACHE_NEVER_EVICT);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 1, 0x11));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FULL, begin(cache, 2, &place));
    CHECK(holds_137(cache, 0, 1, 0x11));
    free(cache);
}

static void a_pinned_sector_stays(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_LRU);
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_pin(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_unpin(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 1, 0x11));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_pin(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_pin(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_REPLACED, put_137(cache, 0, 1, 0x12));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 2, 0x22));
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, put_137(cache, 0, 3, 0x33));
    CHECK(holds_137(cache, 0, 1, 0x12));

    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_pin(cache, 0, 3));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FULL, put_137(cache, 0, 4, 0x44));
    CHECK_EQUAL(1, statistics_of(cache).refused);

    /* Unpinned, it is the most recently used, and once is enough. */
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_unpin(cache, 0, 3));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_unpin(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_unpin(cache, 0, 3));
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, put_137(cache, 0, 4, 0x44));
    CHECK(holds_137(cache, 0, 1, 0x12) && sector_cache_peek(cache, 0, 3) == NULL);
    free(cache);
}

static void a_dirty_sector_is_not_evicted(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_LRU);
    sector_cache_evicted evicted = {99, 9, NULL, 0};
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_mark_dirty(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_mark_clean(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 1, 0x11));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 2, 0x22));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_mark_dirty(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_DIRTY, sector_cache_put(cache, 0, 3, sector_of(0x33), 137, &evicted));
    CHECK(evicted.sector == 99 && evicted.drive == 9);
    CHECK(holds_137(cache, 0, 1, 0x11) && holds_137(cache, 0, 2, 0x22));
    CHECK_EQUAL(0, statistics_of(cache).evictions);

    /* It may be written to and stays dirty; elsewhere in line it is in nobody's way. */
    CHECK_EQUAL(SECTOR_CACHE_REPLACED, put_137(cache, 0, 1, 0x12));
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, sector_cache_put(cache, 0, 3, sector_of(0x33), 137, &evicted));
    CHECK(evicted.sector == 2 && evicted.drive == 0);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_DIRTY, put_137(cache, 0, 4, 0x44));

    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_mark_clean(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, put_137(cache, 0, 4, 0x44));
    CHECK(sector_cache_peek(cache, 0, 1) == NULL);
    free(cache);
}

static void a_sector_is_removed_whatever_its_state(void)
{
    sector_cache *cache = new_cache(3, 137, SECTOR_CACHE_LRU);
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_remove(cache, 0, 1));
    for (uint32_t sector = 1; sector <= 3; ++sector)
        CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, sector, 0x11));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_mark_dirty(cache, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_pin(cache, 0, 2));
    for (uint32_t sector = 1; sector <= 3; ++sector) {
        CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_remove(cache, 0, sector));
        CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_remove(cache, 0, sector));
        CHECK(sector_cache_get(cache, 0, sector) == NULL);
    }
    CHECK_EQUAL(0, statistics_of(cache).used);

    /* What held them takes others, and remembers neither dirt nor pins. */
    for (uint32_t sector = 4; sector <= 6; ++sector)
        CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, sector, 0x44));
    for (uint32_t sector = 7; sector <= 9; ++sector)
        CHECK_EQUAL(SECTOR_CACHE_EVICTED, put_137(cache, 0, sector, 0x77));
    free(cache);
}

static void ranges_and_drives_are_invalidated(void)
{
    sector_cache *cache = new_cache(40, 137, SECTOR_CACHE_LRU);
    for (uint8_t drive = 0; drive < 2; ++drive) {
        for (uint32_t sector = 0; sector < 20; ++sector)
            CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, drive, sector, (uint8_t)sector));
    }
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_mark_dirty(cache, 0, 5));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_pin(cache, 0, 6));

    CHECK_EQUAL(0, sector_cache_invalidate_range(cache, 0, 5, 0));
    CHECK_EQUAL(3, sector_cache_invalidate_range(cache, 0, 5, 3));
    CHECK_EQUAL(0, sector_cache_invalidate_range(cache, 0, 5, 3));
    CHECK(holds_137(cache, 0, 4, 4) && holds_137(cache, 0, 8, 8) && holds_137(cache, 1, 5, 5));
    for (uint32_t sector = 5; sector < 8; ++sector)
        CHECK(sector_cache_peek(cache, 0, sector) == NULL);

    /* More sectors than slots, and past the end of the drive. */
    CHECK_EQUAL(10, sector_cache_invalidate_range(cache, 1, 10, UINT32_MAX));
    CHECK(holds_137(cache, 1, 9, 9) && sector_cache_peek(cache, 1, 10) == NULL);
    CHECK_EQUAL(0, sector_cache_invalidate_range(cache, 1, 16777215, 2));

    CHECK_EQUAL(17, sector_cache_invalidate_drive(cache, 0));
    CHECK_EQUAL(0, sector_cache_invalidate_drive(cache, 0));
    CHECK_EQUAL(10, statistics_of(cache).used);

    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_mark_dirty(cache, 1, 0));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_pin(cache, 1, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_clear(cache));
    CHECK_EQUAL(0, statistics_of(cache).used);
    CHECK_EQUAL(0, sector_cache_invalidate_drive(cache, 1));
    free(cache);
}

/* What a visitor saw, after how many it stops, and with what. */
typedef struct {
    char seen[64];
    size_t length;
    size_t most;
    int result;
} visits;

/* Notes the sector as a digit, pinned and dirty ones with a letter behind it. */
static int note(void *context, const sector_cache_entry *entry)
{
    visits *noted = (visits *)context;
    CHECK_EQUAL(3, entry->drive);
    CHECK(all_equal(entry->bytes, 137, (uint8_t)entry->sector));
    noted->seen[noted->length++] = (char)('0' + entry->sector);
    CHECK(entry->pinned <= 1 && entry->dirty <= 1);
    if (entry->pinned)
        noted->seen[noted->length++] = 'p';
    if (entry->dirty)
        noted->seen[noted->length++] = 'd';
    noted->seen[noted->length] = '\0';
    return --noted->most == 0 ? noted->result : 0;
}

/* Whether exactly that is shown, until the visitor stops after so many. */
static int shows(const sector_cache *cache, const char *expected, size_t most, int result)
{
    visits noted = {{0}, 0, most, result};
    CHECK_EQUAL(result, sector_cache_for_each(cache, note, &noted));
    return strcmp(noted.seen, expected) == 0;
}

static void all_sectors_are_shown_in_order(void)
{
    sector_cache *cache = new_cache(5, 137, SECTOR_CACHE_LRU);
    uint8_t *place = NULL;
    CHECK(shows(cache, "", 99, 0));
    for (uint32_t sector = 1; sector <= 4; ++sector)
        CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 3, sector, (uint8_t)sector));
    CHECK(shows(cache, "4321", 99, 0));
    CHECK(sector_cache_get(cache, 3, 2) != NULL);
    CHECK(shows(cache, "2431", 99, 0));
    CHECK(sector_cache_peek(cache, 3, 1) != NULL);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_mark_dirty(cache, 3, 4));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_pin(cache, 3, 1));
    CHECK(shows(cache, "1p24d3", 99, 0));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_fill_begin(cache, 3, 5, &place));
    CHECK(shows(cache, "1p24d3", 99, 0));
    memset(place, 5, 137);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_fill_finish(cache, 3, 5));
    CHECK(shows(cache, "1p524d3", 99, 0));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_mark_clean(cache, 3, 4));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_unpin(cache, 3, 1));
    CHECK(shows(cache, "15243", 99, 0));

    CHECK(shows(cache, "1", 1, -77));
    CHECK(shows(cache, "152", 3, 77));
    CHECK(shows(cache, "15243", 5, -77));
    free(cache);
}

static void statistics_count(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_LRU);
    uint8_t bytes[137];
    sector_cache_statistics fresh = statistics_of(cache);
    CHECK(fresh.hits == 0 && fresh.misses == 0 && fresh.evictions == 0 && fresh.unchanged == 0);
    CHECK(fresh.refused == 0 && fresh.used == 0 && fresh.slots == 2);

    CHECK(sector_cache_get(cache, 0, 1) == NULL);
    CHECK_EQUAL(SECTOR_CACHE_MISS, sector_cache_read(cache, 0, 1, bytes, 137));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 1, 1));
    CHECK_EQUAL(SECTOR_CACHE_UNCHANGED, put_137(cache, 0, 1, 1));
    CHECK_EQUAL(SECTOR_CACHE_REPLACED, put_137(cache, 0, 1, 2));
    CHECK(sector_cache_get(cache, 0, 1) != NULL);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_read(cache, 0, 1, bytes, 137));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_read(cache, 0, 1, bytes, 137));
    CHECK(sector_cache_peek(cache, 0, 1) != NULL && sector_cache_peek(cache, 0, 9) == NULL);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 2, 2));
    for (uint32_t sector = 3; sector < 8; ++sector)
        CHECK_EQUAL(SECTOR_CACHE_EVICTED, put_137(cache, 0, sector, 3));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_pin(cache, 0, 6));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_pin(cache, 0, 7));
    for (uint32_t sector = 8; sector < 12; ++sector)
        CHECK_EQUAL(SECTOR_CACHE_ERROR_FULL, put_137(cache, 0, sector, 4));

    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_clear(cache));
    sector_cache_statistics statistics = statistics_of(cache);
    CHECK_EQUAL(3, statistics.hits);
    CHECK_EQUAL(2, statistics.misses);
    CHECK_EQUAL(5, statistics.evictions);
    CHECK_EQUAL(1, statistics.unchanged);
    CHECK_EQUAL(4, statistics.refused);
    CHECK_EQUAL(0, statistics.used);
    CHECK_EQUAL(2, statistics.slots);
    free(cache);
}

int main(void)
{
    a_fill_shows_when_it_is_finished();
    a_fill_that_ends_otherwise_drops_the_sector();
    a_fill_evicts_as_a_put_does();
    a_pinned_sector_stays();
    a_dirty_sector_is_not_evicted();
    a_sector_is_removed_whatever_its_state();
    ranges_and_drives_are_invalidated();
    all_sectors_are_shown_in_order();
    statistics_count();
    return CHECKS_RESULT;
}
