/* The same firmware as examples/m4-session, in C: an M4 that is its own MQTT client keeps a session with a disk server,
 * and a cache of drive B beside it. The hardware is behind the functions of its board.h. */

#include "startup.h"

#include <board.h>
#include <sector_cache.h>
#include <string.h>

enum { CACHED_DRIVE = 1, SECTOR_LENGTH = 137, SLOTS = 800, LONGEST_MESSAGE = 144, LONGEST_PAYLOAD = 1024 };

#define CHANNEL "12345678"

VDISK_SESSION_STORAGE(session, 8, SECTOR_LENGTH, 32);
SECTOR_CACHE_STORAGE(cache, SLOTS, SECTOR_LENGTH);

static uint64_t random_bits(void *context)
{
    (void)context;
    return board_random();
}

static void arrived(void *context, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length)
{
    (void)context, (void)drive;
    board_done(sector, bytes, length);
}

static void told(void *context, const vdisk_session_event *event)
{
    (void)context;
    if (event->kind == VDISK_EVENT_READ_FAILED) {
        board_done(event->sector, NULL, 0);
    }
    board_told(event->kind > VDISK_EVENT_DRIVE_CHANGED);
}

/* The cache is not behind a mailbox but here. It understands the same messages. */
static int keep(void *context, const uint8_t *message, size_t length)
{
    uint8_t copy[LONGEST_MESSAGE];

    (void)context;
    memcpy(copy, message, length);
    sector_cache_serve(cache, copy, length, sizeof copy);
    return 0;
}

static void read_sector(uint32_t sector)
{
    const uint8_t *held = NULL;

    if (vdisk_session_trusts(session, CACHED_DRIVE, sector) == SECTOR_CACHE_OK) {
        held = sector_cache_get(cache, 0, sector);
    }
    if (held != NULL) {
        board_done(sector, held, SECTOR_LENGTH);
    } else if (vdisk_session_read(session, CACHED_DRIVE, sector, board_now_ms()) < 0) {
        board_done(sector, NULL, 0);
    }
}

static void write_sector(uint32_t sector, const uint8_t *bytes)
{
    int32_t code = vdisk_session_write(session, CACHED_DRIVE, sector, bytes, SECTOR_LENGTH, board_now_ms());

    board_done(sector, bytes, code == SECTOR_CACHE_OK ? SECTOR_LENGTH : 0);
}

static void mind_connection(void)
{
    static bool was_connected;
    bool is_connected = board_is_connected();

    if (is_connected && !was_connected) {
        vdisk_session_connected(session, board_now_ms());
    } else if (!is_connected) {
        vdisk_session_disconnected(session);
    }
    was_connected = is_connected;
}

static void receive(void)
{
    static uint8_t payload[LONGEST_PAYLOAD];
    bool is_data;
    size_t length;

    while ((length = board_receive(&is_data, payload, sizeof payload)) > 0) {
        const char *topic = is_data ? "altair/" CHANNEL "/vdisk/data" : "altair/" CHANNEL "/vdisk/v2/rsp";
        vdisk_session_received(session, topic, strlen(topic), payload, length, 0, board_now_ms());
    }
}

static uint8_t board_topic(const char *topic)
{
    if (strcmp(topic, "altair/" CHANNEL "/vdisk/read") == 0) {
        return 0;
    }
    return strcmp(topic, "altair/" CHANNEL "/vdisk/write") == 0 ? 1 : 2;
}

static void publish(void)
{
    vdisk_session_message message;

    while (vdisk_session_poll(session, board_now_ms(), &message) == VDISK_PUBLISH) {
        board_publish(board_topic(message.topic), message.payload, message.length);
    }
}

static void serve_cpu(void)
{
    uint8_t bytes[SECTOR_LENGTH];
    uint32_t sector;

    switch (board_wanted(&sector, bytes, sizeof bytes)) {
    case 1:
        read_sector(sector);
        break;
    case 2:
        write_sector(sector, bytes);
        break;
    }
}

int main(void)
{
    vdisk_session_options options;

    if (sector_cache_init(cache, sizeof cache_storage, SECTOR_CACHE_ABI_VERSION, SLOTS, SECTOR_LENGTH,
                          SECTOR_CACHE_LRU) != SECTOR_CACHE_OK ||
        vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, CHANNEL) != SECTOR_CACHE_OK) {
        fault();
    }
    options.cacheable_sectors = SLOTS;
    options.random = random_bits;
    options.arrived = arrived;
    options.told = told;
    options.mailbox = keep;
    if (vdisk_session_init(session, sizeof session_storage, SECTOR_CACHE_ABI_VERSION, &options, board_now_ms()) !=
        SECTOR_CACHE_OK) {
        fault();
    }
    for (;;) {
        mind_connection();
        receive();
        serve_cpu();
        publish();
    }
}
