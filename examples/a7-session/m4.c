#define _GNU_SOURCE

#include "m4.h"

#include "children.h"
#include "clock.h"

#include <disk_message.h>
#include <errno.h>
#include <fcntl.h>
#include <mailbox.h>
#include <poll.h>
#include <sector.h>
#include <shared_memory.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static mailbox box;
static int bells = -1;

static uint8_t *shared_memory(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    void *memory = MAP_FAILED;

    if (file >= 0 && ftruncate(file, SHARED_MEMORY_BYTES) == 0) {
        memory = mmap(NULL, 2 * SHARED_BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    if (memory == MAP_FAILED) {
        fail("%s: %s", path, strerror(errno));
    }
    close(file);
    return memory;
}

void m4_start(const char *image, const char *path)
{
    uint8_t *memory = shared_memory(path);
    char backend[512], bell[64];
    const char *const arguments[] = {
        "qemu-system-arm", "-machine", "mps2-an386,memory-backend=shared", "-cpu", "cortex-m4",
        /* The vector table lies at the start of the TCM, not at address 0. */
        "-global", "armv7m.init-nsvtor=0x00100000", "-object", backend, "-chardev", bell, "-serial", "chardev:bells",
        "-display", "none", "-monitor", "none", "-kernel", image, NULL};
    int ends[2];

    snprintf(backend, sizeof backend, "memory-backend-file,id=shared,share=on,size=%d,mem-path=%s",
             SHARED_MEMORY_BYTES, path);
    snprintf(bell, sizeof bell, "socket,id=bells,fd=%d", INHERITED);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        fail("no socket for bells: %s", strerror(errno));
    }
    child_start(arguments, ends[1]);
    close(ends[1]);
    bells = ends[0];
    box.outbound = (mailbox_buffer *)(void *)memory;
    box.inbound = (const mailbox_buffer *)(const void *)(memory + SHARED_BUFFER_BYTES);
    box.size = SHARED_BUFFER_BYTES - (uint32_t)sizeof(mailbox_buffer);
}

static void ring(uint8_t bell)
{
    if (send(bells, &bell, 1, MSG_NOSIGNAL) != 1) {
        fail("the M4 is gone: %s", strerror(errno));
    }
}

void mailbox_sent(void)
{
    ring(BELL_SENT);
}

void mailbox_received(void)
{
    ring(BELL_RECEIVED);
}

/* Returns when a bell has rung, and takes all that have. */
static void await_bell(uint64_t until_ms)
{
    struct pollfd readable = {.fd = bells, .events = POLLIN};
    uint64_t now_ms = clock_ms();
    uint8_t rung[256];

    if (now_ms >= until_ms || poll(&readable, 1, (int)(until_ms - now_ms)) <= 0) {
        fail("the M4 does not answer");
    }
    if (recv(bells, rung, sizeof rung, 0) <= 0) {
        fail("the M4 is gone");
    }
}

void m4_send(const uint8_t *message, size_t length)
{
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    uint8_t whole[MAILBOX_HEADER + MESSAGE_LENGTH];

    memcpy(whole, message_header, MAILBOX_HEADER);
    memcpy(whole + MAILBOX_HEADER, message, length);
    while (mailbox_send(&box, whole, MAILBOX_HEADER + length) != 0) {
        await_bell(until_ms);
    }
}

static size_t answer(uint8_t *message)
{
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    uint8_t whole[MAILBOX_MESSAGE_MAX];
    size_t length;

    while ((length = mailbox_receive(&box, whole, sizeof whole)) == 0) {
        await_bell(until_ms);
    }
    if (length < MAILBOX_HEADER || length > MAILBOX_HEADER + MESSAGE_LENGTH ||
        memcmp(whole, message_header, MAILBOX_HEADER) != 0) {
        fail("the M4's answer is none");
    }
    memcpy(message, whole + MAILBOX_HEADER, length - MAILBOX_HEADER);
    return length - MAILBOX_HEADER;
}

int m4_read(uint32_t sector, uint8_t *bytes)
{
    static const uint8_t miss[MISS_LENGTH];
    uint8_t message[MESSAGE_LENGTH];

    message_begin(message, READ, sector, 0);
    m4_send(message, READ_LENGTH);
    size_t length = answer(message);
    if (length == MISS_LENGTH && memcmp(message, miss, sizeof miss) == 0) {
        return 0;
    }
    if (length != MESSAGE_LENGTH || message[TYPE] != READ || message_number(message) != sector ||
        message[CACHED] != 1 || message[SUCCESS] != 1) {
        fail("the M4's answer is neither a hit nor a miss");
    }
    memcpy(bytes, message + BYTES, SECTOR_LENGTH);
    return 1;
}
