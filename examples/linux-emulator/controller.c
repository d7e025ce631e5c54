#include "controller.h"

#include <stdio.h>
#include <string.h>

void controller_init(controller *c, vdisk_client *disk)
{
    memset(c, 0, sizeof *c);
    c->disk = disk;
}

static int is_done(controller *c, int32_t code)
{
    if (code != SECTOR_CACHE_OK && c->error == SECTOR_CACHE_OK) {
        c->error = code;
        fprintf(stderr, "drive %u, track %u, sector %u: %s\n", c->number, c->drive->track, c->drive->sector,
                sector_cache_error_text());
    }
    return code == SECTOR_CACHE_OK;
}

static uint32_t sector_number(const floppy_drive *drive)
{
    return (uint32_t)drive->track * drive->sectors_per_track + drive->sector;
}

/* The head leaves the sector: what was written of it goes to the disk. */
static void leave_sector(controller *c)
{
    if (c->mode == SECTOR_IS_WRITTEN && c->at > 0) {
        memset(c->bytes + c->at, 0, SECTOR_BYTES - c->at);
        is_done(c, vdisk_client_write(c->disk, c->number, sector_number(c->drive), c->bytes, SECTOR_BYTES));
    }
    c->mode = SECTOR_PASSES;
    c->is_at_sector = 0;
    c->at = 0;
}

static void deselect(controller *c)
{
    leave_sector(c);
    c->drive = NULL;
    c->is_loaded = 0;
}

/* A drive that is not there, or whose sectors are no Altair's, is not selected. */
static void select(controller *c, uint8_t number)
{
    vdisk_session_drive_info info;
    if (vdisk_client_drive(c->disk, number, &info) != SECTOR_CACHE_OK || info.sector_length != SECTOR_BYTES)
        return;
    c->number = number;
    c->drive = &c->drives[number];
    c->drive->tracks = info.tracks;
    c->drive->sectors_per_track = info.sectors_per_track;
}

/* Whether there is a byte to read. The first look fetches the sector. */
static int has_byte(controller *c)
{
    if (c->mode == SECTOR_PASSES && c->is_at_sector) {
        int32_t code = vdisk_client_read(c->disk, c->number, sector_number(c->drive), c->bytes, SECTOR_BYTES);
        /* Lost, it is not asked for by the next look, too: each could take the client's time-out. */
        c->mode = is_done(c, code) ? SECTOR_IS_READ : SECTOR_IS_LOST;
    }
    return c->mode == SECTOR_IS_READ && c->at < SECTOR_BYTES;
}

static int wants_byte(const controller *c)
{
    return c->mode == SECTOR_IS_WRITTEN;
}

static uint8_t status(controller *c)
{
    if (c->drive == NULL)
        return 0xff;
    uint8_t bits = STATUS_NO_INTERRUPTS;
    if (!has_byte(c))
        bits |= STATUS_NO_READ;
    if (c->drive->track != 0)
        bits |= STATUS_NO_TRACK_0;
    if (!c->is_loaded)
        bits |= STATUS_NO_HEAD;
    if (!wants_byte(c))
        bits |= STATUS_NO_WRITE;
    return bits;
}

/* Turns the disk: to the gap behind a sector, then to the next sector. */
static uint8_t position(controller *c)
{
    if (!c->is_loaded)
        return 0xff;
    int begins = !c->is_at_sector;
    leave_sector(c);
    if (begins) {
        c->drive->sector = (uint16_t)((c->drive->sector + 1) % c->drive->sectors_per_track);
        c->is_at_sector = 1;
    }
    return (uint8_t)(0xc0 | c->drive->sector << 1 | !begins);
}

static void step(controller *c, int tracks)
{
    int track = c->drive->track + tracks;
    leave_sector(c);
    if (track >= 0 && track < c->drive->tracks)
        c->drive->track = (uint16_t)track;
}

static void control(controller *c, uint8_t bits)
{
    if (c->drive == NULL)
        return;
    if (bits & CONTROL_STEP_IN)
        step(c, 1);
    if (bits & CONTROL_STEP_OUT)
        step(c, -1);
    if (bits & CONTROL_LOAD)
        c->is_loaded = 1;
    if (bits & CONTROL_UNLOAD) {
        leave_sector(c);
        c->is_loaded = 0;
    }
    if ((bits & CONTROL_WRITE) && c->is_at_sector) {
        c->mode = SECTOR_IS_WRITTEN;
        c->at = 0;
    }
}

static uint8_t next_byte(controller *c)
{
    return c->drive != NULL && has_byte(c) ? c->bytes[c->at++] : 0;
}

static void take_byte(controller *c, uint8_t byte)
{
    if (!wants_byte(c))
        return;
    c->bytes[c->at++] = byte;
    if (c->at == SECTOR_BYTES)
        leave_sector(c);
}

uint8_t controller_in(controller *c, uint8_t port)
{
    switch (port) {
    case PORT_STATUS:
        return status(c);
    case PORT_CONTROL:
        return position(c);
    case PORT_DATA:
        return next_byte(c);
    default:
        return 0xff;
    }
}

void controller_out(controller *c, uint8_t port, uint8_t value)
{
    switch (port) {
    case PORT_STATUS:
        deselect(c);
        if (!(value & SELECT_NONE))
            select(c, value & 0x0f);
        break;
    case PORT_CONTROL:
        control(c, value);
        break;
    case PORT_DATA:
        take_byte(c, value);
        break;
    default:
        break;
    }
}
