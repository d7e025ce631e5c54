/* Checks: one that fails is printed, and the program goes on and fails at its end. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

/* Of the program that includes this, which is one file. Any thread may count; main() looks when others have ended. */
static int checks_failed;

static inline void count_failure(void)
{
    __atomic_fetch_add(&checks_failed, 1, __ATOMIC_RELAXED);
}

static inline void check_that(int holds, const char *condition, const char *file, int line)
{
    if (!holds) {
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
        count_failure();
    }
}

static inline void check_equal(long long expected, long long found, const char *expression, const char *file, int line)
{
    if (found != expected) {
        fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, expression, found, expected);
        count_failure();
    }
}

#define CHECK(condition) check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(expected, expression) \
    check_equal((long long)(expected), (long long)(expression), #expression, __FILE__, __LINE__)

/* What main() returns. */
#define CHECKS_RESULT (checks_failed == 0 ? 0 : 1)

#endif
