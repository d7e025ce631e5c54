#define _GNU_SOURCE

#include "children.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void fail(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    fputs("a7-session: ", stderr);
    vfprintf(stderr, format, values);
    fputs("\n", stderr);
    va_end(values);
    exit(1);
}

/* A file that has the descriptor already is to stay open, too. */
static bool inherits(int file)
{
    if (file == INHERITED) {
        return fcntl(file, F_SETFD, 0) == 0;
    }
    return file < 0 || dup2(file, INHERITED) >= 0;
}

static _Noreturn void become(const char *const *arguments, int output, int inherited, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* It may have ended before that was said. */
    if (getppid() == parent && dup2(output, STDOUT_FILENO) >= 0 && inherits(inherited)) {
        execvp(arguments[0], (char *const *)arguments);
    }
    fprintf(stderr, "a7-session: %s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

child child_start(const char *const *arguments, int inherited)
{
    child started = {.name = arguments[0]};
    pid_t parent = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0 || (started.pid = fork()) < 0) {
        fail("%s: %s", arguments[0], strerror(errno));
    }
    if (started.pid == 0) {
        become(arguments, ends[1], inherited, parent);
    }
    close(ends[1]);
    started.output = ends[0];
    return started;
}

/* Reads what it printed meanwhile, 0 bytes if it has ended. */
static size_t printed(const child *of, char *text, size_t capacity, uint64_t until_ms)
{
    struct pollfd readable = {.fd = of->output, .events = POLLIN};
    uint64_t now_ms = clock_ms();

    if (now_ms >= until_ms || poll(&readable, 1, (int)(until_ms - now_ms)) <= 0) {
        fail("%s: it has not done in %d s what is waited for", of->name, PATIENCE_MS / 1000);
    }
    ssize_t length = read(of->output, text, capacity);
    return length < 0 ? 0 : (size_t)length;
}

int child_number_after(const child *of, const char *before)
{
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    char text[4096] = "";
    size_t length = 0;
    const char *found;

    while ((found = strstr(text, before)) == NULL || strchr(found, '\n') == NULL) {
        size_t more = printed(of, text + length, sizeof text - 1 - length, until_ms);
        if (more == 0) {
            fail("%s does not print '%s' and a number", of->name, before);
        }
        length += more;
        text[length] = '\0';
    }
    return atoi(found + strlen(before));
}

int child_end(const child *of, int signal)
{
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    char text[1024];
    int status;

    if (kill(of->pid, signal) != 0) {
        fail("%s: %s", of->name, strerror(errno));
    }
    while (printed(of, text, sizeof text, until_ms) > 0) {
    }
    close(of->output);
    if (waitpid(of->pid, &status, 0) != of->pid) {
        fail("%s: %s", of->name, strerror(errno));
    }
    return status;
}
