/* A region is written in a program that forks, and that waits for signals: the child, which has not got the writer's
 * thread, is refused, and takes nothing from the parent; and no signal for the program reaches that thread. */

#include "region.h"

#include <signal.h>
#include <sys/wait.h>

static const uint8_t blob[137] = {1};

/* Ends a child that found all as it should be: not by an exit, at which valgrind misses what only the stacks of the
 * parent's threads know. */
static int result(void)
{
    return checks_failed == 0 ? raise(SIGKILL) : 1;
}

static int be_a_child(region_writer *writer)
{
    /* Ends the child if a call waits for a thread that is not there. */
    alarm(120);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_SYSTEM, region_append(writer, blob, sizeof blob));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_SYSTEM, region_append_parcel(writer, NULL, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_SYSTEM, region_seal(&writer, NULL));
    CHECK(writer == NULL);
    return result();
}

static int discard_in_a_child(region_writer *writer)
{
    alarm(120);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_SYSTEM, region_discard(&writer));
    CHECK(writer == NULL);
    return result();
}

static void fork_with(region_writer *writer, int (*be)(region_writer *))
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(be(writer));
    CHECK_EQUAL(child, waitpid(child, &status, 0));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Had the writer's thread not blocked it, the signal would end the program. */
static void wait_for_signal(void)
{
    sigset_t awaited;
    int number = 0;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    CHECK_EQUAL(0, pthread_sigmask(SIG_BLOCK, &awaited, NULL));
    CHECK_EQUAL(0, kill(getpid(), SIGTERM));
    CHECK_EQUAL(0, sigwait(&awaited, &number));
    CHECK_EQUAL(SIGTERM, number);
}

int main(void)
{
    region_writer *writer;
    region_sealed sealed;

    make_folder();
    CHECK_EQUAL(SECTOR_CACHE_OK, region_create(&writer, VERSION, in_folder("forked"), NULL));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_append(writer, blob, sizeof blob));
    fork_with(writer, be_a_child);
    fork_with(writer, discard_in_a_child);
    wait_for_signal();
    CHECK_EQUAL(SECTOR_CACHE_OK, region_append(writer, blob, sizeof blob));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_seal(&writer, &sealed));
    CHECK_EQUAL(2, sealed.blobs);
    remove_file("forked");
    remove_folder();
    return CHECKS_RESULT;
}
