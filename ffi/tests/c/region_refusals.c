/* Files that are damaged, cut, hostile or no regions at all, and callers that are wrong: each is refused by its code,
 * with a text that says what and where. */

#include "region.h"

#include <fcntl.h>
#include <sys/file.h>

#define HEADER_PAGE 4096
#define BLOCK_HEAD 40
#define SEAL 64
#define MOST_FILE 16384

/* The bytes of a region, to be changed; and what the file on the disk is made of. */
static uint8_t good[MOST_FILE];
static uint8_t bad[MOST_FILE];
static size_t good_length;

/* Blobs of 0, 1 and 137 bytes, and nothing of a mebibyte. */
static void make_good(uint32_t version)
{
    region_options options = options_of(version);
    memset(options.header.id, 0x1d, sizeof options.header.id);
    write_region("a.region", &options, 3);
    uint8_t *bytes = read_file("a.region", &good_length);
    remove_file("a.region");
    CHECK(good_length <= MOST_FILE);
    memcpy(good, bytes, good_length);
    memcpy(bad, good, good_length);
    free(bytes);
}

static int32_t refused(const char *name, uint32_t flags)
{
    region_reader *region = (region_reader *)(void *)bad;
    int32_t result = open_region(&region, name, flags);
    CHECK(region == NULL);
    return result;
}

/* What opening a file of these bytes returns. */
static int32_t refused_bytes(const void *bytes, size_t length)
{
    write_file("a.region", bytes, length);
    int32_t result = refused("a.region", REGION_VERIFY_ONCE);
    CHECK_EQUAL(result, refused("a.region", REGION_RESIDENT));
    remove_file("a.region");
    return result;
}

static int add(void *context, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; ++at)
        *(uint64_t *)context += bytes[at];
    return 0;
}

static void what_is_no_region_is_told_from_a_damaged_one(void)
{
    static const uint8_t newer[] = {85, 3, 0, 0};
    static const uint8_t none[] = {85, 0, 0, 0};
    CHECK_EQUAL(REGION_ERROR_NOT_A_REGION, refused_bytes("", 0));
    CHECK(text_has("a.region: magic and version at offset 0: 2 bytes are needed, 0 are left"));
    CHECK_EQUAL(REGION_ERROR_NOT_A_REGION, refused_bytes(newer, 1));
    CHECK_EQUAL(REGION_ERROR_NOT_A_REGION, refused_bytes("some text", 9));
    CHECK(text_has("a.region: magic at offset 0"));
    CHECK_EQUAL(REGION_ERROR_NEWER, refused_bytes(newer, sizeof newer));
    CHECK(text_has("upgrade"));
    CHECK_EQUAL(REGION_ERROR_DAMAGED, refused_bytes(none, sizeof none));
    CHECK(text_has("a.region: version at offset 1"));
}

static void what_the_system_refuses_is_told(void)
{
    CHECK_EQUAL(REGION_ERROR_NOT_FOUND, refused("a.region", REGION_VERIFY_ONCE));
    CHECK(text_has("a.region: cannot open: "));
    CHECK_EQUAL(REGION_ERROR_NOT_FOUND, refused("none/a.region", REGION_RESIDENT));
    CHECK_EQUAL(REGION_ERROR_IO, refused("", REGION_VERIFY_ONCE));
    CHECK(text_has(folder));

    make_good(2);
    write_file("a.region", good, good_length);
    int descriptor = open(in_folder("a.region"), O_RDWR);
    CHECK_EQUAL(0, flock(descriptor, LOCK_EX));
    CHECK_EQUAL(REGION_ERROR_LOCKED, refused("a.region", REGION_VERIFY_ONCE));
    CHECK(text_has("is locked"));
    CHECK_EQUAL(0, flock(descriptor, LOCK_UN));
    region_reader *region;
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
    CHECK(flock(descriptor, LOCK_EX | LOCK_NB) != 0);
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    CHECK_EQUAL(0, flock(descriptor, LOCK_EX | LOCK_NB));
    close(descriptor);
    remove_file("a.region");
}

/* Does all that can be done with the file, and returns what region_verify() does. Bad bytes are refused as such, and by
 * nothing else. */
static int32_t read_all(uint32_t flags)
{
    region_reader *region;
    uint64_t sum = 0;
    const uint8_t *bytes;
    size_t length;
    int32_t results[5] = {open_region(&region, "a.region", flags), 0, 0, 0, 0};
    if (results[0] == SECTOR_CACHE_OK) {
        results[1] = region_scan(region, add, &sum);
        for (uint64_t ordinal = 0; ordinal < 4 && results[2] == SECTOR_CACHE_OK; ++ordinal) {
            results[2] = region_get(region, ordinal, &bytes, &length);
            if (results[2] == SECTOR_CACHE_OK)
                add(&sum, bytes, length);
        }
        results[3] = region_scan_parts(region, 0, SIZE_MAX, add, &sum);
        results[4] = region_verify(region);
        CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    }
    for (int way = 0; way < 5; ++way)
        CHECK(results[way] >= 0 || (results[way] <= REGION_ERROR_DAMAGED && results[way] >= REGION_ERROR_NEWER));
    return results[0] < 0 ? results[0] : results[4];
}

static void every_changed_byte_of_version_2_is_found(void)
{
    int found = 0;
    int missed = 0;
    make_good(2);
    /* Most of the header page is zeros. */
    for (size_t at = 0; at < good_length; at += at > 100 && at + 200 < HEADER_PAGE ? 97 : 1) {
        bad[at] ^= 0x81;
        write_file("a.region", bad, good_length);
        int32_t result = read_all(REGION_VERIFY_ONCE);
        CHECK_EQUAL(result, read_all(REGION_VERIFY_NEVER | REGION_RESIDENT));
        if (result < 0) {
            ++found;
        } else {
            /* What is between blocks is in no checksum. */
            CHECK(at > HEADER_PAGE && good[at] == 0);
            ++missed;
        }
        bad[at] = good[at];
    }
    remove_file("a.region");
    CHECK(found > 500 && missed < 64);
}

static void version_2_that_is_cut_anywhere_is_refused(void)
{
    make_good(2);
    for (size_t length = 0; length < good_length; length += length > 100 && length + 200 < HEADER_PAGE ? 97 : 1) {
        int32_t result = refused_bytes(good, length);
        CHECK(length < 2 ? result == REGION_ERROR_NOT_A_REGION : result == REGION_ERROR_DAMAGED);
    }
    memset(bad + good_length, 0, 8);
    CHECK_EQUAL(REGION_ERROR_DAMAGED, refused_bytes(bad, good_length + 8));
}

/* A blob of the first block, which says what is wrong where. */
static void a_damaged_block_is_found_when_it_is_used(void)
{
    region_reader *region;
    uint64_t sum = 0;
    uint64_t blobs = 0;
    const uint8_t *bytes;
    size_t length;
    make_good(2);
    bad[HEADER_PAGE + BLOCK_HEAD + 16] ^= 1;
    write_file("a.region", bad, good_length);

    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
    CHECK_EQUAL(REGION_ERROR_DAMAGED, region_scan(region, add, &sum));
    CHECK(text_has("a.region: block checksum at offset 4100: checksum mismatch (stored "));
    CHECK_EQUAL(REGION_ERROR_DAMAGED, region_get(region, 0, &bytes, &length));
    CHECK_EQUAL(REGION_ERROR_DAMAGED, region_scan_parts(region, 0, 1, add, &sum));
    CHECK_EQUAL(0, sum);
    CHECK_EQUAL(SECTOR_CACHE_OK, region_count(region, &blobs, NULL));
    CHECK_EQUAL(3, blobs);
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));

    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_NEVER));
    CHECK_EQUAL(0, region_scan(region, add, &sum));
    CHECK(sum != 0);
    CHECK_EQUAL(REGION_ERROR_DAMAGED, region_verify(region));
    CHECK(text_has("a.region: block checksum at offset 4100: "));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    remove_file("a.region");
}

/* The file is changed while it is open, which nobody should do, and read into memory before. */
static void what_was_verified_once_is_not_verified_again(void)
{
    region_reader *always;
    region_reader *once;
    region_reader *resident;
    uint64_t sum = 0;
    make_good(2);
    write_file("a.region", good, good_length);
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&always, "a.region", REGION_VERIFY_ALWAYS));
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&once, "a.region", REGION_VERIFY_ONCE));
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&resident, "a.region", REGION_VERIFY_ALWAYS | REGION_RESIDENT));
    CHECK_EQUAL(0, region_scan(always, add, &sum));
    CHECK_EQUAL(0, region_scan(once, add, &sum));

    int descriptor = open(in_folder("a.region"), O_WRONLY);
    uint8_t other = good[HEADER_PAGE + BLOCK_HEAD + 16] ^ 1;
    CHECK_EQUAL(1, pwrite(descriptor, &other, 1, HEADER_PAGE + BLOCK_HEAD + 16));
    close(descriptor);
    CHECK_EQUAL(REGION_ERROR_DAMAGED, region_scan(always, add, &sum));
    CHECK_EQUAL(0, region_scan(once, add, &sum));
    CHECK_EQUAL(0, region_scan(resident, add, &sum));
    CHECK_EQUAL(REGION_ERROR_DAMAGED, region_verify(once));
    CHECK_EQUAL(REGION_ERROR_DAMAGED, region_verify(resident));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&always));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&once));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&resident));
    remove_file("a.region");
}

static void lengths_of_version_1_may_lie(void)
{
    static const struct {
        uint8_t bytes[12];
        size_t length;
        const char *text;
    } liars[] = {
        {{85, 1, 1, 0, 0, 0, 9, 255, 255, 255, 255, 1}, 12, "a.region: blob length at offset 7: 4294967295 is not"},
        {{85, 1, 1, 0, 0, 0, 9, 255, 255, 255, 127, 1}, 12, "a.region: blob at offset 11: 2147483647 bytes are needed"},
        {{85, 1, 1, 0, 0, 0, 9, 2, 0, 0, 0, 1}, 12, "a.region: blob at offset 11: 2 bytes are needed, 1 are left"},
        {{85, 1, 1, 0, 0, 0, 9, 2, 0, 0, 0, 0}, 10, "a.region: blob length at offset 7: 4 bytes are needed, 3 are left"},
    };
    for (size_t number = 0; number < sizeof liars / sizeof *liars; ++number) {
        region_reader *region;
        uint64_t sum = 0;
        uint64_t blobs;
        size_t parts;
        const uint8_t *bytes;
        size_t length;
        write_file("a.region", liars[number].bytes, liars[number].length);
        CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
        CHECK_EQUAL(REGION_ERROR_DAMAGED, region_scan(region, add, &sum));
        CHECK(text_has(liars[number].text));
        CHECK_EQUAL(9, sum); /* the blob before was lent */
        CHECK_EQUAL(REGION_ERROR_DAMAGED, region_count(region, &blobs, NULL));
        CHECK_EQUAL(REGION_ERROR_DAMAGED, region_parts(region, &parts));
        CHECK_EQUAL(REGION_ERROR_DAMAGED, region_get(region, 0, &bytes, &length));
        CHECK_EQUAL(REGION_ERROR_DAMAGED, region_scan_parts(region, 0, 1, add, &sum));
        CHECK_EQUAL(REGION_ERROR_DAMAGED, region_verify(region));
        CHECK(text_has(liars[number].text));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
        remove_file("a.region");
    }
}

static void any_bytes_of_version_1_are_survived(void)
{
    make_good(1);
    for (size_t at = 2; at < good_length; ++at) {
        bad[at] ^= 0xff;
        write_file("a.region", bad, good_length);
        (void)read_all(REGION_VERIFY_ONCE);
        bad[at] = good[at];
        write_file("a.region", good, at);
        (void)read_all(REGION_VERIFY_ONCE);
    }
    remove_file("a.region");
}

static uint32_t crc32c(const uint8_t *bytes, size_t length)
{
    uint32_t value = 0xffffffff;
    for (size_t at = 0; at < length; ++at) {
        value ^= bytes[at];
        for (int bit = 0; bit < 8; ++bit)
            value = value & 1 ? value >> 1 ^ 0x82f63b78 : value >> 1;
    }
    return ~value;
}

static void put_number(uint8_t *place, uint64_t number, int bytes)
{
    for (int byte = 0; byte < bytes; ++byte)
        place[byte] = (uint8_t)(number >> 8 * byte);
}

/* A seal with a right checksum that says what is not so. */
static void a_seal_may_lie(void)
{
    static const size_t fields[] = {8, 16, 24, 32, 40};
    static const uint64_t lies[] = {0, 1, 4096, (uint64_t)1 << 32, UINT64_MAX / 2, UINT64_MAX};
    CHECK_EQUAL(0xe3069283, crc32c((const uint8_t *)"123456789", 9));
    make_good(2);
    for (size_t number = 0; number < sizeof fields / sizeof *fields * (sizeof lies / sizeof *lies); ++number) {
        uint8_t checked[16 + 8 + SEAL - 8];
        uint8_t *seal = bad + good_length - SEAL;
        memcpy(bad, good, good_length);
        put_number(seal + fields[number % 5], lies[number / 5], 8);
        memset(checked, 0x1d, 16); /* the id */
        put_number(checked + 16, good_length - SEAL, 8);
        memcpy(checked + 24, seal + 8, SEAL - 8);
        put_number(seal + 4, crc32c(checked, sizeof checked), 4);
        write_file("a.region", bad, good_length);
        CHECK_EQUAL(memcmp(bad, good, good_length) == 0 ? SECTOR_CACHE_OK : REGION_ERROR_DAMAGED,
                    read_all(REGION_VERIFY_ONCE));
    }
    remove_file("a.region");
}

/* Every function says that this is no region. */
static void everybody_refuses(region_reader *region, int32_t code)
{
    region_info info;
    uint64_t number;
    size_t size;
    const uint8_t *bytes;
    CHECK_EQUAL(code, region_describe(region, &info));
    CHECK_EQUAL(code, region_count(region, &number, &number));
    CHECK_EQUAL(code, region_get(region, 0, &bytes, &size));
    CHECK_EQUAL(code, region_scan(region, add, &number));
    CHECK_EQUAL(code, region_parts(region, &size));
    CHECK_EQUAL(code, region_scan_parts(region, 0, 1, add, &number));
    CHECK_EQUAL(code, region_verify(region));
    CHECK_EQUAL(code, region_close(&region));
    CHECK(sector_cache_error_text()[0] != 0);
}

static void wrong_calls_are_refused(void)
{
    static uint64_t memory[64];
    region_reader *region;
    region_writer *writer;
    uint64_t sum = 0;
    size_t size;
    const uint8_t *bytes;
    everybody_refuses(NULL, SECTOR_CACHE_ERROR_NULL);
    everybody_refuses((region_reader *)(void *)memory, SECTOR_CACHE_ERROR_NOT_INITIALISED);
    memset(memory, 0xff, sizeof memory);
    everybody_refuses((region_reader *)(void *)memory, SECTOR_CACHE_ERROR_NOT_INITIALISED);
    CHECK_EQUAL(SECTOR_CACHE_OK, region_create(&writer, VERSION, in_folder("a.region"), NULL));
    everybody_refuses((region_reader *)(void *)writer, SECTOR_CACHE_ERROR_NOT_INITIALISED);
    CHECK_EQUAL(SECTOR_CACHE_OK, region_seal(&writer, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_close(NULL));

    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_open(NULL, VERSION, in_folder("a.region"), 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_open(&region, VERSION, NULL, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, region_open(&region, VERSION + 1, in_folder("a.region"), 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FLAGS, refused("a.region", REGION_VERIFY_ALWAYS | REGION_VERIFY_NEVER));
    CHECK(text_has("flags of 0x3: one of REGION_VERIFY_ONCE"));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FLAGS, refused("a.region", 8));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_FLAGS, refused("a.region", UINT32_MAX));

    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_describe(region, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_count(region, NULL, &sum));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_get(region, 0, NULL, &size));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_get(region, 0, &bytes, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_scan(region, NULL, &sum));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_parts(region, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_scan_parts(region, 0, 1, NULL, &sum));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_close(&region));
    remove_file("a.region");
}

int main(void)
{
    make_folder();
    what_is_no_region_is_told_from_a_damaged_one();
    what_the_system_refuses_is_told();
    every_changed_byte_of_version_2_is_found();
    version_2_that_is_cut_anywhere_is_refused();
    a_damaged_block_is_found_when_it_is_used();
    what_was_verified_once_is_not_verified_again();
    lengths_of_version_1_may_lie();
    any_bytes_of_version_1_are_survived();
    a_seal_may_lie();
    wrong_calls_are_refused();
    remove_folder();
    return CHECKS_RESULT;
}
