/* What a board has to bring to the firmware: its MQTT client, its clock, its entropy, and the CPU whose
 * disk this is. No function may block. */

#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since some time before the start; never goes back. */
uint64_t board_now_ms(void);

/* 64 bits out of the hardware's entropy: they may never repeat, across boots too. */
uint64_t board_random(void);

/* Whether the broker is connected, and the topics vdisk/v2/rsp and vdisk/data of the channel are
 * subscribed to. */
bool board_is_connected(void);

/* The next message that arrived on these topics and is not retained; its length, 0 for none. A longer
 * one than `capacity` is dropped. `is_data` tells vdisk/data from vdisk/v2/rsp. */
size_t board_receive(bool *is_data, uint8_t *payload, size_t capacity);

/* Publishes on the channel's topic 0 vdisk/read, 1 vdisk/write, 2 vdisk/v2/req; not retained. */
void board_publish(uint8_t topic, const uint8_t *payload, size_t length);

/* What the CPU wants of drive B: 0 nothing, 1 to read a sector, 2 to write one, whose bytes are put in
 * `bytes`. */
uint8_t board_wanted(uint32_t *sector, uint8_t *bytes, size_t length);

/* A read is done, or a write accepted; with length 0, it failed. */
void board_done(uint32_t sector, const uint8_t *bytes, size_t length);

/* Something happened to the session; `is_grave` if somebody should look. */
void board_told(bool is_grave);

#endif
