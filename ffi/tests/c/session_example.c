/* The example of the header's section on the session, with a broker of the test's own around it. */

#include <stddef.h>
#include <stdint.h>

#include "server.h"

static uint64_t hardware_random(void *context);
static int mailbox_send(void *context, const uint8_t *message, size_t length);
static uint64_t clock_ms(void);
static void cpu_goes_on(uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length);
static void mqtt_publish(const char *topic, const uint8_t *payload, size_t length);

/* Written beside the program by whoever compiles it. */
#include "session_example.inc"

static int clears;
static int publications;
static int sectors;
static uint8_t last_payload[64];
static size_t last_length;

static uint64_t hardware_random(void *context)
{
    CHECK(context == NULL);
    return 4;
}

static int mailbox_send(void *context, const uint8_t *message, size_t length)
{
    CHECK(context == NULL);
    CHECK(length == 1 && message[0] == 3);
    ++clears;
    return 0;
}

static uint64_t clock_ms(void)
{
    static uint64_t now_ms = 100;
    return ++now_ms;
}

static void cpu_goes_on(uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length)
{
    CHECK(drive == 1 && sector == 9 && bytes == NULL && length == 0);
    ++sectors;
}

static void mqtt_publish(const char *topic, const uint8_t *payload, size_t length)
{
    CHECK(strcmp(topic, "altair/" CHANNEL "/vdisk/v2/req") == 0);
    CHECK(length <= sizeof last_payload);
    memcpy(last_payload, payload, length);
    last_length = length;
    ++publications;
}

static void receive(const frame *answer)
{
    const char *topic = "altair/" CHANNEL "/vdisk/v2/rsp";
    uint8_t bytes[LONGEST_FRAME];
    disk_received(topic, strlen(topic), bytes, encode(answer, bytes), 0);
}

int main(void)
{
    uint8_t body[WELCOME_BYTES];
    CHECK_EQUAL(0, disk_start());
    disk_publish();
    CHECK(clears == 1 && publications == 0);

    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_connected(disk, clock_ms()));
    disk_publish();
    CHECK_EQUAL(1, publications);
    frame hello = decode(last_payload, last_length);
    frame welcome = answer_to(&hello);
    put_welcome(body, &hello, 5);
    welcome.session = 1;
    welcome.body = body;
    welcome.body_length = sizeof body;
    receive(&welcome);

    CHECK_EQUAL(VDISK_PENDING, vdisk_session_read(disk, 1, 9, clock_ms()));
    disk_publish();
    CHECK_EQUAL(2, publications);
    frame request = decode(last_payload, last_length);
    frame failed = answer_to(&request);
    failed.status = 8;
    receive(&failed);
    CHECK_EQUAL(1, sectors);
    return CHECKS_RESULT;
}
