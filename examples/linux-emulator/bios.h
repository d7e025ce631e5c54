/*
 * The part of CP/M's BIOS: sectors of a drive, by way of the controller's three ports and nothing else.
 */

#ifndef BIOS_H
#define BIOS_H

#include "controller.h"

/* Each returns 0, or -1 if the drive does not do what it should. */
int bios_select(controller *c, uint8_t drive);
int bios_read(controller *c, unsigned track, unsigned sector, uint8_t bytes[SECTOR_BYTES]);
int bios_write(controller *c, unsigned track, unsigned sector, const uint8_t bytes[SECTOR_BYTES]);
void bios_deselect(controller *c);

#endif
