/*
 * A client of the server whose URL is the argument, in a program that forks: the child, which has not got the client's
 * thread, is refused at once whatever it asks for, ends its copy, opens a client of its own, and the parent's goes on.
 */

#define _GNU_SOURCE

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

#define REFUSED SECTOR_CACHE_ERROR_SYSTEM

static int be_a_child(const char *url, vdisk_client *client, const vdisk_client_options *options)
{
    uint8_t bytes[SECTOR] = {0};
    vdisk_session_drive_info info;
    vdisk_client_statistics statistics;
    vdisk_session_event event;

    /* Ends the child if a call waits for a thread that is not there. */
    alarm(120);
    CHECK_EQUAL(REFUSED, vdisk_client_read(client, DRIVE, 40, bytes, sizeof bytes));
    CHECK_EQUAL(REFUSED, vdisk_client_write(client, DRIVE, 40, bytes, sizeof bytes));
    CHECK_EQUAL(REFUSED, vdisk_client_flush(client));
    CHECK_EQUAL(REFUSED, vdisk_client_drives(client));
    CHECK_EQUAL(REFUSED, vdisk_client_drive(client, DRIVE, &info));
    CHECK_EQUAL(REFUSED, vdisk_client_stats(client, &statistics));
    CHECK_EQUAL(REFUSED, vdisk_client_next_event(client, 60000, &event));
    CHECK_EQUAL(REFUSED, vdisk_client_resume(client));
    CHECK_EQUAL(REFUSED, vdisk_client_close(&client));
    CHECK(client == NULL);
    CHECK(strstr(sector_cache_error_text(), "fork") != NULL);
    vdisk_client *own;
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_client_open(&own, SECTOR_CACHE_ABI_VERSION, url, "CHILD", options));
    CHECK_DONE(vdisk_client_close(&own));
    if (checks_failed > 0)
        return 1;
    /* Not by an exit, at which valgrind misses what only the stacks of the parent's threads know. */
    return raise(SIGKILL);
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "";
    vdisk_client_options options = patient();
    vdisk_client *client = open_client(url, &options);
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(be_a_child(url, client, &options));
    CHECK_EQUAL(child, waitpid(child, &status, 0));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    write_sector(client, 40, fill_of(40, 1));
    read_and_check(client, 40, fill_of(40, 1));
    CHECK_DONE(vdisk_client_close(&client));
    return CHECKS_RESULT;
}
