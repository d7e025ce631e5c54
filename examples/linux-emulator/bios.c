#include "bios.h"

/* More than a drive has of tracks, and looks at the position in two turns of a disk. */
enum { MOST_STEPS = 255, MOST_LOOKS = 4 * 32 };

static int is_clear(controller *c, uint8_t bit)
{
    return !(controller_in(c, PORT_STATUS) & bit);
}

static int step(controller *c, uint8_t direction)
{
    if (!is_clear(c, STATUS_NO_MOVE))
        return -1;
    controller_out(c, PORT_CONTROL, direction);
    return 0;
}

/* A BIOS that does not know where the head is looks for track 0. */
static int seek(controller *c, unsigned track)
{
    int steps = 0;
    while (!is_clear(c, STATUS_NO_TRACK_0)) {
        if (++steps > MOST_STEPS || step(c, CONTROL_STEP_OUT) != 0)
            return -1;
    }
    while (track-- > 0) {
        if (step(c, CONTROL_STEP_IN) != 0)
            return -1;
    }
    return 0;
}

/* Waits until a sector begins. */
static int await_sector(controller *c, unsigned sector)
{
    for (int looks = 0; looks < MOST_LOOKS; ++looks) {
        uint8_t position = controller_in(c, PORT_CONTROL);
        if (!(position & 1) && (position >> 1 & 0x1fu) == sector)
            return 0;
    }
    return -1;
}

static int find(controller *c, unsigned track, unsigned sector)
{
    return seek(c, track) == 0 ? await_sector(c, sector) : -1;
}

int bios_select(controller *c, uint8_t drive)
{
    controller_out(c, PORT_STATUS, drive);
    controller_out(c, PORT_CONTROL, CONTROL_LOAD);
    return is_clear(c, STATUS_NO_HEAD) ? 0 : -1;
}

int bios_read(controller *c, unsigned track, unsigned sector, uint8_t bytes[SECTOR_BYTES])
{
    if (find(c, track, sector) != 0)
        return -1;
    for (int at = 0; at < SECTOR_BYTES; ++at) {
        if (!is_clear(c, STATUS_NO_READ))
            return -1;
        bytes[at] = controller_in(c, PORT_DATA);
    }
    return 0;
}

int bios_write(controller *c, unsigned track, unsigned sector, const uint8_t bytes[SECTOR_BYTES])
{
    if (find(c, track, sector) != 0)
        return -1;
    controller_out(c, PORT_CONTROL, CONTROL_WRITE);
    for (int at = 0; at < SECTOR_BYTES; ++at) {
        if (!is_clear(c, STATUS_NO_WRITE))
            return -1;
        controller_out(c, PORT_DATA, bytes[at]);
    }
    return 0;
}

void bios_deselect(controller *c)
{
    controller_out(c, PORT_STATUS, SELECT_NONE);
}
