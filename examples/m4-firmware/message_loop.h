/* The loop of a firmware that serves messages. */

#ifndef MESSAGE_LOOP_H
#define MESSAGE_LOOP_H

#include "mailbox.h"

/* Serves a message behind its header, puts the answer in its place, and returns that one's length; 0 for none. */
typedef size_t message_service(uint8_t *message, size_t length, size_t capacity);

/* Takes each message from the mailbox, and sends what it is answered with. */
static inline _Noreturn void message_loop(message_service *serve)
{
    static uint8_t message[MAILBOX_MESSAGE_MAX];
    mailbox box = mailbox_open();

    for (;;) {
        size_t length = mailbox_receive(&box, message, sizeof message);
        if (length < MAILBOX_HEADER) {
            mailbox_wait();
            continue;
        }
        size_t answer =
            serve(message + MAILBOX_HEADER, length - MAILBOX_HEADER, sizeof message - MAILBOX_HEADER);
        while (answer > 0 && mailbox_send(&box, message, MAILBOX_HEADER + answer) != 0) {
            mailbox_wait();
        }
    }
}

#endif
