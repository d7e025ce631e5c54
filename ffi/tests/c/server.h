/* A server of version 2 for one channel, frame by frame, so that a test can make it say anything. */

#ifndef SERVER_H
#define SERVER_H

#include <string.h>

#include "check.h"

#define CHANNEL "12345678"
#define HELLO 1
#define READ 2
#define WRITE 3
#define FLUSH 4
#define INVALIDATE 5
#define ANSWER 0x80
#define SECTOR 137
#define TRACK 32
#define OVERHEAD 28
#define LONGEST_FRAME 1024

typedef struct {
    uint8_t operation;
    uint32_t session;
    uint32_t sequence;
    uint32_t acknowledged;
    uint32_t sector;
    uint16_t count;
    uint8_t drive;
    uint8_t status;
    const uint8_t *body;
    size_t body_length;
} frame;

static inline uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t length)
{
    crc = ~crc;
    for (size_t at = 0; at < length; ++at) {
        crc ^= bytes[at];
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1) ^ ((crc & 1) ? UINT32_C(0x82f63b78) : 0);
    }
    return ~crc;
}

static inline void put_number(uint8_t *out, uint64_t number, size_t bytes)
{
    for (size_t at = 0; at < bytes; ++at)
        out[at] = (uint8_t)(number >> (8 * at));
}

static inline uint64_t number_at(const uint8_t *bytes, size_t count)
{
    uint64_t number = 0;
    while (count > 0)
        number = number << 8 | bytes[--count];
    return number;
}

static inline uint32_t checksum_of(const uint8_t *bytes, size_t length)
{
    uint32_t crc = crc32c(0, (const uint8_t *)CHANNEL, strlen(CHANNEL));
    return crc32c(crc, bytes, length);
}

/* Writes a frame, and says how long it is. */
static inline size_t encode(const frame *frame, uint8_t *out)
{
    size_t length = 24 + frame->body_length;
    memcpy(out, "VD\2", 3);
    out[3] = frame->operation;
    put_number(out + 4, frame->session, 4);
    put_number(out + 8, frame->sequence, 4);
    put_number(out + 12, frame->acknowledged, 4);
    put_number(out + 16, frame->sector, 4);
    put_number(out + 20, frame->count, 2);
    out[22] = frame->drive;
    out[23] = frame->status;
    if (frame->body_length > 0)
        memcpy(out + 24, frame->body, frame->body_length);
    put_number(out + length, checksum_of(out, length), 4);
    return length + 4;
}

/* Reads a request, whose body stays where it is. */
static inline frame decode(const uint8_t *bytes, size_t length)
{
    frame request;
    memset(&request, 0, sizeof request);
    CHECK(length >= OVERHEAD && memcmp(bytes, "VD\2", 3) == 0);
    CHECK_EQUAL(number_at(bytes + length - 4, 4), checksum_of(bytes, length - 4));
    request.operation = bytes[3];
    request.session = (uint32_t)number_at(bytes + 4, 4);
    request.sequence = (uint32_t)number_at(bytes + 8, 4);
    request.acknowledged = (uint32_t)number_at(bytes + 12, 4);
    request.sector = (uint32_t)number_at(bytes + 16, 4);
    request.count = (uint16_t)number_at(bytes + 20, 2);
    request.drive = bytes[22];
    request.body = bytes + 24;
    request.body_length = length - OVERHEAD;
    return request;
}

/* The answer to a request, as yet without what it says. */
static inline frame answer_to(const frame *request)
{
    frame answer;
    memset(&answer, 0, sizeof answer);
    answer.operation = (uint8_t)(request->operation | ANSWER);
    answer.session = request->session;
    answer.sequence = request->sequence;
    answer.drive = request->drive;
    return answer;
}

/* The body of HELLO's answer: drive A, which is read-only, B, and C, whose sectors have 512 bytes. */
#define WELCOME_BYTES (12 + 3 * 16)

static inline void put_drive(uint8_t *out, uint8_t drive, uint8_t flags, uint16_t sector_length, uint64_t generation)
{
    out[0] = drive;
    out[1] = flags;
    put_number(out + 2, sector_length, 2);
    put_number(out + 4, TRACK, 2);
    put_number(out + 6, 77, 2);
    put_number(out + 8, generation, 8);
}

static inline void put_welcome(uint8_t *out, const frame *hello, uint64_t generation)
{
    CHECK(hello->operation == HELLO && hello->body_length == 20);
    memcpy(out, hello->body, 8);
    put_number(out + 8, 4096, 2);
    out[10] = 8;
    out[11] = 3;
    put_drive(out + 12, 0, 1, SECTOR, 1);
    put_drive(out + 28, 1, 0, SECTOR, generation);
    put_drive(out + 44, 2, 0, 512, 1);
}

#endif
