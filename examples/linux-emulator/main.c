/*
 * emulator check URL              tries what the controller's ports do, and writes over drive B of channel 88-DCDD
 * emulator write URL RECORDS      formats that drive, and writes the records of a file to it
 * emulator read URL RECORDS       reads all its records into a file
 * emulator extract IMAGE RECORDS  takes all records out of an image, without controller and server
 *
 * A file of records has 128 bytes for each, track by track, as cpmtools know it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bios.h"
#include "check.h"
#include "layout.h"

enum { DRIVE_B = 1 };

static uint8_t records[TRACKS][RECORDS_PER_TRACK][RECORD_BYTES];
static uint8_t image[TRACKS][RECORDS_PER_TRACK][SECTOR_BYTES];

static int fail(const char *what, unsigned track, unsigned record)
{
    fprintf(stderr, "emulator: track %u, record %u: %s\n", track, record, what);
    return -1;
}

static int load(const char *path, void *bytes, size_t length)
{
    FILE *file = fopen(path, "rb");
    size_t count = file == NULL ? 0 : fread(bytes, 1, length, file);
    if (file != NULL)
        fclose(file);
    if (count != length)
        fprintf(stderr, "emulator: %s does not have %lu bytes\n", path, (unsigned long)length);
    return count == length ? 0 : -1;
}

static int save(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    size_t count = file == NULL ? 0 : fwrite(bytes, 1, length, file);
    if (file == NULL || fclose(file) != 0 || count != length) {
        perror(path);
        return -1;
    }
    return 0;
}

static int write_record(controller *c, unsigned track, unsigned record, const uint8_t bytes[RECORD_BYTES])
{
    uint8_t sector[SECTOR_BYTES];
    layout_wrap(track, record, bytes, sector);
    int result = bios_write(c, track, layout_sector(track, record), sector);
    return result == 0 ? 0 : fail("cannot be written", track, record);
}

/* As a format program does: every sector, with a record that no file has used. */
static int format(controller *c)
{
    uint8_t blank[RECORD_BYTES];
    memset(blank, 0xe5, sizeof blank);
    for (unsigned track = 0; track < TRACKS; ++track) {
        for (unsigned record = 0; record < RECORDS_PER_TRACK; ++record) {
            if (write_record(c, track, record, blank) != 0)
                return -1;
        }
    }
    return 0;
}

static int is_blank(const uint8_t bytes[RECORD_BYTES])
{
    int is_so = 1;
    for (int at = 0; at < RECORD_BYTES; ++at)
        is_so = is_so && bytes[at] == 0xe5;
    return is_so;
}

static int write_all(controller *c)
{
    if (format(c) != 0)
        return -1;
    for (unsigned track = 0; track < TRACKS; ++track) {
        for (unsigned record = 0; record < RECORDS_PER_TRACK; ++record) {
            const uint8_t *bytes = records[track][record];
            if (!is_blank(bytes) && write_record(c, track, record, bytes) != 0)
                return -1;
        }
    }
    return 0;
}

static int read_all(controller *c)
{
    uint8_t sector[SECTOR_BYTES];
    for (unsigned track = 0; track < TRACKS; ++track) {
        for (unsigned record = 0; record < RECORDS_PER_TRACK; ++record) {
            if (bios_read(c, track, layout_sector(track, record), sector) != 0)
                return fail("cannot be read", track, record);
            if (layout_unwrap(track, record, sector, records[track][record]) != 0)
                return fail("is damaged", track, record);
        }
    }
    return 0;
}

/* With a controller whose drive B is selected. */
static int with_drive_b(const char *url, int (*work)(controller *))
{
    static controller c;
    vdisk_client *disk;
    if (vdisk_client_open(&disk, SECTOR_CACHE_ABI_VERSION, url, "88-DCDD", NULL) != SECTOR_CACHE_OK) {
        fprintf(stderr, "emulator: %s\n", sector_cache_error_text());
        return -1;
    }
    controller_init(&c, disk);
    int result = bios_select(&c, DRIVE_B) == 0 ? work(&c) : fail("there is no drive B", 0, 0);
    bios_deselect(&c);
    if (vdisk_client_close(&disk) != SECTOR_CACHE_OK) {
        fprintf(stderr, "emulator: %s\n", sector_cache_error_text());
        return -1;
    }
    return result == 0 && c.error == SECTOR_CACHE_OK ? 0 : -1;
}

static int extract(void)
{
    for (unsigned track = 0; track < TRACKS; ++track) {
        for (unsigned record = 0; record < RECORDS_PER_TRACK; ++record) {
            const uint8_t *sector = image[track][layout_sector(track, record)];
            if (layout_unwrap(track, record, sector, records[track][record]) != 0)
                return fail("is damaged", track, record);
        }
    }
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: emulator check URL, write|read URL RECORDS, or extract IMAGE RECORDS\n");
    return 2;
}

/* The records of a file to the drive, of the drive to a file, or of an image to a file. */
static int write_from(const char *url, const char *path)
{
    return load(path, records, sizeof records) == 0 ? with_drive_b(url, write_all) : -1;
}

static int read_into(const char *url, const char *path)
{
    return with_drive_b(url, read_all) == 0 ? save(path, records, sizeof records) : -1;
}

static int extract_into(const char *from, const char *path)
{
    return load(from, image, sizeof image) == 0 && extract() == 0 ? save(path, records, sizeof records) : -1;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    int result;
    if (argc == 3 && strcmp(command, "check") == 0)
        result = with_drive_b(argv[2], check_controller);
    else if (argc == 4 && strcmp(command, "write") == 0)
        result = write_from(argv[2], argv[3]);
    else if (argc == 4 && strcmp(command, "read") == 0)
        result = read_into(argv[2], argv[3]);
    else if (argc == 4 && strcmp(command, "extract") == 0)
        result = extract_into(argv[2], argv[3]);
    else
        return usage();
    return result == 0 ? 0 : 1;
}
