/*
 * A client of the server whose URL is the argument: SIGPIPE, which a lost connection raises in the library's thread, does
 * not end the program, nor does a signal that the program's own thread has blocked to wait for it, and what that thread
 * has blocked stays as it was, however an open ends.
 */

#define _GNU_SOURCE

#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"

static sigset_t blocked_here(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    CHECK_EQUAL(0, pthread_sigmask(SIG_BLOCK, NULL, &blocked));
    return blocked;
}

static void check_blocked_here(const sigset_t *expected)
{
    sigset_t blocked = blocked_here();
    for (int number = 1; number < NSIG; ++number)
        CHECK_EQUAL(sigismember(expected, number), sigismember(&blocked, number));
}

/* Sends SIGPIPE to every thread but this one, and returns how many there are. */
static int signal_others(void)
{
    int count = 0;
    DIR *threads = opendir("/proc/self/task");
    for (struct dirent *thread = readdir(threads); thread != NULL; thread = readdir(threads)) {
        long id = atol(thread->d_name);
        if (id == 0 || id == syscall(SYS_gettid))
            continue;
        CHECK_EQUAL(0, syscall(SYS_tgkill, (long)getpid(), id, (long)SIGPIPE));
        ++count;
    }
    closedir(threads);
    return count;
}

/* A signal for the process comes to the thread that waits for it: had another not blocked it, that one would end all. */
static void wait_for_signal(void)
{
    sigset_t awaited, before;
    int number = 0;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    CHECK_EQUAL(0, pthread_sigmask(SIG_BLOCK, &awaited, &before));
    CHECK_EQUAL(0, kill(getpid(), SIGTERM));
    CHECK_EQUAL(0, sigwait(&awaited, &number));
    CHECK_EQUAL(SIGTERM, number);
    CHECK_EQUAL(0, pthread_sigmask(SIG_SETMASK, &before, NULL));
}

int main(int argc, char **argv)
{
    vdisk_client *client;
    sigset_t before = blocked_here();
    CHECK_EQUAL(0, sigismember(&before, SIGPIPE));
    vdisk_client_options options = patient();
    client = open_client(argc > 1 ? argv[1] : "", &options);
    check_blocked_here(&before);
    CHECK(signal_others() > 0);
    wait_for_signal();
    /* The thread lives: it reads. */
    read_and_check(client, 40, fill_of(40, 0));
    CHECK_DONE(vdisk_client_close(&client));

    CHECK_EQUAL(VDISK_ERROR_UNREACHABLE,
                vdisk_client_open(&client, SECTOR_CACHE_ABI_VERSION, "mqtt://127.0.0.1:1", CHANNEL, &options));
    check_blocked_here(&before);
    /* Nor is it taken from a thread that has it blocked itself. */
    sigaddset(&before, SIGPIPE);
    CHECK_EQUAL(0, pthread_sigmask(SIG_SETMASK, &before, NULL));
    CHECK_EQUAL(VDISK_ERROR_URL, vdisk_client_open(&client, SECTOR_CACHE_ABI_VERSION, "", CHANNEL, &options));
    check_blocked_here(&before);
    return CHECKS_RESULT;
}
