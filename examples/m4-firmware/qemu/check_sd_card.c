/* An A7 that reads and writes the disks of a card, looks at the card behind the firmware's back, and has it fail. */

#include "a7.h"
#include "disk_message.h"
#include "card_file.h"
#include "sector.h"
#include "semihosting.h"

/* The card has room for three drives. */
enum { SECTORS = 77 * 32, PER_DRIVE = 3000, DRIVE_A = 0, DRIVE_B = 1, DRIVE_C = 2, DRIVE_D = 3, BLOCK = 512 };
enum { FAILS = 0, WORKS = 1 };

static const uint8_t zeros[BLOCK];

/* Sends a whole message and checks all of its answer but the sector. */
static void exchange(uint8_t *message, int success)
{
    uint8_t type = message[TYPE], drive = message[DRIVE];
    uint32_t sector = message_number(message);

    if (ask(message, MESSAGE_LENGTH) != MESSAGE_LENGTH) {
        fail("a message is not answered");
    }
    if (message[TYPE] != type || message_number(message) != sector || message[CACHED] != 0 ||
        message[DRIVE] != drive || message[PADDING] != 0) {
        fail("an answer's fields are not the request's");
    }
    if (message[SUCCESS] != success) {
        fail(success ? "what should work fails" : "what should fail works");
    }
}

static void write_sector(uint8_t drive, uint32_t sector, uint32_t hash, int success)
{
    uint8_t message[MESSAGE_LENGTH];

    message_begin(message, WRITE, sector, drive);
    sector_bytes(sector, hash, message + BYTES);
    exchange(message, success);
}

static void check_sector(uint8_t drive, uint32_t sector, uint32_t hash)
{
    uint8_t message[MESSAGE_LENGTH];

    message_begin(message, READ, sector, drive);
    exchange(message, WORKS);
    if (!sector_equals(sector, hash, message + BYTES)) {
        fail("a sector is not what was written last");
    }
}

static void check_refused(uint8_t drive, uint32_t sector)
{
    uint8_t message[MESSAGE_LENGTH];

    message_begin(message, READ, sector, drive);
    memset(message + BYTES, 0xe5, SECTOR_LENGTH);
    exchange(message, FAILS);
    if (memcmp(message + BYTES, zeros, SECTOR_LENGTH) != 0) {
        fail("a read that failed has bytes");
    }
    write_sector(drive, sector, 1, FAILS);
}

static void clear(void)
{
    uint8_t message[MESSAGE_LENGTH];

    message_begin(message, CLEAR, 0, 0);
    tell(message, CLEAR_LENGTH);
}

static void check_card(uint32_t block, uint32_t sector, uint32_t hash)
{
    uint8_t bytes[BLOCK];

    if (card_read(NULL, block, bytes, BLOCK) != 0 || !sector_equals(sector, hash, bytes) ||
        memcmp(bytes + SECTOR_LENGTH, zeros, BLOCK - SECTOR_LENGTH) != 0) {
        fail("the card does not have what was written");
    }
}

/* More sectors than the cache holds go to the card and come from there. */
static void writes_are_on_the_card(void)
{
    for (uint32_t sector = 0; sector < SECTORS; sector++) {
        write_sector(DRIVE_B, sector, 1, WORKS);
        check_card(sector + PER_DRIVE, sector, 1);
    }
    for (uint32_t sector = 0; sector < SECTORS; sector++) {
        check_sector(DRIVE_B, sector, 1);
    }
}

static void a_clear_leaves_the_card_alone(void)
{
    uint32_t before = card_reads;

    check_sector(DRIVE_B, SECTORS - 1, 1);
    if (card_reads != before) {
        fail("what was just read came from the card again");
    }
    clear();
    check_sector(DRIVE_B, SECTORS - 1, 1);
    if (card_reads != before + 1) {
        fail("a clear left something in the cache");
    }
}

static void what_a_card_brings_is_read(void)
{
    uint8_t block[BLOCK] = {0};

    sector_bytes(7, 2, block);
    if (card_write(NULL, 7, block, BLOCK) != 0 || card_write(NULL, 2 * PER_DRIVE + 7, block, BLOCK) != 0) {
        fail("the card does not work");
    }
    check_sector(DRIVE_A, 7, 2);
    check_sector(DRIVE_C, 7, 2);
}

static void there_are_3000_sectors_and_16_drives(void)
{
    uint32_t before = card_reads + card_writes;

    check_refused(DRIVE_A, PER_DRIVE);
    check_refused(DRIVE_A, 0xffff);
    check_refused(16, 0);
    if (card_reads + card_writes != before) {
        fail("the card was asked for what cannot be");
    }
    write_sector(DRIVE_C, PER_DRIVE - 1, 1, WORKS);
    check_card(3 * PER_DRIVE - 1, PER_DRIVE - 1, 1);
    check_refused(DRIVE_D, 0); /* which this card is too small for */
}

static void a_card_that_fails_is_told(void)
{
    write_sector(DRIVE_B, 40, 3, WORKS);
    card_fails = 1;
    check_sector(DRIVE_B, 40, 3); /* the cache has it */
    write_sector(DRIVE_B, 40, 4, FAILS);
    check_refused(DRIVE_B, 40); /* which the cache dropped then */
    card_fails = 0;
    check_sector(DRIVE_B, 40, 3);
    check_card(PER_DRIVE + 40, 40, 3);
}

void a7(void)
{
    writes_are_on_the_card();
    a_clear_leaves_the_card_alone();
    what_a_card_brings_is_read();
    there_are_3000_sectors_and_16_drives();
    a_card_that_fails_is_told();
    print_figure("card_stack_bytes", stack_used());
    stop(0);
}
