/* The mailbox's cache services: literal messages in, literal answers out. */

#include "fixture.h"

#define MESSAGE 144

/* Behind what a service may touch. */
#define GUARD 16

static uint8_t message[MESSAGE + GUARD];

/* Serves what the message starts with, and looks for what was written behind its capacity. */
static size_t served(sector_cache *cache, const uint8_t *sent, size_t length, size_t capacity)
{
    memset(message, 0x5a, sizeof message);
    memcpy(message, sent, length);
    size_t answered = sector_cache_serve(cache, message, length, capacity);
    CHECK(answered <= capacity);
    size_t end = length > capacity ? length : capacity;
    CHECK(all_equal(message + end, sizeof message - end, 0x5a));
    return answered;
}

#define SERVED(cache, sent, length) served(cache, sent, length, MESSAGE)

/* Sector 258, of drive 0: a short read, a write of 137 bytes that start with d0 d1 d2 and end with df, its answer. */
static const uint8_t read_258[3] = {1, 2, 1};
static uint8_t write_258[MESSAGE] = {2, 2, 1, 0, 0, 0, 0xd0, 0xd1, 0xd2};
static uint8_t answer_258[MESSAGE] = {1, 2, 1, 1, 1, 0, 0xd0, 0xd1, 0xd2};
static const uint8_t clear[1] = {3};

static void set_up(void)
{
    write_258[142] = answer_258[142] = 0xdf;
    write_258[143] = 0x77;
    answer_258[143] = 0;
}

static int is_miss(size_t length)
{
    static const uint8_t zeros[4] = {0, 0, 0, 0};
    return length == 4 && memcmp(message, zeros, 4) == 0;
}

static int is_answer(size_t length, const uint8_t *answer)
{
    return length == MESSAGE && memcmp(message, answer, MESSAGE) == 0;
}

static void a_sector_is_missed_written_and_hit(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_LRU);
    CHECK(is_miss(SERVED(cache, read_258, 3)));
    CHECK_EQUAL(0, SERVED(cache, write_258, MESSAGE));
    CHECK(is_answer(SERVED(cache, read_258, 3), answer_258));
    CHECK_EQUAL(1, statistics_of(cache).hits);
    CHECK_EQUAL(1, statistics_of(cache).misses);

    const uint8_t *held = sector_cache_peek(cache, 0, 258);
    CHECK(held != NULL && memcmp(held, write_258 + 6, 137) == 0);

    CHECK_EQUAL(0, SERVED(cache, clear, 1));
    CHECK_EQUAL(0, statistics_of(cache).used);
    CHECK(is_miss(SERVED(cache, read_258, 3)));
    free(cache);
}

/* Whole messages, as a board that sends all 144 bytes does: what is no matter is not looked at. */
static void long_messages_mean_the_same(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_LRU);
    uint8_t sent[MESSAGE];
    CHECK_EQUAL(0, SERVED(cache, write_258, MESSAGE));
    memset(sent, 0xff, sizeof sent);
    memcpy(sent, read_258, sizeof read_258);
    for (size_t length = 3; length <= MESSAGE; ++length)
        CHECK(is_answer(SERVED(cache, sent, length), answer_258));

    sent[0] = 3;
    for (size_t length = 1; length <= MESSAGE; ++length) {
        CHECK_EQUAL(0, SERVED(cache, write_258, 143));
        CHECK_EQUAL(1, statistics_of(cache).used);
        CHECK_EQUAL(0, SERVED(cache, sent, length));
        CHECK_EQUAL(0, statistics_of(cache).used);
    }
    free(cache);
}

static void what_is_no_message_is_ignored(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_LRU);
    uint8_t sent[MESSAGE + GUARD];
    CHECK_EQUAL(0, SERVED(cache, write_258, MESSAGE));

    for (int type = 0; type <= 0xff; ++type) {
        for (size_t length = 0; length <= MESSAGE + 1; ++length) {
            int is_read = type == 1 && length >= 3 && length <= MESSAGE;
            int is_write = type == 2 && (length == 143 || length == MESSAGE);
            int is_clear = type == 3 && length >= 1 && length <= MESSAGE;
            if (is_read || is_write || is_clear)
                continue;
            memset(sent, 0, sizeof sent);
            sent[0] = (uint8_t)type;
            CHECK_EQUAL(0, served(cache, sent, length, MESSAGE + 1));
            CHECK(memcmp(message, sent, length) == 0);
        }
    }
    CHECK_EQUAL(1, statistics_of(cache).used);
    CHECK_EQUAL(0, statistics_of(cache).hits);
    CHECK_EQUAL(0, statistics_of(cache).misses);
    CHECK(is_answer(SERVED(cache, read_258, 3), answer_258));
    free(cache);
}

static void a_length_above_the_capacity_is_refused(void)
{
    sector_cache *cache = new_cache(2, 137, SECTOR_CACHE_LRU);
    CHECK_EQUAL(0, served(cache, write_258, MESSAGE, MESSAGE - 1));
    CHECK_EQUAL(0, served(cache, clear, 1, 0));
    CHECK_EQUAL(0, sector_cache_serve(cache, write_258, MESSAGE + 1, MESSAGE));
    CHECK_EQUAL(0, sector_cache_serve(cache, write_258, SIZE_MAX, MESSAGE));
    CHECK_EQUAL(0, sector_cache_serve(cache, write_258, MESSAGE, SIZE_MAX));
    CHECK_EQUAL(0, statistics_of(cache).used);

    /* A write needs no room for an answer; a read does, even where there is none to send but a miss. */
    CHECK_EQUAL(0, served(cache, write_258, 143, 143));
    CHECK_EQUAL(1, statistics_of(cache).used);
    for (size_t capacity = 3; capacity < MESSAGE; ++capacity) {
        CHECK_EQUAL(0, served(cache, read_258, 3, capacity));
        CHECK(memcmp(message, read_258, 3) == 0);
    }
    CHECK_EQUAL(0, statistics_of(cache).hits);
    CHECK(is_answer(SERVED(cache, read_258, 3), answer_258));
    free(cache);
}

static void the_drive_in_a_message_counts_only_if_asked_for(void)
{
    static const uint8_t read_258_of[4][6] = {
        {1, 2, 1, 0, 0, 0}, {1, 2, 1, 0, 0, 5}, {1, 2, 1, 0, 0, 15}, {1, 2, 1, 0, 0, 16}};
    uint8_t sent[MESSAGE];
    uint8_t expected[MESSAGE];
    memcpy(sent, write_258, MESSAGE);
    memcpy(expected, answer_258, MESSAGE);
    sent[5] = 5;

    sector_cache *one = new_cache(2, 137, SECTOR_CACHE_LRU);
    CHECK_EQUAL(0, SERVED(one, sent, MESSAGE));
    CHECK(sector_cache_peek(one, 0, 258) != NULL && sector_cache_peek(one, 5, 258) == NULL);
    for (size_t i = 0; i < 4; ++i)
        CHECK(is_answer(SERVED(one, read_258_of[i], 6), expected));
    free(one);

    sector_cache *many = new_cache(2, 137, SECTOR_CACHE_MULTI_DRIVE);
    CHECK_EQUAL(0, SERVED(many, sent, MESSAGE));
    CHECK(sector_cache_peek(many, 5, 258) != NULL && sector_cache_peek(many, 0, 258) == NULL);
    expected[5] = 5;
    CHECK(is_answer(SERVED(many, read_258_of[1], 6), expected));
    CHECK(is_miss(SERVED(many, read_258_of[0], 6)));
    CHECK(is_miss(SERVED(many, read_258_of[2], 6)));
    CHECK(is_miss(SERVED(many, read_258_of[3], 6)));
    for (size_t length = 3; length < 6; ++length)
        CHECK_EQUAL(0, SERVED(many, read_258_of[1], length));
    sent[5] = 15;
    CHECK_EQUAL(0, SERVED(many, sent, 143));
    CHECK_EQUAL(2, statistics_of(many).used);
    sent[5] = 16;
    CHECK_EQUAL(0, SERVED(many, sent, MESSAGE));
    sent[5] = 255;
    CHECK_EQUAL(0, SERVED(many, sent, MESSAGE));
    CHECK_EQUAL(2, statistics_of(many).used);
    CHECK_EQUAL(0, statistics_of(many).evictions);
    free(many);
}

static void a_cache_of_many_drives_evicts(void)
{
    sector_cache *cache = new_cache(1, 137, SECTOR_CACHE_MULTI_DRIVE);
    CHECK_EQUAL(SECTOR_CACHE_INSERTED, put_137(cache, 8, 1, 0x81));
    CHECK_EQUAL(SECTOR_CACHE_EVICTED, put_137(cache, 9, 1, 0x91));
    CHECK(holds_137(cache, 9, 1, 0x91));
    free(cache);
}

static void a_difference_disk_keeps_what_it_has(void)
{
    uint8_t write_1[MESSAGE] = {2, 1, 0};
    static const uint8_t read_1[3] = {1, 1, 0};
    sector_cache *cache = new_cache(1, 137, SECTOR_CACHE_NEVER_EVICT);
    CHECK_EQUAL(0, SERVED(cache, write_258, MESSAGE));
    CHECK_EQUAL(0, SERVED(cache, write_1, MESSAGE));
    CHECK_EQUAL(1, statistics_of(cache).refused);
    CHECK(is_miss(SERVED(cache, read_1, 3)));
    CHECK(is_answer(SERVED(cache, read_258, 3), answer_258));
    CHECK_EQUAL(0, SERVED(cache, clear, 1));
    CHECK_EQUAL(0, SERVED(cache, write_1, MESSAGE));
    CHECK(SERVED(cache, read_1, 3) == MESSAGE);
    free(cache);
}

static void the_difference_disk_can_have_many_drives(void)
{
    static const uint8_t read_258_of_drive_9[6] = {1, 2, 1, 0, 0, 9};
    sector_cache *cache = new_cache(1, 137, SECTOR_CACHE_NEVER_EVICT | SECTOR_CACHE_MULTI_DRIVE);
    uint8_t sent[MESSAGE];
    memcpy(sent, write_258, MESSAGE);
    sent[5] = 9;
    CHECK_EQUAL(0, SERVED(cache, sent, MESSAGE));
    CHECK_EQUAL(0, SERVED(cache, write_258, MESSAGE));
    CHECK_EQUAL(1, statistics_of(cache).refused);
    CHECK_EQUAL(MESSAGE, SERVED(cache, read_258_of_drive_9, 6));
    CHECK_EQUAL(9, message[5]);
    free(cache);
}

static void sectors_of_another_length_are_not_served(void)
{
    static const uint32_t lengths[] = {128, 136, 138, 512};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
        sector_cache *cache = new_cache(2, lengths[i], SECTOR_CACHE_LRU);
        CHECK_EQUAL(SECTOR_CACHE_INSERTED, sector_cache_put(cache, 0, 258, sector_of(1), lengths[i], NULL));
        CHECK_EQUAL(0, SERVED(cache, write_258, MESSAGE));
        CHECK_EQUAL(0, SERVED(cache, read_258, 3));
        CHECK_EQUAL(0, SERVED(cache, clear, 1));
        CHECK_EQUAL(1, statistics_of(cache).used);
        CHECK_EQUAL(0, statistics_of(cache).hits);
        free(cache);
    }
}

static void sectors_up_to_65535_are_served(void)
{
    uint8_t sent[MESSAGE] = {2, 0xff, 0xff};
    static const uint8_t read_65535[3] = {1, 0xff, 0xff};
    sector_cache *cache = new_cache(1, 137, SECTOR_CACHE_LRU);
    CHECK_EQUAL(0, SERVED(cache, sent, MESSAGE));
    CHECK(sector_cache_peek(cache, 0, 65535) != NULL);
    CHECK_EQUAL(MESSAGE, SERVED(cache, read_65535, 3));
    free(cache);
}

/* At every alignment, for the mailbox's header has any length. */
static void a_message_needs_no_alignment(void)
{
    sector_cache *cache = new_cache(1, 137, SECTOR_CACHE_LRU);
    for (size_t by = 0; by < 8; ++by) {
        uint8_t *shifted = message + by;
        memcpy(shifted, write_258, MESSAGE);
        CHECK_EQUAL(0, sector_cache_serve(cache, shifted, MESSAGE, MESSAGE));
        memcpy(shifted, read_258, 3);
        CHECK_EQUAL(MESSAGE, sector_cache_serve(cache, shifted, 3, MESSAGE));
        CHECK(memcmp(shifted, answer_258, MESSAGE) == 0);
    }
    free(cache);
}

int main(void)
{
    set_up();
    a_sector_is_missed_written_and_hit();
    long_messages_mean_the_same();
    what_is_no_message_is_ignored();
    a_length_above_the_capacity_is_refused();
    the_drive_in_a_message_counts_only_if_asked_for();
    a_cache_of_many_drives_evicts();
    a_difference_disk_keeps_what_it_has();
    the_difference_disk_can_have_many_drives();
    sectors_of_another_length_are_not_served();
    sectors_up_to_65535_are_served();
    a_message_needs_no_alignment();
    return CHECKS_RESULT;
}
