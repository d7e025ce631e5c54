/* Where the mailbox is if the A7 is another process: two buffers in memory that both share, and a UART of whose bytes
 * each is a bell. */

#ifndef SHARED_MEMORY_H
#define SHARED_MEMORY_H

enum {
    SHARED_BUFFER_BYTES = 8192, /* one to the M4, then one to the A7, from the start of the memory */
    SHARED_MEMORY_BYTES = 16 << 20
};
enum { BELL_SENT = 1, BELL_RECEIVED = 2 };

#endif
