#include "a7.h"

#include "disk_message.h"
#include "mailbox.h"
#include "semihosting.h"
#include "startup.h"

enum { BUFFER_BYTES = 2048 };

static union {
    mailbox_buffer buffer;
    uint8_t bytes[BUFFER_BYTES];
} to_m4, to_a7;

enum { RING_BYTES = BUFFER_BYTES - sizeof(mailbox_buffer) };

static mailbox a7_box = {.outbound = &to_m4.buffer, .inbound = &to_a7.buffer, .size = RING_BYTES};

/* Of each side while the other one runs. */
static void *m4_stack, *a7_stack;

/* Goes on where the other side stopped, and returns when that does the same. */
__attribute__((naked)) static void switch_to(void *other __attribute__((unused)),
                                             void **own __attribute__((unused)))
{
    __asm volatile("push {r4-r11, lr}\n"
                   "str sp, [r1]\n"
                   "mov sp, r0\n"
                   "pop {r4-r11, pc}\n");
}

mailbox mailbox_open(void)
{
    static struct {
        uint64_t free[1024];
        /* What switch_to() takes from it first. */
        uint32_t r4_to_r11[8];
        void (*pc)(void);
        /* The stack begins on a multiple of 8. */
        uint32_t above;
    } stack = {.pc = a7};
    mailbox m4 = {.outbound = &to_a7.buffer, .inbound = &to_m4.buffer, .size = RING_BYTES};

    a7_stack = stack.r4_to_r11;
    return m4;
}

void mailbox_wait(void)
{
    switch_to(a7_stack, &m4_stack);
}

void mailbox_sent(void)
{
}

void mailbox_received(void)
{
}

size_t ask(uint8_t *message, size_t length)
{
    uint8_t whole[MAILBOX_MESSAGE_MAX];

    memcpy(whole, message_header, MAILBOX_HEADER);
    memcpy(whole + MAILBOX_HEADER, message, length);
    if (mailbox_send(&a7_box, whole, MAILBOX_HEADER + length) != 0) {
        fail("no room in an empty mailbox");
    }
    switch_to(m4_stack, &a7_stack);
    length = mailbox_receive(&a7_box, whole, sizeof whole);
    if (length == 0) {
        return 0;
    }
    if (length <= MAILBOX_HEADER || length > MAILBOX_HEADER + MESSAGE_LENGTH) {
        fail("an answer has another length than any can have");
    }
    if (memcmp(whole, message_header, MAILBOX_HEADER) != 0) {
        fail("an answer's header is not the request's");
    }
    if (to_a7.buffer.write_position != to_m4.buffer.read_position) {
        fail("there are two answers");
    }
    memcpy(message, whole + MAILBOX_HEADER, length - MAILBOX_HEADER);
    return length - MAILBOX_HEADER;
}

void tell(uint8_t *message, size_t length)
{
    if (ask(message, length) != 0) {
        fail("what is not to be answered was");
    }
}

uint32_t stack_used(void)
{
    const uint32_t *word = stack_limit;

    while (word < stack_top && *word == STACK_PAINT) {
        word++;
    }
    return (uint32_t)((const uint8_t *)stack_top - (const uint8_t *)word);
}
