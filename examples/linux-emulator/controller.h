/*
 * The disk controller of an Altair 8800, the MITS 88-DCDD, with its drives behind a vdisk_client.
 *
 * A CPU has it at three ports. Bits of the status are active low. Interrupts are not emulated.
 *
 *     0x08 out  0x80 deselects, or 0x0n selects drive n
 *     0x08 in   0x80 no byte to read   0x40 not on track 0   0x20 no interrupts
 *               0x04 head not loaded   0x02 head may not move   0x01 no byte to write is wanted
 *               all ones if no drive is selected
 *     0x09 out  0x80 begin to write   0x08 unload head   0x04 load head   0x02 step out   0x01 step in
 *     0x09 in   0xc0 + 2 x sector + 1 between sectors, + 0 where one begins; all ones without a loaded head
 *     0x0a      the next byte of the sector
 *
 * The disk turns by a sector with every second look at port 0x09. A sector is fetched when the CPU looks whether there
 * is a byte to read, and written when its 137 bytes are there; if it is left before, the rest is zeros. One that cannot
 * be fetched has no bytes, until it comes round again.
 */

#ifndef CONTROLLER_H
#define CONTROLLER_H

#include <sector_cache.h>

#define SECTOR_BYTES 137

enum { PORT_STATUS = 0x08, PORT_CONTROL = 0x09, PORT_DATA = 0x0a };

enum { SELECT_NONE = 0x80 };
enum {
    STATUS_NO_WRITE = 0x01,
    STATUS_NO_MOVE = 0x02,
    STATUS_NO_HEAD = 0x04,
    STATUS_NO_INTERRUPTS = 0x20,
    STATUS_NO_TRACK_0 = 0x40,
    STATUS_NO_READ = 0x80
};
enum {
    CONTROL_STEP_IN = 0x01,
    CONTROL_STEP_OUT = 0x02,
    CONTROL_LOAD = 0x04,
    CONTROL_UNLOAD = 0x08,
    CONTROL_WRITE = 0x80
};

typedef struct {
    uint16_t tracks;
    uint16_t sectors_per_track;
    uint16_t track;
    uint16_t sector;
} floppy_drive;

typedef struct {
    vdisk_client *disk;
    floppy_drive drives[16];
    /* The drive that is selected, or NULL, and its number. */
    floppy_drive *drive;
    uint8_t number;
    uint8_t is_loaded;
    /* Whether a sector begins, as the last look at port 0x09 said. */
    uint8_t is_at_sector;
    /* What becomes of the sector under the head. */
    enum { SECTOR_PASSES, SECTOR_IS_READ, SECTOR_IS_WRITTEN, SECTOR_IS_LOST } mode;
    uint8_t bytes[SECTOR_BYTES];
    size_t at;
    /* The first error of the disk, which no port can tell; SECTOR_CACHE_OK if there was none. */
    int32_t error;
} controller;

/* A controller with no drive selected. The client stays the caller's. */
void controller_init(controller *c, vdisk_client *disk);

/* What the CPU's IN and OUT do. Ports that are not the controller's read as all ones. */
uint8_t controller_in(controller *c, uint8_t port);
void controller_out(controller *c, uint8_t port, uint8_t value);

#endif
