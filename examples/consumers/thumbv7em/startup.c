/* From reset to main(), and with what it returns out of QEMU. */

#include <stdint.h>

extern uint32_t stack_top[];

int main(void);

static void stop(int status)
{
    const uint32_t parameters[2] = {0x20026 /* the program ends by itself */, (uint32_t)status};
    register int operation __asm("r0") = 0x20; /* SYS_EXIT_EXTENDED of semihosting */
    register const void *parameter __asm("r1") = parameters;

    for (;;) {
        __asm volatile("bkpt 0xab" : "+r"(operation) : "r"(parameter) : "memory");
    }
}

static void fault(void)
{
    stop(100);
}

void reset(void)
{
    stop(main());
}

/* The first two words are what the processor starts with. */
__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)stack_top,
    (uintptr_t)reset,
    [2 ... 15] = (uintptr_t)fault,
};
