/* The rings. A block is its length (4 bytes), then the message, which may wrap around; the next one
 * starts on a multiple of 16. Positions and lengths that the other side wrote are checked, since
 * they become addresses. */

#include "mailbox.h"

#include <string.h>

enum { ALIGNMENT = 16, LENGTH_BYTES = 4 };

/* The message must be in the ring before its position says so, and read before we give it back. */
static void barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint32_t block_after(const mailbox *box, uint32_t position, uint32_t length)
{
    uint32_t end = position + LENGTH_BYTES + length;
    uint32_t next = (end + ALIGNMENT - 1) & ~(uint32_t)(ALIGNMENT - 1);

    return next < box->size ? next : next - box->size;
}

static uint32_t distance(const mailbox *box, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : to + box->size - from;
}

static int valid(const mailbox *box, uint32_t position)
{
    return position < box->size && position % ALIGNMENT == 0;
}

size_t mailbox_receive(mailbox *box, uint8_t *message, size_t capacity)
{
    const uint8_t *data = box->inbound->data;
    uint32_t written = box->inbound->write_position;
    uint32_t position = box->outbound->read_position;

    if (!valid(box, written) || !valid(box, position) || written == position) {
        return 0;
    }
    barrier();

    uint32_t length;
    memcpy(&length, data + position, sizeof length);
    uint32_t available = distance(box, position, written) - LENGTH_BYTES;
    size_t taken = 0;
    uint32_t next = written;

    if (length <= available) {
        next = block_after(box, position, length);
        if (length <= capacity) {
            uint32_t start = position + LENGTH_BYTES;
            uint32_t before_end = box->size - start;
            uint32_t first = length < before_end ? length : before_end;
            memcpy(message, data + start, first);
            memcpy(message + first, data, length - first);
            taken = length;
        }
    }
    barrier();
    box->outbound->read_position = next;
    mailbox_received();
    return taken;
}

int mailbox_send(mailbox *box, const uint8_t *message, size_t length)
{
    uint8_t *data = box->outbound->data;
    uint32_t position = box->outbound->write_position;
    uint32_t read = box->inbound->read_position;

    if (!valid(box, position) || !valid(box, read) || length > MAILBOX_MESSAGE_MAX) {
        return -1;
    }
    uint32_t used = distance(box, read, position);

    /* One unit stays free, so that a full ring does not look empty. */
    if (used + LENGTH_BYTES + length + ALIGNMENT > box->size) {
        return -1;
    }

    uint32_t length_field = (uint32_t)length;
    uint32_t start = position + LENGTH_BYTES;
    uint32_t before_end = box->size - start;
    uint32_t first = length_field < before_end ? length_field : before_end;
    memcpy(data + position, &length_field, sizeof length_field);
    memcpy(data + start, message, first);
    memcpy(data, message + first, length_field - first);
    barrier();
    box->outbound->write_position = block_after(box, position, length_field);
    mailbox_sent();
    return 0;
}
