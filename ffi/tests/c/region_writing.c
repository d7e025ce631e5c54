/* Regions are written: whole or absent, as their options say, and by nobody twice. */

#include "region.h"

static uint64_t count_of(const char *name)
{
    region_reader *region;
    uint64_t blobs = 0;
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, name, REGION_VERIFY_ONCE));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_verify(region));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_count(region, &blobs, NULL));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    return blobs;
}

static int32_t create(region_writer **writer, const char *name, const region_options *options)
{
    return region_create(writer, VERSION, in_folder(name), options);
}

static void a_region_has_its_name_once_it_is_sealed(void)
{
    for (uint32_t version = 1; version <= 2; ++version) {
        region_options options = options_of(version);
        region_writer *writer;
        region_sealed sealed;
        size_t length;
        memset(options.header.id, 3, sizeof options.header.id);
        CHECK_EQUAL(SECTOR_CACHE_OK, create(&writer, "a.region", &options));
        for (uint64_t ordinal = 0; ordinal < 8; ++ordinal) {
            CHECK_EQUAL(SECTOR_CACHE_OK, append_blob(writer, ordinal));
            CHECK(!is_there("a.region") && is_there("a.region.part"));
        }
        CHECK_EQUAL(SECTOR_CACHE_OK, region_seal(&writer, &sealed));
        CHECK(writer == NULL);
        CHECK(is_there("a.region") && !is_there("a.region.part"));

        free(read_file("a.region", &length));
        CHECK_EQUAL(length, sealed.file_bytes);
        CHECK(sealed.blobs == 8 && sealed.blob_bytes == 2u * (1 + 137 + 1048576));
        CHECK(version == 1 ? sealed.blocks == 0 && sealed.id[0] == 0 : sealed.blocks > 1 && sealed.id[0] == 3);
        CHECK(sealed.checksum != 0);
        CHECK_EQUAL(8, count_of("a.region"));
        remove_file("a.region");
    }
}

static void nothing_is_left_of_a_region_that_is_discarded(void)
{
    for (uint64_t blobs = 0; blobs < 9; blobs += 4) {
        region_writer *writer;
        CHECK_EQUAL(SECTOR_CACHE_OK, create(&writer, "a.region", NULL));
        for (uint64_t ordinal = 0; ordinal < blobs; ++ordinal)
            CHECK_EQUAL(SECTOR_CACHE_OK, append_blob(writer, ordinal));
        CHECK_EQUAL(1, files());
        CHECK_EQUAL(SECTOR_CACHE_OK, region_discard(&writer));
        CHECK(writer == NULL);
        CHECK_EQUAL(0, files());
    }
}

static void no_file_is_written_over(void)
{
    region_writer *writer;
    region_writer *other;
    write_region("a.region", NULL, 3);
    CHECK_EQUAL(REGION_ERROR_EXISTS, create(&writer, "a.region", NULL));
    CHECK(writer == NULL && text_has("a.region is there already"));
    CHECK_EQUAL(3, count_of("a.region"));
    remove_file("a.region");

    CHECK_EQUAL(SECTOR_CACHE_OK, create(&writer, "a.region", NULL));
    CHECK_EQUAL(REGION_ERROR_EXISTS, create(&other, "a.region", NULL));
    CHECK(other == NULL && text_has("a.region.part is there already"));
    CHECK_EQUAL(SECTOR_CACHE_OK, append_blob(writer, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_seal(&writer, NULL));
    CHECK_EQUAL(1, count_of("a.region"));
    remove_file("a.region");

    /* As a process leaves it that is killed. */
    write_file("a.region.part", "", 0);
    CHECK_EQUAL(REGION_ERROR_EXISTS, create(&writer, "a.region", NULL));
    CHECK(writer == NULL && text_has("a.region.part is there already"));
    remove_file("a.region.part");

    CHECK_EQUAL(REGION_ERROR_NOT_FOUND, create(&writer, "none/a.region", NULL));
    CHECK(writer == NULL && text_has("none/a.region.part: cannot create: "));
    CHECK_EQUAL(0, files());
}

/* What is there when the file is to get its name. */
static void a_name_that_is_taken_meanwhile_is_an_error(void)
{
    region_writer *writer;
    CHECK_EQUAL(SECTOR_CACHE_OK, create(&writer, "a.region", NULL));
    CHECK_EQUAL(SECTOR_CACHE_OK, append_blob(writer, 1));
    CHECK_EQUAL(0, mkdir(in_folder("a.region"), 0700));
    CHECK_EQUAL(REGION_ERROR_EXISTS, region_seal(&writer, NULL));
    CHECK(writer == NULL && text_has("a.region is there already"));
    CHECK_EQUAL(0, rmdir(in_folder("a.region")));
    CHECK_EQUAL(0, files());
}

static void options_are_heeded(void)
{
    region_options options = options_of(2);
    region_writer *writer;
    region_sealed sealed;
    size_t length;
    CHECK(options.expected_bytes == 0 && options.block_bytes == 256u << 10);
    CHECK(options.header.alignment == 32 && options.header.region_count == 0);

    options.block_bytes = 0; /* a block a blob */
    options.expected_bytes = 10u << 20;
    CHECK_EQUAL(SECTOR_CACHE_OK, create(&writer, "a.region", &options));
    for (uint64_t ordinal = 0; ordinal < 3; ++ordinal)
        CHECK_EQUAL(SECTOR_CACHE_OK, append_blob(writer, ordinal));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_seal(&writer, &sealed));
    free(read_file("a.region", &length));
    CHECK(sealed.blocks == 3 && sealed.file_bytes == length && length < 10u << 20);
    remove_file("a.region");

    for (uint32_t version = 0; version <= 3; version += 3) {
        options.version = version;
        CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, create(&writer, "a.region", &options));
        CHECK(writer == NULL && text_has(version == 0 ? "a version of 0" : "a version of 3"));
    }
    options.version = 2;
    options.header.alignment = 24;
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, create(&writer, "a.region", &options));
    CHECK(writer == NULL && text_has("an alignment of 24"));
    CHECK_EQUAL(0, files());
}

static void parcels_are_added_as_a_whole(void)
{
    static const uint8_t parcel[] = {2, 0, 0, 0, 'a', 'b', 0, 0, 0, 0, 1, 0, 0, 0, 'c'};
    for (uint32_t version = 1; version <= 2; ++version) {
        region_options options = options_of(version);
        region_writer *writer;
        region_reader *region;
        region_sealed sealed;
        const uint8_t *bytes;
        size_t length;
        CHECK_EQUAL(SECTOR_CACHE_OK, create(&writer, "a.region", &options));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_append(writer, (const uint8_t *)"first", 5));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_append_parcel(writer, parcel, sizeof parcel));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_append_parcel(writer, NULL, 0));
        for (size_t cut = 11; cut < sizeof parcel; ++cut) {
            CHECK_EQUAL(REGION_ERROR_DAMAGED, region_append_parcel(writer, parcel, cut));
            CHECK(text_has("the parcel is corrupt: blob"));
        }
        CHECK_EQUAL(SECTOR_CACHE_OK, region_append(writer, (const uint8_t *)"last", 4));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_seal(&writer, &sealed));
        CHECK(sealed.blobs == 5 && sealed.blob_bytes == 12);
        CHECK_EQUAL(version == 1 ? 0 : 3, sealed.blocks);

        CHECK_EQUAL(5, count_of("a.region"));
        CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
        CHECK_EQUAL(SECTOR_CACHE_OK, region_get(region, 1, &bytes, &length));
        CHECK(length == 2 && memcmp(bytes, "ab", 2) == 0);
        CHECK_EQUAL(SECTOR_CACHE_OK, region_get(region, 2, &bytes, &length));
        CHECK_EQUAL(0, length);
        CHECK_EQUAL(SECTOR_CACHE_OK, region_get(region, 3, &bytes, &length));
        CHECK(length == 1 && bytes[0] == 'c');
        CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
        remove_file("a.region");
    }
}

/* Nobody reads as many bytes as are said to be here: that they are too many comes first. */
static void what_is_too_long_changes_nothing(void)
{
    static const uint8_t byte = 5;
    const size_t gibibyte = (size_t)1 << 30;
    region_writer *writer;
    CHECK_EQUAL(SECTOR_CACHE_OK, create(&writer, "a.region", NULL));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_append(writer, &byte, 1));
    CHECK_EQUAL(REGION_ERROR_TOO_LONG, region_append(writer, &byte, 2 * gibibyte));
    CHECK(text_has("2147483648 bytes are too many for a block"));
    CHECK_EQUAL(REGION_ERROR_TOO_LONG, region_append_parcel(writer, &byte, gibibyte + 1));
    CHECK(text_has("a parcel of 1073741825 bytes is too long"));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, region_append(writer, &byte, SIZE_MAX));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, region_append_parcel(writer, &byte, SIZE_MAX));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_append(writer, NULL, 1));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_append_parcel(writer, NULL, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_append(writer, NULL, 0));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_seal(&writer, NULL));
    CHECK_EQUAL(2, count_of("a.region"));
    remove_file("a.region");
}

/* Every function says that this is no writer. */
static void everybody_refuses(region_writer *writer, int32_t code)
{
    static const uint8_t byte = 5;
    region_sealed sealed;
    CHECK_EQUAL(code, region_append(writer, &byte, 1));
    CHECK_EQUAL(code, region_append_parcel(writer, &byte, 0));
    CHECK_EQUAL(code, region_seal(&writer, &sealed));
    CHECK_EQUAL(code, region_discard(&writer));
    CHECK(sector_cache_error_text()[0] != 0);
}

static void wrong_calls_are_refused(void)
{
    static uint64_t memory[64];
    region_writer *writer;
    region_reader *region;
    everybody_refuses(NULL, SECTOR_CACHE_ERROR_NULL);
    everybody_refuses((region_writer *)(void *)memory, SECTOR_CACHE_ERROR_NOT_INITIALISED);
    write_region("a.region", NULL, 1);
    CHECK_EQUAL(SECTOR_CACHE_OK, open_region(&region, "a.region", REGION_VERIFY_ONCE));
    everybody_refuses((region_writer *)(void *)region, SECTOR_CACHE_ERROR_NOT_INITIALISED);
    CHECK_EQUAL(SECTOR_CACHE_OK, region_close(&region));
    remove_file("a.region");

    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_seal(NULL, NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_discard(NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_defaults(NULL, VERSION));
    region_options options = options_of(1);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, region_defaults(&options, VERSION + 1));
    CHECK_EQUAL(1, options.version);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_create(NULL, VERSION, in_folder("a.region"), NULL));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, region_create(&writer, VERSION, NULL, NULL));
    CHECK(text_has("the path is NULL"));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_VERSION, region_create(&writer, VERSION + 1, in_folder("a.region"), NULL));
    CHECK(writer == NULL);
    CHECK_EQUAL(0, files());

    CHECK_EQUAL(SECTOR_CACHE_OK, create(&writer, "a.region", NULL));
    CHECK_EQUAL(SECTOR_CACHE_OK, region_discard(&writer));
    everybody_refuses(writer, SECTOR_CACHE_ERROR_NULL);
}

int main(void)
{
    make_folder();
    a_region_has_its_name_once_it_is_sealed();
    nothing_is_left_of_a_region_that_is_discarded();
    no_file_is_written_over();
    a_name_that_is_taken_meanwhile_is_an_error();
    options_are_heeded();
    parcels_are_added_as_a_whole();
    what_is_too_long_changes_nothing();
    wrong_calls_are_refused();
    remove_folder();
    return CHECKS_RESULT;
}
