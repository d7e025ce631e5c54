/* The M4 and its firmware, in QEMU, behind the mailbox that both share. */

#ifndef M4_H
#define M4_H

#include <stddef.h>
#include <stdint.h>

/* Starts the firmware `image`, with a new file `memory` as the memory that is shared. */
void m4_start(const char *image, const char *memory);

/* Sends a disk message, and waits for room if need be. It is not answered. */
void m4_send(const uint8_t *message, size_t length);

/* Asks for a sector of 137 bytes. Returns 1 for a hit; 0 for a miss, and `bytes` are as they were. */
int m4_read(uint32_t sector, uint8_t *bytes);

#endif
