/* An SD card in blocks of 512 bytes: what the driver of your board has to do. */

#ifndef CARD_H
#define CARD_H

#include <stddef.h>
#include <stdint.h>

/* Both return 0 for success, and may block. A card that is not there, or not ready, fails. */
int card_read(void *context, uint32_t block, uint8_t *bytes, size_t length);
int card_write(void *context, uint32_t block, const uint8_t *bytes, size_t length);

#endif
