/* The example of the header's manual, with a mailbox of the test's own around it. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static size_t mailbox_dequeue(uint8_t *message, size_t capacity);
static void mailbox_enqueue(const uint8_t *message, size_t length);

/* Written beside the program by whoever compiles it. */
#include "header_example.inc"

#define HEADER 20

/* What arrives, one after the other, and how long the answers have to be: 0 for none. */
static const struct {
    uint8_t start[6];
    size_t length;
    size_t answer;
} script[] = {
    {{1, 2, 1, 0, 0, 0}, 0, 0},
    {{1, 2, 1, 0, 0, 0}, 3, 4},
    {{2, 2, 1, 0, 0, 0}, 144, 0},
    {{1, 2, 1, 0, 0, 0}, 3, 144},
    {{3, 0, 0, 0, 0, 0}, 1, 0},
    {{1, 2, 1, 0, 0, 0}, 144, 4},
};

#define STEPS (sizeof script / sizeof *script)

static size_t step;
static size_t answered;

static void end_step(void)
{
    if (step > 0)
        CHECK_EQUAL(script[step - 1].answer, answered);
    answered = 0;
}

static size_t mailbox_dequeue(uint8_t *message, size_t capacity)
{
    end_step();
    if (step == STEPS)
        exit(CHECKS_RESULT);
    CHECK(capacity >= HEADER + 144);
    memset(message, 0xa7, HEADER + 144);
    memcpy(message + HEADER, script[step].start, sizeof script[step].start);
    return HEADER + script[step++].length;
}

static void mailbox_enqueue(const uint8_t *message, size_t length)
{
    CHECK(length > HEADER);
    answered = length - HEADER;
    for (size_t at = 0; at < HEADER; ++at)
        CHECK_EQUAL(0xa7, message[at]);
    CHECK_EQUAL(answered == 144, message[HEADER + 4]);
    if (answered == 144)
        CHECK_EQUAL(0xa7, message[HEADER + 142]);
}

int main(void)
{
    firmware();
    CHECK(!"the firmware's loop has no end");
    return CHECKS_RESULT;
}
