#define _POSIX_C_SOURCE 200809L

#include "connection.h"

#include "children.h"
#include "clock.h"

#include <mosquitto.h>
#include <poll.h>
#include <string.h>

/* Before the broker is tried again, and the longest turn. */
enum { PAUSE_MS = 50, TURN_MS = 1000, TOPICS = 2 };

static vdisk_session *session;
static struct mosquitto *mqtt;
static int broker_port;
static int subscriptions;
static bool is_tried;
static uint64_t next_try_ms;
static unsigned losses;

static void on_connect(struct mosquitto *client, void *context, int code)
{
    (void)context;
    if (code != 0) {
        fail("the broker says no: %s", mosquitto_connack_string(code));
    }
    mosquitto_subscribe(client, NULL, "altair/" CHANNEL "/vdisk/v2/rsp", 0);
    mosquitto_subscribe(client, NULL, "altair/" CHANNEL "/vdisk/data", 0);
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count, const int *granted)
{
    (void)client, (void)context, (void)id, (void)count, (void)granted;
    if (++subscriptions == TOPICS) {
        vdisk_session_connected(session, clock_ms());
    }
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message)
{
    (void)client, (void)context;
    vdisk_session_received(session, message->topic, strlen(message->topic), message->payload,
                           (size_t)message->payloadlen, message->retain, clock_ms());
}

void connection_open(vdisk_session *of, int port)
{
    session = of;
    broker_port = port;
    mosquitto_lib_init();
    mqtt = mosquitto_new(CHANNEL, true, NULL);
    if (mqtt == NULL) {
        fail("no memory for libmosquitto");
    }
    mosquitto_int_option(mqtt, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_callback_set(mqtt, on_connect);
    mosquitto_subscribe_callback_set(mqtt, on_subscribe);
    mosquitto_message_callback_set(mqtt, on_message);
}

static void lost(void)
{
    losses += subscriptions == TOPICS;
    vdisk_session_disconnected(session);
    subscriptions = 0;
    is_tried = false;
    next_try_ms = clock_ms() + PAUSE_MS;
}

/* What is dropped here for lack of a connection, the session sends again. */
static void publish(void)
{
    vdisk_session_message message;

    while (vdisk_session_poll(session, clock_ms(), &message) == VDISK_PUBLISH) {
        mosquitto_publish(mqtt, NULL, message.topic, (int)message.length, message.payload, 0, false);
    }
}

/* For how long nothing is to be done, unless something arrives. */
static int pause_ms(uint64_t now_ms)
{
    uint64_t until_ms = vdisk_session_deadline(session, now_ms);

    if (!is_tried && next_try_ms < until_ms) {
        until_ms = next_try_ms;
    }
    if (until_ms <= now_ms) {
        return 0;
    }
    return until_ms - now_ms < TURN_MS ? (int)(until_ms - now_ms) : TURN_MS;
}

void connection_turn(bool may_wait)
{
    publish();
    if (!is_tried && clock_ms() >= next_try_ms) {
        is_tried = mosquitto_connect(mqtt, "127.0.0.1", broker_port, 60) == MOSQ_ERR_SUCCESS;
        if (!is_tried) {
            lost();
        }
    }
    int wait_ms = may_wait ? pause_ms(clock_ms()) : 0;
    if (!is_tried) {
        poll(NULL, 0, wait_ms);
    } else if (mosquitto_loop(mqtt, wait_ms, 1) != MOSQ_ERR_SUCCESS) {
        lost();
    }
}

unsigned connection_losses(void)
{
    return losses;
}

void connection_close(void)
{
    mosquitto_disconnect(mqtt);
    mosquitto_destroy(mqtt);
    mosquitto_lib_cleanup();
}
