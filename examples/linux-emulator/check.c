#include "check.h"

#include <stdio.h>
#include <string.h>

#include "bios.h"

enum { DRIVE_B = 1, DRIVE_C = 2, TRACK = 76, SECTOR = 31 };

static int failures;

static void check(int holds, const char *condition, int line)
{
    if (!holds) {
        fprintf(stderr, "check.c:%d: not so: %s\n", line, condition);
        failures++;
    }
}

#define CHECK(condition) check((condition) ? 1 : 0, #condition, __LINE__)

static void without_a_drive_all_bits_are_ones(controller *c)
{
    controller_out(c, PORT_CONTROL, CONTROL_LOAD | CONTROL_STEP_IN | CONTROL_WRITE);
    controller_out(c, PORT_DATA, 7);
    CHECK(controller_in(c, PORT_STATUS) == 0xff && controller_in(c, PORT_CONTROL) == 0xff);
    CHECK(controller_in(c, 0x0b) == 0xff);
    /* There is none of that number. */
    CHECK(bios_select(c, DRIVE_C) != 0 && controller_in(c, PORT_STATUS) == 0xff);
}

static void a_position_alternates_and_sectors_follow_each_other(controller *c)
{
    controller_out(c, PORT_STATUS, DRIVE_B);
    CHECK(controller_in(c, PORT_STATUS) ==
          (STATUS_NO_READ | STATUS_NO_INTERRUPTS | STATUS_NO_HEAD | STATUS_NO_WRITE));
    CHECK(controller_in(c, PORT_CONTROL) == 0xff);
    CHECK(bios_select(c, DRIVE_B) == 0);
    uint8_t first = controller_in(c, PORT_CONTROL);
    for (int turned = 1; turned < 65; ++turned) {
        uint8_t gap = controller_in(c, PORT_CONTROL), next = controller_in(c, PORT_CONTROL);
        CHECK((first & 0xc1) == 0xc0 && (gap & 0xc1) == 0xc1 && (next & 0xc1) == 0xc0);
        CHECK((next >> 1 & 31) == ((first >> 1) + turned) % 32);
    }
}

static void the_head_stays_on_the_disk(controller *c)
{
    for (int steps = 0; steps < 100; ++steps)
        controller_out(c, PORT_CONTROL, CONTROL_STEP_IN);
    for (int steps = 0; steps < TRACK; ++steps) {
        CHECK(controller_in(c, PORT_STATUS) & STATUS_NO_TRACK_0);
        controller_out(c, PORT_CONTROL, CONTROL_STEP_OUT);
    }
    CHECK(!(controller_in(c, PORT_STATUS) & STATUS_NO_TRACK_0));
    controller_out(c, PORT_CONTROL, CONTROL_STEP_OUT);
    CHECK(!(controller_in(c, PORT_STATUS) & STATUS_NO_TRACK_0));
}

static void a_sector_that_is_left_early_ends_in_zeros(controller *c)
{
    uint8_t bytes[SECTOR_BYTES], after[SECTOR_BYTES] = {0};
    memset(bytes, 0xaa, sizeof bytes);
    CHECK(bios_write(c, TRACK, SECTOR, bytes) == 0 && bios_read(c, TRACK, SECTOR, after) == 0);
    CHECK(memcmp(bytes, after, sizeof bytes) == 0);
    /* It has no more bytes, and wants none. */
    CHECK((controller_in(c, PORT_STATUS) & (STATUS_NO_READ | STATUS_NO_WRITE)) == (STATUS_NO_READ | STATUS_NO_WRITE));
    CHECK(controller_in(c, PORT_DATA) == 0);
    controller_out(c, PORT_CONTROL, CONTROL_WRITE);
    CHECK(!(controller_in(c, PORT_STATUS) & STATUS_NO_WRITE));
    controller_out(c, PORT_DATA, 0xbb);
    bios_deselect(c);

    CHECK(bios_select(c, DRIVE_B) == 0 && bios_read(c, TRACK, SECTOR, after) == 0);
    memset(bytes, 0, sizeof bytes);
    bytes[0] = 0xbb;
    CHECK(memcmp(bytes, after, sizeof bytes) == 0);
    CHECK(c->error == SECTOR_CACHE_OK);
}

static uint32_t misses(controller *c)
{
    vdisk_client_statistics statistics;
    CHECK(vdisk_client_stats(c->disk, &statistics) == SECTOR_CACHE_OK);
    return (uint32_t)statistics.cache.misses;
}

static void a_sector_that_cannot_be_read_is_asked_for_once(controller *c)
{
    uint16_t track = c->drive->track;
    uint32_t before = misses(c);
    c->error = SECTOR_CACHE_ERROR_OUT_OF_RANGE; /* as if told before: it is not printed */
    c->drive->track = TRACK + 1;
    while (controller_in(c, PORT_CONTROL) & 1)
        continue;
    for (int looks = 0; looks < 10; ++looks)
        CHECK((controller_in(c, PORT_STATUS) & STATUS_NO_READ) && controller_in(c, PORT_DATA) == 0);
    CHECK(misses(c) == before + 1);
    c->drive->track = track;
    c->error = SECTOR_CACHE_OK;
}

int check_controller(controller *c)
{
    bios_deselect(c);
    without_a_drive_all_bits_are_ones(c);
    a_position_alternates_and_sectors_follow_each_other(c);
    the_head_stays_on_the_disk(c);
    a_sector_that_is_left_early_ends_in_zeros(c);
    a_sector_that_cannot_be_read_is_asked_for_once(c);
    return failures == 0 ? 0 : -1;
}
