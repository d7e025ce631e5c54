/* A session: reads, writes, and what it is told, with a server of the test's own. */

#include "device.h"
#include "fixture.h"

static void a_device_says_hello_when_it_is_connected(void)
{
    device self;
    boot(&self);
    CHECK_EQUAL(self.now_ms + 50, vdisk_session_deadline(self.session, self.now_ms));
    is_silent(&self);
    CHECK_EQUAL(1, self.clears);
    CHECK(vdisk_session_deadline(self.session, self.now_ms) == UINT64_MAX);

    vdisk_session_drive_info info;
    CHECK_EQUAL(VDISK_ERROR_NO_DRIVE, vdisk_session_drive(self.session, 1, &info));
    CHECK_EQUAL(VDISK_ERROR_NOT_OPEN, write_sector(&self, 1, 0, 1));

    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_connected(self.session, self.now_ms));
    CHECK_EQUAL(self.now_ms, vdisk_session_deadline(self.session, self.now_ms));
    frame hello = next_request(&self);
    CHECK(hello.operation == HELLO && hello.session == 0 && hello.body_length == 20);
    CHECK_EQUAL(1024 - 7 - 28, number_at(hello.body + 12, 2));
    CHECK_EQUAL(1154, number_at(hello.body + 16, 4));
    is_silent(&self);
    welcome(&self, &hello, 7, 0x123456789a, 0);
    check_event(&self, VDISK_EVENT_OPENED, 0, 0, 0);

    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_drive(self.session, 1, &info));
    CHECK(info.tracks == 77 && info.sectors_per_track == TRACK && info.sector_length == SECTOR);
    CHECK(info.generation == 0x123456789a && info.is_read_only == 0);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_drive(self.session, 0, &info));
    CHECK_EQUAL(1, info.is_read_only);
    CHECK_EQUAL(VDISK_ERROR_NO_DRIVE, vdisk_session_drive(self.session, 3, &info));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, vdisk_session_drive(self.session, 16, &info));
    CHECK_EQUAL(1, counted(&self).sessions);
    CHECK_EQUAL(1, counted(&self).sent);
    shut_down(&self);
}

static void a_read_brings_its_track_to_the_mailbox(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(VDISK_PENDING, read_sector(&self, 63));
    CHECK_EQUAL(VDISK_PENDING, read_sector(&self, 40));
    frame request = next_request(&self);
    CHECK(request.operation == READ && request.session == 7 && request.drive == 1);
    CHECK(request.sector == 63 && request.count == TRACK);
    is_silent(&self);
    send_track(&self, &request, 0x63);
    CHECK_EQUAL(2, self.arrivals);
    CHECK(self.arrived_drive == 1 && self.arrived_sector == 40 && all_equal(self.arrived_bytes, SECTOR, 0x63));

    /* The last of the track, as the M4 understands it. */
    CHECK_EQUAL(TRACK, self.fills);
    sector_cache *cache = new_cache(4, SECTOR, SECTOR_CACHE_MULTI_DRIVE);
    CHECK_EQUAL(0, sector_cache_serve(cache, self.fill, self.fill_length, sizeof self.fill));
    CHECK(holds_137(cache, 1, 62, 0x63));
    free(cache);

    /* What comes again is not taken. */
    send_track(&self, &request, 0x64);
    CHECK_EQUAL(2, self.arrivals);
    CHECK_EQUAL(TRACK, self.fills);
    CHECK_EQUAL(TRACK, counted(&self).sectors);
    CHECK_EQUAL(5, counted(&self).unmatched);
    shut_down(&self);
}

static void a_sector_that_no_message_names_is_not_for_the_mailbox(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(VDISK_BYPASS, vdisk_session_trusts(self.session, 0, 9));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_trusts(self.session, 1, 9));
    /* Nor is one whose number a message has no room for: the cache would see sector 9 in it. */
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_trusts(self.session, 1, 65535));
    CHECK_EQUAL(VDISK_BYPASS, vdisk_session_trusts(self.session, 1, 65536));
    CHECK_EQUAL(VDISK_BYPASS, vdisk_session_trusts(self.session, 1, 65536 + 9));
    CHECK_EQUAL(VDISK_PENDING, vdisk_session_read(self.session, 0, 9, self.now_ms));
    frame request = next_request(&self);
    send_track(&self, &request, 0x09);
    CHECK(self.arrivals == 1 && self.arrived_drive == 0 && self.arrived_sector == 9);
    CHECK_EQUAL(0, self.fills);
    shut_down(&self);
}

static void without_a_mailbox_sectors_arrive(void)
{
    device self;
    memset(&self, 0, sizeof self);
    vdisk_session_options options = options_of(&self);
    options.mailbox = NULL;
    boot_with(&self, &options);
    open_session(&self);
    CHECK_EQUAL(VDISK_BYPASS, vdisk_session_trusts(self.session, 1, 3));
    CHECK_EQUAL(VDISK_PENDING, read_sector(&self, 3));
    frame request = next_request(&self);
    send_track(&self, &request, 0x03);
    CHECK_EQUAL(1, self.arrivals);
    CHECK_EQUAL(0, self.fills + self.clears);
    shut_down(&self);
}

static void reads_are_refused_by_code(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, vdisk_session_read(self.session, 16, 0, self.now_ms));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, read_sector(&self, 77 * TRACK));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, read_sector(&self, 16777216));
    CHECK_EQUAL(VDISK_ERROR_NO_DRIVE, vdisk_session_read(self.session, 3, 0, self.now_ms));
    CHECK_EQUAL(VDISK_ERROR_TOO_LONG, vdisk_session_read(self.session, 2, 0, self.now_ms));
    for (uint32_t track = 0; track < 4; ++track)
        CHECK_EQUAL(VDISK_PENDING, read_sector(&self, track * TRACK));
    CHECK_EQUAL(VDISK_ERROR_READS_FULL, read_sector(&self, 4 * TRACK));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_give_up(self.session, 1, 0));
    CHECK_EQUAL(VDISK_PENDING, read_sector(&self, 4 * TRACK));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, vdisk_session_give_up(self.session, 16, 0));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, vdisk_session_trusts(self.session, 16, 0));
    CHECK_EQUAL(0, self.arrivals + self.events);
    shut_down(&self);
}

static void reads_fail_by_event(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(VDISK_PENDING, read_sector(&self, 5));
    frame request = next_request(&self);
    answer(&self, &request, 8, 0);
    CHECK_EQUAL(1, self.event[0].drive);
    check_event(&self, VDISK_EVENT_READ_FAILED, 5, VDISK_FAILURE_REFUSED, 8);

    CHECK_EQUAL(VDISK_PENDING, read_sector(&self, 6));
    CHECK_EQUAL(VDISK_PENDING, read_sector(&self, 99));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_give_up(self.session, 1, 99));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_disconnected(self.session));
    CHECK_EQUAL(self.now_ms + 8000, vdisk_session_deadline(self.session, self.now_ms));
    self.now_ms += 7999;
    is_silent(&self);
    CHECK_EQUAL(0, self.events);
    self.now_ms += 1;
    is_silent(&self);
    check_event(&self, VDISK_EVENT_READ_FAILED, 6, VDISK_FAILURE_TIMED_OUT, 0);
    CHECK_EQUAL(0, self.arrivals);
    shut_down(&self);
}

static void a_write_is_held_until_it_is_acknowledged(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_is_flushed(self.session));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_flush(self.session));
    CHECK_EQUAL(0, vdisk_session_unacknowledged(self.session));

    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 9, 0x91));
    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 9, 0x92));
    CHECK_EQUAL(2, vdisk_session_unacknowledged(self.session));
    CHECK(self.fills == 2 && self.fill[6] == 0x92);
    CHECK_EQUAL(SECTOR_CACHE_OK, read_sector(&self, 9));
    CHECK(self.arrivals == 1 && self.arrived_sector == 9 && all_equal(self.arrived_bytes, SECTOR, 0x92));

    CHECK_EQUAL(VDISK_PENDING, vdisk_session_flush(self.session));
    frame first = next_request(&self);
    CHECK(first.operation == WRITE && first.sequence == 1 && first.sector == 9 && first.count == 1);
    CHECK(first.body_length == SECTOR && all_equal(first.body, SECTOR, 0x91));
    frame second = next_request(&self);
    CHECK(second.operation == WRITE && second.sequence == 2 && all_equal(second.body, SECTOR, 0x92));
    frame flush = next_request(&self);
    CHECK_EQUAL(FLUSH, flush.operation);
    is_silent(&self);

    answer(&self, &first, 0, 1);
    CHECK_EQUAL(1, vdisk_session_unacknowledged(self.session));
    CHECK_EQUAL(VDISK_PENDING, vdisk_session_is_flushed(self.session));
    answer(&self, &flush, 0, 2);
    CHECK_EQUAL(0, vdisk_session_unacknowledged(self.session));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_is_flushed(self.session));
    CHECK_EQUAL(VDISK_PENDING, read_sector(&self, 9));
    shut_down(&self);
}

static void whoever_waits_gets_what_is_written(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(VDISK_PENDING, read_sector(&self, 9));
    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 9, 0x99));
    CHECK(self.arrivals == 1 && all_equal(self.arrived_bytes, SECTOR, 0x99));
    shut_down(&self);
}

static void writes_are_refused_by_code(void)
{
    device self;
    uint8_t bytes[SECTOR + 1] = {0};
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, write_sector(&self, 16, 0, 1));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_OUT_OF_RANGE, write_sector(&self, 1, 77 * TRACK, 1));
    CHECK_EQUAL(VDISK_ERROR_NO_DRIVE, write_sector(&self, 3, 0, 1));
    CHECK_EQUAL(VDISK_ERROR_TOO_LONG, write_sector(&self, 2, 0, 1));
    CHECK_EQUAL(VDISK_ERROR_READ_ONLY, write_sector(&self, 0, 0, 1));
    for (size_t length = 0; length <= SECTOR + 1; length += length == 0 ? SECTOR - 1 : 2)
        CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH,
                    vdisk_session_write(self.session, 1, 0, bytes, length, self.now_ms));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH, vdisk_session_write(self.session, 1, 0, bytes, SIZE_MAX, self.now_ms));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL, vdisk_session_write(self.session, 1, 0, NULL, SECTOR, self.now_ms));
    CHECK_EQUAL(0, vdisk_session_unacknowledged(self.session));
    CHECK_EQUAL(0, self.fills);

    for (uint32_t sector = 0; sector < 8; ++sector)
        CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, sector, 1));
    CHECK_EQUAL(VDISK_ERROR_WINDOW_FULL, write_sector(&self, 1, 8, 1));
    CHECK_EQUAL(8, vdisk_session_unacknowledged(self.session));
    CHECK_EQUAL(8, self.fills);
    shut_down(&self);
}

static void a_write_that_the_server_refuses_fails(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 4, 0x44));
    frame request = next_request(&self);
    answer(&self, &request, 7, 0);
    CHECK_EQUAL(1, self.event[0].drive);
    check_event(&self, VDISK_EVENT_WRITE_FAILED, 4, VDISK_FAILURE_REFUSED, 7);
    /* The M4 has what the disk does not. */
    CHECK_EQUAL(VDISK_BYPASS, vdisk_session_trusts(self.session, 1, 4));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_trusts(self.session, 1, 5));
    CHECK_EQUAL(0, vdisk_session_unacknowledged(self.session));
    shut_down(&self);
}

static void a_message_that_the_mailbox_misses_is_made_up_for(void)
{
    device self;
    boot(&self);
    CHECK_EQUAL(VDISK_BYPASS, vdisk_session_trusts(self.session, 1, 0));
    self.mailbox_fails = 1;
    is_silent(&self);
    CHECK_EQUAL(VDISK_BYPASS, vdisk_session_trusts(self.session, 1, 0));
    self.mailbox_fails = 0;
    is_silent(&self);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_trusts(self.session, 1, 0));
    CHECK_EQUAL(1, self.clears);

    open_session(&self);
    self.mailbox_fails = 1;
    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 3, 0x33));
    CHECK_EQUAL(VDISK_BYPASS, vdisk_session_trusts(self.session, 1, 3));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_trusts(self.session, 1, 4));
    self.mailbox_fails = 0;
    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 3, 0x34));
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_trusts(self.session, 1, 3));
    shut_down(&self);
}

static void a_drive_that_others_change_is_dropped(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 4, 0x44));
    frame over;
    memset(&over, 0, sizeof over);
    over.operation = INVALIDATE;
    over.session = 7;
    over.drive = 1;
    size_t clears = self.clears;
    receive(&self, &over);
    CHECK_EQUAL(clears + 1, self.clears);

    frame hello = next_request(&self);
    CHECK_EQUAL(7, number_at(hello.body + 8, 4));
    welcome(&self, &hello, 8, 6, 0);
    CHECK_EQUAL(3, self.events);
    CHECK(self.event[0].kind == VDISK_EVENT_WRITE_FAILED && self.event[0].failure == VDISK_FAILURE_CHANGED);
    CHECK(self.event[1].kind == VDISK_EVENT_DRIVE_CHANGED && self.event[1].drive == 1);
    CHECK_EQUAL(VDISK_EVENT_OPENED, self.event[2].kind);
    shut_down(&self);
}

static void a_server_from_the_past_is_noticed(void)
{
    device self;
    boot(&self);
    open_session(&self);
    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 1, 1));
    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 2, 2));
    frame request = next_request(&self);
    answer(&self, &request, 0, 1);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_disconnected(self.session));
    is_silent(&self);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_connected(self.session, self.now_ms));
    frame hello = next_request(&self);
    CHECK(hello.operation == HELLO && hello.acknowledged == 1);
    welcome(&self, &hello, 7, 5, 0);
    CHECK_EQUAL(2, self.events);
    CHECK_EQUAL(VDISK_EVENT_DATA_LOSS, self.event[0].kind);
    CHECK(self.event[1].kind == VDISK_EVENT_WRITE_FAILED && self.event[1].failure == VDISK_FAILURE_DATA_LOSS);
    CHECK_EQUAL(2, self.event[1].sector);
    shut_down(&self);
}

static void a_nonce_of_before_and_a_refusal_are_told(void)
{
    device self;
    boot(&self);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_connected(self.session, self.now_ms));
    frame hello = next_request(&self);
    welcome(&self, &hello, 7, 5, 3);
    check_event(&self, VDISK_EVENT_NONCE_REPEATED, 0, 0, 0);
    self.now_ms += 2000;
    hello = next_request(&self);
    answer(&self, &hello, 10, 0);
    check_event(&self, VDISK_EVENT_REFUSED, 0, 0, 10);
    shut_down(&self);
}

/* A request is answered with STALE: another session is the channel's. */
static void another_session_is_current(device *self, uint32_t session)
{
    CHECK_EQUAL(VDISK_PENDING, read_sector(self, 5));
    frame request = next_request(self);
    CHECK_EQUAL(READ, request.operation);
    answer(self, &request, 9, session);
}

static void a_channel_can_be_taken_over_and_back(void)
{
    device self;
    boot(&self);
    open_session(&self);
    another_session_is_current(&self, 8);
    frame hello = next_request(&self);
    welcome(&self, &hello, 9, 5, 0);
    check_event(&self, VDISK_EVENT_OPENED, 0, 0, 0);
    another_session_is_current(&self, 10);
    CHECK_EQUAL(2, self.events);
    CHECK(self.event[0].kind == VDISK_EVENT_READ_FAILED && self.event[0].failure == VDISK_FAILURE_TAKEN_OVER);
    CHECK_EQUAL(VDISK_EVENT_TAKEN_OVER, self.event[1].kind);
    self.events = 0;
    is_silent(&self);
    CHECK_EQUAL(VDISK_ERROR_TAKEN_OVER, read_sector(&self, 5));
    CHECK_EQUAL(VDISK_ERROR_TAKEN_OVER, write_sector(&self, 1, 5, 1));

    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_resume(self.session, self.now_ms));
    hello = next_request(&self);
    CHECK(hello.operation == HELLO && number_at(hello.body + 8, 4) == 9);
    welcome(&self, &hello, 11, 5, 0);
    check_event(&self, VDISK_EVENT_OPENED, 0, 0, 0);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_resume(self.session, self.now_ms));
    is_silent(&self);
    shut_down(&self);
}

static void messages_of_others_are_left_alone(void)
{
    static const char *const topics[] = {
        "", "altair/" CHANNEL "/dev", "altair/" CHANNEL "/vdisk/v2/rs", "altair/87654321/vdisk/v2/rsp",
        "altair/" CHANNEL "/vdisk/v2/rsp/", "altair/\xff/vdisk/data",
    };
    device self;
    const uint8_t byte = 1;
    boot(&self);
    open_session(&self);
    for (size_t at = 0; at < sizeof topics / sizeof *topics; ++at)
        CHECK_EQUAL(VDISK_FOREIGN, receive_on(&self, topics[at], &byte, 1, 0));
    CHECK_EQUAL(0, counted(&self).foreign + counted(&self).malformed);

    CHECK_EQUAL(SECTOR_CACHE_OK, receive_on(&self, "altair/" CHANNEL "/vdisk/v2/req", &byte, 1, 0));
    CHECK_EQUAL(SECTOR_CACHE_OK, receive_on(&self, "altair/" CHANNEL "/vdisk/v2/rsp", &byte, 1, 1));
    CHECK_EQUAL(2, counted(&self).foreign);
    CHECK_EQUAL(SECTOR_CACHE_OK, receive_on(&self, "altair/" CHANNEL "/vdisk/v2/rsp", &byte, 1, 0));
    CHECK_EQUAL(SECTOR_CACHE_OK, receive_on(&self, "altair/" CHANNEL "/vdisk/data", &byte, 1, 0));

    const char *topic = "altair/" CHANNEL "/vdisk/data";
    CHECK_EQUAL(SECTOR_CACHE_OK,
                vdisk_session_received(self.session, topic, strlen(topic), NULL, 0, 0, self.now_ms));
    CHECK_EQUAL(3, counted(&self).malformed);
    CHECK_EQUAL(VDISK_FOREIGN, vdisk_session_received(self.session, NULL, 0, &byte, 1, 0, self.now_ms));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL,
                vdisk_session_received(self.session, NULL, 1, &byte, 1, 0, self.now_ms));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_NULL,
                vdisk_session_received(self.session, topic, strlen(topic), NULL, 1, 0, self.now_ms));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH,
                vdisk_session_received(self.session, topic, strlen(topic), &byte, SIZE_MAX, 0, self.now_ms));
    CHECK_EQUAL(SECTOR_CACHE_ERROR_LENGTH,
                vdisk_session_received(self.session, topic, SIZE_MAX, &byte, 1, 0, self.now_ms));
    shut_down(&self);
}

/* A message of version 1 is to be published. */
static void check_legacy(device *self, const char *topic, size_t length)
{
    vdisk_session_message message;
    CHECK_EQUAL(VDISK_PUBLISH, vdisk_session_poll(self->session, self->now_ms, &message));
    CHECK(strcmp(message.topic, topic) == 0);
    CHECK_EQUAL(length, message.length);
}

static void receive_data(device *self, uint32_t sector, uint8_t fill)
{
    uint8_t data[4 + SECTOR];
    memset(data, fill, sizeof data);
    put_number(data, sector * (uint64_t)SECTOR, 4);
    CHECK_EQUAL(SECTOR_CACHE_OK, receive_on(self, "altair/" CHANNEL "/vdisk/data", data, sizeof data, 0));
}

static void a_server_of_version_1_is_spoken_to_as_long_as_it_keeps_what_it_gets(void)
{
    device self;
    boot(&self);
    CHECK_EQUAL(SECTOR_CACHE_OK, vdisk_session_connected(self.session, self.now_ms));
    for (int hello = 0; hello < 4; ++hello) {
        CHECK_EQUAL(HELLO, next_request(&self).operation);
        self.now_ms += 20000;
    }
    check_legacy(&self, "altair/" CHANNEL "/vdisk/v2/req", 48);
    check_legacy(&self, "altair/" CHANNEL "/vdisk/read", 4);
    receive_data(&self, 0, 0);
    check_event(&self, VDISK_EVENT_FELL_BACK, 0, 0, 0);

    CHECK_EQUAL(SECTOR_CACHE_OK, write_sector(&self, 1, 2, 0x22));
    for (int differences = 0; differences < 8; ++differences) {
        CHECK_EQUAL(0, self.events);
        self.now_ms += 20000;
        check_legacy(&self, "altair/" CHANNEL "/vdisk/write", 4 + SECTOR);
        check_legacy(&self, "altair/" CHANNEL "/vdisk/read", 4);
        receive_data(&self, 2, 0x21);
    }
    check_event(&self, VDISK_EVENT_WRITE_FAILED, 2, VDISK_FAILURE_NOT_KEPT, 0);
    shut_down(&self);
}

int main(void)
{
    a_device_says_hello_when_it_is_connected();
    a_read_brings_its_track_to_the_mailbox();
    a_sector_that_no_message_names_is_not_for_the_mailbox();
    without_a_mailbox_sectors_arrive();
    reads_are_refused_by_code();
    reads_fail_by_event();
    a_write_is_held_until_it_is_acknowledged();
    whoever_waits_gets_what_is_written();
    writes_are_refused_by_code();
    a_write_that_the_server_refuses_fails();
    a_message_that_the_mailbox_misses_is_made_up_for();
    a_drive_that_others_change_is_dropped();
    a_server_from_the_past_is_noticed();
    a_nonce_of_before_and_a_refusal_are_told();
    a_channel_can_be_taken_over_and_back();
    messages_of_others_are_left_alone();
    a_server_of_version_1_is_spoken_to_as_long_as_it_keeps_what_it_gets();
    return CHECKS_RESULT;
}
