/*
 * A device that keeps its own MQTT connection, with libmosquitto, to a server on the port that is its argument: reads
 * all of drive B, writes a part of it, loses its connection meanwhile, and has its writes on the disk at the end.
 *
 * One thread, and one loop: as an emulator with wolfMQTT does it.
 */

#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mosquitto.h>

#include "check.h"
#include "sector_cache.h"

#define CHANNEL "12345678"
#define DRIVE 1
#define SECTOR 137
#define SECTORS (77 * 32)
#define SLOTS 800
#define FIRST_WRITTEN 100
#define WRITTEN 200
#define LIMIT_MS 60000

VDISK_SESSION_STORAGE(disk, 8, 137, 32);
/* The M4's. */
SECTOR_CACHE_STORAGE(m4, SLOTS, 137);

static struct mosquitto *mqtt;
static uint64_t entropy;
static int subscriptions;
static int is_open;
static int fails;
/* The sector that arrived last. */
static uint32_t arrived_sector = UINT32_MAX;
static uint8_t arrived_bytes[SECTOR];

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t hardware_random(void *context)
{
    (void)context;
    return entropy += UINT64_C(0x9e3779b97f4a7c15);
}

static void arrived(void *context, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length)
{
    (void)context;
    CHECK(drive == DRIVE && length == SECTOR);
    arrived_sector = sector;
    memcpy(arrived_bytes, bytes, SECTOR);
}

static void told(void *context, const vdisk_session_event *event)
{
    (void)context;
    if (event->kind == VDISK_EVENT_OPENED) {
        is_open = 1;
    } else {
        fprintf(stderr, "event %d of sector %lu\n", event->kind, (unsigned long)event->sector);
        fails = 1;
    }
}

/* The mailbox, and the M4 behind it. */
static int mailbox_send(void *context, const uint8_t *message, size_t length)
{
    uint8_t received[144];
    (void)context;
    CHECK(length <= sizeof received);
    memcpy(received, message, length);
    CHECK_EQUAL(0, sector_cache_serve(m4, received, length, sizeof received));
    return 0;
}

static void on_connect(struct mosquitto *client, void *context, int code)
{
    (void)context;
    CHECK_EQUAL(0, code);
    CHECK_EQUAL(0, mosquitto_subscribe(client, NULL, "altair/" CHANNEL "/vdisk/v2/rsp", 0));
    CHECK_EQUAL(0, mosquitto_subscribe(client, NULL, "altair/" CHANNEL "/vdisk/data", 0));
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count, const int *granted)
{
    (void)client, (void)context, (void)id, (void)count, (void)granted;
    if (++subscriptions == 2)
        CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_connected(disk, clock_ms()));
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message)
{
    (void)client, (void)context;
    CHECK_EQUAL(SECTOR_CACHE_OK,
                vdisk_session_received(disk, message->topic, strlen(message->topic), (const uint8_t *)message->payload,
                                       (size_t)message->payloadlen, message->retain, clock_ms()));
}

static void publish(void)
{
    vdisk_session_message message;
    while (vdisk_session_poll(disk, clock_ms(), &message) == VDISK_PUBLISH)
        CHECK_EQUAL(0, mosquitto_publish(mqtt, NULL, message.topic, (int)message.length, message.payload, 0, false));
}

/* One turn of the loop: no longer than until the session has something to do. */
static void turn(void)
{
    publish();
    uint64_t now_ms = clock_ms(), deadline_ms = vdisk_session_deadline(disk, now_ms);
    uint64_t wait_ms = deadline_ms <= now_ms ? 0 : deadline_ms - now_ms;
    CHECK_EQUAL(0, mosquitto_loop(mqtt, wait_ms > 1000 ? 1000 : (int)wait_ms, 1));
}

/* Goes on until a condition holds; ends the program if something has failed or it takes too long. */
#define TURN_UNTIL(condition) \
    do { \
        uint64_t started_ms = clock_ms(); \
        while (!(condition)) { \
            CHECK(clock_ms() - started_ms < LIMIT_MS); \
            if (checks_failed > 0 || fails) \
                exit(1); \
            turn(); \
        } \
    } while (0)

static void connect_to(int port)
{
    subscriptions = 0;
    CHECK_EQUAL(0, mosquitto_connect(mqtt, "127.0.0.1", port, 60));
}

static void lose_connection(void)
{
    CHECK_EQUAL(0, mosquitto_disconnect(mqtt));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_disconnected(disk));
}

static uint8_t fill_of(uint32_t sector, int is_written)
{
    return (uint8_t)((sector * 7 + 1 + (is_written ? 100 : 0)) % 251);
}

static void check_sector(const uint8_t *bytes, uint32_t sector, int is_written)
{
    for (size_t at = 0; at < SECTOR; ++at)
        CHECK_EQUAL(fill_of(sector, is_written), bytes[at]);
}

/* Reads as an emulator does: from the M4, if that may be asked and has it, else from the session. */
static void read_and_check(uint32_t sector, int is_written)
{
    if (vdisk_session_trusts(disk, DRIVE, sector) == SECTOR_CACHE_OK) {
        const uint8_t *held = sector_cache_get(m4, 0, sector);
        if (held != NULL) {
            check_sector(held, sector, is_written);
            return;
        }
    }
    arrived_sector = UINT32_MAX;
    CHECK(vdisk_session_read(disk, DRIVE, sector, clock_ms()) >= 0);
    TURN_UNTIL(arrived_sector == sector);
    check_sector(arrived_bytes, sector, is_written);
}

static void write_sector(uint32_t sector)
{
    uint8_t bytes[SECTOR];
    int32_t code;
    memset(bytes, fill_of(sector, 1), sizeof bytes);
    TURN_UNTIL((code = vdisk_session_write(disk, DRIVE, sector, bytes, sizeof bytes, clock_ms())) !=
               VDISK_ERROR_WINDOW_FULL);
    CHECK_EQUAL(SECTOR_CACHE_OK, code);
}

static int is_written(uint32_t sector)
{
    return sector >= FIRST_WRITTEN && sector < FIRST_WRITTEN + WRITTEN;
}

static void start(void)
{
    vdisk_session_options options;
    CHECK_EQUAL(SECTOR_CACHE_OK,
                sector_cache_init(m4, sizeof m4_storage, SECTOR_CACHE_ABI_VERSION, SLOTS, SECTOR, SECTOR_CACHE_LRU));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, CHANNEL));
    options.cacheable_sectors = SLOTS;
    options.read_timeout_ms = 0;
    options.may_fall_back = 0;
    options.random = hardware_random;
    options.arrived = arrived;
    options.told = told;
    options.mailbox = mailbox_send;
    CHECK_EQUAL(SECTOR_CACHE_OK,
                vdisk_session_init(disk, sizeof disk_storage, SECTOR_CACHE_ABI_VERSION, &options, clock_ms()));
    entropy = (uint64_t)time(NULL) << 32 | (clock_ms() & 0xffffffff);
    mosquitto_lib_init();
    mqtt = mosquitto_new(CHANNEL, true, NULL);
    CHECK(mqtt != NULL);
    mosquitto_connect_callback_set(mqtt, on_connect);
    mosquitto_subscribe_callback_set(mqtt, on_subscribe);
    mosquitto_message_callback_set(mqtt, on_message);
}

int main(int argc, char **argv)
{
    CHECK_EQUAL(2, argc);
    int port = argc > 1 ? atoi(argv[1]) : 0;
    start();
    connect_to(port);
    TURN_UNTIL(is_open);

    for (uint32_t sector = 0; sector < SECTORS; ++sector)
        read_and_check(sector, 0);
    /* A HELLO, and a request a track: all else came from the cache. */
    vdisk_session_statistics statistics;
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_stats(disk, &statistics));
    CHECK_EQUAL(1 + SECTORS / 32, statistics.sent);
    CHECK_EQUAL(SECTORS, statistics.sectors);

    for (uint32_t at = 0; at < WRITTEN; ++at) {
        write_sector(FIRST_WRITTEN + at);
        if (at == WRITTEN / 2) {
            /* What is in the window was sent, perhaps, and not acknowledged. */
            publish();
            lose_connection();
            CHECK(vdisk_session_unacknowledged(disk) > 0);
            connect_to(port);
        }
    }
    vdisk_session_flush(disk);
    TURN_UNTIL(vdisk_session_is_flushed(disk) == SECTOR_CACHE_OK);
    CHECK_EQUAL(0, vdisk_session_unacknowledged(disk));

    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_clear(m4));
    for (uint32_t sector = 0; sector < SECTORS; ++sector)
        read_and_check(sector, is_written(sector));

    lose_connection();
    mosquitto_destroy(mqtt);
    mosquitto_lib_cleanup();
    return CHECKS_RESULT;
}
