/* The board's end of the mailbox: the handshake that tells where the shared buffers are, and the
 * bells. Registers as in the MT3620's M4 data sheet and Azure Sphere's public samples. */

#include "mailbox.h"

#define MAILBOX_REGISTER(offset) (*(volatile uint32_t *)(0x21050000u + (offset)))
#define BELL MAILBOX_REGISTER(0x14)         /* SW_TX_INT_PORT */
#define FIFO_COMMAND MAILBOX_REGISTER(0x50) /* reading it takes the entry out of the FIFO */
#define FIFO_DATA MAILBOX_REGISTER(0x54)
#define FIFO_COUNT MAILBOX_REGISTER(0x58)

enum { BELL_SENT = 1u << 0, BELL_RECEIVED = 1u << 1 };

#define COMMAND_OUTBOUND 0xba5e0001u
#define COMMAND_INBOUND 0xba5e0002u
#define COMMAND_END 0xba5e0003u

/* A descriptor is the buffer's address, with the binary logarithm of its size in the low bits. */
enum { SIZE_BITS = 0x1f };

static mailbox_buffer *buffer(uint32_t descriptor)
{
    return (mailbox_buffer *)(descriptor & ~(uint32_t)SIZE_BITS);
}

mailbox mailbox_open(void)
{
    uint32_t inbound = 0;
    uint32_t outbound = 0;
    uint32_t command;

    do {
        while (FIFO_COUNT == 0) {
        }
        uint32_t data = FIFO_DATA;
        command = FIFO_COMMAND;
        if (command == COMMAND_OUTBOUND) {
            outbound = data;
        } else if (command == COMMAND_INBOUND) {
            inbound = data;
        }
    } while (command != COMMAND_END);

    mailbox box = {
        .outbound = buffer(outbound),
        .inbound = buffer(inbound),
        .size = (1u << (outbound & SIZE_BITS)) - (uint32_t)sizeof(mailbox_buffer),
    };
    return box;
}

/* The loop polls: this core has nothing else to do, and the first message then waits for nobody. */
void mailbox_wait(void)
{
}

void mailbox_sent(void)
{
    BELL = BELL_SENT;
}

void mailbox_received(void)
{
    BELL = BELL_RECEIVED;
}
