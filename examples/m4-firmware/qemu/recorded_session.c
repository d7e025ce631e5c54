/* An A7 that plays a recorded session against the cache, reads what that lacks from a disk it makes up, fills the cache
 * with it, and checks each byte of each hit. */

#include "a7.h"
#include "disk_message.h"
#include "sector.h"
#include "semihosting.h"

static const uint16_t session[] = {
#include "session.inc"
};

enum { SESSION_WORDS = sizeof session / sizeof session[0], WRITE_BIT = 0x8000 };
enum { SECTORS = 77 * 32, DRIVE_B = 1 };

static uint32_t written[SECTORS]; /* hash of the last write, 0 before the first */

static void write_sector(uint32_t sector)
{
    uint8_t message[MESSAGE_LENGTH];

    message_begin(message, WRITE, sector, DRIVE_B);
    sector_bytes(sector, written[sector], message + BYTES);
    tell(message, WRITE_LENGTH);
}

static void check_hit(const uint8_t *message, uint32_t sector)
{
    if (message[TYPE] != READ || message_number(message) != sector || message[CACHED] != 1 || message[SUCCESS] != 1 ||
        message[PADDING] != 0) {
        fail("a hit's fields are wrong");
    }
    if (!sector_equals(sector, written[sector], message + BYTES)) {
        fail("a hit's bytes are not what was written last");
    }
}

static int is_held(uint32_t sector)
{
    static const uint8_t miss[MISS_LENGTH];
    uint8_t message[MESSAGE_LENGTH];

    message_begin(message, READ, sector, DRIVE_B);
    size_t length = ask(message, READ_LENGTH);
    if (length == MESSAGE_LENGTH) {
        check_hit(message, sector);
        return 1;
    }
    if (length != MISS_LENGTH || memcmp(message, miss, sizeof miss) != 0) {
        fail("an answer is neither a hit nor a miss");
    }
    return 0;
}

void a7(void)
{
    uint32_t hits = 0, misses = 0, writes = 0, held = 0;

    for (uint32_t at = 0; at < SESSION_WORDS; at++) {
        uint32_t sector = session[at] & ~(uint32_t)WRITE_BIT;
        if (sector >= SECTORS) {
            fail("the session leaves the disk");
        }
        if (session[at] & WRITE_BIT) {
            written[sector] = session[at + 1] | (uint32_t)session[at + 2] << 16;
            at += 2;
            writes++;
            write_sector(sector);
        } else if (is_held(sector)) {
            hits++;
        } else {
            misses++;
            write_sector(sector);
        }
    }
    for (uint32_t sector = 0; sector < SECTORS; sector++) {
        held += (uint32_t)is_held(sector);
    }
    print_figure("session_reads", hits + misses);
    print_figure("session_hits", hits);
    print_figure("session_misses", misses);
    print_figure("session_writes", writes);
    print_figure("session_held", held);
    print_figure("stack_bytes", stack_used());
    stop(0);
}
