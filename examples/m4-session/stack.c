/* How deep calls go: the stack below the caller is painted, and what lost the paint was used. */

#include "stack.h"

#include "startup.h"

enum { PAINTED_WORDS = 2048 };

static const uint32_t *top;

__attribute__((noinline)) void stack_paint(void)
{
    top = __builtin_frame_address(0);

    /* Volatile, lest the compiler make it a memset(), whose frame is in the way. */
    for (volatile uint32_t *word = (uint32_t *)top - PAINTED_WORDS; word < top - 16; word++) {
        *word = STACK_PAINT;
    }
}

uint32_t stack_used(void)
{
    const uint32_t *word = top - PAINTED_WORDS;

    while (word < top && *word == STACK_PAINT) {
        word++;
    }
    return (uint32_t)((const uint8_t *)top - (const uint8_t *)word);
}
