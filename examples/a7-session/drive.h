/* Drive B of an 88-DCDD, an Altair's floppy drives, as its emulator has it: its disk is on a server, and the M4 caches
 * that. Whatever fails here ends the run. */

#ifndef DRIVE_H
#define DRIVE_H

#include <sector_cache.h>
#include <stdint.h>

enum { TRACKS = 77, SECTORS_PER_TRACK = 32 };

/* Waits until the server behind the broker on this port has told of the drive. */
void drive_open(int port);

void drive_seek(uint32_t track);

/* A sector of the track that was sought, 137 bytes. */
void drive_read(uint32_t sector, uint8_t *bytes);
void drive_write(uint32_t sector, const uint8_t *bytes);

/* Waits until all that was written is on the server's disk. */
void drive_flush(void);

/* How many writes a reboot now would lose. */
unsigned drive_unacknowledged(void);

typedef struct {
    unsigned hits;          /* reads that the M4 answered */
    unsigned misses;        /* that it did not have */
    unsigned bypassed;      /* that it was not to be asked for */
    unsigned refused;       /* messages that the mailbox did not take */
    uint64_t read_wait_us;  /* the CPU's, for a sector from the server */
    uint64_t write_wait_us; /* and for room in the window */
} drive_counts;

drive_counts drive_counted(void);
vdisk_session_statistics drive_session(void);

#endif
