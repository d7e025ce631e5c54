#include "memory.h"

#ifndef MEMORY_BYTES
#define MEMORY_BYTES CACHE_BYTES
#endif

_Alignas(8) uint8_t cache_memory[MEMORY_BYTES];
const uint32_t cache_memory_bytes = MEMORY_BYTES;
