/*
 * emulator SERVER DELAY MILLISECONDS FIRMWARE FOLDER: the A7's side of a board, which plays a recorded session of a
 * CP/M machine: its drive B is behind a cache in the M4, an MQTT connection that is so slow, and a server that is ended
 * twice with writes on their way. Every read has to be what was written last, and so has the server's disk at the end.
 */

#include "children.h"
#include "connection.h"
#include "drive.h"
#include "m4.h"
#include "server.h"

#include <sector.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const uint16_t session[] = {
#include "session.inc"
};

enum { SESSION_WORDS = sizeof session / sizeof session[0], WRITE_BIT = 0x8000 };
enum { SECTORS = TRACKS * SECTORS_PER_TRACK, PATH = 512 };

/* What the disk has to hold. */
static uint8_t model[SECTORS][SECTOR_LENGTH];
static unsigned reads, writes;

/* After how many writes the server is ended, and how. */
static const struct {
    unsigned after_writes;
    int signal;
    const char *name;
} restarts[] = {{1000, SIGKILL, "SIGKILL"}, {2500, SIGTERM, "SIGTERM"}};

enum { RESTARTS = sizeof restarts / sizeof restarts[0] };

static unsigned on_their_way[RESTARTS];

static void make_disk(const char *path)
{
    FILE *file = fopen(path, "wb");

    for (uint32_t sector = 0; sector < SECTORS; sector++) {
        sector_bytes(sector, 0, model[sector]);
    }
    if (file == NULL || fwrite(model, sizeof model, 1, file) != 1 || fclose(file) != 0) {
        fail("%s cannot be written", path);
    }
}

static void check_disk(const char *path)
{
    static uint8_t disk[sizeof model + 1];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        fail("%s cannot be read", path);
    }
    size_t length = fread(disk, 1, sizeof disk, file);
    fclose(file);
    if (length != sizeof model || memcmp(disk, model, sizeof model) != 0) {
        fail("%s is not what was written", path);
    }
}

static void read_sector(uint32_t sector)
{
    uint8_t bytes[SECTOR_LENGTH];

    drive_seek(sector / SECTORS_PER_TRACK);
    drive_read(sector % SECTORS_PER_TRACK, bytes);
    reads++;
    if (memcmp(bytes, model[sector], SECTOR_LENGTH) != 0) {
        fail("read %u, of sector %lu, is not what was written last", reads, (unsigned long)sector);
    }
}

static void write_sector(uint32_t sector, uint32_t hash)
{
    sector_bytes(sector, hash, model[sector]);
    drive_seek(sector / SECTORS_PER_TRACK);
    drive_write(sector % SECTORS_PER_TRACK, model[sector]);
    writes++;
}

static void restart_server_when_due(void)
{
    for (unsigned at = 0; at < RESTARTS; at++) {
        if (writes == restarts[at].after_writes) {
            on_their_way[at] = drive_unacknowledged();
            server_restart(restarts[at].signal);
        }
    }
}

static void play(void)
{
    for (uint32_t at = 0; at < SESSION_WORDS; at++) {
        uint32_t sector = session[at] & ~(uint32_t)WRITE_BIT;
        if (sector >= SECTORS) {
            fail("the session leaves the disk");
        }
        if (session[at] & WRITE_BIT) {
            write_sector(sector, session[at + 1] | (uint32_t)session[at + 2] << 16);
            at += 2;
            restart_server_when_due();
        } else {
            read_sector(sector);
        }
    }
}

static void row(const char *title, unsigned long number)
{
    printf("%-64s %8lu\n", title, number);
    if (number == 0) {
        fail("that did not happen");
    }
}

static void report(int delay_ms)
{
    drive_counts counts = drive_counted();
    vdisk_session_statistics sent = drive_session();

    printf("recorded session, drive B, %d ms from the server:\n", delay_ms);
    row("  reads", reads);
    row("    that the M4 answered", counts.hits);
    row("    that it did not have", counts.misses);
    row("    that it was not asked for, since it had missed a message", counts.bypassed);
    row("  messages to the M4 that its mailbox did not take", counts.refused);
    row("  writes", writes);
    row("  requests over MQTT", sent.sent);
    row("    other than writes", sent.sent - writes);
    row("    sent again", sent.sent_again);
    for (unsigned at = 0; at < RESTARTS; at++) {
        char title[64];
        snprintf(title, sizeof title, "  writes on their way when the server got %s", restarts[at].name);
        row(title, on_their_way[at]);
    }
    row("  connections lost, and made again", connection_losses());
    row("  milliseconds for which the CPU waited to read", (unsigned long)(counts.read_wait_us / 1000));
    row("    and to write, at most 8 unacknowledged", (unsigned long)(counts.write_wait_us / 1000));
    /* A request takes the delay twice; some were made while the sector was on its way already. */
    if (counts.read_wait_us < (sent.sent - writes) * (uint64_t)delay_ms * 1000) {
        fail("the network was not that slow");
    }
}

int main(int count, char **arguments)
{
    if (count != 6) {
        fputs("usage: emulator SERVER DELAY MILLISECONDS FIRMWARE FOLDER\n", stderr);
        return 2;
    }
    const char *folder = arguments[5];
    char path[PATH], port[16];

    snprintf(path, sizeof path, "%s/templates/b.dsk", folder);
    make_disk(path);
    snprintf(port, sizeof port, "%d", server_start(arguments[1], folder));
    const char *const delay[] = {arguments[2], arguments[3], port, NULL};
    child proxy = child_start(delay, -1);
    snprintf(path, sizeof path, "%s/shared-memory", folder);
    m4_start(arguments[4], path);
    drive_open(child_number_after(&proxy, "listens on port "));

    play();
    drive_flush();
    connection_close();
    server_stop();
    snprintf(path, sizeof path, "%s/channels/" CHANNEL "/b.dsk", folder);
    check_disk(path);
    report(atoi(arguments[3]));
    puts("the server's disk is, byte by byte, what was written");
    return 0;
}
