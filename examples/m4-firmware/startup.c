/* From reset to main(), in C: a Cortex-M has loaded the stack pointer already. */

#include "startup.h"

#define VECTOR_TABLE (*(volatile uint32_t *)0xe000ed08u)

int main(void);

static void clear_bss(void)
{
    for (uint32_t *word = bss_start; word < bss_end; word++) {
        *word = 0;
    }
}

static void paint_stack(void)
{
    const uint32_t *used = __builtin_frame_address(0);

    /* Volatile, lest the compiler make it a memset(), whose frame is in the way. */
    for (volatile uint32_t *word = stack_limit; word < used - 16; word++) {
        *word = STACK_PAINT;
    }
}

__attribute__((weak)) void fault(void)
{
    for (;;) {
    }
}

enum { EXCEPTIONS = 16, INTERRUPTS = 100 };

/* The first two words are what the processor starts with. No interrupt is used, so none may come. */
__attribute__((section(".vectors"), used)) static const uintptr_t vectors[EXCEPTIONS + INTERRUPTS] = {
    (uintptr_t)stack_top,
    (uintptr_t)reset,
    [2 ... EXCEPTIONS + INTERRUPTS - 1] = (uintptr_t)fault,
};

void reset(void)
{
    VECTOR_TABLE = (uint32_t)vectors;
    clear_bss();
    paint_stack();
    main();
    fault();
}
