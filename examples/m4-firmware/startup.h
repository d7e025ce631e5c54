#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

/* Of the linker script. */
extern uint32_t bss_start[], bss_end[], stack_limit[], stack_top[];

/* What the stack holds before its first use; the words that lost it tell how deep it went. */
#define STACK_PAINT 0x5ac5ac5au

/* Where the processor starts. */
void reset(void);

/* Every unexpected exception ends here. It loops; an image that can report defines its own. */
void fault(void);

#endif
