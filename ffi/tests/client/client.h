/* What the tests of a client with a server share. */

#ifndef CLIENT_H
#define CLIENT_H

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "sector_cache.h"

#define CHANNEL "12345678"
#define DRIVE 1
#define SECTOR 137
#define SECTORS (77 * 32)

/* What a sector of drive B is full of, before and after it was written. */
static inline uint8_t fill_of(uint32_t sector, int is_written)
{
    return (uint8_t)((sector * 7 + 1 + (is_written ? 100 : 0)) % 251);
}

/* Waits as long as a machine with other things to do takes. */
static inline vdisk_client_options patient(void)
{
    vdisk_client_options options;
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_client_defaults(&options, SECTOR_CACHE_ABI_VERSION));
    options.connect_timeout_ms = 60000;
    options.open_timeout_ms = 60000;
    options.timeout_ms = 60000;
    options.may_fall_back = 0;
    return options;
}

/* A client; the program ends if there is none. */
static inline vdisk_client *open_client(const char *url, const vdisk_client_options *options)
{
    vdisk_client *client;
    int32_t code = vdisk_client_open(&client, SECTOR_CACHE_ABI_VERSION, url, CHANNEL, options);
    if (code != SECTOR_CACHE_OK) {
        fprintf(stderr, "%s: %ld: %s\n", url, (long)code, sector_cache_error_text());
        exit(1);
    }
    return client;
}

/* Done, or the text says why not. */
static inline void check_done(int32_t code, const char *expression, const char *file, int line)
{
    if (code != SECTOR_CACHE_OK)
        fprintf(stderr, "%s\n", sector_cache_error_text());
    check_equal(SECTOR_CACHE_OK, code, expression, file, line);
}
#define CHECK_DONE(expression) check_done((expression), #expression, __FILE__, __LINE__)

static inline void read_and_check(vdisk_client *client, uint32_t sector, uint8_t fill)
{
    uint8_t bytes[SECTOR];
    memset(bytes, 0xff, sizeof bytes);
    CHECK_DONE(vdisk_client_read(client, DRIVE, sector, bytes, sizeof bytes));
    for (size_t at = 0; at < sizeof bytes; ++at)
        CHECK_EQUAL(fill, bytes[at]);
}

static inline void write_sector(vdisk_client *client, uint32_t sector, uint8_t fill)
{
    uint8_t bytes[SECTOR];
    memset(bytes, fill, sizeof bytes);
    CHECK_DONE(vdisk_client_write(client, DRIVE, sector, bytes, sizeof bytes));
}

/* The next event of a kind; the program ends if it does not come. */
static inline vdisk_session_event await_event(vdisk_client *client, uint8_t kind)
{
    vdisk_session_event event;
    do {
        if (vdisk_client_next_event(client, 60000, &event) != SECTOR_CACHE_OK) {
            fprintf(stderr, "event %d does not come\n", kind);
            exit(1);
        }
    } while (event.kind != kind);
    return event;
}

#endif
