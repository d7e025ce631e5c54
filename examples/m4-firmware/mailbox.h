/* The mailbox between the M4 and the A7: a ring of messages in each direction, in shared memory. */

#ifndef MAILBOX_H
#define MAILBOX_H

#include <stddef.h>
#include <stdint.h>

enum {
    MAILBOX_HEADER = 20,      /* of a message: component of the A7 (16), reserved (4); not ours to change */
    MAILBOX_MESSAGE_MAX = 1024 /* with its header */
};

/* A shared buffer, as the A7's operating system lays it out. Both positions are of its owner, who
 * alone writes this buffer: where it writes next here, and where it reads next in the other one. */
typedef struct {
    volatile uint32_t write_position;
    volatile uint32_t read_position;
    uint32_t reserved[14];
    uint8_t data[];
} mailbox_buffer;

typedef struct {
    mailbox_buffer *outbound;      /* ours */
    const mailbox_buffer *inbound; /* the other side's */
    uint32_t size;                 /* bytes of data in each */
} mailbox;

/* Takes the next message, header included, and returns its length; 0 if none has come. One that is
 * longer than `capacity` is dropped. */
size_t mailbox_receive(mailbox *box, uint8_t *message, size_t capacity);

/* Puts a message, header included, into the ring. Returns 0, or -1 and sends nothing as long as
 * it does not fit: the other side has to read first. */
int mailbox_send(mailbox *box, const uint8_t *message, size_t length);

/* What differs between the board and a simulation of it. */
mailbox mailbox_open(void);   /* waits until both buffers are there */
void mailbox_wait(void);      /* returns when a message, or room for one, may have come */
void mailbox_sent(void);      /* tells the other side that one was sent */
void mailbox_received(void);  /* tells it that there is room again */

#endif
