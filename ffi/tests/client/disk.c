/*
 * A client of the server whose URL is the argument: reads all of drive B by several threads, and writes a part of it; one of two is
 * taken over by the other. Drive A is a minidisk that cannot be written.
 */

#include <pthread.h>

#include "client.h"

#define FIRST_WRITTEN 100
#define WRITTEN 200
#define THREADS 4

static int is_written(uint32_t sector)
{
    return sector >= FIRST_WRITTEN && sector < FIRST_WRITTEN + WRITTEN;
}

static vdisk_client_statistics statistics_of(vdisk_client *client)
{
    vdisk_client_statistics statistics;
    memset(&statistics, 0xff, sizeof statistics);
    CHECK_DONE(vdisk_client_stats(client, &statistics));
    return statistics;
}

static void drives_are_told(vdisk_client *client)
{
    vdisk_session_drive_info info;
    CHECK_EQUAL(2, vdisk_client_drives(client));
    CHECK_DONE(vdisk_client_drive(client, 0, &info));
    CHECK(info.tracks == 35 && info.sectors_per_track == 16 && info.sector_length == SECTOR && info.is_read_only == 1);
    CHECK_DONE(vdisk_client_drive(client, DRIVE, &info));
    CHECK(info.tracks == 77 && info.sectors_per_track == 32 && info.sector_length == SECTOR && info.is_read_only == 0);
    info.tracks = 1;
    CHECK_EQUAL(VDISK_ERROR_NO_DRIVE, vdisk_client_drive(client, 2, &info));
    CHECK(strstr(sector_cache_error_text(), "C:") != NULL);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, vdisk_client_drive(client, 16, &info));
    CHECK_EQUAL(1, info.tracks);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_drive(client, DRIVE, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_stats(client, NULL));
}

static void what_cannot_be_is_refused_and_changes_nothing(vdisk_client *client)
{
    uint8_t bytes[SECTOR];
    memset(bytes, 0xaa, sizeof bytes);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_read(client, DRIVE, 0, NULL, SECTOR));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_write(client, DRIVE, 0, NULL, SECTOR));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, vdisk_client_read(client, DRIVE, 0, bytes, SECTOR - 1));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, vdisk_client_read(client, DRIVE, 0, bytes, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, vdisk_client_read(client, DRIVE, 0, bytes, SIZE_MAX));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, vdisk_client_write(client, DRIVE, 0, bytes, SECTOR - 1));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, vdisk_client_write(client, DRIVE, 0, bytes, SIZE_MAX));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, vdisk_client_read(client, DRIVE, SECTORS, bytes, SECTOR));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, vdisk_client_write(client, DRIVE, SECTORS, bytes, SECTOR));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, vdisk_client_read(client, 16, 0, bytes, SECTOR));
    CHECK(strstr(sector_cache_error_text(), "sector 0 of drive 16: drives are 0 to 15") != NULL);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, vdisk_client_write(client, DRIVE, UINT32_MAX, bytes, SECTOR));
    CHECK_EQUAL(VDISK_ERROR_NO_DRIVE, vdisk_client_read(client, 2, 0, bytes, SECTOR));
    CHECK_EQUAL(VDISK_ERROR_NO_DRIVE, vdisk_client_write(client, 2, 0, bytes, SECTOR));
    CHECK_EQUAL(VDISK_ERROR_READ_ONLY, vdisk_client_write(client, 0, 0, bytes, SECTOR));
    CHECK(strstr(sector_cache_error_text(), "A:") != NULL);
    for (size_t at = 0; at < sizeof bytes; ++at)
        CHECK_EQUAL(0xaa, bytes[at]);
    CHECK_DONE(vdisk_client_flush(client));
}

static void shorter_sectors_than_the_drives_are_refused(const char *url)
{
    uint8_t bytes[SECTOR];
    vdisk_client_options options = patient();
    options.sector_length = 128;
    vdisk_client *client = open_client(url, &options);
    CHECK_EQUAL(VDISK_ERROR_TOO_LONG, vdisk_client_read(client, DRIVE, 0, bytes, SECTOR));
    CHECK_DONE(vdisk_client_close(&client));
}

static void *read_all(void *client)
{
    for (uint32_t sector = 0; sector < SECTORS; ++sector)
        read_and_check((vdisk_client *)client, sector, fill_of(sector, 0));
    /* This thread had no error. */
    CHECK(strcmp(sector_cache_error_text(), "") == 0);
    return NULL;
}

static void threads_share_a_client(vdisk_client *client)
{
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; ++at)
        CHECK_EQUAL(0, pthread_create(&threads[at], NULL, read_all, client));
    for (int at = 0; at < THREADS; ++at)
        CHECK_EQUAL(0, pthread_join(threads[at], NULL));
    vdisk_client_statistics statistics = statistics_of(client);
    CHECK_EQUAL(SECTORS, statistics.cache.used);
    CHECK_EQUAL(4096, statistics.cache.slots);
    CHECK(statistics.cache.hits >= (THREADS - 1) * SECTORS);
    CHECK(statistics.session.sectors >= SECTORS);
    CHECK(statistics.connections == 1 && statistics.is_connected == 1 && statistics.is_version_1 == 0);
}

static void what_is_written_is_read(vdisk_client *client)
{
    for (uint32_t sector = FIRST_WRITTEN; sector < FIRST_WRITTEN + WRITTEN; ++sector)
        write_sector(client, sector, fill_of(sector, 1));
    CHECK_DONE(vdisk_client_flush(client));
    CHECK_EQUAL(0, statistics_of(client).unacknowledged);
    for (uint32_t sector = 0; sector < SECTORS; ++sector)
        read_and_check(client, sector, fill_of(sector, is_written(sector)));
}

/* Each ends the other's session; after the second time, one gives way. */
static int round_that_gives_way(vdisk_client *const clients[2])
{
    for (uint32_t at = 0; at < 8; ++at) {
        uint8_t bytes[SECTOR];
        memset(bytes, fill_of(FIRST_WRITTEN + at, 1), sizeof bytes);
        int32_t code = vdisk_client_write(clients[at % 2], DRIVE, FIRST_WRITTEN + at, bytes, sizeof bytes);
        if (code == SECTOR_CACHE_OK)
            code = vdisk_client_flush(clients[at % 2]);
        if (code == VDISK_ERROR_TAKEN_OVER)
            return (int)at;
        CHECK(code == SECTOR_CACHE_OK || code == VDISK_ERROR_WRITES_FAILED);
    }
    fprintf(stderr, "nobody gives way\n");
    exit(1);
}

static void one_of_two_clients_is_taken_over_and_takes_back(const char *url)
{
    uint8_t bytes[SECTOR] = {0};
    vdisk_session_event event;
    vdisk_client_options options = patient();
    vdisk_client *clients[2] = {open_client(url, &options), open_client(url, &options)};
    int at = round_that_gives_way(clients) % 2;
    vdisk_client *loser = clients[at];
    CHECK(strstr(sector_cache_error_text(), "another device") != NULL);
    await_event(loser, VDISK_EVENT_TAKEN_OVER);
    CHECK_EQUAL(VDISK_ERROR_TAKEN_OVER, vdisk_client_read(loser, DRIVE, 1, bytes, SECTOR));
    CHECK_EQUAL(VDISK_ERROR_TAKEN_OVER, vdisk_client_write(loser, DRIVE, 1, bytes, SECTOR));
    CHECK_EQUAL(VDISK_ERROR_TAKEN_OVER, vdisk_client_flush(loser));
    CHECK_DONE(vdisk_client_close(&clients[1 - at]));

    CHECK_DONE(vdisk_client_resume(loser));
    read_and_check(loser, 0, fill_of(0, 0));
    await_event(loser, VDISK_EVENT_OPENED);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_next_event(loser, 0, NULL));
    while (vdisk_client_next_event(loser, 0, &event) == SECTOR_CACHE_OK)
        continue;
    event.kind = 0xee;
    CHECK_EQUAL(VDISK_NO_EVENT, vdisk_client_next_event(loser, 1, &event));
    CHECK_EQUAL(0xee, event.kind);
    /* What waited may have been meant for the other's session. */
    int32_t code = vdisk_client_close(&loser);
    CHECK(code == SECTOR_CACHE_OK || code == VDISK_ERROR_WRITES_FAILED);
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "";
    vdisk_client_options options = patient();
    vdisk_client *client = open_client(url, &options);
    await_event(client, VDISK_EVENT_CONNECTED);
    await_event(client, VDISK_EVENT_OPENED);
    drives_are_told(client);
    threads_share_a_client(client);
    what_cannot_be_is_refused_and_changes_nothing(client);
    what_is_written_is_read(client);
    CHECK_DONE(vdisk_client_close(&client));
    CHECK(client == NULL);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_client_close(&client));
    one_of_two_clients_is_taken_over_and_takes_back(url);
    shorter_sectors_than_the_drives_are_refused(url);
    return CHECKS_RESULT;
}
