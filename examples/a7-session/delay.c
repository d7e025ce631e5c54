/*
 * delay MILLISECONDS PORT: forwards connections to that port of this machine, each byte so many milliseconds after it
 * came, in either direction. An end of one direction ends both. Prints the port on which it listens.
 */

#define _GNU_SOURCE

#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A parcel is what one read brought. What finds no room waits in the socket. */
enum { CONNECTIONS = 8, PARCELS = 256, PARCEL_BYTES = 1024, NOTHING = -1 };

typedef struct {
    uint64_t due_us;
    size_t length; /* 0: the end */
    uint8_t bytes[PARCEL_BYTES];
} parcel;

/* One direction, between two sockets. */
typedef struct {
    int from, to;
    parcel parcels[PARCELS]; /* a ring */
    unsigned first, count;
    size_t sent;             /* of the first one */
    bool has_ended;
} line;

typedef struct {
    bool is_open;
    line lines[2];
} connection;

static connection connections[CONNECTIONS];
static uint64_t delay_us;
static struct sockaddr_in target;

static void die(const char *what)
{
    fprintf(stderr, "delay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void at_once(int socket)
{
    int yes = 1;

    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static connection *free_connection(void)
{
    for (connection *one = connections; one < connections + CONNECTIONS; one++) {
        if (!one->is_open) {
            return one;
        }
    }
    return NULL;
}

static void begin(line *way, int from, int to)
{
    way->from = from;
    way->to = to;
    way->first = way->count = 0;
    way->sent = 0;
    way->has_ended = false;
}

/* Takes a connection, and ends it if there is nobody to forward it to. */
static void accept_one(int listener)
{
    int near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connection *one = free_connection();

    if (near < 0 || far < 0 || one == NULL || connect(far, (struct sockaddr *)&target, sizeof target) != 0) {
        close(near);
        close(far);
        return;
    }
    at_once(near);
    at_once(far);
    begin(&one->lines[0], near, far);
    begin(&one->lines[1], far, near);
    one->is_open = true;
}

static void close_both(connection *one)
{
    close(one->lines[0].from);
    close(one->lines[0].to);
    one->is_open = false;
}

static bool may_take(const line *way)
{
    return !way->has_ended && way->count < PARCELS;
}

static void take(line *way)
{
    parcel *last = &way->parcels[(way->first + way->count) % PARCELS];
    ssize_t length = recv(way->from, last->bytes, sizeof last->bytes, MSG_DONTWAIT);

    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    way->has_ended = length <= 0;
    last->length = length < 0 ? 0 : (size_t)length;
    last->due_us = clock_us() + delay_us;
    way->count++;
}

static bool is_due(const line *way, uint64_t now_us)
{
    return way->count > 0 && way->parcels[way->first].due_us <= now_us;
}

/* Passes on what is due. Returns false at the end. */
static bool pass_on(line *way)
{
    while (is_due(way, clock_us())) {
        const parcel *next = &way->parcels[way->first];
        if (next->length == 0) {
            return false;
        }
        ssize_t sent = send(way->to, next->bytes + way->sent, next->length - way->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        way->sent += (size_t)sent;
        if (way->sent == next->length) {
            way->first = (way->first + 1) % PARCELS;
            way->count--;
            way->sent = 0;
        }
    }
    return true;
}

/* Milliseconds until something has to be passed on, or -1. What is due already waits for its socket. */
static int pause_ms(void)
{
    uint64_t now_us = clock_us(), next_us = UINT64_MAX;

    for (const connection *one = connections; one < connections + CONNECTIONS; one++) {
        for (const line *way = one->lines; one->is_open && way < one->lines + 2; way++) {
            if (way->count > 0 && !is_due(way, now_us) && way->parcels[way->first].due_us < next_us) {
                next_us = way->parcels[way->first].due_us;
            }
        }
    }
    return next_us == UINT64_MAX ? -1 : (int)((next_us - now_us + 999) / 1000);
}

static void turn(int listener)
{
    struct pollfd sockets[1 + 2 * CONNECTIONS] = {{.fd = listener, .events = POLLIN}};

    /* Socket 1 + 2n + w is read by line w of connection n, and written by the other one. */
    for (int at = 0; at < 2 * CONNECTIONS; at++) {
        const connection *one = &connections[at / 2];
        const line *read = &one->lines[at % 2], *written = &one->lines[1 - at % 2];
        short events = 0;
        if (one->is_open) {
            events |= may_take(read) ? POLLIN : 0;
            events |= is_due(written, clock_us()) ? POLLOUT : 0;
        }
        sockets[1 + at] = (struct pollfd){.fd = events != 0 ? read->from : NOTHING, .events = events};
    }
    if (poll(sockets, 1 + 2 * CONNECTIONS, pause_ms()) < 0 && errno != EINTR) {
        die("poll");
    }
    for (int at = 0; at < 2 * CONNECTIONS; at++) {
        line *read = &connections[at / 2].lines[at % 2];
        if (sockets[1 + at].revents != 0 && may_take(read)) {
            take(read);
        }
    }
    for (connection *one = connections; one < connections + CONNECTIONS; one++) {
        if (one->is_open && (!pass_on(&one->lines[0]) || !pass_on(&one->lines[1]))) {
            close_both(one);
        }
    }
    if (sockets[0].revents != 0) {
        accept_one(listener);
    }
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        die("no port to listen on");
    }
    printf("listens on port %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fputs("usage: delay MILLISECONDS PORT\n", stderr);
        return 2;
    }
    delay_us = strtoull(arguments[1], NULL, 10) * 1000;
    target.sin_family = AF_INET;
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target.sin_port = htons((uint16_t)atoi(arguments[2]));

    int listener = listen_somewhere();
    for (;;) {
        turn(listener);
    }
}
