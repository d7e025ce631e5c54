/* The disk fails: at every write and sync of a region, once or from then on, and nothing is left of the region.
 *
 * What the library calls of the C library is replaced here by what fails when it is told to. */

#include "region.h"

#ifdef __linux__

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

#define BLOBS 12

/* The library has a thread that writes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int operations;
static int first_to_fail;
static int fails_on;
static int fault;

static void fail_from(int operation, int goes_on, int error)
{
    pthread_mutex_lock(&lock);
    operations = 0;
    first_to_fail = operation;
    fails_on = goes_on;
    fault = error;
    pthread_mutex_unlock(&lock);
}

/* Counts an operation, and says whether it fails. */
static int fails(void)
{
    pthread_mutex_lock(&lock);
    ++operations;
    int now = operations == first_to_fail || (fails_on && operations > first_to_fail && first_to_fail > 0);
    if (now)
        errno = fault;
    pthread_mutex_unlock(&lock);
    return now;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset)
{
    return fails() ? -1 : (ssize_t)syscall(SYS_pwrite64, descriptor, bytes, length, offset);
}

int fdatasync(int descriptor)
{
    return fails() ? -1 : (int)syscall(SYS_fdatasync, descriptor);
}

int fsync(int descriptor)
{
    return fails() ? -1 : (int)syscall(SYS_fsync, descriptor);
}

/* Writes a region as far as it goes, and returns what is the first to say that it failed. */
static int32_t write_until_it_fails(uint32_t version)
{
    region_options options = options_of(version);
    region_writer *writer;
    options.block_bytes = 300; /* two blobs of 137 bytes */
    int32_t result = region_create(&writer, VERSION, in_folder("a.region"), &options);
    if (result < 0) {
        CHECK(writer == NULL);
        return result;
    }
    for (uint64_t ordinal = 0; ordinal < BLOBS; ++ordinal) {
        result = append_blob(writer, 2);
        if (result < 0) {
            CHECK(text_has("a.region.part: cannot "));
            CHECK_EQUAL(REGION_ERROR_FAILED, append_blob(writer, 2));
            CHECK_EQUAL(REGION_ERROR_FAILED, region_append_parcel(writer, NULL, 0));
            CHECK(text_has("a write failed before"));
            if (ordinal % 2 == 0)
                CHECK_EQUAL(SECTOR_CACHE_OK, region_discard(&writer));
            else
                CHECK_EQUAL(REGION_ERROR_FAILED, region_seal(&writer, NULL));
            CHECK(writer == NULL);
            return result;
        }
    }
    result = region_seal(&writer, NULL);
    CHECK(writer == NULL);
    if (result < 0)
        CHECK(text_has(": cannot "));
    return result;
}

static void a_region_is_whole_or_absent(uint32_t version, int goes_on, int error, int32_t code)
{
    fail_from(0, 0, 0);
    CHECK_EQUAL(SECTOR_CACHE_OK, write_until_it_fails(version));
    remove_file("a.region");
    int all = operations;
    CHECK(all > 5);
    for (int operation = 1; operation <= all; ++operation) {
        fail_from(operation, goes_on, error);
        CHECK_EQUAL(code, write_until_it_fails(version));
        CHECK_EQUAL(0, files());
    }
    fail_from(all + 1, goes_on, error);
    CHECK_EQUAL(SECTOR_CACHE_OK, write_until_it_fails(version));
    remove_file("a.region");
}

int main(void)
{
    make_folder();
    for (uint32_t version = 1; version <= 2; ++version) {
        for (int goes_on = 0; goes_on <= 1; ++goes_on) {
            a_region_is_whole_or_absent(version, goes_on, EIO, REGION_ERROR_IO);
            a_region_is_whole_or_absent(version, goes_on, ENOSPC, REGION_ERROR_DISK_FULL);
            a_region_is_whole_or_absent(version, goes_on, EDQUOT, REGION_ERROR_DISK_FULL);
        }
    }
    remove_folder();
    return CHECKS_RESULT;
}

#else

int main(void)
{
    return 0; /* the names of those functions are others there */
}

#endif
