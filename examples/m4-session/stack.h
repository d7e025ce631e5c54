#ifndef STACK_H
#define STACK_H

#include <stdint.h>

/* Paints 8 KiB below the caller's frame. */
void stack_paint(void);

/* Bytes used below that frame since. */
uint32_t stack_used(void);

#endif
