/* A session's storage: its size and alignment, what init refuses, and objects that are none. */

#include "device.h"
#include "fixture.h"

VDISK_SESSION_STORAGE(altair, 8, 137, 32);

/* The macro is a constant expression. */
typedef uint8_t sized_by_macro[VDISK_SESSION_BYTES(1, 1, 1)];

static void macro_computes_what_the_library_does(void)
{
    static const uint8_t windows[] = {1, 2, 8, 63, 64};
    static const uint16_t numbers[] = {1, 7, 8, 9, 19, 20, 21, 32, 137, 512, 65535};
    const size_t count = sizeof numbers / sizeof *numbers;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; ++i) {
        for (size_t j = 0; j < count * count; ++j) {
            uint16_t length = numbers[j / count], track = numbers[j % count];
            CHECK_EQUAL(VDISK_SESSION_BYTES(windows[i], length, track),
                        vdisk_session_bytes(windows[i], length, track));
        }
    }
    CHECK_EQUAL(sizeof(sized_by_macro), vdisk_session_bytes(1, 1, 1));
}

static void what_cannot_be_has_no_size(void)
{
    CHECK_EQUAL(0, vdisk_session_bytes(0, 137, 32));
    CHECK_EQUAL(0, vdisk_session_bytes(65, 137, 32));
    CHECK_EQUAL(0, vdisk_session_bytes(8, 0, 32));
    CHECK_EQUAL(0, vdisk_session_bytes(8, 137, 0));
}

static void the_options_of_an_altair_are_filled_in(void)
{
    const char *const no_names[] = {"", "a/b", "+", "\xe9", "abcdefghijklmnopqrstuvwxyz0123456"};
    vdisk_session_options options;
    memset(&options, 0x5a, sizeof options);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_session_altair(NULL, SECTOR_CACHE_ABI_VERSION, CHANNEL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION + 1, CHANNEL));
    for (size_t at = 0; at < sizeof no_names / sizeof *no_names; ++at)
        CHECK_EQUAL(VDISK_ERROR_OPTIONS, vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, no_names[at]));
    CHECK(all_equal((const uint8_t *)&options, sizeof options, 0x5a));

    const char *longest = "abcdefghijklmnopqrstuvwxyz_-0189";
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, longest));
    CHECK_EQUAL(1024 - 7 - 52, options.largest_payload);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, CHANNEL));
    CHECK(strcmp(options.channel, CHANNEL) == 0);
    CHECK(options.window == 8 && options.sector_length == 137 && options.sectors_per_track == 32);
    CHECK(options.cacheable_sectors == 1154 && options.read_timeout_ms == 8000 && options.may_fall_back == 1);
    CHECK(options.mailbox_drive == 1 && options.largest_payload == 1024 - 7 - 28);
    CHECK(options.random == NULL && options.arrived == NULL && options.told == NULL);
    CHECK(options.mailbox == NULL && options.context == NULL);
}

/* What init says of one option that is changed. */
#define CHECK_OPTION(code, field, value) \
    do { \
        vdisk_session_options changed = options_of(&self); \
        changed.field = value; \
        CHECK_EQUAL(code, vdisk_session_init(session, bytes, VERSION, &changed, 0)); \
    } while (0)

/* Every way to fail, on storage in which a session may or may not be. */
static void every_init_fails(vdisk_session *session, size_t bytes)
{
    device self;
    vdisk_session_options options = options_of(&self);
    uint8_t *storage = (uint8_t *)(void *)session;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_session_init(NULL, bytes, VERSION, &options, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_session_init(session, bytes, VERSION, NULL, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, vdisk_session_init(session, bytes, 0, &options, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, vdisk_session_init(session, bytes, VERSION + 1, &options, 0));
    for (size_t by = 1; by < 8; ++by)
        CHECK_EQUAL(SECTOR_CACHE_ERROR_ALIGNMENT,
                    vdisk_session_init((vdisk_session *)(void *)(storage + by), bytes - 8, VERSION, &options, 0));
    for (size_t less = 1; less <= bytes; ++less)
        CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL,
                    vdisk_session_init(session, bytes - less, VERSION, &options, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL, vdisk_session_init(session, SIZE_MAX, VERSION, &options, 0));

    CHECK_OPTION(SECTOR_CACHE_ERROR_NULL, channel, NULL);
    CHECK_OPTION(SECTOR_CACHE_ERROR_NULL, random, NULL);
    CHECK_OPTION(SECTOR_CACHE_ERROR_NULL, arrived, NULL);
    CHECK_OPTION(SECTOR_CACHE_ERROR_NULL, told, NULL);
    CHECK_OPTION(SECTOR_CACHE_ERROR_OUT_OF_RANGE, mailbox_drive, 16);
    CHECK_OPTION(VDISK_ERROR_OPTIONS, channel, "a/b");
    CHECK_OPTION(VDISK_ERROR_OPTIONS, window, 0);
    CHECK_OPTION(VDISK_ERROR_OPTIONS, window, 65);
    CHECK_OPTION(VDISK_ERROR_OPTIONS, sector_length, 0);
    CHECK_OPTION(VDISK_ERROR_OPTIONS, sectors_per_track, 0);
    CHECK_OPTION(VDISK_ERROR_OPTIONS, may_fall_back, 2);
    CHECK_OPTION(VDISK_ERROR_OPTIONS, largest_payload, 137 + 28 - 1);
    CHECK_OPTION(SECTOR_CACHE_ERROR_TOO_SMALL, window, 9);
    CHECK_OPTION(SECTOR_CACHE_ERROR_TOO_SMALL, sectors_per_track, 33);
}

static void a_failed_init_changes_nothing(void)
{
    size_t bytes = vdisk_session_bytes(8, 137, 32);
    uint8_t *fresh = (uint8_t *)malloc(bytes);
    memset(fresh, 0x5a, bytes);
    every_init_fails((vdisk_session *)(void *)fresh, bytes);
    CHECK(all_equal(fresh, bytes, 0x5a));
    free(fresh);

    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 3, 0x33));
    every_init_fails(self.session, bytes);
    CHECK_EQUAL(1, vdisk_session_unacknowledged(self.session));
    CHECK_EQUAL(SECTOR_CACHE_OK, read_sector(&self, 3));
    CHECK(self.arrivals == 1 && all_equal(self.arrived_bytes, SECTOR, 0x33));
    shut_down(&self);
}

static void the_smallest_payload_is_taken(void)
{
    device self;
    vdisk_session_options options = options_of(&self);
    options.largest_payload = 137 + 28;
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_init(altair, sizeof altair_storage, VERSION, &options, 0));
    options.sector_length = 1;
    options.largest_payload = 56;
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_init(altair, sizeof altair_storage, VERSION, &options, 0));
    options.largest_payload = 55;
    CHECK_EQUAL(VDISK_ERROR_OPTIONS, vdisk_session_init(altair, sizeof altair_storage, VERSION, &options, 0));
}

static void bytes_behind_the_storage_stay(void)
{
    size_t bytes = vdisk_session_bytes(8, 137, 32);
    uint8_t *storage = (uint8_t *)malloc(bytes + 64);
    device self;
    memset(&self, 0, sizeof self);
    memset(storage, 0x77, bytes + 64);
    vdisk_session_options options = options_of(&self);
    self.session = (vdisk_session *)(void *)storage;
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_init(self.session, bytes + 64, VERSION, &options, 0));
    open_session(&self);
    for (uint32_t sector = 0; sector < 8; ++sector)
        CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, sector, 0x99));
    for (uint32_t track = 1; track < 5; ++track)
        CHECK_EQUAL(VDISK_PENDING, read_sector(&self, track * TRACK));
    for (int request = 0; request < 12; ++request)
        next_request(&self);
    is_silent(&self);
    CHECK(all_equal(storage + bytes, 64, 0x77));
    free(storage);
}

/* Every function says that this is no session. */
static void everybody_refuses(vdisk_session *session, int32_t code)
{
    uint8_t bytes[SECTOR] = {1};
    const char *topic = "altair/" CHANNEL "/vdisk/data";
    vdisk_session_message message;
    vdisk_session_drive_info info;
    vdisk_session_statistics statistics;
    CHECK_EQUAL(code, vdisk_session_connected(session, 0));
    CHECK_EQUAL(code, vdisk_session_disconnected(session));
    CHECK_EQUAL(code, vdisk_session_trusts(session, 1, 0));
    CHECK_EQUAL(code, vdisk_session_read(session, 1, 0, 0));
    CHECK_EQUAL(code, vdisk_session_give_up(session, 1, 0));
    CHECK_EQUAL(code, vdisk_session_write(session, 1, 0, bytes, sizeof bytes, 0));
    CHECK_EQUAL(code, vdisk_session_unacknowledged(session));
    CHECK_EQUAL(code, vdisk_session_flush(session));
    CHECK_EQUAL(code, vdisk_session_is_flushed(session));
    CHECK_EQUAL(code, vdisk_session_resume(session, 0));
    CHECK_EQUAL(code, vdisk_session_poll(session, 0, &message));
    CHECK(vdisk_session_deadline(session, 0) == UINT64_MAX);
    CHECK_EQUAL(code, vdisk_session_received(session, topic, strlen(topic), bytes, sizeof bytes, 0, 0));
    CHECK_EQUAL(code, vdisk_session_drive(session, 1, &info));
    CHECK_EQUAL(code, vdisk_session_stats(session, &statistics));
}

static void what_is_no_session_is_refused(void)
{
    everybody_refuses(NULL, SECTOR_CACHE_ERROR_NULL);

    size_t bytes = vdisk_session_bytes(8, 137, 32);
    uint8_t *storage = (uint8_t *)malloc(bytes);
    device self;
    vdisk_session_options options = options_of(&self);
    for (int fill = 0; fill <= 0xff; ++fill) {
        vdisk_session *session = (vdisk_session *)(void *)storage;
        memset(storage, fill, bytes);
        everybody_refuses(session, SECTOR_CACHE_ERROR_NOT_INITIALISED);
        CHECK(all_equal(storage, bytes, (uint8_t)fill));
        CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_init(session, bytes, VERSION, &options, 0));
        for (size_t by = 1; by < 8; ++by)
            everybody_refuses((vdisk_session *)(void *)(storage + by), SECTOR_CACHE_ERROR_NOT_INITIALISED);
    }
    free(storage);

    sector_cache *cache = new_cache(1, 137, SECTOR_CACHE_LRU);
    everybody_refuses((vdisk_session *)(void *)cache, SECTOR_CACHE_ERROR_NOT_INITIALISED);
    free(cache);
}

static void places_for_results_may_not_be_null(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_session_poll(self.session, 0, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_session_drive(self.session, 1, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_session_stats(self.session, NULL));
    shut_down(&self);
}

int main(void)
{
    macro_computes_what_the_library_does();
    what_cannot_be_has_no_size();
    the_options_of_an_altair_are_filled_in();
    a_failed_init_changes_nothing();
    the_smallest_payload_is_taken();
    bytes_behind_the_storage_stay();
    what_is_no_session_is_refused();
    places_for_results_may_not_be_null();
    return CHECKS_RESULT;
}
