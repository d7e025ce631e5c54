/*
 * A client of the server whose URL is the argument, which is stopped and started between the steps: the program says a
 * word when it wants that, and goes on when there is a line to read.
 */

#include "client.h"

/* What the other side does now is what the word says. */
static void let(const char *word)
{
    char line[8];
    printf("%s\n", word);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        exit(1);
}

static void what_is_accepted_while_the_server_is_away_is_sent_when_it_is_back(vdisk_client *client)
{
    write_sector(client, 1, 11);
    CHECK_DONE(vdisk_client_flush(client));
    let("stop");
    await_event(client, VDISK_EVENT_DISCONNECTED);
    CHECK(strstr(sector_cache_error_text(), "127.0.0.1") != NULL);
    for (uint32_t sector = 2; sector < 12; ++sector)
        write_sector(client, sector, 12);
    vdisk_client_statistics statistics;
    CHECK_DONE(vdisk_client_stats(client, &statistics));
    CHECK(statistics.unacknowledged == 10 && statistics.is_connected == 0);
    let("start");
    CHECK_DONE(vdisk_client_flush(client));
    read_and_check(client, 11, 12);
    CHECK_DONE(vdisk_client_stats(client, &statistics));
    CHECK(statistics.unacknowledged == 0 && statistics.is_connected == 1 && statistics.connections > 1);
}

static void writes_that_were_meant_for_another_image_fail(vdisk_client *client)
{
    let("stop");
    write_sector(client, 20, 21);
    let("start with another image");
    CHECK_EQUAL(VDISK_ERROR_WRITES_FAILED, vdisk_client_flush(client));
    CHECK(strstr(sector_cache_error_text(), "B:20") != NULL);
    vdisk_session_event event = await_event(client, VDISK_EVENT_WRITE_FAILED);
    CHECK(event.drive == DRIVE && event.sector == 20 && event.failure == VDISK_FAILURE_CHANGED && event.status == 0);
    /* It is told once. */
    CHECK_DONE(vdisk_client_flush(client));
    read_and_check(client, 20, 99);
}

static void a_server_from_the_past_is_a_loss_of_data(vdisk_client *client)
{
    let("remember");
    /* The bytes are there: the image stays as it is, and the journal alone knows of the write. */
    write_sector(client, 30, 99);
    CHECK_DONE(vdisk_client_flush(client));
    let("start from the past");
    await_event(client, VDISK_EVENT_DATA_LOSS);
    CHECK_EQUAL(VDISK_ERROR_DATA_LOSS, vdisk_client_flush(client));
    CHECK_DONE(vdisk_client_flush(client));
    read_and_check(client, 30, 99);
}

static void nothing_is_waited_for_longer_than_the_time_out(const char *url, vdisk_client *client)
{
    uint8_t bytes[SECTOR];
    vdisk_client_options options = patient();
    options.timeout_ms = 300;
    options.window = 1;
    CHECK_DONE(vdisk_client_close(&client));
    client = open_client(url, &options);
    let("stop");
    await_event(client, VDISK_EVENT_DISCONNECTED);
    CHECK_EQUAL(VDISK_ERROR_TIMED_OUT, vdisk_client_read(client, DRIVE, 0, bytes, sizeof bytes));
    write_sector(client, 40, 41);
    memset(bytes, 42, sizeof bytes);
    CHECK_EQUAL(VDISK_ERROR_TIMED_OUT, vdisk_client_write(client, DRIVE, 41, bytes, sizeof bytes));
    CHECK_EQUAL(VDISK_ERROR_TIMED_OUT, vdisk_client_flush(client));
    CHECK(strstr(sector_cache_error_text(), "300ms") != NULL);
    /* What it cannot flush is lost, which it says. */
    CHECK_EQUAL(VDISK_ERROR_TIMED_OUT, vdisk_client_close(&client));
    CHECK(client == NULL);
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "";
    vdisk_client_options options = patient();
    vdisk_client *client = open_client(url, &options);
    what_is_accepted_while_the_server_is_away_is_sent_when_it_is_back(client);
    writes_that_were_meant_for_another_image_fail(client);
    a_server_from_the_past_is_a_loss_of_data(client);
    nothing_is_waited_for_longer_than_the_time_out(url, client);
    return CHECKS_RESULT;
}
