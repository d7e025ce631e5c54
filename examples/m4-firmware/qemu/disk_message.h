/* A disk message, by offset; in the mailbox it stands behind the header. */

#ifndef DISK_MESSAGE_H
#define DISK_MESSAGE_H

#include "mailbox.h"

#include <stdint.h>
#include <string.h>

enum { TYPE = 0, NUMBER = 1, CACHED = 3, SUCCESS = 4, DRIVE = 5, BYTES = 6, PADDING = 143, MESSAGE_LENGTH = 144 };
enum { READ = 1, WRITE = 2, CLEAR = 3 };

/* What the field sends of each, and the answer to what is not held. */
enum { READ_LENGTH = 3, WRITE_LENGTH = 143, CLEAR_LENGTH = 1, MISS_LENGTH = 4 };

/* The header: a component's name, which has to come back. */
static const uint8_t message_header[MAILBOX_HEADER] = {0x25, 0x02, 0x5d, 0x2c, 0x66, 0xda, 0x44, 0x48, 0xba, 0xe1,
                                                       0xac, 0x26, 0xfc, 0xdd, 0x36, 0x27, 0x00, 0x00, 0x00, 0x00};

/* Fills in all of a message but the sector's bytes. */
static inline void message_begin(uint8_t *message, uint8_t type, uint32_t sector, uint8_t drive)
{
    memset(message, 0, MESSAGE_LENGTH);
    message[TYPE] = type;
    message[NUMBER] = (uint8_t)sector;
    message[NUMBER + 1] = (uint8_t)(sector >> 8);
    message[DRIVE] = drive;
}

static inline uint32_t message_number(const uint8_t *message)
{
    return message[NUMBER] | (uint32_t)message[NUMBER + 1] << 8;
}

#endif
