#define _POSIX_C_SOURCE 200809L

#include "server.h"

#include "children.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

static const char *program, *folder;
static child server;
static int port;

static void start(void)
{
    char address[32];
    const char *const arguments[] = {program, "--data", folder, "--listen", address, NULL};

    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    server = child_start(arguments, -1);
    port = child_number_after(&server, "with a broker of its own on 127.0.0.1:");
}

static void end(int by)
{
    int status = child_end(&server, by);

    /* Whoever is asked to end does that by itself. */
    if (by == SIGKILL ? !WIFSIGNALED(status) : !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail("%s ended with status %d of waitpid", program, status);
    }
}

int server_start(const char *path, const char *data)
{
    program = path;
    folder = data;
    start();
    return port;
}

void server_restart(int signal)
{
    end(signal);
    start();
}

void server_stop(void)
{
    end(SIGTERM);
}
