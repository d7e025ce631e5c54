/* The way out of the simulation: text, an exit status, and the words behind the image's name. */

#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

void print(const char *text);
void print_number(uint64_t number);
void print_figure(const char *name, uint64_t number); /* a line `name number` */
_Noreturn void stop(int status);
_Noreturn void fail(const char *why);

/* An operation of the host's, by number. */
int semihost(int operation, const void *parameter);

/* The first argument of the run as a number; `otherwise` if there is none. */
uint32_t argument(uint32_t otherwise);

#endif
