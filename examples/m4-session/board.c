/* A board with nothing attached, for the image to link: replace each function by your hardware's. */

#include "board.h"

uint64_t board_now_ms(void)
{
    return 0;
}

uint64_t board_random(void)
{
    return 0;
}

bool board_is_connected(void)
{
    return false;
}

size_t board_receive(bool *is_data, uint8_t *payload, size_t capacity)
{
    (void)is_data, (void)payload, (void)capacity;
    return 0;
}

void board_publish(uint8_t topic, const uint8_t *payload, size_t length)
{
    (void)topic, (void)payload, (void)length;
}

uint8_t board_wanted(uint32_t *sector, uint8_t *bytes, size_t length)
{
    (void)sector, (void)bytes, (void)length;
    return 0;
}

void board_done(uint32_t sector, const uint8_t *bytes, size_t length)
{
    (void)sector, (void)bytes, (void)length;
}

void board_told(bool is_grave)
{
    (void)is_grave;
}
