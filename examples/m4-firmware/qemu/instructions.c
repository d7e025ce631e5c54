#include "instructions.h"

#include "semihosting.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xe000e014u)

enum { ENABLE = 1u << 0, PROCESSOR_CLOCK = 1u << 2, COUNTER_MASK = 0xffffff };

/* 25 MHz x 128 ns, as a fraction. */
enum { TICKS = 16, PER_INSTRUCTIONS = 5 };

uint32_t instructions_between(uint32_t start, uint32_t end)
{
    uint32_t ticks = (start - end) & COUNTER_MASK;

    return (ticks * PER_INSTRUCTIONS + TICKS / 2) / TICKS;
}

#define NOPS(count)                                                       \
    static __attribute__((noinline)) uint32_t time_nops_##count(void)     \
    {                                                                     \
        uint32_t start = SYSTICK_VALUE;                                   \
        __asm volatile(".rept " #count "\n nop\n .endr" ::: "memory");    \
        return instructions_between(start, SYSTICK_VALUE);                \
    }

NOPS(0)
NOPS(1)
NOPS(2)
NOPS(3)
NOPS(1000)

void instructions_calibrate(void)
{
    SYSTICK_RELOAD = COUNTER_MASK;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = ENABLE | PROCESSOR_CLOCK;

    uint32_t none = time_nops_0();
    /* Several times: each starts at another phase between ticks and instructions. */
    for (int round = 0; round < 16; round++) {
        if (time_nops_1() != none + 1 || time_nops_2() != none + 2 || time_nops_3() != none + 3 ||
            time_nops_1000() != none + 1000) {
            fail("SysTick does not count instructions; run with -icount shift=7");
        }
    }
}
