#include "layout.h"

#include <string.h>

static int is_system(unsigned track)
{
    return track < 6;
}

static unsigned number_of(unsigned record)
{
    return record % 4 * 8 + record / 4 % 4 * 2 + record / 16;
}

unsigned layout_sector(unsigned track, unsigned record)
{
    return is_system(track) ? number_of(record) : number_of(record) * 17 % RECORDS_PER_TRACK;
}

static uint8_t sum(const uint8_t *bytes, unsigned count)
{
    uint8_t total = 0;
    while (count-- > 0)
        total = (uint8_t)(total + *bytes++);
    return total;
}

/* Of tracks 6 to 76: not of itself, nor of track and number. */
static uint8_t data_sum(const uint8_t sector[137])
{
    return (uint8_t)(sum(sector + 2, 2) + sum(sector + 5, 130));
}

void layout_wrap(unsigned track, unsigned record, const uint8_t bytes[RECORD_BYTES], uint8_t sector[137])
{
    memset(sector, 0, 137);
    sector[0] = (uint8_t)(0x80 | track);
    if (is_system(track)) {
        sector[2] = 0x01;
        memcpy(sector + 3, bytes, RECORD_BYTES);
        sector[131] = 0xff;
        sector[132] = sum(bytes, RECORD_BYTES);
    } else {
        sector[1] = (uint8_t)number_of(record);
        memcpy(sector + 7, bytes, RECORD_BYTES);
        sector[135] = 0xff;
        sector[4] = data_sum(sector);
    }
}

int layout_unwrap(unsigned track, unsigned record, const uint8_t sector[137], uint8_t bytes[RECORD_BYTES])
{
    int is_good = sector[0] == (0x80 | track);
    if (is_system(track)) {
        is_good = is_good && sector[131] == 0xff && sector[132] == sum(sector + 3, RECORD_BYTES);
        memcpy(bytes, sector + 3, RECORD_BYTES);
    } else {
        is_good = is_good && sector[1] == number_of(record) && sector[135] == 0xff && sector[4] == data_sum(sector);
        memcpy(bytes, sector + 7, RECORD_BYTES);
    }
    return is_good ? 0 : -1;
}
