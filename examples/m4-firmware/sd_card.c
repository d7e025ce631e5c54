/* The disks on an SD card behind an M4 core of the MT3620, and a cache in front of them. Sector s of drive d is block
 * s + 3,000 d of the card. */

#include "card.h"
#include "mailbox.h"
#include "startup.h"

#include <sector_cache.h>

/* 172,032 bytes of the TCM. */
enum { SLOTS = 1153 };

SECTOR_CACHE_DISK_STORAGE(disk, SLOTS);

int main(void)
{
    static uint8_t message[MAILBOX_MESSAGE_MAX];
    mailbox box = mailbox_open();

    if (sector_cache_disk_init(disk, sizeof disk_storage, SECTOR_CACHE_ABI_VERSION, SLOTS, card_read, card_write,
                               NULL) != SECTOR_CACHE_OK) {
        fault();
    }

    for (;;) {
        size_t length = mailbox_receive(&box, message, sizeof message);
        if (length < MAILBOX_HEADER) {
            mailbox_wait();
            continue;
        }
        size_t answer = sector_cache_disk_serve(disk, message + MAILBOX_HEADER, length - MAILBOX_HEADER,
                                                sizeof message - MAILBOX_HEADER);
        while (answer > 0 && mailbox_send(&box, message, MAILBOX_HEADER + answer) != 0) {
            mailbox_wait();
        }
    }
}
