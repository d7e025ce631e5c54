/* The mailbox's card service: a card of the test's own, that can fail, behind the callbacks. */

#include "fixture.h"

#define MESSAGE 144
#define BLOCKS 48000

/* 16 drives of 3,000 blocks, of which the test looks at the first 16 bytes and the sector's last. */
typedef struct {
    uint8_t first[BLOCKS];
    uint8_t last[BLOCKS];
    int fails;
    unsigned reads;
    unsigned writes;
    uint32_t block;
} card;

static card the_card;
static uint8_t message[MESSAGE];

static int read_block(void *context, uint32_t block, uint8_t *bytes, size_t length)
{
    card *from = (card *)context;
    CHECK_EQUAL(512, length);
    CHECK(block < BLOCKS);
    ++from->reads;
    from->block = block;
    /* A card that fails may leave anything there. */
    memset(bytes, 0xbb, length);
    bytes[0] = from->first[block];
    bytes[136] = from->last[block];
    return from->fails;
}

static int write_block(void *context, uint32_t block, const uint8_t *bytes, size_t length)
{
    card *to = (card *)context;
    CHECK_EQUAL(512, length);
    CHECK(block < BLOCKS);
    CHECK(all_equal(bytes + 137, 512 - 137, 0));
    ++to->writes;
    to->block = block;
    if (to->fails == 0) {
        to->first[block] = bytes[0];
        to->last[block] = bytes[136];
    }
    return to->fails;
}

static sector_cache_disk *new_disk(uint32_t slots)
{
    size_t bytes = SECTOR_CACHE_DISK_BYTES(slots);
    sector_cache_disk *disk = (sector_cache_disk *)malloc(bytes);
    memset(&the_card, 0, sizeof the_card);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_disk_init(disk, bytes, SECTOR_CACHE_ABI_VERSION, slots, read_block,
                                                        write_block, &the_card));
    return disk;
}

static sector_cache_statistics statistics_of_disk(const sector_cache_disk *disk)
{
    sector_cache_statistics statistics;
    memset(&statistics, 0xff, sizeof statistics);
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_disk_stats(disk, &statistics));
    return statistics;
}

/* Sends a whole message whose sector is of equal bytes. */
static size_t served(sector_cache_disk *disk, uint8_t type, uint16_t sector, uint8_t drive, uint8_t byte)
{
    memset(message, byte, sizeof message);
    message[0] = type;
    message[1] = (uint8_t)(sector & 0xff);
    message[2] = (uint8_t)(sector >> 8);
    message[3] = 0;
    message[4] = 0x99;
    message[5] = drive;
    return sector_cache_disk_serve(disk, message, sizeof message, sizeof message);
}

/* Whether the message is an answer with these fields. */
static int answers(size_t length, uint8_t type, uint16_t sector, uint8_t drive, uint8_t success)
{
    const uint8_t fields[6] = {type, (uint8_t)(sector & 0xff), (uint8_t)(sector >> 8), 0, success, drive};
    return length == MESSAGE && memcmp(message, fields, sizeof fields) == 0 && message[143] == 0;
}

static void reads_go_to_the_card_once(void)
{
    sector_cache_disk *disk = new_disk(2);
    the_card.first[258] = 0xd0;
    the_card.last[258] = 0xdf;
    for (int turn = 0; turn < 2; ++turn) {
        CHECK(answers(served(disk, 1, 258, 0, 0x11), 1, 258, 0, 1));
        CHECK(message[6] == 0xd0 && all_equal(message + 7, 135, 0xbb) && message[142] == 0xdf);
        CHECK_EQUAL(1, the_card.reads);
        CHECK_EQUAL(258, the_card.block);
    }
    CHECK_EQUAL(0, the_card.writes);
    CHECK_EQUAL(1, statistics_of_disk(disk).hits);
    CHECK_EQUAL(1, statistics_of_disk(disk).misses);
    CHECK_EQUAL(1, statistics_of_disk(disk).used);
    CHECK_EQUAL(2, statistics_of_disk(disk).slots);
    free(disk);
}

static void writes_go_to_the_card_and_are_kept(void)
{
    sector_cache_disk *disk = new_disk(2);
    CHECK(answers(served(disk, 2, 2999, 15, 0x2f), 2, 2999, 15, 1));
    CHECK(all_equal(message + 6, 137, 0x2f));
    CHECK_EQUAL(1, the_card.writes);
    CHECK_EQUAL(47999, the_card.block);
    CHECK(the_card.first[47999] == 0x2f && the_card.last[47999] == 0x2f);

    CHECK(answers(served(disk, 1, 2999, 15, 0), 1, 2999, 15, 1));
    CHECK(all_equal(message + 6, 137, 0x2f));
    CHECK_EQUAL(0, the_card.reads);

    CHECK(answers(served(disk, 2, 0, 1, 0x10), 2, 0, 1, 1));
    CHECK_EQUAL(3000, the_card.block);
    free(disk);
}

static void what_was_read_last_is_kept(void)
{
    sector_cache_disk *disk = new_disk(2);
    for (uint16_t sector = 1; sector <= 3; ++sector)
        CHECK(answers(served(disk, 1, sector, 0, 0), 1, sector, 0, 1));
    CHECK(answers(served(disk, 1, 3, 0, 0), 1, 3, 0, 1));
    CHECK_EQUAL(3, the_card.reads);
    CHECK_EQUAL(1, statistics_of_disk(disk).evictions);
    free(disk);
}

static void a_read_that_fails_says_so(void)
{
    sector_cache_disk *disk = new_disk(2);
    the_card.fails = -5;
    CHECK(answers(served(disk, 1, 7, 0, 0x11), 1, 7, 0, 0));
    CHECK(all_equal(message + 6, 137, 0));
    CHECK_EQUAL(0, statistics_of_disk(disk).used);
    the_card.fails = 0;
    CHECK(answers(served(disk, 1, 7, 0, 0x11), 1, 7, 0, 1));
    CHECK_EQUAL(2, the_card.reads);
    free(disk);
}

static void a_write_that_fails_is_forgotten(void)
{
    sector_cache_disk *disk = new_disk(2);
    CHECK(answers(served(disk, 2, 7, 0, 0x77), 2, 7, 0, 1));
    the_card.fails = 1;
    CHECK(answers(served(disk, 2, 7, 0, 0x78), 2, 7, 0, 0));
    CHECK_EQUAL(0, statistics_of_disk(disk).used);
    the_card.fails = 0;
    CHECK(answers(served(disk, 1, 7, 0, 0), 1, 7, 0, 1));
    CHECK(message[6] == 0x77 && the_card.reads == 1);
    free(disk);
}

static void there_are_16_drives_of_3000_sectors(void)
{
    sector_cache_disk *disk = new_disk(2);
    for (uint8_t type = 1; type <= 2; ++type) {
        CHECK(answers(served(disk, type, 3000, 0, 0x11), type, 3000, 0, 0));
        CHECK(all_equal(message + 6, 137, type == 1 ? 0 : 0x11));
        CHECK(answers(served(disk, type, 65535, 0, 0x11), type, 65535, 0, 0));
        CHECK(answers(served(disk, type, 0, 16, 0x11), type, 0, 16, 0));
        CHECK(answers(served(disk, type, 0, 255, 0x11), type, 0, 255, 0));
    }
    CHECK_EQUAL(0, the_card.reads + the_card.writes);
    free(disk);
}

static void a_clear_empties_the_cache_alone(void)
{
    sector_cache_disk *disk = new_disk(2);
    CHECK(answers(served(disk, 2, 7, 0, 0x77), 2, 7, 0, 1));
    message[0] = 3;
    CHECK_EQUAL(0, sector_cache_disk_serve(disk, message, 1, 1));
    CHECK_EQUAL(0, statistics_of_disk(disk).used);
    CHECK_EQUAL(0x77, the_card.first[7]);
    CHECK(answers(served(disk, 1, 7, 0, 0), 1, 7, 0, 1));
    CHECK_EQUAL(1, the_card.reads);
    free(disk);
}

static void what_is_no_message_is_ignored(void)
{
    sector_cache_disk *disk = new_disk(2);
    uint8_t longer[MESSAGE + 1];
    for (int type = 0; type <= 0xff; ++type) {
        for (size_t length = 0; length <= MESSAGE + 1; ++length) {
            if ((type == 3 && length >= 1 && length <= MESSAGE) || ((type == 1 || type == 2) && length == MESSAGE))
                continue;
            memset(longer, 0, sizeof longer);
            longer[0] = (uint8_t)type;
            CHECK_EQUAL(0, sector_cache_disk_serve(disk, longer, length, sizeof longer));
            CHECK(longer[0] == type && all_equal(longer + 1, sizeof longer - 1, 0));
        }
    }
    longer[0] = 1;
    CHECK_EQUAL(0, sector_cache_disk_serve(disk, longer, MESSAGE, MESSAGE - 1));
    CHECK_EQUAL(0, sector_cache_disk_serve(disk, longer, SIZE_MAX, sizeof longer));
    CHECK_EQUAL(0, sector_cache_disk_serve(disk, longer, MESSAGE, SIZE_MAX));
    CHECK_EQUAL(0, sector_cache_disk_serve(disk, NULL, MESSAGE, MESSAGE));
    CHECK_EQUAL(0, the_card.reads + the_card.writes);
    free(disk);
}

static void without_slots_it_goes_to_the_card_each_time(void)
{
    sector_cache_disk *disk = new_disk(0);
    CHECK(answers(served(disk, 2, 7, 0, 0x77), 2, 7, 0, 1));
    CHECK(answers(served(disk, 1, 7, 0, 0), 1, 7, 0, 1));
    CHECK(answers(served(disk, 1, 7, 0, 0), 1, 7, 0, 1));
    CHECK_EQUAL(0x77, message[6]);
    CHECK_EQUAL(2, the_card.reads);
    CHECK_EQUAL(0, statistics_of_disk(disk).slots);
    free(disk);
}

static int calls_without_context;

static int read_without_context(void *context, uint32_t block, uint8_t *bytes, size_t length)
{
    (void)block;
    CHECK(context == NULL);
    memset(bytes, 0, length);
    ++calls_without_context;
    return 0;
}

static void the_context_may_be_null(void)
{
    static uint64_t storage[SECTOR_CACHE_DISK_BYTES(1) / 8 + 1];
    sector_cache_disk *disk = (sector_cache_disk *)(void *)storage;
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_disk_init(disk, sizeof storage, SECTOR_CACHE_ABI_VERSION, 1,
                                                        read_without_context, write_block, NULL));
    CHECK(answers(served(disk, 1, 7, 0, 0), 1, 7, 0, 1));
    CHECK_EQUAL(1, calls_without_context);
}

static void init_refuses_what_it_must(void)
{
    const uint32_t version = SECTOR_CACHE_ABI_VERSION;
    size_t bytes = SECTOR_CACHE_DISK_BYTES(4);
    uint8_t *storage = (uint8_t *)malloc(bytes);
    sector_cache_disk *disk = (sector_cache_disk *)(void *)storage;
    memset(storage, 0x5a, bytes);

#define INIT(at, length, abi, slots, read, write) \
    sector_cache_disk_init(at, length, abi, slots, read, write, &the_card)
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, INIT(NULL, bytes, version, 4, read_block, write_block));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, INIT(disk, bytes, version, 4, NULL, write_block));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, INIT(disk, bytes, version, 4, read_block, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, INIT(disk, bytes, 0, 4, read_block, write_block));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, INIT(disk, bytes, version + 1, 4, read_block, write_block));
    for (size_t by = 1; by < 8; ++by)
        CHECK_EQUAL(SECTOR_CACHE_ERROR_ALIGNMENT,
                    INIT((sector_cache_disk *)(void *)(storage + by), bytes - 8, version, 0, read_block, write_block));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL, INIT(disk, bytes - 1, version, 4, read_block, write_block));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL, INIT(disk, bytes, version, 5, read_block, write_block));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL,
                INIT(disk, SECTOR_CACHE_DISK_HEADER_BYTES - 1, version, 0, read_block, write_block));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_TOO_SMALL, INIT(disk, 0, version, 0, read_block, write_block));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, INIT(disk, bytes, version, 65536, read_block, write_block));
    CHECK(all_equal(storage, bytes, 0x5a));
    CHECK_EQUAL(SECTOR_CACHE_OK, INIT(disk, bytes, version, 4, read_block, write_block));
#undef INIT

    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, sector_cache_disk_stats(disk, NULL));
    free(storage);
}

int main(void)
{
    reads_go_to_the_card_once();
    writes_go_to_the_card_and_are_kept();
    what_was_read_last_is_kept();
    a_read_that_fails_says_so();
    a_write_that_fails_is_forgotten();
    there_are_16_drives_of_3000_sectors();
    a_clear_empties_the_cache_alone();
    what_is_no_message_is_ignored();
    without_slots_it_goes_to_the_card_each_time();
    the_context_may_be_null();
    init_refuses_what_it_must();
    return CHECKS_RESULT;
}
