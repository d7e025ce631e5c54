/* The cache of a drive that is elsewhere, on an M4 core of the MT3620. */

#include "mailbox.h"
#include "startup.h"

#include <sector_cache.h>

enum { SECTOR_LENGTH = 137 };

/* 172,032 bytes of the TCM; code, stack and the mailbox share the other 24 KiB. */
#define STORAGE_SLOTS 1154

/* The peer that we are measured against holds fewer in the same memory. */
#ifndef SLOTS
#define SLOTS STORAGE_SLOTS
#endif

SECTOR_CACHE_STORAGE(cache, STORAGE_SLOTS, SECTOR_LENGTH);

int main(void)
{
    static uint8_t message[MAILBOX_MESSAGE_MAX];
    mailbox box = mailbox_open();

    if (sector_cache_init(cache, sizeof cache_storage, SECTOR_CACHE_ABI_VERSION, SLOTS, SECTOR_LENGTH,
                          SECTOR_CACHE_LRU) != SECTOR_CACHE_OK) {
        fault();
    }

    for (;;) {
        size_t length = mailbox_receive(&box, message, sizeof message);
        if (length < MAILBOX_HEADER) {
            mailbox_wait();
            continue;
        }
        size_t answer = sector_cache_serve(cache, message + MAILBOX_HEADER, length - MAILBOX_HEADER,
                                           sizeof message - MAILBOX_HEADER);
        while (answer > 0 && mailbox_send(&box, message, MAILBOX_HEADER + answer) != 0) {
            mailbox_wait();
        }
    }
}
