/* Writes lines of text as the blobs of a region, seals it, scans it with several threads, and compares every sum with
 * that of the lines in memory. What it prints was measured while it ran. */

#define _POSIX_C_SOURCE 200809L

#include <sector_cache.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 5, LONGEST_LINE = 200, MOST_THREADS = 64 };

/* The lines, one behind the other, and how long each is. */
typedef struct lines {
    uint8_t *bytes;
    size_t length;
    uint8_t *lengths;
    size_t count;
} lines;

/* What a thread reads, and what it found. */
typedef struct share {
    const region_reader *region;
    size_t first_part;
    size_t parts;
    const uint8_t *bytes;
    size_t length;
    int32_t result;
    uint64_t blobs;
    uint64_t sum;
} share;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void give_up(const char *what)
{
    fprintf(stderr, "scan: %s\n", what);
    exit(1);
}

/* Ends the program if a call of the library failed, with what that says. */
static void expect_ok(int32_t result)
{
    if (result != SECTOR_CACHE_OK)
        give_up(result < 0 ? sector_cache_error_text() : "a scan was stopped");
}

static uint64_t sum_of(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0;
    for (size_t at = 0; at < length; ++at)
        sum += bytes[at];
    return sum;
}

/* Lines of 40 to 200 characters, the same in every run. */
static lines make_lines(size_t bytes)
{
    lines made = {malloc(bytes + LONGEST_LINE), 0, malloc(bytes / 40 + 1), 0};
    uint32_t random = 1;
    if (made.bytes == NULL || made.lengths == NULL)
        give_up("there is not enough memory");
    while (made.length < bytes) {
        random = random * 1664525u + 1013904223u;
        uint8_t *line = made.bytes + made.length;
        size_t length = 40 + (random >> 16) % (LONGEST_LINE - 40 + 1);
        int start = snprintf((char *)line, 40, "line %zu of %08" PRIx32 ": ", made.count, random);
        for (size_t at = (size_t)start; at < length; ++at)
            line[at] = (uint8_t)('a' + (at * random >> 24) % 26);
        made.lengths[made.count++] = (uint8_t)length;
        made.length += length;
    }
    return made;
}

static void write_region(const char *path, const lines *text)
{
    region_options options;
    region_writer *writer;
    region_sealed sealed;
    const uint8_t *line = text->bytes;
    expect_ok(region_defaults(&options, SECTOR_CACHE_ABI_VERSION));
    options.expected_bytes = text->length; /* a disk that is too full shows here */
    expect_ok(region_create(&writer, SECTOR_CACHE_ABI_VERSION, path, &options));
    for (size_t number = 0; number < text->count; ++number) {
        if (region_append(writer, line, text->lengths[number]) != SECTOR_CACHE_OK) {
            region_discard(&writer);
            give_up(sector_cache_error_text());
        }
        line += text->lengths[number];
    }
    expect_ok(region_seal(&writer, &sealed));
    if (sealed.blobs != text->count || sealed.blob_bytes != text->length)
        give_up("the region is not what was written");
}

static int add(void *context, const uint8_t *bytes, size_t length)
{
    share *own = (share *)context;
    own->sum += sum_of(bytes, length);
    own->blobs += 1;
    return 0;
}

static void *scan_parts(void *context)
{
    share *own = (share *)context;
    own->result = region_scan_parts(own->region, own->first_part, own->parts, add, own);
    if (own->result != SECTOR_CACHE_OK)
        fprintf(stderr, "scan: %s\n", sector_cache_error_text()); /* each thread has a text of its own */
    return NULL;
}

static void *sum_bytes(void *context)
{
    share *own = (share *)context;
    own->sum = sum_of(own->bytes, own->length);
    return NULL;
}

/* Has every thread do its share, checks the sum, and returns the seconds it took. */
static double together(void *(*work)(void *), share *shares, size_t threads, uint64_t expected)
{
    pthread_t started[MOST_THREADS];
    uint64_t sum = 0;
    double start = now();
    for (size_t number = 0; number < threads; ++number) {
        shares[number].result = SECTOR_CACHE_OK;
        shares[number].blobs = shares[number].sum = 0;
        if (pthread_create(&started[number], NULL, work, &shares[number]) != 0)
            give_up("there is no thread");
    }
    for (size_t number = 0; number < threads; ++number) {
        pthread_join(started[number], NULL);
        sum += shares[number].sum;
        if (shares[number].result != SECTOR_CACHE_OK)
            exit(1);
    }
    double took = now() - start;
    if (sum != expected)
        give_up("a sum differs");
    return took;
}

/* Divides the region's parts and the bytes in memory among the threads. */
static void divide(share *shares, size_t threads, const region_reader *region, const lines *text)
{
    size_t parts;
    expect_ok(region_parts(region, &parts));
    for (size_t number = 0; number < threads; ++number) {
        size_t part = parts * number / threads;
        size_t byte = text->length / threads * number;
        size_t end = number + 1 < threads ? text->length / threads * (number + 1) : text->length;
        shares[number].region = region;
        shares[number].first_part = part;
        shares[number].parts = parts * (number + 1) / threads - part;
        shares[number].bytes = text->bytes + byte;
        shares[number].length = end - byte;
    }
}

static void print_row(const char *what, size_t bytes, double seconds)
{
    printf("%-44s %8.2f GB/s\n", what, (double)bytes / seconds * 1e-9);
}

static double least(double one, double other)
{
    return one < other ? one : other;
}

int main(int count, char **arguments)
{
    if (count != 4) {
        fprintf(stderr, "usage: scan FILE MEGABYTES THREADS\n");
        return 2;
    }
    const char *path = arguments[1];
    size_t megabytes = strtoul(arguments[2], NULL, 10);
    size_t threads = strtoul(arguments[3], NULL, 10);
    if (megabytes < 1 || megabytes > 1 << 20 || threads < 1 || threads > MOST_THREADS)
        give_up("it takes 1 to 1,048,576 megabytes, and 1 to 64 threads");

    lines text = make_lines(megabytes * 1000000);
    uint64_t expected = sum_of(text.bytes, text.length);
    double start = now();
    write_region(path, &text);
    double written = now() - start;

    region_reader *region;
    share shares[MOST_THREADS];
    uint64_t blobs;
    expect_ok(region_open(&region, SECTOR_CACHE_ABI_VERSION, path, REGION_VERIFY_ONCE));
    expect_ok(region_verify(region)); /* of the file on the disk; a scan need not do it again */
    expect_ok(region_count(region, &blobs, NULL));
    divide(shares, threads, region, &text);
    uint8_t *copy = malloc(text.length);
    double scanned = 1e9;
    double summed = 1e9;
    double copied = 1e9;
    if (copy == NULL)
        give_up("there is not enough memory");
    for (int round = 0; round < ROUNDS; ++round) {
        scanned = least(scanned, together(scan_parts, shares, threads, expected));
        for (size_t number = 0; number < threads; ++number)
            blobs -= round == 0 ? shares[number].blobs : 0;
        summed = least(summed, together(sum_bytes, shares, threads, expected));
        start = now();
        memcpy(copy, text.bytes, text.length);
        copied = least(copied, now() - start);
        if (memcmp(copy, text.bytes, text.length) != 0)
            give_up("a copy differs");
    }
    if (blobs != 0)
        give_up("the scan has not seen every line, or one twice");
    expect_ok(region_close(&region));

    printf("%zu lines of %zu bytes in all: written, sealed, verified, scanned, and all sums equal\n", text.count,
           text.length);
    print_row("written, and on the disk", text.length, written);
    printf("best of %d rounds, threads: %zu\n", ROUNDS, threads);
    print_row("region_scan_parts(), every byte summed", text.length, scanned);
    print_row("the same bytes in one buffer, summed", text.length, summed);
    print_row("memcpy() of them, one thread", text.length, copied);
    free(copy);
    free(text.lengths);
    free(text.bytes);
    return 0;
}
