/* The other side of the mailbox: an A7. Its program runs whenever the firmware waits for a message, on a stack of its
 * own, so that the firmware's shows its depth. */

#ifndef A7_H
#define A7_H

#include <stddef.h>
#include <stdint.h>

/* The A7's program: each simulation has one. It ends with stop() or fail(). */
_Noreturn void a7(void);

/* Sends the first `length` bytes of a disk message, of 144, and lets the firmware run until it waits again. Its
 * answer takes the message's place. Returns the answer's length, 0 if there is none. */
size_t ask(uint8_t *message, size_t length);

/* The same, and fails the run if there is an answer. */
void tell(uint8_t *message, size_t length);

/* Bytes of its stack that the firmware has used since the start. */
uint32_t stack_used(void);

#endif
