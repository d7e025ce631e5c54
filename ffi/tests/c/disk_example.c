/* The example of the header's section on the SD card, with a card of the test's own. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

enum { BLOCK = 512, BLOCKS = 6000 };

struct spi_card {
    uint8_t blocks[BLOCKS][BLOCK];
    int transfers;
};

static int spi_read(struct spi_card *card, uint32_t block, uint8_t *bytes, size_t length);
static int spi_write(struct spi_card *card, uint32_t block, const uint8_t *bytes, size_t length);

/* Written beside the program by whoever compiles it. */
#include "disk_example.inc"

static int spi_read(struct spi_card *card, uint32_t block, uint8_t *bytes, size_t length)
{
    CHECK(length == BLOCK);
    if (block >= BLOCKS)
        return -1;
    ++card->transfers;
    memcpy(bytes, card->blocks[block], BLOCK);
    return 0;
}

static int spi_write(struct spi_card *card, uint32_t block, const uint8_t *bytes, size_t length)
{
    CHECK(length == BLOCK);
    if (block >= BLOCKS)
        return -1;
    ++card->transfers;
    memcpy(card->blocks[block], bytes, BLOCK);
    return 0;
}

/* The `success` of the answer to a message about sector 7 of a drive. */
static int served(uint8_t *message, uint8_t type, uint8_t drive)
{
    message[0] = type;
    message[1] = 7;
    message[2] = 0;
    message[5] = drive;
    CHECK_EQUAL(144, disk_answer(message, 144, 144));
    return message[4];
}

int main(void)
{
    static struct spi_card card;
    uint8_t message[144];
    CHECK_EQUAL(SECTOR_CACHE_OK, disk_start(&card));
    memset(message, 0xa7, sizeof message);
    CHECK_EQUAL(1, served(message, 2, 1));
    CHECK(card.blocks[3007][0] == 0xa7 && card.blocks[3007][136] == 0xa7 && card.blocks[3007][137] == 0);

    memset(message, 0, sizeof message);
    CHECK_EQUAL(1, served(message, 1, 1));
    CHECK(message[6] == 0xa7 && message[142] == 0xa7);
    CHECK_EQUAL(1, card.transfers);
    CHECK_EQUAL(0, served(message, 1, 2));
    return CHECKS_RESULT;
}
