/* The client, where there is no server: what it refuses, and what it says then. */

#include <string.h>

#include "check.h"
#include "sector_cache.h"
#include "text.h"

#define URL "mqtt://127.0.0.1:1"
#define CHANNEL "12345678"
#define NOT_UTF_8 "gr\xfcn"

static vdisk_client_options defaults(void)
{
    vdisk_client_options options;
    memset(&options, 0xff, sizeof options);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_client_defaults(&options, SECTOR_CACHE_ABI_VERSION));
    return options;
}

/* Opens what cannot be opened: the place is NULL then. */
static int32_t refused(const char *url, const char *channel, const vdisk_client_options *options)
{
    static int anything;
    vdisk_client *client = (vdisk_client *)(void *)&anything;
    int32_t code = vdisk_client_open(&client, SECTOR_CACHE_ABI_VERSION, url, channel, options);
    CHECK(client == NULL);
    return code;
}

static void the_defaults_are_what_the_manual_says(void)
{
    vdisk_client_options options = defaults();
    CHECK(options.user == NULL && options.password == NULL && options.client_identifier == NULL);
    CHECK(options.authority_file == NULL && options.certificate_file == NULL && options.key_file == NULL);
    CHECK_EQUAL(5000, options.connect_timeout_ms);
    CHECK_EQUAL(15000, options.open_timeout_ms);
    CHECK_EQUAL(8000, options.timeout_ms);
    CHECK_EQUAL(4096, options.cache_slots);
    CHECK_EQUAL(137, options.sector_length);
    CHECK_EQUAL(32, options.sectors_per_track);
    CHECK_EQUAL(16384, options.largest_frame);
    CHECK_EQUAL(64, options.window);
    CHECK_EQUAL(1, options.may_fall_back);

    options.window = 3;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, vdisk_client_defaults(&options, SECTOR_CACHE_ABI_VERSION + 1));
    CHECK_EQUAL(3, options.window);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_defaults(NULL, SECTOR_CACHE_ABI_VERSION));
}

static void null_is_refused_everywhere(void)
{
    uint8_t bytes[137] = {0};
    vdisk_session_drive_info info;
    vdisk_client_statistics statistics;
    vdisk_session_event event;
    vdisk_client *client = NULL;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_open(NULL, SECTOR_CACHE_ABI_VERSION, URL, CHANNEL, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION,
                vdisk_client_open(&client, SECTOR_CACHE_ABI_VERSION + 1, URL, CHANNEL, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, refused(NULL, CHANNEL, NULL));
    CHECK(text_has("URL"));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, refused(URL, NULL, NULL));
    CHECK(text_has("channel"));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_read(client, 1, 0, bytes, sizeof bytes));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_write(client, 1, 0, bytes, sizeof bytes));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_flush(client));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_drives(client));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_drive(client, 1, &info));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_stats(client, &statistics));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_next_event(client, 0, &event));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_resume(client));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_close(&client));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_close(NULL));
    CHECK(text_has("NULL"));
}

static void what_is_no_client_is_refused(void)
{
    uint8_t bytes[137] = {0};
    vdisk_session_drive_info info;
    vdisk_client_statistics statistics;
    vdisk_session_event event;
    uint64_t zeros[4] = {0};
    vdisk_client *client = (vdisk_client *)(void *)zeros;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, vdisk_client_read(client, 1, 0, bytes, sizeof bytes));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, vdisk_client_write(client, 1, 0, bytes, sizeof bytes));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, vdisk_client_flush(client));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, vdisk_client_drives(client));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, vdisk_client_drive(client, 1, &info));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, vdisk_client_stats(client, &statistics));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, vdisk_client_next_event(client, 0, &event));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, vdisk_client_resume(client));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NOT_INITIALISED, vdisk_client_close(&client));
    CHECK(client == (vdisk_client *)(void *)zeros);
}

static void addresses_that_cannot_be_are_refused(void)
{
    CHECK_EQUAL(VDISK_ERROR_URL, refused("http://127.0.0.1", CHANNEL, NULL));
    CHECK(text_has("mqtt://"));
    CHECK_EQUAL(VDISK_ERROR_URL, refused("", CHANNEL, NULL));
    CHECK_EQUAL(VDISK_ERROR_URL, refused("mqtt://user:secret@127.0.0.1", CHANNEL, NULL));
    CHECK(text_has("options of their own") && strstr(sector_cache_error_text(), "secret") == NULL);
    CHECK_EQUAL(VDISK_ERROR_OPTIONS, refused(URL, "no/channel", NULL));
    CHECK(text_has("no/channel"));
    CHECK_EQUAL(VDISK_ERROR_OPTIONS, refused(URL, "", NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TEXT, refused(NOT_UTF_8, CHANNEL, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TEXT, refused(URL, NOT_UTF_8, NULL));
    /* Nobody listens there. */
    CHECK_EQUAL(VDISK_ERROR_UNREACHABLE, refused(URL, CHANNEL, NULL));
    CHECK(text_has("127.0.0.1:1"));
}

/* Refused for its options, before anything is connected to. */
#define CHECK_REFUSED(expected, url, field, value) \
    do { \
        vdisk_client_options options = defaults(); \
        options.field = value; \
        CHECK_EQUAL(expected, refused(url, CHANNEL, &options)); \
    } while (0)

static void options_that_cannot_be_are_refused(void)
{
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, window, 0);
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, window, 65);
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, sector_length, 0);
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, sectors_per_track, 0);
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, largest_frame, 164);
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, timeout_ms, 0);
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, connect_timeout_ms, 999);
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, may_fall_back, 2);
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, client_identifier, "a/b");
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, URL, authority_file, "/nowhere/ca.pem");
    CHECK_REFUSED(VDISK_ERROR_OPTIONS, "mqtts://127.0.0.1:1", authority_file, NULL);
    CHECK(text_has("authority_file"));
    CHECK_REFUSED(SECTOR_CACHE_ERROR_FILE, "mqtts://127.0.0.1:1", authority_file, "/nowhere/ca.pem");
    CHECK(text_has("/nowhere/ca.pem"));
    /* One of a pair, either of them. */
    CHECK_REFUSED(SECTOR_CACHE_ERROR_NULL, URL, user, "somebody");
    CHECK(text_has("password"));
    CHECK_REFUSED(SECTOR_CACHE_ERROR_NULL, URL, password, "secret");
    CHECK(text_has("user"));
    CHECK_REFUSED(SECTOR_CACHE_ERROR_NULL, URL, certificate_file, "device.pem");
    CHECK_REFUSED(SECTOR_CACHE_ERROR_NULL, URL, key_file, "device.key");
    CHECK_REFUSED(SECTOR_CACHE_ERROR_TEXT, URL, client_identifier, NOT_UTF_8);
    CHECK(text_has("client_identifier"));
}

int main(void)
{
    the_defaults_are_what_the_manual_says();
    null_is_refused_everywhere();
    what_is_no_client_is_refused();
    addresses_that_cannot_be_are_refused();
    options_that_cannot_be_are_refused();
    return CHECKS_RESULT;
}
