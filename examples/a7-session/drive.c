#define _DEFAULT_SOURCE

#include "drive.h"

#include "children.h"
#include "clock.h"
#include "connection.h"
#include "m4.h"

#include <sector.h>
#include <string.h>
#include <unistd.h>

enum { DRIVE_B = 1, WINDOW = 8 };

/* A mailbox may be full. This one claims to be at every so many messages, so that the M4 lacks some. */
enum { REFUSED_EVERY = 500 };

VDISK_SESSION_STORAGE(session, WINDOW, SECTOR_LENGTH, SECTORS_PER_TRACK);

static drive_counts counts;
static uint32_t sought_track;
static unsigned messages;
static bool is_open;

/* Where the sector goes that the CPU waits for; NULL if it does not. */
static uint8_t *awaited;
static uint32_t awaited_sector;

static uint64_t entropy(void *context)
{
    uint64_t bits;

    (void)context;
    if (getentropy(&bits, sizeof bits) != 0) {
        fail("there is no entropy");
    }
    return bits;
}

static void arrived(void *context, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length)
{
    (void)context;
    if (awaited == NULL || drive != DRIVE_B || sector != awaited_sector || length != SECTOR_LENGTH) {
        fail("sector %lu of drive %u arrived, and nobody waits for it", (unsigned long)sector, drive);
    }
    memcpy(awaited, bytes, length);
    awaited = NULL;
}

static void told(void *context, const vdisk_session_event *event)
{
    (void)context;
    if (event->kind != VDISK_EVENT_OPENED) {
        fail("event %u of sector %lu: failure %u, status %u", event->kind, (unsigned long)event->sector,
             event->failure, event->status);
    }
    is_open = true;
}

static int send_to_m4(void *context, const uint8_t *message, size_t length)
{
    (void)context;
    if (++messages % REFUSED_EVERY == 0) {
        counts.refused++;
        return -1;
    }
    m4_send(message, length);
    return 0;
}

/* Goes on with the network until a condition holds, and adds the time. */
#define TURN_UNTIL(condition, what, wait_us) \
    do { \
        uint64_t started_us = clock_us(); \
        while (!(condition)) { \
            if (clock_us() - started_us > PATIENCE_MS * UINT64_C(1000)) { \
                fail("for %d s, there was no %s", PATIENCE_MS / 1000, what); \
            } \
            connection_turn(true); \
        } \
        wait_us += clock_us() - started_us; \
    } while (0)

void drive_open(int port)
{
    vdisk_session_options options;
    uint64_t wait_us = 0;

    vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, CHANNEL);
    options.read_timeout_ms = 0; /* PATIENCE_MS is the same for all */
    options.random = entropy;
    options.arrived = arrived;
    options.told = told;
    options.mailbox = send_to_m4;
    if (vdisk_session_init(session, sizeof session_storage, SECTOR_CACHE_ABI_VERSION, &options, clock_ms()) !=
        SECTOR_CACHE_OK) {
        fail("the session's options cannot be");
    }
    connection_open(session, port);
    TURN_UNTIL(is_open, "session", wait_us);
}

void drive_seek(uint32_t track)
{
    sought_track = track;
}

static void read_by_session(uint32_t sector, uint8_t *bytes)
{
    int32_t code;

    awaited = bytes;
    awaited_sector = sector;
    TURN_UNTIL((code = vdisk_session_read(session, DRIVE_B, sector, clock_ms())) != VDISK_ERROR_READS_FULL,
               "end of other reads", counts.read_wait_us);
    if (code < 0) {
        fail("sector %lu cannot be read: code %ld", (unsigned long)sector, (long)code);
    }
    TURN_UNTIL(awaited == NULL, "answer to a read", counts.read_wait_us);
}

void drive_read(uint32_t sector, uint8_t *bytes)
{
    sector += sought_track * SECTORS_PER_TRACK;
    connection_turn(false);
    if (vdisk_session_trusts(session, DRIVE_B, sector) != SECTOR_CACHE_OK) {
        counts.bypassed++;
        read_by_session(sector, bytes);
    } else if (m4_read(sector, bytes)) {
        counts.hits++;
    } else {
        counts.misses++;
        read_by_session(sector, bytes);
    }
}

void drive_write(uint32_t sector, const uint8_t *bytes)
{
    int32_t code;

    sector += sought_track * SECTORS_PER_TRACK;
    TURN_UNTIL((code = vdisk_session_write(session, DRIVE_B, sector, bytes, SECTOR_LENGTH, clock_ms())) !=
                   VDISK_ERROR_WINDOW_FULL,
               "acknowledgement", counts.write_wait_us);
    if (code != SECTOR_CACHE_OK) {
        fail("sector %lu cannot be written: code %ld", (unsigned long)sector, (long)code);
    }
    connection_turn(false);
}

void drive_flush(void)
{
    vdisk_session_flush(session);
    TURN_UNTIL(vdisk_session_is_flushed(session) == SECTOR_CACHE_OK, "acknowledgement", counts.write_wait_us);
}

unsigned drive_unacknowledged(void)
{
    return (unsigned)vdisk_session_unacknowledged(session);
}

drive_counts drive_counted(void)
{
    return counts;
}

vdisk_session_statistics drive_session(void)
{
    vdisk_session_statistics statistics;

    vdisk_session_stats(session, &statistics);
    return statistics;
}
