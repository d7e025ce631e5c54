/* An A7 that writes to a difference disk until it is full and beyond, and clears it. */

#include "a7.h"
#include "disk_message.h"
#include "sector.h"
#include "semihosting.h"

enum { SECTORS = 77 * 32 };

static void write_sector(uint32_t sector, uint32_t hash)
{
    uint8_t message[MESSAGE_LENGTH];

    message_begin(message, WRITE, sector, 0);
    sector_bytes(sector, hash, message + BYTES);
    tell(message, WRITE_LENGTH);
}

/* Whether a sector differs; its bytes have to be those of that hash then. */
static int differs(uint32_t sector, uint32_t hash)
{
    static const uint8_t miss[MISS_LENGTH];
    uint8_t message[MESSAGE_LENGTH];

    message_begin(message, READ, sector, 0);
    size_t length = ask(message, READ_LENGTH);
    if (length == MISS_LENGTH && memcmp(message, miss, sizeof miss) == 0) {
        return 0;
    }
    if (length != MESSAGE_LENGTH || message[TYPE] != READ || message_number(message) != sector ||
        message[CACHED] != 1 || message[SUCCESS] != 1) {
        fail("an answer is neither a sector nor a miss");
    }
    if (!sector_equals(sector, hash, message + BYTES)) {
        fail("a sector is not what was written last");
    }
    return 1;
}

/* Those below `count` have to differ, with that hash, and no others. */
static void check_all(uint32_t count, uint32_t hash)
{
    for (uint32_t sector = 0; sector < SECTORS; sector++) {
        if (differs(sector, hash) != (sector < count)) {
            fail(sector < count ? "a write did not stay" : "a sector differs that cannot");
        }
    }
}

void a7(void)
{
    uint8_t clear[MESSAGE_LENGTH];
    uint32_t room = 0;

    check_all(0, 0);
    for (; room < SECTORS; room++) {
        write_sector(room, 1);
        if (!differs(room, 1)) {
            break;
        }
    }
    if (room == 0 || room == SECTORS) {
        fail("it keeps nothing, or never gets full");
    }
    for (uint32_t sector = room; sector < SECTORS; sector++) {
        write_sector(sector, 1);
    }
    check_all(room, 1);

    for (uint32_t sector = 0; sector < room; sector++) {
        write_sector(sector, 2);
    }
    check_all(room, 2);

    message_begin(clear, CLEAR, 0, 0);
    tell(clear, CLEAR_LENGTH);
    check_all(0, 0);
    write_sector(SECTORS - 1, 3);
    if (!differs(SECTORS - 1, 3)) {
        fail("a clear makes no room");
    }
    print_figure("difference_sectors", room);
    print_figure("difference_stack_bytes", stack_used());
    stop(0);
}
