/* What a sector holds in the simulation: bytes made of its key and of the hash of its last write. */

#ifndef SECTOR_H
#define SECTOR_H

#include <stdint.h>
#include <string.h>

enum { SECTOR_LENGTH = 137 };

static inline void sector_bytes(uint32_t key, uint32_t hash, uint8_t *bytes)
{
    uint32_t state = (key + 1) * 0x9e3779b1u ^ hash;
    uint32_t words[(SECTOR_LENGTH + 3) / 4];

    for (size_t at = 0; at < sizeof words / sizeof words[0]; at++) {
        state = state * 1664525u + 1013904223u;
        words[at] = state ^ state >> 16;
    }
    memcpy(bytes, words, SECTOR_LENGTH);
}

static inline int sector_equals(uint32_t key, uint32_t hash, const uint8_t *bytes)
{
    uint8_t expected[SECTOR_LENGTH];

    sector_bytes(key, hash, expected);
    return memcmp(expected, bytes, SECTOR_LENGTH) == 0;
}

#endif
