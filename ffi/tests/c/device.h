/* A device around a session: what it was told, and a server to speak with. */

#ifndef DEVICE_H
#define DEVICE_H

#include <stdlib.h>

#include "sector_cache.h"
#include "server.h"

#define VERSION SECTOR_CACHE_ABI_VERSION
#define LOG 64

typedef struct {
    vdisk_session *session;
    uint64_t now_ms;
    uint64_t entropy;
    /* Sectors that arrived. */
    size_t arrivals;
    uint8_t arrived_drive;
    uint32_t arrived_sector;
    uint8_t arrived_bytes[SECTOR];
    /* Events, the first ones. */
    size_t events;
    vdisk_session_event event[LOG];
    /* Messages to the M4, the last of each kind, and whether they are refused. */
    int mailbox_fails;
    size_t fills;
    size_t clears;
    uint8_t fill[144];
    size_t fill_length;
} device;

static inline uint64_t device_random(void *context)
{
    device *self = (device *)context;
    return self->entropy += UINT64_C(0x9e3779b97f4a7c15);
}

static inline void device_arrived(void *context, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length)
{
    device *self = (device *)context;
    CHECK_EQUAL(SECTOR, length);
    ++self->arrivals;
    self->arrived_drive = drive;
    self->arrived_sector = sector;
    memcpy(self->arrived_bytes, bytes, SECTOR);
}

static inline void device_told(void *context, const vdisk_session_event *event)
{
    device *self = (device *)context;
    if (self->events < LOG)
        self->event[self->events] = *event;
    ++self->events;
}

static inline int device_mailbox(void *context, const uint8_t *message, size_t length)
{
    device *self = (device *)context;
    CHECK(length >= 1 && length <= 144);
    if (self->mailbox_fails)
        return -1;
    if (message[0] == 3) {
        ++self->clears;
    } else {
        CHECK_EQUAL(2, message[0]);
        ++self->fills;
        memcpy(self->fill, message, length);
        self->fill_length = length;
    }
    return 0;
}

static inline vdisk_session_options options_of(device *self)
{
    vdisk_session_options options;
    memset(&options, 0xff, sizeof options);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, CHANNEL));
    options.random = device_random;
    options.arrived = device_arrived;
    options.told = device_told;
    options.mailbox = device_mailbox;
    options.context = self;
    return options;
}

/* A device that boots, in memory that has not a byte too many and that nobody wrote to. */
static inline void boot_with(device *self, const vdisk_session_options *options)
{
    size_t bytes = vdisk_session_bytes(options->window, options->sector_length, options->sectors_per_track);
    self->session = (vdisk_session *)malloc(bytes);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_init(self->session, bytes, VERSION, options, self->now_ms));
}

static inline void boot(device *self)
{
    memset(self, 0, sizeof *self);
    self->now_ms = 1000;
    vdisk_session_options options = options_of(self);
    boot_with(self, &options);
}

static inline void shut_down(device *self)
{
    free(self->session);
}

/* The next message, which has to be a frame on the topic for requests. */
static inline frame next_request(device *self)
{
    vdisk_session_message message;
    frame none;
    memset(&none, 0, sizeof none);
    if (vdisk_session_poll(self->session, self->now_ms, &message) != VDISK_PUBLISH) {
        CHECK(!"there is something to publish");
        return none;
    }
    CHECK(strcmp(message.topic, "altair/" CHANNEL "/vdisk/v2/req") == 0);
    return decode(message.payload, message.length);
}

/* Nothing is to be published. */
static inline void is_silent(device *self)
{
    vdisk_session_message message = {NULL, NULL, 99};
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_poll(self->session, self->now_ms, &message));
    CHECK(message.topic == NULL && message.payload == NULL && message.length == 99);
}

static inline int32_t receive_on(device *self, const char *topic, const uint8_t *payload, size_t length, int retained)
{
    /* Copies without a byte too many, so that a sanitizer sees a read behind them. */
    size_t topic_length = strlen(topic);
    char *topic_copy = (char *)malloc(topic_length + 1);
    uint8_t *payload_copy = (uint8_t *)malloc(length + 1);
    memcpy(topic_copy + 1, topic, topic_length);
    memcpy(payload_copy + 1, payload, length);
    int32_t code = vdisk_session_received(self->session, topic_copy + 1, topic_length, payload_copy + 1, length,
                                          retained, self->now_ms);
    free(topic_copy);
    free(payload_copy);
    return code;
}

static inline void receive(device *self, const frame *answer)
{
    uint8_t bytes[LONGEST_FRAME];
    size_t length = encode(answer, bytes);
    CHECK_EQUAL(SECTOR_CACHE_OK, receive_on(self, "altair/" CHANNEL "/vdisk/v2/rsp", bytes, length, 0));
}

/* Answers a request so: with a status, and how far writes are acknowledged. */
static inline void answer(device *self, const frame *request, uint8_t status, uint32_t acknowledged)
{
    frame reply = answer_to(request);
    reply.status = status;
    reply.acknowledged = acknowledged;
    receive(self, &reply);
}

static inline void welcome(device *self, const frame *hello, uint32_t session, uint64_t generation, uint32_t mark)
{
    uint8_t body[WELCOME_BYTES];
    put_welcome(body, hello, generation);
    frame reply = answer_to(hello);
    reply.session = session;
    reply.acknowledged = mark;
    reply.body = body;
    reply.body_length = sizeof body;
    receive(self, &reply);
}

/* Connects, and opens session 7. */
static inline void open_session(device *self)
{
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_connected(self->session, self->now_ms));
    frame hello = next_request(self);
    welcome(self, &hello, 7, 5, 0);
    CHECK_EQUAL(1, self->events);
    CHECK_EQUAL(VDISK_EVENT_OPENED, self->event[0].kind);
    self->events = 0;
}

/* Answers a READ with sectors of equal bytes, from the wanted one on, as many in a frame as a board takes. */
static inline void send_track(device *self, const frame *request, uint8_t fill)
{
    for (uint16_t sent = 0; sent < request->count;) {
        static uint8_t body[7 * SECTOR];
        uint16_t count = request->count - sent < 7 ? (uint16_t)(request->count - sent) : 7;
        frame reply = answer_to(request);
        uint32_t place = request->sector % TRACK;
        memset(body, fill, sizeof body);
        reply.sector = request->sector - place + (place + sent) % TRACK;
        reply.count = count;
        reply.body = body;
        reply.body_length = count * (size_t)SECTOR;
        receive(self, &reply);
        sent = (uint16_t)(sent + count);
    }
}

static inline int32_t read_sector(device *self, uint32_t sector)
{
    return vdisk_session_read(self->session, 1, sector, self->now_ms);
}

static inline int32_t write_sector(device *self, uint8_t drive, uint32_t sector, uint8_t fill)
{
    uint8_t bytes[SECTOR];
    memset(bytes, fill, sizeof bytes);
    return vdisk_session_write(self->session, drive, sector, bytes, sizeof bytes, self->now_ms);
}

/* An event happened, and no other since the last was looked at. */
static inline void check_event(device *self, uint8_t kind, uint32_t sector, uint8_t failure, uint8_t status)
{
    CHECK_EQUAL(1, self->events);
    CHECK_EQUAL(kind, self->event[0].kind);
    CHECK_EQUAL(sector, self->event[0].sector);
    CHECK_EQUAL(failure, self->event[0].failure);
    CHECK_EQUAL(status, self->event[0].status);
    self->events = 0;
}

static inline vdisk_session_statistics counted(const device *self)
{
    vdisk_session_statistics statistics;
    memset(&statistics, 0xff, sizeof statistics);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_stats(self->session, &statistics));
    return statistics;
}

#endif
