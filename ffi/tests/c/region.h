/* What the tests of regions work with: a folder of their own, its files, and blobs that are told apart. Include it first:
 * it asks for what POSIX has beyond C. */

#ifndef REGION_H
#define REGION_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "sector_cache.h"
#include "text.h"

#define VERSION SECTOR_CACHE_ABI_VERSION
#define MOST_TEXT 512

static char folder[] = "/tmp/region-XXXXXX";

static inline void make_folder(void)
{
    if (mkdtemp(folder) == NULL)
        abort();
}

/* The path of a file there; valid until the fourth call from now. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][MOST_TEXT];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, MOST_TEXT, "%s/%s", folder, name);
    return path;
}

static inline int is_there(const char *name)
{
    struct stat found;
    return stat(in_folder(name), &found) == 0;
}

/* How many files are there. */
static inline int files(void)
{
    int count = 0;
    DIR *opened = opendir(folder);
    while (readdir(opened) != NULL)
        ++count;
    closedir(opened);
    return count - 2; /* . and .. */
}

static inline void remove_file(const char *name)
{
    CHECK_EQUAL(0, unlink(in_folder(name)));
}

/* Removes the folder, in which nothing may be left. */
static inline void remove_folder(void)
{
    CHECK_EQUAL(0, rmdir(folder));
}

static inline void write_file(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(in_folder(name), "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        abort();
}

/* All bytes of a file, to be freed. */
static inline uint8_t *read_file(const char *name, size_t *length)
{
    struct stat found;
    FILE *file = fopen(in_folder(name), "rb");
    if (file == NULL || fstat(fileno(file), &found) != 0)
        abort();
    *length = (size_t)found.st_size;
    uint8_t *bytes = (uint8_t *)malloc(*length + 1);
    if (fread(bytes, 1, *length, file) != *length || fclose(file) != 0)
        abort();
    return bytes;
}

/* Blobs of 0, 1, 137 and 1,048,576 bytes in turn. */
static inline size_t length_of(uint64_t ordinal)
{
    static const size_t lengths[] = {0, 1, 137, 1048576};
    return lengths[ordinal % 4];
}

/* Their bytes: each starts elsewhere in a pattern. */
static inline const uint8_t *blob_of(uint64_t ordinal)
{
    static uint8_t pattern[1048576 + 4096];
    if (pattern[1] == 0) {
        for (size_t at = 0; at < sizeof pattern; ++at)
            pattern[at] = (uint8_t)(at * 7 + at / 251);
    }
    return pattern + ordinal * 31 % 4096;
}

static inline int is_blob(uint64_t ordinal, const uint8_t *bytes, size_t length)
{
    return length == length_of(ordinal) && memcmp(bytes, blob_of(ordinal), length) == 0;
}

static inline int32_t append_blob(region_writer *writer, uint64_t ordinal)
{
    return region_append(writer, blob_of(ordinal), length_of(ordinal));
}

/* Writes so many of those blobs, as the options say. */
static inline void write_region(const char *name, const region_options *options, uint64_t blobs)
{
    region_writer *writer;
    CHECK_EQUAL(SECTOR_CACHE_OK, region_create(&writer, VERSION, in_folder(name), options));
    for (uint64_t ordinal = 0; ordinal < blobs; ++ordinal)
        CHECK_EQUAL(SECTOR_CACHE_OK, append_blob(writer, ordinal));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_seal(&writer, NULL));
    CHECK(writer == NULL);
}

/* The defaults, but for the version. */
static inline region_options options_of(uint32_t version)
{
    region_options options;
    memset(&options, 0xff, sizeof options);
    CHECK_EQUAL(SECTOR_CACHE_OK, region_defaults(&options, VERSION));
    options.version = version;
    return options;
}

static inline int32_t open_region(region_reader **region, const char *name, uint32_t flags)
{
    return region_open(region, VERSION, in_folder(name), flags);
}

#endif
