/* Programs that this one starts, and that do not outlive it. Whatever fails here ends the run. */

#ifndef CHILDREN_H
#define CHILDREN_H

#include <stddef.h>
#include <sys/types.h>

/* Says why, and ends the program with 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For how long anything is waited for. */
enum { PATIENCE_MS = 20000 };

/* The descriptor of what a program inherits. */
enum { INHERITED = 3 };

typedef struct {
    const char *name;
    pid_t pid;
    int output; /* what it prints */
} child;

/* Starts a program with these arguments, the last of them NULL. If `inherited` is not negative, the program has that
 * file as INHERITED. */
child child_start(const char *const *arguments, int inherited);

/* Waits until it has printed `before`, and returns the number that stands behind that. */
int child_number_after(const child *of, const char *before);

/* Sends it a signal and waits until it has ended. Returns the status of waitpid(). */
int child_end(const child *of, int signal);

#endif
