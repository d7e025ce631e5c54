/* The cache's memory while it is measured. It has to lie in the TCM, and so not in libqemu_side.a. */

#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

enum { CACHE_BYTES = 172032 }; /* 192 KiB less 24 for code, stack and the mailbox */

extern uint8_t cache_memory[];
extern const uint32_t cache_memory_bytes; /* CACHE_BYTES, or more for who cannot do with it */

#endif
