/*
 * The code of docs/porting.md as it stands: the firmware of an M4 behind a mailbox with room for four messages each way,
 * and an emulator, whose MQTT client has a thread of its own, with a server on the port that is the program's argument.
 */

#define _POSIX_C_SOURCE 200809L

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mosquitto.h>

#include "check.h"

/* What firmware and emulator have already -------------------------------------------------------------------------- */

#define CHANNEL "12345678"

enum { HEADER = 20, MESSAGE_MAX = 1044, DISK_MESSAGE = 144, ROOM = 4 };

#define Log_Debug(...) fprintf(stderr, __VA_ARGS__)

typedef struct {
    uint8_t bytes[ROOM][MESSAGE_MAX];
    uint32_t lengths[ROOM];
    uint32_t count;
} ring;

/* The M4 reads from one, and writes to the other. */
static ring rings[2];
static ring *const inbound = &rings[0], *const outbound = &rings[1];
static const uint32_t mbox_shared_buf_size = MESSAGE_MAX, payloadStart = HEADER;
static uint8_t mbox_local_buf[MESSAGE_MAX];
static int intercore_disk_cache_ctx;
static struct mosquitto *mqtt;

/* Whether what the M4 answers does not arrive yet, and how many reads it was asked. */
static bool m4_is_late;
static uint32_t m4_reads;

static int EnqueueData(ring *other, ring *to, uint32_t size, const uint8_t *data, uint32_t length)
{
    (void)other;
    CHECK(length <= size);
    if (to->count == ROOM)
        return -1;
    memcpy(to->bytes[to->count], data, length);
    to->lengths[to->count] = length;
    to->count++;
    return 0;
}

static int DequeueData(ring *other, ring *from, uint32_t size, uint8_t *data, uint32_t *length)
{
    (void)other, (void)size;
    if (from->count == 0)
        return -1;
    CHECK(from->lengths[0] <= *length);
    memcpy(data, from->bytes[0], from->lengths[0]);
    *length = from->lengths[0];
    from->count--;
    memmove(from->bytes[0], from->bytes[1], from->count * sizeof from->bytes[0]);
    memmove(from->lengths, from->lengths + 1, from->count * sizeof from->lengths[0]);
    return 0;
}

static void process_inbound_message(void);

/* The M4 is so quick that it has served a message when this returns. */
static bool dx_intercorePublish(int *mailbox, void *message, size_t length)
{
    uint8_t behind_header[MESSAGE_MAX] = {0};
    CHECK(mailbox == &intercore_disk_cache_ctx && length <= DISK_MESSAGE);
    memcpy(behind_header + HEADER, message, length);
    if (EnqueueData(outbound, inbound, sizeof behind_header, behind_header, (uint32_t)(HEADER + length)) != 0)
        return false;
    if (length == 3)
        m4_reads++;
    process_inbound_message();
    return true;
}

static int intercore_receive(uint8_t *message, size_t capacity, int timeout_ms)
{
    uint8_t behind_header[MESSAGE_MAX];
    uint32_t length = sizeof behind_header;
    (void)timeout_ms;
    if (m4_is_late || DequeueData(inbound, outbound, sizeof behind_header, behind_header, &length) != 0)
        return -1;
    CHECK(length > HEADER && length - HEADER <= capacity);
    memcpy(message, behind_header + HEADER, length - HEADER);
    return (int)(length - HEADER);
}

static void mqtt_publish(const char *topic, const uint8_t *payload, size_t length)
{
    CHECK_EQUAL(MOSQ_ERR_SUCCESS, mosquitto_publish(mqtt, NULL, topic, (int)length, payload, 0, false));
}

#include "porting.inc"

/* The MQTT client's thread ----------------------------------------------------------------------------------------- */

static void on_connect(struct mosquitto *client, void *context, int code)
{
    char responses[] = "altair/" CHANNEL "/vdisk/v2/rsp", data[] = "altair/" CHANNEL "/vdisk/data";
    char *topics[] = {responses, data};
    (void)context;
    CHECK_EQUAL(0, code);
    CHECK_EQUAL(MOSQ_ERR_SUCCESS, mosquitto_subscribe_multiple(client, NULL, 2, topics, 0, 0, NULL));
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count, const int *granted)
{
    (void)client, (void)context, (void)id, (void)granted;
    CHECK_EQUAL(2, count);
    disk_connected();
}

static void on_disconnect(struct mosquitto *client, void *context, int code)
{
    (void)client, (void)context, (void)code;
    disk_disconnected();
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message)
{
    (void)client, (void)context;
    disk_received(message->topic, strlen(message->topic), (const uint8_t *)message->payload,
                  (size_t)message->payloadlen, message->retain);
}

/* The CPU's, which reads and writes by a session or, in the end, by a client --------------------------------------- */

enum { TRACKS = 77, SECTORS = TRACKS * 32, FIRST_WRITTEN = 100, WRITTEN = 200 };

static uint8_t fill_of(uint32_t sector, bool is_written)
{
    return (uint8_t)((sector * 7 + 1 + (is_written ? 100 : 0)) % 251);
}

typedef bool read_sector(uint32_t sector, uint8_t *bytes);
typedef bool write_sector(uint32_t sector, const uint8_t *bytes);

static void read_all(read_sector *read, bool is_written)
{
    uint8_t bytes[SECTOR_LENGTH], expected[SECTOR_LENGTH];
    for (uint32_t sector = 0; sector < SECTORS; ++sector) {
        bool is_new = is_written && sector >= FIRST_WRITTEN && sector < FIRST_WRITTEN + WRITTEN;
        memset(expected, fill_of(sector, is_new), sizeof expected);
        CHECK(read(sector, bytes) && memcmp(bytes, expected, sizeof bytes) == 0);
    }
}

static void write_some(write_sector *write)
{
    uint8_t bytes[SECTOR_LENGTH];
    for (uint32_t sector = FIRST_WRITTEN; sector < FIRST_WRITTEN + WRITTEN; ++sector) {
        memset(bytes, fill_of(sector, true), sizeof bytes);
        CHECK(write(sector, bytes));
    }
}

static void read_one(uint32_t sector, bool is_written)
{
    uint8_t bytes[SECTOR_LENGTH];
    CHECK(read_virtual_sector(sector, bytes) && bytes[0] == fill_of(sector, is_written));
}

/* An answer of the M4 comes when its sector has other bytes already. */
static void a_late_answer_is_no_later_reads(void)
{
    uint8_t bytes[SECTOR_LENGTH];
    uint32_t reads_before, sector = FIRST_WRITTEN;

    /* From the server, and so into the M4. */
    read_one(sector, false);
    reads_before = m4_reads;
    m4_is_late = true;
    read_one(sector, false);
    CHECK_EQUAL(HEADER + DISK_MESSAGE, outbound->lengths[0]);
    memset(bytes, fill_of(sector, true), sizeof bytes);
    CHECK(write_virtual_sector(sector, bytes));
    CHECK(disk_flush(60000));
    read_one(sector, true);
    read_one(sector + 1, false);
    CHECK_EQUAL(reads_before + 1, m4_reads);
    m4_is_late = false;
    read_one(sector, true);
    read_one(sector + 1, false);
    CHECK_EQUAL(reads_before + 3, m4_reads);
    CHECK_EQUAL(0, answers_owed);
}

/* Each ends the other's session, and the client does not give way. */
static void taken_over_it_resumes(void)
{
    uint8_t bytes[SECTOR_LENGTH];
    memset(bytes, fill_of(FIRST_WRITTEN, true), sizeof bytes);
    while (write_virtual_sector(FIRST_WRITTEN, bytes)) {
        if (!client_write_sector(FIRST_WRITTEN, bytes))
            vdisk_client_resume(client);
    }
    CHECK(!read_virtual_sector(SECTORS - 1, bytes));
    disk_resume();
    read_one(SECTORS - 1, false);
}

int main(int argc, char **argv)
{
    uint8_t bytes[SECTOR_LENGTH], left[DISK_MESSAGE + HEADER] = {0};
    char url[64];
    sector_cache_statistics m4;
    vdisk_session_statistics statistics;

    CHECK_EQUAL(2, argc);
    CHECK(start_cache());
    CHECK_EQUAL(0, EnqueueData(inbound, outbound, sizeof left, left, sizeof left));
    CHECK(disk_start(CHANNEL));
    CHECK_EQUAL(0, outbound->count);
    CHECK_EQUAL(sizeof(void *) == 4 ? 2450 : 2706, sizeof session_storage.bytes);
    mosquitto_lib_init();
    mqtt = mosquitto_new(CHANNEL, true, NULL);
    mosquitto_connect_callback_set(mqtt, on_connect);
    mosquitto_subscribe_callback_set(mqtt, on_subscribe);
    mosquitto_disconnect_callback_set(mqtt, on_disconnect);
    mosquitto_message_callback_set(mqtt, on_message);
    CHECK_EQUAL(MOSQ_ERR_SUCCESS, mosquitto_connect(mqtt, "127.0.0.1", argc > 1 ? atoi(argv[1]) : 0, 60));
    CHECK_EQUAL(MOSQ_ERR_SUCCESS, mosquitto_loop_start(mqtt));

    read_all(read_virtual_sector, false);
    pthread_mutex_lock(&lock);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_stats(session, &statistics));
    CHECK_EQUAL(SECTOR_CACHE_OK, sector_cache_stats(cache, &m4));
    pthread_mutex_unlock(&lock);
    /* A HELLO, and a request a track, which brings five messages: the CPU waited for one sector of each at most. */
    CHECK_EQUAL(1 + TRACKS, statistics.sent);
    CHECK(m4.hits >= SECTORS - 5 * TRACKS);
    CHECK(!read_virtual_sector(SECTORS, bytes));

    a_late_answer_is_no_later_reads();
    write_some(write_virtual_sector);
    CHECK(disk_flush(60000));
    disk_tick();
    read_all(read_virtual_sector, true);

    snprintf(url, sizeof url, "mqtt://127.0.0.1:%s", argc > 1 ? argv[1] : "0");
    CHECK(client_start(url, CHANNEL));
    taken_over_it_resumes();
    client_end();

    CHECK_EQUAL(MOSQ_ERR_SUCCESS, mosquitto_disconnect(mqtt));
    CHECK_EQUAL(MOSQ_ERR_SUCCESS, mosquitto_loop_stop(mqtt, false));
    mosquitto_destroy(mqtt);
    mosquitto_lib_cleanup();

    CHECK(client_start(url, CHANNEL));
    read_all(client_read_sector, true);
    write_some(client_write_sector);
    CHECK(client_end());
    CHECK(!client_read_sector(0, bytes));
    return CHECKS_RESULT;
}
