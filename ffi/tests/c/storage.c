/* Storage: its size and alignment, what init refuses, and objects that are none. */

#include "fixture.h"

SECTOR_CACHE_STORAGE(three, 3, 137);
SECTOR_CACHE_STORAGE(none, 0, 128);
SECTOR_CACHE_DISK_STORAGE(card, 2);

/* The macros are constant expressions. */
typedef uint8_t sized_by_macro[SECTOR_CACHE_BYTES(2, 128)];
typedef uint8_t disk_sized_by_macro[SECTOR_CACHE_DISK_BYTES(2)];

#define VERSION SECTOR_CACHE_ABI_VERSION

static void versions_agree(void)
{
    CHECK_EQUAL(SECTOR_CACHE_ABI_VERSION, sector_cache_abi_version());
}

static void macros_compute_what_the_library_does(void)
{
    static const uint32_t slots[] = {0, 1, 2, 3, 7, 800, 1154, 65534, 65535};
    static const uint32_t lengths[] = {1, 128, 137, 512, 4096};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; ++i) {
        for (size_t j = 0; j < sizeof lengths / sizeof *lengths; ++j) {
            size_t bytes = SECTOR_CACHE_BYTES(slots[i], lengths[j]);
            CHECK_EQUAL(bytes, sector_cache_bytes(slots[i], lengths[j]));
            CHECK_EQUAL(slots[i], sector_cache_slots_in(bytes, lengths[j]));
            CHECK_EQUAL(slots[i] == 0 ? 0 : slots[i] - 1, sector_cache_slots_in(bytes - 1, lengths[j]));
        }
    }
    CHECK_EQUAL(sizeof(sized_by_macro), sector_cache_bytes(2, 128));
    CHECK_EQUAL(sizeof(disk_sized_by_macro), SECTOR_CACHE_DISK_HEADER_BYTES + 2 * 149);
    CHECK_EQUAL(12, SECTOR_CACHE_BYTES(1, 137) - SECTOR_CACHE_BYTES(0, 137) - 137);
}

static void what_cannot_be_has_no_size(void)
{
    CHECK_EQUAL(0, sector_cache_bytes(65536, 137));
    CHECK_EQUAL(0, sector_cache_bytes(UINT32_MAX, 137));
    CHECK_EQUAL(0, sector_cache_bytes(1, 0));
    CHECK_EQUAL(0, sector_cache_bytes(1, 16777217));
    CHECK_EQUAL(SECTOR_CACHE_BYTES(1, 16777216), sector_cache_bytes(1, 16777216));

    CHECK_EQUAL(0, sector_cache_slots_in(0, 137));
    CHECK_EQUAL(0, sector_cache_slots_in(SECTOR_CACHE_HEADER_BYTES - 1, 137));
    CHECK_EQUAL(0, sector_cache_slots_in(SECTOR_CACHE_HEADER_BYTES + 148, 137));
    CHECK_EQUAL(1, sector_cache_slots_in(SECTOR_CACHE_HEADER_BYTES + 149, 137));
    CHECK_EQUAL(65535, sector_cache_slots_in(SIZE_MAX, 137));
    CHECK_EQUAL(0, sector_cache_slots_in(SIZE_MAX, 0));
    CHECK_EQUAL(0, sector_cache_slots_in(SIZE_MAX, 16777217));
}

static void storage_macros_declare_what_init_takes(void)
{
    CHECK_EQUAL(0, (uintptr_t)three % 8);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_init(three, sizeof three_storage, VERSION, 3, 137, SECTOR_CACHE_LRU));
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(three, 0, 1, 0x11));
    CHECK(holds_137(three, 0, 1, 0x11));

    CHECK_EQUAL(0, (uintptr_t)none % 8);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_init(none, sizeof none_storage, VERSION, 0, 128, SECTOR_CACHE_LRU));
    CHECK_EQUAL(0, (uintptr_t)card % 8);
    CHECK(sizeof card_storage >= SECTOR_CACHE_DISK_BYTES(2));

    SECTOR_CACHE_STORAGE(within_a_function, 1, 512);
    CHECK_EQUAL(SECTOR_CACHE_OK,
                sector_cache_init(within_a_function, sizeof within_a_function_storage, VERSION, 1, 512, 0));
}

/* Storage that starts a number of bytes behind an address that is a multiple of 16. */
static sector_cache *shifted(uint8_t *storage, size_t by)
{
    return (sector_cache *)(void *)(storage + by);
}

/* Every way to fail, on storage in which an object may or may not be. */
static void every_init_fails(sector_cache *cache, size_t bytes)
{
    uint8_t *storage = (uint8_t *)(void *)cache;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, sector_cache_init(NULL, bytes, VERSION, 4, 137, 0));

    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, sector_cache_init(cache, bytes, 0, 4, 137, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, sector_cache_init(cache, bytes, VERSION + 1, 4, 137, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, sector_cache_init(cache, bytes, UINT32_MAX, 4, 137, 0));

    for (size_t by = 1; by < 8; ++by)
        CHECK_EQUAL(SECTOR_CACHE_ERROR_ALIGNMENT,
                    sector_cache_init(shifted(storage, by), bytes - 8, VERSION, 0, 137, 0));

    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL, sector_cache_init(cache, bytes - 1, VERSION, 4, 137, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL, sector_cache_init(cache, bytes, VERSION, 5, 137, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL,
                sector_cache_init(cache, SECTOR_CACHE_HEADER_BYTES - 1, VERSION, 0, 137, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL, sector_cache_init(cache, 0, VERSION, 0, 137, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL, sector_cache_init(cache, SIZE_MAX, VERSION, 0, 137, 0));

    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_init(cache, bytes, VERSION, 65536, 1, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_init(cache, bytes, VERSION, UINT32_MAX, 1, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_init(cache, bytes, VERSION, 4, 0, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_init(cache, bytes, VERSION, 4, 16777217, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, sector_cache_init(cache, bytes, VERSION, 4, UINT32_MAX, 0));

    CHECK_EQUAL(SECTOR_CACHE_ERROR_FLAGS, sector_cache_init(cache, bytes, VERSION, 4, 137, 4));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FLAGS, sector_cache_init(cache, bytes, VERSION, 4, 137, 7));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FLAGS, sector_cache_init(cache, bytes, VERSION, 4, 137, UINT32_C(0x80000000)));
}

static void a_failed_init_changes_nothing(void)
{
    size_t bytes = sector_cache_bytes(4, 137);
    uint8_t *fresh = (uint8_t *)malloc(bytes);
    memset(fresh, 0x5a, bytes);
    every_init_fails(shifted(fresh, 0), bytes);
    CHECK(all_equal(fresh, bytes, 0x5a));
    free(fresh);

    sector_cache *cache = new_cache(4, 137, SECTOR_CACHE_LRU);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 3, 5, 0x35));
    every_init_fails(cache, bytes);
    CHECK(holds_137(cache, 3, 5, 0x35));
    CHECK_EQUAL(1, statistics_of(cache).used);
    free(cache);
}

static void another_init_starts_anew(void)
{
    sector_cache *cache = new_cache(4, 137, SECTOR_CACHE_LRU);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 0, 1, 0x11));
    CHECK(sector_cache_get(cache, 0, 1) != NULL);
    CHECK_EQUAL(SECTOR_CACHE_OK,
                sector_cache_init(cache, sector_cache_bytes(4, 137), VERSION, 2, 128, SECTOR_CACHE_NEVER_EVICT));
    CHECK(sector_cache_peek(cache, 0, 1) == NULL);
    CHECK_EQUAL(0, statistics_of(cache).hits);
    CHECK_EQUAL(2, statistics_of(cache).slots);
    free(cache);
}

static void bytes_behind_the_storage_stay(void)
{
    size_t bytes = sector_cache_bytes(2, 137);
    uint8_t *storage = (uint8_t *)malloc(bytes + 64);
    sector_cache *cache = shifted(storage, 0);
    memset(storage, 0x77, bytes + 64);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_init(cache, bytes + 64, VERSION, 2, 137, 0));
    for (uint32_t sector = 0; sector < 9; ++sector)
        CHECK(put_137(cache, 0, sector, 0x99) > 0);
    CHECK(all_equal(storage + bytes, 64, 0x77));
    free(storage);
}

static int no_visit(void *context, const sector_cache_entry *entry)
{
    (void)context;
    (void)entry;
    CHECK(!"a visitor is called for no object");
    return 0;
}

/* Every function says that this is no object. */
static void everybody_refuses(sector_cache *object, int32_t code)
{
    uint8_t bytes[512] = {1};
    uint8_t *place = NULL;
    sector_cache_statistics statistics;
    CHECK(sector_cache_get(object, 0, 0) == NULL);
    CHECK(sector_cache_peek(object, 0, 0) == NULL);
    CHECK_EQUAL(code, sector_cache_read(object, 0, 0, bytes, 137));
    CHECK_EQUAL(code, sector_cache_put(object, 0, 0, bytes, 137, NULL));
    CHECK_EQUAL(code, sector_cache_fill_begin(object, 0, 0, &place));
    CHECK(place == NULL);
    CHECK_EQUAL(code, sector_cache_fill_finish(object, 0, 0));
    CHECK_EQUAL(code, sector_cache_fill_cancel(object, 0, 0));
    CHECK_EQUAL(code, sector_cache_remove(object, 0, 0));
    CHECK_EQUAL(code, sector_cache_pin(object, 0, 0));
    CHECK_EQUAL(code, sector_cache_unpin(object, 0, 0));
    CHECK_EQUAL(code, sector_cache_mark_dirty(object, 0, 0));
    CHECK_EQUAL(code, sector_cache_mark_clean(object, 0, 0));
    CHECK_EQUAL(code, sector_cache_invalidate_drive(object, 0));
    CHECK_EQUAL(code, sector_cache_invalidate_range(object, 0, 0, 1));
    CHECK_EQUAL(code, sector_cache_clear(object));
    CHECK_EQUAL(code, sector_cache_for_each(object, no_visit, NULL));
    CHECK_EQUAL(code, sector_cache_stats(object, &statistics));
    CHECK_EQUAL(0, sector_cache_serve(object, bytes, 3, sizeof bytes));

    sector_cache_disk *disk = (sector_cache_disk *)(void *)object;
    CHECK_EQUAL(code, sector_cache_disk_stats(disk, &statistics));
    CHECK_EQUAL(0, sector_cache_disk_serve(disk, bytes, 144, sizeof bytes));
    CHECK(bytes[0] == 1 && all_equal(bytes + 1, sizeof bytes - 1, 0));
}

static void what_is_no_object_is_refused(void)
{
    everybody_refuses(NULL, SECTOR_CACHE_ERROR_NULL);

    size_t bytes = sector_cache_bytes(1, 137);
    uint8_t *storage = (uint8_t *)malloc(bytes);
    for (int fill = 0; fill <= 0xff; ++fill) {
        memset(storage, fill, bytes);
        everybody_refuses(shifted(storage, 0), SECTOR_CACHE_ERROR_NOT_INITIALISED);
        CHECK(all_equal(storage, bytes, (uint8_t)fill));
    }
    free(storage);
}

/* Whatever the storage held before, and so whatever is between an object's fields. */
static void misaligned_objects_are_refused(void)
{
    size_t bytes = sector_cache_bytes(1, 137);
    uint8_t *storage = (uint8_t *)malloc(bytes);
    for (int fill = 0; fill <= 0xff; ++fill) {
        memset(storage, fill, bytes);
        CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_init(shifted(storage, 0), bytes, VERSION, 1, 137, 0));
        for (size_t by = 1; by < 8; ++by)
            everybody_refuses(shifted(storage, by), SECTOR_CACHE_ERROR_NOT_INITIALISED);
    }
    free(storage);
}

static int no_read(void *context, uint32_t block, uint8_t *bytes, size_t length)
{
    (void)context;
    (void)block;
    (void)bytes;
    (void)length;
    return -1;
}

static int no_write(void *context, uint32_t block, const uint8_t *bytes, size_t length)
{
    (void)context;
    (void)block;
    (void)bytes;
    (void)length;
    return -1;
}

static void a_cache_is_no_disk_and_a_disk_no_cache(void)
{
    sector_cache_statistics statistics;
    uint8_t message[144] = {1};
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_init(three, sizeof three_storage, VERSION, 3, 137, 0));
    CHECK_EQUAL(SECTOR_CACHE_OK,
                sector_cache_disk_init(card, sizeof card_storage, VERSION, 2, no_read, no_write, NULL));

    sector_cache *as_cache = (sector_cache *)(void *)card;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, sector_cache_stats(as_cache, &statistics));
    CHECK_EQUAL(0, sector_cache_serve(as_cache, message, 3, sizeof message));

    sector_cache_disk *as_disk = (sector_cache_disk *)(void *)three;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, sector_cache_disk_stats(as_disk, &statistics));
    CHECK_EQUAL(0, sector_cache_disk_serve(as_disk, message, 144, sizeof message));
}

static void what_was_overwritten_is_no_object_any_more(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_LRU);
    memset(cache, 0, SECTOR_CACHE_HEADER_BYTES);
    everybody_refuses(cache, SECTOR_CACHE_ERROR_NOT_INITIALISED);
    free(cache);
}

int main(void)
{
    versions_agree();
    macros_compute_what_the_library_does();
    what_cannot_be_has_no_size();
    storage_macros_declare_what_init_takes();
    a_failed_init_changes_nothing();
    another_init_starts_anew();
    bytes_behind_the_storage_stay();
    what_is_no_object_is_refused();
    misaligned_objects_are_refused();
    a_cache_is_no_disk_and_a_disk_no_cache();
    what_was_overwritten_is_no_object_any_more();
    return CHECKS_RESULT;
}
