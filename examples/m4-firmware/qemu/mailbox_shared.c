/* The M4's end of that mailbox: mps2-an386 has the memory at 0x21000000, and the UART is its first. */

#include "mailbox.h"
#include "shared_memory.h"

#define SHARED_MEMORY 0x21000000u

#define UART(offset) (*(volatile uint32_t *)(0x40004000u + (offset)))
#define DATA UART(0x00)
#define STATE UART(0x04)
#define CONTROL UART(0x08)
#define INTERRUPTS UART(0x0c)
#define BAUD_DIVIDER UART(0x10)
#define ENABLED_INTERRUPTS (*(volatile uint32_t *)0xe000e100u)
#define PENDING_INTERRUPTS (*(volatile uint32_t *)0xe000e280u)

enum { SENDING = 1u << 0, RECEIVED = 1u << 1 };
enum { MAY_SEND = 1u << 0, MAY_RECEIVE = 1u << 1, RECEIVED_INTERRUPTS = 1u << 3 };
enum { UART_INTERRUPT = 1u << 0, FASTEST = 16 };

mailbox mailbox_open(void)
{
    mailbox box = {
        .outbound = (mailbox_buffer *)(SHARED_MEMORY + SHARED_BUFFER_BYTES),
        .inbound = (const mailbox_buffer *)SHARED_MEMORY,
        .size = SHARED_BUFFER_BYTES - (uint32_t)sizeof(mailbox_buffer),
    };

    /* The UART's interrupt ends a wait, and is never taken. */
    __asm volatile("cpsid i");
    ENABLED_INTERRUPTS = UART_INTERRUPT;
    BAUD_DIVIDER = FASTEST;
    CONTROL = MAY_SEND | MAY_RECEIVE | RECEIVED_INTERRUPTS;
    return box;
}

/* Sleeps until a bell has rung since the last time, and takes that. */
void mailbox_wait(void)
{
    while (!(STATE & RECEIVED)) {
        __asm volatile("wfi");
    }
    INTERRUPTS = RECEIVED;
    PENDING_INTERRUPTS = UART_INTERRUPT;
    (void)DATA;
}

static void ring(uint32_t bell)
{
    while (STATE & SENDING) {
    }
    DATA = bell;
}

void mailbox_sent(void)
{
    ring(BELL_SENT);
}

void mailbox_received(void)
{
    ring(BELL_RECEIVED);
}
