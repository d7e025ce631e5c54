/* Counts instructions. Under `-icount shift=7` each one takes 128 ns of simulated time, and SysTick
 * runs at 25 MHz: 3.2 ticks an instruction, so that rounding gives the exact number. */

#ifndef INSTRUCTIONS_H
#define INSTRUCTIONS_H

#include <stdint.h>

#define SYSTICK_VALUE (*(volatile uint32_t *)0xe000e018u)

/* Starts the timer, and fails the run unless it counts exactly. */
void instructions_calibrate(void);

/* Instructions between two readings of SYSTICK_VALUE, which counts down. */
uint32_t instructions_between(uint32_t start, uint32_t end);

#endif
